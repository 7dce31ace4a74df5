"""What to do about an answer, in plain words (R6, R28)."""

from __future__ import annotations

from typing import Any

from scim.models import TurnedAway

#: Status, scimType ("" is any), a text of the detail ("" is any), and what to do; the first that
#: fits. A test provokes each answer and holds the texts together with it.
_ADVICE: tuple[tuple[int, str, str, str], ...] = (
    (
        400,
        "invalidSyntax",
        "cut off",
        "The connection broke on the way. The identity provider repeats it by itself; if it "
        "stays, look at proxies in between.",
    ),
    (
        400,
        "invalidSyntax",
        "",
        "What came is not the JSON that SCIM asks for. With a custom template (OneLogin: SCIM "
        "JSON Template) look for a missing comma or bracket and a wrong schema.",
    ),
    (
        400,
        "invalidFilter",
        "",
        "The identity provider asks with a filter that cannot be understood. Look at the matching"
        " attribute of its mapping: userName or externalId work.",
    ),
    (
        400,
        "invalidPath",
        "",
        "The mapping names an attribute that SCIM does not have. Correct the target attribute in "
        "the identity provider’s mapping, or remove that line.",
    ),
    (
        400,
        "noTarget",
        "",
        "The mapping names a value that is not there. In the identity provider, restart "
        "provisioning for this person, or remove that line of the mapping.",
    ),
    (
        400,
        "mutability",
        "",
        "The mapping writes an attribute that cannot be written, such as id or meta. Remove that "
        "line of the mapping.",
    ),
    (
        400,
        "tooMany",
        "",
        "The question was too large for one answer. Let the identity provider ask by userName or "
        "externalId, or in smaller pages.",
    ),
    (
        400,
        "invalidValue",
        "member",
        "A member is not known here. Assign the person to the application in the identity "
        "provider as well, so that they are pushed first; then push the group again.",
    ),
    (
        400,
        "invalidValue",
        "userName",
        "The person came without a user name that works. Map userName to an attribute that "
        "everybody has, such as the e-mail, and push again.",
    ),
    (
        400,
        "",
        "",
        "The identity provider sent a value that does not fit. The detail names the attribute: "
        "correct it in the person’s profile there, or in the mapping, and push again.",
    ),
    (
        401,
        "",
        "",
        "Enter a working token of this application in the identity provider.",
    ),
    (
        403,
        "",
        " needed: all ",
        "There are more people than licenses. Buy more or free some under Licenses; the same push"
        " succeeds then, and most identity providers repeat it by themselves.",
    ),
    (
        403,
        "",
        "held for review",
        "The safety brake holds these removals. Look at them under Held removals: approve what is"
        " meant, dismiss what is not, and mend the mapping or scope that caused it.",
    ),
    (
        403,
        "",
        "dismissed this removal",
        "An admin decided that this person keeps the license. Let the identity provider push them"
        " as active, or undo the dismissal under Held removals.",
    ),
    (
        403,
        "",
        "approved this removal",
        "The removal is under way: the push succeeds when it is repeated in a minute.",
    ),
    (
        403,
        "",
        "added by hand",
        "An admin added this person by hand. Let the identity provider update them first, which "
        "takes them over; then it may delete them.",
    ),
    (
        403,
        "",
        "Discovery documents",
        "Nothing is wrong with the connection: this address has no filter.",
    ),
    (
        403,
        "",
        "",
        "This is not allowed, whatever is sent. The detail says why.",
    ),
    (
        404,
        "",
        "There is nothing at this address",
        "The base URL in the identity provider has something in front or behind that does not "
        "belong there. Copy it once more from the application’s page.",
    ),
    (
        404,
        "",
        "User",
        "The identity provider remembers somebody who is not in this application any more. Remove"
        " and assign the person again there (Entra: restart provisioning), so that they are "
        "created anew.",
    ),
    (
        404,
        "",
        "Group",
        "The identity provider remembers a group that is not here any more. Unlink and push the "
        "group again there.",
    ),
    (
        404,
        "",
        "",
        "What was asked for is not here. Copy the base URL once more, and push again.",
    ),
    (
        405,
        "",
        "",
        "This address does not know that method. Copy the base URL once more from the "
        "application’s page.",
    ),
    (
        409,
        "uniqueness",
        "displayName",
        "Two groups may not have one name. Rename the manual group under Groups, or the group in "
        "the identity provider, and push again.",
    ),
    (
        409,
        "uniqueness",
        "userName",
        "The application has somebody of that user name. Two people with one user name: give one "
        "another. The same person: let the identity provider match by userName (import, or "
        "restart provisioning).",
    ),
    (
        409,
        "",
        "",
        "It contradicts what is here. The detail names what: change one of the two and push again.",
    ),
    (
        412,
        "",
        "",
        "Somebody else changed it in the meantime. The identity provider reads it anew and "
        "repeats the change.",
    ),
    (
        413,
        "",
        "",
        "The request is too large. Push fewer people or members at once.",
    ),
    (
        415,
        "",
        "",
        "The identity provider must send application/scim+json. Choose SCIM 2.0 as its type.",
    ),
    (
        429,
        "",
        "",
        "Too many requests at once. The identity provider goes on by itself.",
    ),
    (
        501,
        "",
        "",
        "This part of SCIM is not offered, and identity providers do well without it.",
    ),
    (
        503,
        "",
        "",
        "Seatkeeper was busy for a moment, and nothing was changed. The identity provider repeats"
        " the request by itself.",
    ),
    (
        500,
        "",
        "",
        "Seatkeeper failed, and nothing was changed. Repeat the push; if it fails again, tell "
        "support the request id.",
    ),
)


def what_to_do(status: int, response: Any, detail: str = "") -> str:
    """What to do about an error; empty when there is nothing to do."""
    if status < 400:
        return ""
    document = response if isinstance(response, dict) else {}
    scim_type = str(document.get("scimType") or "")
    told = f"{document.get('detail') or ''} {detail}"
    for fits, kind, text, sentence in _ADVICE:
        if fits == status and kind in ("", scim_type) and text in told:
            return sentence
    return (
        "The detail says what was wrong. If it makes no sense to you, tell support the request id."
    )


_MEND = {
    TurnedAway.Why.REVOKED: (
        "the token {token}, which was revoked. Enter one that works in the identity provider, or "
        "generate a new one."
    ),
    TurnedAway.Why.EXPIRED: (
        "the token {token}, which has expired. Generate a new one and enter it in the identity "
        "provider."
    ),
    TurnedAway.Why.MISTYPED: (
        "something that begins as the token {token} does, and goes on otherwise: it was cut off "
        "or mistyped. Paste the whole token once more; if it is lost, generate another one."
    ),
    TurnedAway.Why.MISSENT: (
        "the token {token} in an odd form. The header has to read: Authorization: Bearer TOKEN, "
        "with the word Bearer once and nothing after the token. Some identity providers add "
        "Bearer by themselves, others do not."
    ),
    TurnedAway.Why.OFF: ("the token {token}, which works, while SCIM is off. Turn SCIM on."),
    TurnedAway.Why.PLAN: (
        "the token {token}, which works, but the plan has no SCIM. Upgrade the plan."
    ),
    TurnedAway.Why.TOO_FAST: (
        "the token {token} and was told to wait: it, or the address that it comes from, sends too "
        "much at once. Identity providers repeat such requests by themselves."
    ),
}


def turned_away(row: TurnedAway) -> str:
    """What came with a token that was not let in, and how to mend it."""
    return "A request came with " + _MEND[TurnedAway.Why(row.why)].format(token=row.token)
