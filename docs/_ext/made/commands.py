"""Every command of ours: what it says about itself, its arguments, its example."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from made.markdown import code, listed, plain, table
from made.sources import APPS

_EXAMPLE = re.compile(r"\s*Examples?: (.+)", re.DOTALL)
#: Arguments that say nothing about themselves where they are typed.
_KNOWN = {
    "application_id": "as `create_scim_application` printed it",
    "email": "the address of the person or admin",
    "emails": "the addresses of the people",
    "eligibility": "who gets a license",
    "employee_number": "of a person who is new",
    "first_name": "of a person who is new",
    "idp": "the identity provider",
    "last_name": "of a person who is new",
    "member": "the address of somebody to put into it, as often as there are people",
    "name": "what it is called",
    "number": "how many licenses were bought, in all",
    "organization": "the organization, by its slug",
    "plan": "the organization's plan",
    "product": "whose licenses",
    "role": "what the admin may do",
    "slug": "the organization, by its slug",
    "token_id": "as `issue_scim_token` printed it",
    "when_full": "what becomes of a push when no license is free",
}
#: What every Django command takes.
_USUAL = {action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions} | {
    "help"
}


def page() -> str:
    found = {name: app for name, app in get_commands().items() if app in APPS}
    return "\n".join(
        _command(name, load_command_class(found[name], name)) for name in sorted(found)
    )


def _command(name: str, command: BaseCommand) -> str:
    parser = command.create_parser("manage.py", name)
    said, *example = _EXAMPLE.split(command.help, maxsplit=1)
    rows = [(form, text) for action in parser._actions for form, text in _argument(parser, action)]
    parts = [f"## {name}\n", f"{plain(said.strip())}\n"]
    if rows:
        parts.append(table(("argument", "is"), rows))
    if example:
        parts.append(f"```console\n$ .venv/bin/python manage.py {example[0].strip()}\n```\n")
    return "\n".join(parts)


def _argument(
    parser: argparse.ArgumentParser, action: argparse.Action
) -> Iterator[tuple[str, str]]:
    if action.dest in _USUAL:
        return
    takes = "" if action.nargs == 0 else f" {_value(action)}"
    form = f"{action.option_strings[-1]}{takes}" if action.option_strings else _value(action)
    if not action.help and action.dest not in _KNOWN:
        raise ValueError(f"{parser.prog}: {action.dest} has no help")
    text = plain(action.help) if action.help else _KNOWN[action.dest]
    parts = [text % {"default": action.default}]
    if action.choices:
        parts.append("one of " + listed(map(str, action.choices)))
    known = action.default not in (None, False, argparse.SUPPRESS, [], "")
    if known and action.option_strings and "default" not in text:
        parts.append(f"default {code(str(action.default))}")
    if action.required and action.option_strings:
        parts.append("must be given")
    yield code(form), "; ".join(parts)


def _value(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return f"{name} …" if action.nargs in ("*", "+") else name
