"""SCIM requests skip what only browsers need: sessions, CSRF, messages, policies."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver

from scim import answers

PREFIX = "/scim/v2"
_log = logging.getLogger("seatkeeper.scim")


class ScimShortcutMiddleware:
    """Answers everything below /scim/v2 at once; the urlconf has a view for each address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.startswith(PREFIX) or path[len(PREFIX) :][:1] not in ("", "/"):
            return self.get_response(request)
        # Resolved among SCIM's own addresses alone: the pages' need not be tried first.
        match = get_resolver("scim.urls").resolve(path[len(PREFIX) :] or "/")
        request.resolver_match = match
        try:
            return match.func(request, *match.args, **match.kwargs)
        except Error:
            # Before a view could answer: identity providers repeat a 503 later, and no page.
            _log.exception("the database did not answer")
            return answers.unavailable(request)
