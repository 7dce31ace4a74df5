"""A picture of every page for docs/screenshots, and the page there that shows them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.urls import reverse

from licensing import activation
from licensing.models import Seat
from scim import setup_links
from tests.pages import addresses
from tests.pages import world as worlds

#: Shown in the dark and on a telephone, too.
MAIN = ("overview", "users", "person", "holders", "scim", "application", "guide", "request")
MAIN = (*MAIN, "report", "held", "sign-in")
TALLEST = 4000
_HEAD = """# Every page of the Admin Center

Made by `SCREENSHOTS=1 ./test tests/pages/test_every_page.py -k screenshots`, of the
organization that browser tests use: with names too long for any table, on purpose.
"""


def write(open_page: Callable[..., Any], folder: Path) -> None:
    """Every page in light at 1440 px, the main ones in dark and at 390 px, and the index."""
    world = worlds.make()
    worlds.hold_removals(world)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.*"):
        old.unlink()
    alone, shown = _alone(world), addresses.every(world)
    titles: dict[str, str] = {}
    for width, scheme, names in (
        (1440, "light", [*shown, *alone]),
        (1440, "dark", MAIN),
        (390, "light", MAIN),
    ):
        signed_in = open_page(admin=world.owner, width=width, color_scheme=scheme)
        signed_out = open_page(width=width, color_scheme=scheme)
        for name in names:
            page = signed_out if name in alone else signed_in
            page.goto(alone.get(name) or shown[name])
            titles.setdefault(name, page.title().removesuffix(" – Seatkeeper"))
            (folder / _file(name, width, scheme)).write_bytes(_picture(page))
    (folder / "README.md").write_text(_index(titles))


def _alone(world: worlds.World) -> dict[str, str]:
    """Pages for whoever has not signed in."""
    seat = Seat.objects.of(world.organization).filter(state="provisioned").first()
    link = setup_links.make(world.application, for_whom="Sol, IT", by=world.owner)
    return {
        "sign-in": reverse("accounts:sign_in"),
        "forgotten-password": reverse("accounts:forgotten"),
        "activate": reverse("licensing:activate", args=[activation.link(seat).split("/")[-2]]),
        "setup": reverse("scim_settings:setup", args=[setup_links.address(link).split("/")[-2]]),
    }


def _file(name: str, width: int, scheme: str) -> str:
    return f"{name}{'' if width == 1440 else f'-{width}'}{'-dark' if scheme == 'dark' else ''}.webp"


def _picture(page: Any) -> bytes:
    """The whole page as WebP, a quarter of a PNG; Playwright itself has no such format."""
    width = page.viewport_size["width"]
    height = min(TALLEST, max(600, page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")  # where a form has the focus
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": 60})
    session.detach()
    page.set_viewport_size({"width": width, "height": 900})
    return base64.b64decode(taken["data"])


def _index(titles: dict[str, str]) -> str:
    lines = [_HEAD]
    for name, title in titles.items():
        lines.append(f"## {title}\n\n![{title}]({_file(name, 1440, 'light')})\n")
        if name in MAIN:
            dark, narrow = _file(name, 1440, "dark"), _file(name, 390, "light")
            lines.append(f"![{title}, dark]({dark})\n\n![{title}, at 390 px]({narrow})\n")
    return "\n".join(lines)
