"""A question with numbers: what a deed would do, asked until it is confirmed as it stands."""

from __future__ import annotations

from typing import Any, Protocol

from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages import typed
from accounts.pages.access import AdminRequest
from licensing.preview import Effect, Outdated


class Deed(Protocol):
    def __call__(self, *, dry_run: bool, expected: str = "") -> Effect: ...


def answer(
    request: AdminRequest, deed: Deed, template: str, context: dict[str, Any], *, name: str
) -> tuple[HttpResponse | None, Effect]:
    """The page that asks, with `effect`, and with 409 when what was confirmed is outdated.

    None in its place: it was confirmed (the field `confirmed`, the digest of what the page
    showed) and is done. name: has to be typed when many lose a license by it.
    """
    confirmed = request.POST.get("confirmed", "")
    outdated, wrong = False, ""
    try:
        effect = deed(dry_run=True, expected=confirmed)
        typed_name = typed.read_name(request, name, wanted=effect.lose.total > typed.MANY)
        if confirmed and typed_name.right:
            return None, deed(dry_run=False, expected=confirmed)
        wrong = typed_name.wrong if confirmed else ""
    except Outdated as refusal:
        effect, outdated = refusal.effect, True
    context = context | {
        "effect": effect,
        "outdated": outdated,
        "name": name if effect.lose.total > typed.MANY else "",
        "wrong": wrong,
    }
    status = 409 if outdated else 422 if wrong else 200
    return render(request, template, context, status=status), effect
