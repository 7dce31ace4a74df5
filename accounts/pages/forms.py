"""What forms of every app share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.widgets import ChoiceWidget


class _Hinted(ChoiceWidget):
    """A sentence under each choice (ui/field.html shows it)."""

    def __init__(self, hints: Mapping[str, str]) -> None:
        super().__init__()
        self.hints = hints

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["hint"] = self.hints.get(str(value), "")
        return option


def csv_file(most_bytes: int, most_rows: int) -> forms.FileField:
    """A CSV file to upload, with what `accounts.sheets` reads of it as its help."""
    return forms.FileField(
        label="CSV file",
        allow_empty_file=True,
        max_length=200,
        help_text=f"At most {most_bytes // 1024 // 1024} MB and {most_rows:,} rows, "
        f"in UTF-8, UTF-16 or Windows-1252, with commas, semicolons or tabs.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
    )


class HintedRadio(_Hinted, forms.RadioSelect):
    pass


class HintedTicks(_Hinted, forms.CheckboxSelectMultiple):
    """The same with boxes, of which several may be ticked."""
