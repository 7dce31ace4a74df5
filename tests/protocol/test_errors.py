"""Error messages: RFC 7644 section 3.12, tables 8 and 9."""

from __future__ import annotations

import inspect

import pytest
from scim2_models import Error

from scim.protocol import errors, schema
from scim.protocol.errors import ScimError

FAMILY = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, ScimError)]


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_every_error_is_a_message_that_an_independent_library_reads(kind: type[ScimError]) -> None:
    """RFC 7644 section 3.12: schemas, status as a string, scimType only where there is one."""
    body = kind().body()
    assert body["schemas"] == [schema.ERROR]
    assert body["status"] == str(kind.status)
    assert ("scimType" in body) == (kind.scim_type is not None)
    read = Error.model_validate(body)
    assert read.status == kind.status
    assert read.scim_type == kind.scim_type
    assert read.detail


@pytest.mark.parametrize(
    ("kind", "status", "scim_type"),
    [
        (errors.InvalidFilter, 400, "invalidFilter"),
        (errors.TooMany, 400, "tooMany"),
        (errors.Uniqueness, 409, "uniqueness"),
        (errors.Mutability, 400, "mutability"),
        (errors.InvalidSyntax, 400, "invalidSyntax"),
        (errors.InvalidPath, 400, "invalidPath"),
        (errors.NoTarget, 400, "noTarget"),
        (errors.InvalidValue, 400, "invalidValue"),
        (errors.InvalidVersion, 400, "invalidVers"),
        (errors.Sensitive, 403, "sensitive"),
        (errors.Forbidden, 403, None),
        (errors.NotFound, 404, None),
        (errors.MethodNotAllowed, 405, None),
        (errors.NotAcceptable, 406, None),
        (errors.Conflict, 409, None),
        (errors.PreconditionFailed, 412, None),
        (errors.PayloadTooLarge, 413, None),
        (errors.UnsupportedMediaType, 415, None),
        (errors.TooManyRequests, 429, None),
        (errors.NotImplementedHere, 501, None),
    ],
)
def test_status_and_scim_type_are_those_of_the_tables(kind, status, scim_type) -> None:
    """RFC 7644 tables 8 and 9."""
    assert (kind.status, kind.scim_type) == (status, scim_type)


def test_a_detail_replaces_the_default_and_headers_are_kept() -> None:
    """RFC 7644 section 3.12; RFC 6750 section 3 for the challenge."""
    refused = errors.Unauthorized("No.", headers={"Retry-After": "1"})
    assert refused.status == 401
    assert refused.detail == "No."
    assert refused.headers == {"WWW-Authenticate": 'Bearer realm="SCIM"', "Retry-After": "1"}
    assert errors.Unauthorized.default_headers == {"WWW-Authenticate": 'Bearer realm="SCIM"'}
