"""The forms of Settings > Global Settings > SCIM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import Application, Product
from accounts.pages.forms import HintedRadio
from licensing import brake
from licensing.models import Policy
from scim import tokens

LONGEST_GROUP = 256


#: How the form says "chosen groups, and none": people are synced and nobody gets a license (R16).
SYNC = "sync"


class RulesForm(forms.Form):
    """Who gets a license through an application, and what when licenses run out (R16, R18)."""

    eligibility = forms.ChoiceField(
        label="Auto-assign licenses",
        choices=[
            (Policy.Eligibility.EVERYONE, "To everyone the application provides"),
            (Policy.Eligibility.GROUPS, "To members of chosen groups"),
            (SYNC, "To nobody: sync people only"),
        ],
        initial=Policy.Eligibility.EVERYONE,
        widget=HintedRadio(
            {
                "everyone": "Whoever is pushed and active gets a license.",
                "groups": "Whoever leaves the last chosen group loses the license.",
                SYNC: "People and groups appear, and licenses are given by hand or later.",
            }
        ),
    )
    eligible_groups = forms.CharField(
        label="Chosen groups",
        required=False,
        help_text=(
            "One name a line, as in the identity provider. A group may be pushed later. "
            "With none, people are synced and nobody gets a license."
        ),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    when_full = forms.ChoiceField(
        label="When licenses run out",
        choices=[
            (Policy.WhenFull.REFUSE, "Refuse the push"),
            (Policy.WhenFull.WAITLIST, "Put the person on the waiting list"),
        ],
        initial=Policy.WhenFull.REFUSE,
        widget=HintedRadio(
            {
                "refuse": "The identity provider shows the error and how many licenses are "
                "missing; the same push succeeds once one is free.",
                "waitlist": "The person is created without a license and gets one, in order, "
                "as soon as one is free.",
            }
        ),
    )

    def clean_eligible_groups(self) -> list[str]:
        """Names, one a line; none unless groups are chosen, whatever was typed."""
        if self.cleaned_data.get("eligibility") != Policy.Eligibility.GROUPS:
            return []
        lines = self.cleaned_data["eligible_groups"].splitlines()
        names = [line.strip() for line in lines if line.strip()]
        if any(len(name) > LONGEST_GROUP for name in names):
            raise forms.ValidationError(f"A group has a name of 1 to {LONGEST_GROUP} letters.")
        return names

    def clean(self) -> dict[str, Any]:
        """As the domain has it: syncing people only is chosen groups with none chosen."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("eligibility") == SYNC:
            cleaned["eligibility"] = Policy.Eligibility.GROUPS
        return cleaned


def as_form(eligibility: str, eligible_groups: Sequence[str], when_full: str) -> dict[str, str]:
    """The rules as RulesForm shows them."""
    nobody = eligibility == Policy.Eligibility.GROUPS and not eligible_groups
    return {
        "eligibility": SYNC if nobody else eligibility,
        "eligible_groups": "\n".join(eligible_groups),
        "when_full": when_full,
    }


class ConnectionForm(forms.Form):
    """The first step of a new application: what is connected to what."""

    name = forms.CharField(
        label="Name",
        max_length=200,
        help_text="As your colleagues will see it, for example “Okta – Sales Navigator”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    product = forms.ChoiceField(
        label="Product",
        choices=Product.choices,
        initial=Product.SALES_NAVIGATOR,
        help_text="An application feeds one product. Add a second application for another one.",
        widget=HintedRadio({}),
    )
    idp = forms.ChoiceField(
        label="Identity provider",
        choices=Application.Idp.choices,
        initial=Application.Idp.OKTA,
        widget=HintedRadio({}),
    )


class TokenForm(forms.Form):
    """A new token."""

    name = forms.CharField(
        label="Token name",
        required=False,
        max_length=100,
        help_text="Where it is used, for example “Okta production”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.IntegerField(
        label="Life in days",
        min_value=1,
        max_value=tokens.DAYS,
        initial=tokens.DAYS,
        help_text=f"At most {tokens.DAYS} (two years).",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class RotateForm(forms.Form):
    """How long the old token works beside the new one (R3)."""

    overlap = forms.TypedChoiceField(
        label="The old token works for",
        choices=[
            (0, "No longer: it ends now"),
            (1, "1 more hour"),
            (24, "1 more day"),
            (24 * 7, "7 more days"),
            (24 * 30, "30 more days"),
        ],
        coerce=int,
        initial=24 * 7,
        widget=HintedRadio(
            {
                "0": "For a token that has leaked. Pushes are refused until you enter the new one.",
                "168": "Time enough to enter the new one in the identity provider.",
            }
        ),
    )


class SetupLinkForm(forms.Form):
    """Who gets a setup link."""

    for_whom = forms.CharField(
        label="For whom",
        max_length=200,
        help_text="The IT contact’s name or e-mail, so that you can tell links apart.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class BrakeForm(forms.Form):
    """The limits of the safety brake."""

    on = forms.ChoiceField(
        label="Safety brake",
        choices=[("on", "On"), ("off", "Off")],
        widget=HintedRadio(
            {
                "on": "Removals that pass both limits within an hour are held for your review.",
                "off": "Every removal is carried out at once, however many there are.",
            }
        ),
    )
    people = forms.IntegerField(
        label="People",
        min_value=0,
        max_value=brake.MOST_PEOPLE,
        help_text="So many may lose their license within an hour without review.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    percent = forms.IntegerField(
        label="Percent",
        min_value=0,
        max_value=100,
        help_text="And so large a share of those who have a license from this application.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
