"""The description itself: for programs, and for people as a page."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from rest_framework.views import APIView

from accounts.api import problems
from accounts.api.problems import Problem


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1; the same for everybody, so nobody has to sign in for it."""
    from accounts.api import schema  # drf-spectacular, which no start of the web waits for

    response = HttpResponse(orjson.dumps(schema.document()), content_type="application/json")
    response["Cache-Control"] = "public, max-age=300"
    return response


class Unknown(APIView):
    """Whatever else is asked below /api/v1, by any method."""

    authentication_classes: ClassVar[list[Any]] = []
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        detail = "There is no such address. All of them stand in /api/v1/openapi.json."
        return problems.answer(Problem(404, detail), request)
