"""The one way to say no."""


class Refusal(Exception):
    """A deed that was refused: nothing was changed.

    code: stable, for programs (`seats_missing`). detail: a sentence for a person,
    with the number or the name that helps and what to do. Commands print both,
    pages show the detail, scim turns it into a SCIM error by its code.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class NotFound(Refusal):
    """Nothing of that name or number is there (for this organization)."""
