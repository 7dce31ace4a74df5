"""The ways to say no over SCIM: one class for each, with status, scimType and a default detail.

Details are read by the admin of an IdP, in the log of that IdP: they name the attribute and say
what to do, and never tell how the program is made. Source: RFC 7644 section 3.12, tables 8 and 9;
RFC 9865 section 2.3.
"""

from __future__ import annotations

from typing import ClassVar

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A refusal that the client may see.

    detail: a sentence for a person; without one the default of the class. headers: what the answer
    carries besides the body. Nothing else is raised by this package on any input.
    """

    status: int = 400
    scim_type: str | None = None
    default_detail: ClassVar[str] = "The request cannot be carried out."
    default_headers: ClassVar[dict[str, str]] = {}

    def __init__(self, detail: str | None = None, *, headers: dict[str, str] | None = None) -> None:
        self.detail: str = detail or self.default_detail
        self.headers: dict[str, str] = {**self.default_headers, **(headers or {})}
        super().__init__(self.detail)

    def body(self) -> dict[str, object]:
        """The error message of RFC 7644 section 3.12: status is a string, scimType only if set."""
        body: dict[str, object] = {"schemas": [ERROR], "status": str(self.status)}
        if self.scim_type is not None:
            body["scimType"] = self.scim_type
        body["detail"] = self.detail
        return body


class InvalidFilter(ScimError):
    """The filter cannot be read, or asks an attribute what it cannot be asked. Table 9."""

    scim_type = "invalidFilter"
    default_detail = "The filter cannot be read."


class TooMany(ScimError):
    """The answer would be larger than this server is willing to compute. Table 9."""

    scim_type = "tooMany"
    default_detail = "The filter finds too many resources. Ask for less, or page through them."


class Uniqueness(ScimError):
    """A value that must be the only one is taken. Table 9; sections 3.3 and 3.5 say 409."""

    status = 409
    scim_type = "uniqueness"
    default_detail = "A value that must be unique is already in use."


class Mutability(ScimError):
    """The attribute may not be changed in this way. Table 9."""

    scim_type = "mutability"
    default_detail = "The attribute cannot be changed."


class InvalidSyntax(ScimError):
    """The message is not JSON, or does not have the form of its schema. Table 9."""

    scim_type = "invalidSyntax"
    default_detail = "The body is not a valid SCIM message."


class InvalidPath(ScimError):
    """The path of a PATCH operation cannot be read or names no attribute. Table 9."""

    scim_type = "invalidPath"
    default_detail = "The path cannot be read."


class NoTarget(ScimError):
    """The path of a PATCH operation selects nothing. Table 9."""

    scim_type = "noTarget"
    default_detail = "The path selects nothing that could be changed."


class InvalidValue(ScimError):
    """A value is missing or does not fit its attribute. Table 9."""

    scim_type = "invalidValue"
    default_detail = "A value is missing or does not fit its attribute."


class InvalidVersion(ScimError):
    """The SCIM version in the address is not supported. Table 9."""

    scim_type = "invalidVers"
    default_detail = "This SCIM version is not supported. Use /scim/v2."


class InvalidCursor(ScimError):
    """The cursor was not given out by this server. RFC 9865 section 2.3."""

    scim_type = "invalidCursor"
    default_detail = "The cursor is not valid. Start again with an empty cursor."


class ExpiredCursor(ScimError):
    """The cursor is no longer good. RFC 9865 section 2.3."""

    scim_type = "expiredCursor"
    default_detail = "The cursor has expired. Start again with an empty cursor."


class InvalidCount(ScimError):
    """The page size does not fit the cursor. RFC 9865 section 2.3."""

    scim_type = "invalidCount"
    default_detail = "The count cannot be used with this cursor."


class Sensitive(ScimError):
    """Personal data would stand in the address. Table 9 and section 7.5.2."""

    status = 403
    scim_type = "sensitive"
    default_detail = "The request would put personal data into the address. Use POST with .search."


class Unauthorized(ScimError):
    """No token, or one that is not good. Table 8; never tells which. RFC 6750 section 3."""

    status = 401
    default_detail = "The bearer token is missing or not valid."
    default_headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="SCIM"'}


class Forbidden(ScimError):
    """Understood, and not allowed. Table 8; no scimType."""

    status = 403
    default_detail = "This operation is not permitted."


class NotFound(ScimError):
    """No such resource or endpoint, as far as this token can see. Table 8."""

    status = 404
    default_detail = "There is no such resource."


class MethodNotAllowed(ScimError):
    """The endpoint does not know this method. RFC 9110 section 15.5.6."""

    status = 405
    default_detail = "This method is not supported here."


class NotAcceptable(ScimError):
    """The client wants a form that is not offered. RFC 9110 section 15.5.7."""

    status = 406
    default_detail = "Answers are available as application/scim+json or application/json only."


class Conflict(ScimError):
    """The request cannot be fitted to the state of things. Table 8."""

    status = 409
    default_detail = "The request conflicts with the present state of the resource."


class PreconditionFailed(ScimError):
    """The resource has changed since the client read it. Table 8 and section 3.14."""

    status = 412
    default_detail = (
        "The resource has changed in the meantime. Read it again, then repeat the change."
    )


class PayloadTooLarge(ScimError):
    """The body, or the number of operations in it, is above the limit. Table 8, section 3.7.4."""

    status = 413
    default_detail = "The request is too large. Split it into smaller ones."


class UnsupportedMediaType(ScimError):
    """The body is in a form that is not read. RFC 9110 section 15.5.16."""

    status = 415
    default_detail = "Send the body as application/scim+json or application/json."


class TooManyRequests(ScimError):
    """The client is too fast. RFC 6585 section 4; say when in the header Retry-After."""

    status = 429
    default_detail = "Too many requests. Wait a moment, then go on."


class NotImplementedHere(ScimError):
    """A part of the protocol that this server does not offer. Table 8."""

    status = 501
    default_detail = "This operation is not supported."


class ServerFailed(ScimError):
    """A fault of this server; nothing was changed. RFC 7644 table 8: 500."""

    status = 500
    default_detail = "The server failed. Nothing was changed; the request may be repeated."


class ServiceUnavailable(ScimError):
    """Not now; nothing was changed. RFC 7644 table 8: 503."""

    status = 503
    default_detail = "The server cannot answer now. Nothing was changed; repeat the request."
