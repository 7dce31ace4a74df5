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


class HintedRadio(_Hinted, forms.RadioSelect):
    pass


class HintedCheckboxes(_Hinted, forms.CheckboxSelectMultiple):
    pass
