"""The forms of Settings > Global Settings > SCIM."""

from __future__ import annotations

from django import forms

from accounts.models import Application, Product
from accounts.pages.forms import HintedRadio
from licensing import brake
from licensing.models import Policy
from scim import tokens


class RulesForm(forms.Form):
    """Who gets a license through an application, and what when licenses run out (R16, R18)."""

    eligibility = forms.ChoiceField(
        label="Auto-assign licenses",
        choices=[
            (Policy.Eligibility.EVERYONE, "To everyone the application provides"),
            (Policy.Eligibility.GROUPS, "To members of chosen groups"),
        ],
        initial=Policy.Eligibility.EVERYONE,
        widget=HintedRadio(
            {
                "everyone": "Whoever is pushed and active gets a license.",
                "groups": "Whoever leaves the last chosen group loses the license.",
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
        """Names, one a line; none while everyone is eligible, whatever was typed."""
        if self.cleaned_data.get("eligibility") != Policy.Eligibility.GROUPS:
            return []
        lines = self.cleaned_data["eligible_groups"].splitlines()
        return [line.strip() for line in lines if line.strip()]


class ApplicationForm(RulesForm):
    """A new application, in the words of the Admin Center."""

    field_order = ("name", "product", "idp")

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
        label="Name",
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
