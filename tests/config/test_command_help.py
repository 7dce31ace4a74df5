"""Every command of ours: --json where interface.md says so, and help with an example that works."""

from __future__ import annotations

import io
import re
import shlex

import pytest
from django.core.management import get_commands, load_command_class

from accounts.management.progress import Progress

OURS = sorted(
    name
    for name, app in get_commands().items()
    if app in ("accounts", "licensing", "scim", "config")
)
#: For developers; not in interface.md.
WITHOUT_JSON = {"verify"}


@pytest.mark.parametrize("name", OURS)
def test_help_ends_with_an_example_that_can_be_typed(name: str) -> None:
    """interface.md: whoever asks for help sees how it is used."""
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    found = re.search(r"^Example: python manage\.py (.+)$", parser.format_help(), re.MULTILINE)
    assert found, parser.format_help()
    program, *arguments = shlex.split(found[1])
    assert program == name
    options = vars(parser.parse_args(arguments))
    assert ("json" in options) == (name not in WITHOUT_JSON)
    assert "Example" not in (parser.description or "")
    assert parser.description


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "drawn"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_bar_is_drawn_on_a_terminal_alone(stream: io.StringIO, drawn: bool) -> None:
    """interface.md: in a pipe there is nothing but what was asked for."""
    with Progress(4, "pools", more=lambda: "  1 failed", stream=stream) as show:
        show(2)
        show(3)  # too soon to draw again
    text = stream.getvalue()
    assert bool(text) == drawn
    if drawn:
        assert re.search(r"\r\[#+\.+\] 2/4 pools  \d+/s  1 failed", text)
        assert text.endswith("\r\033[K")
        assert "3/4" not in text
