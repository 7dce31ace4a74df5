"""A question with numbers: what a deed would do, asked until it is confirmed as it stands."""

from __future__ import annotations

from typing import Any, Protocol

from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages.access import AdminRequest
from licensing.preview import Effect, Outdated


class Deed(Protocol):
    def __call__(self, *, dry_run: bool, expected: str = "") -> Effect: ...


def answer(
    request: AdminRequest, deed: Deed, template: str, context: dict[str, Any]
) -> tuple[HttpResponse | None, Effect]:
    """The page that asks, with `effect`, and with 409 when what was confirmed is outdated.

    None in its place: it was confirmed (the field `confirmed`, the digest of what the page
    showed) and is done.
    """
    confirmed = request.POST.get("confirmed", "")
    if not confirmed:
        effect = deed(dry_run=True)
        return render(request, template, context | {"effect": effect}), effect
    try:
        return None, deed(dry_run=False, expected=confirmed)
    except Outdated as outdated:
        effect = outdated.effect
        context = context | {"effect": effect, "outdated": True}
        return render(request, template, context, status=409), effect
