"""What `./run` runs: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from accounts.management.base import with_example
from config import embedded, place, supervisor
from config.lifeline import Group
from config.place import EmbeddedError, port_is_free


class Command(BaseCommand):
    help = (
        "Start PostgreSQL and Valkey (unless DATABASE_URL and REDIS_URL name others), migrate, "
        "make a demo organization in an empty database, and serve until Ctrl-C. "
        "Example: quickstart --port 8001"
    )
    # The web refuses unsafe settings by itself; all checks would cost half a second here.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return with_example(super().create_parser(prog_name, subcommand, **kwargs))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=_port, default=_usual_port(), help="default: PORT or 8000"
        )
        parser.add_argument("--empty", action="store_true", help="make no demo organization")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document once it answers"
        )

    def handle(self, *, port: int, empty: bool, **options: Any) -> None:
        os.umask(0o077)  # logs, e-mails and the demo's password are for their owner alone
        if not port_is_free(port):
            raise CommandError(
                f"Port {port} is used by another program. Stop it, or choose another: --port N"
            )
        data_dir = settings.DATA_DIR
        try:
            with supervisor.stops_on_signals(), _servers() as servers:
                call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
                made = None if empty else _demo()
                connections.close_all()
                environment = supervisor.environment(data_dir, port)
                with Group(supervisor.children(data_dir, port, environment)) as processes:
                    supervisor.wait_until_live(port, processes, data_dir)
                    place.keep_port(data_dir, port)
                    text = _as_json if options["json"] else _as_text
                    print(text(_url(port), made, empty=empty), flush=True)
                    ended = supervisor.watch(processes, *servers)
                raise EmbeddedError(ended)
        except EmbeddedError as error:
            raise CommandError(f"{error}\nThe logs are in {data_dir / 'logs'}.") from None


def _port(text: str) -> int:
    try:
        return place.port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _usual_port() -> int:
    """Not the one kept from the last time: that was wanted once."""
    return settings.PORT if os.environ.get("PORT") else place.USUAL_PORT


@contextlib.contextmanager
def _servers() -> Iterator[list[Group]]:
    """The embedded servers that no variable replaces, running."""
    postgres = not os.environ.get("DATABASE_URL")
    valkey = not os.environ.get("REDIS_URL")
    if not postgres and not valkey:
        try:
            settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(
                f"The data folder {settings.DATA_DIR} cannot be made ({error.strerror}): "
                "set SEATKEEPER_DATA to another folder."
            ) from None
        yield []
        return
    with embedded.start(settings.DATA_DIR, postgres=postgres, valkey=valkey) as servers:
        if valkey and servers.addresses.redis_url != settings.REDIS_URL:
            # Its kept port was taken by somebody else, so it got another one, which is filed
            # now. Our settings have read the old one: begin again.
            servers.stop()
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606
        yield [servers.group]


def _demo() -> dict[str, Any] | None:
    from config import demo

    return demo.ensure(settings.DATA_DIR)


def _url(port: int) -> str:
    return (os.environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/")


def _as_json(url: str, made: dict[str, Any] | None, *, empty: bool) -> str:
    scim = {"base_url": f"{url}/scim/v2", "token": made["token"]} if made else None
    return json.dumps({"url": url, "admin": made["admin"] if made else None, "scim": scim})


def _as_text(url: str, made: dict[str, Any] | None, *, empty: bool) -> str:
    lines = ["", f"Seatkeeper answers at {url}", ""]
    if made:
        lines += [
            f"  Admin      {made['admin']['email']}",
            f"  Password   {made['admin']['password']}",
            f"  SCIM       {url}/scim/v2",
            f"  Token      {made['token']}",
            "",
            "Provision a person:",
            "",
            f"  {_curl(url, made['token'])}",
        ]
    else:
        if not empty:
            lines += ["The database has organizations, and the demo's password is not known.", ""]
        manage = f"{os.path.relpath(sys.executable)} manage.py"
        lines += [
            "A way in, from another terminal:",
            "",
            f"  {manage} create_organization 'My Company' --slug mine",
            f"  {manage} create_admin me@example.com --organization mine",
            f"  {manage} create_scim_application mine Okta --product sales-navigator --idp okta",
            f"  {manage} issue_scim_token APPLICATION_ID",
        ]
    return "\n".join([*lines, "", "Ctrl-C stops everything.", ""])


def _curl(url: str, token: str) -> str:
    person = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "maria.curie@example.com",
        "name": {"givenName": "Maria", "familyName": "Curie"},
        "active": True,
    }
    return (
        f"curl {url}/scim/v2/Users -H {shlex.quote(f'Authorization: Bearer {token}')} "
        "-H 'Content-Type: application/scim+json' "
        f"-d {shlex.quote(json.dumps(person))}"
    )
