"""The time zone that a reader has chosen; UTC until then."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo

COOKIE = "zone"
UTC = "UTC"


@functools.cache
def names() -> tuple[str, ...]:
    """Places by which a zone is chosen, by continent ("Europe/Berlin"), and UTC first."""
    places = {
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and name.split("/")[0] not in ("Etc", "SystemV", "posix", "right", "US")
    }
    return (UTC, *sorted(places))


def known(name: str | None) -> str:
    """The name if there is such a zone, else UTC: a cookie may say anything."""
    return name if name in names() else UTC


def of(name: str | None) -> dt.tzinfo:
    """UTC needs no list of zones, which a small machine may lack."""
    name = known(name)
    return dt.UTC if name == UTC else zoneinfo.ZoneInfo(name)


def short(moment: dt.datetime) -> str:
    """What the moment's zone is called: "CET", and "UTC+03" where there is no word."""
    name = moment.tzname() or UTC
    return name if name[:1].isalpha() else f"UTC{name}"


def by_region() -> dict[str, list[str]]:
    """For a list to choose from: region → its places."""
    regions: dict[str, list[str]] = {}
    for name in names()[1:]:
        regions.setdefault(name.split("/")[0], []).append(name)
    return regions
