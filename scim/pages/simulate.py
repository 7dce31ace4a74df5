"""Simulate a push: a form for one person, and what would happen (R16, R18, R24)."""

from __future__ import annotations

import uuid

from django import forms
from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.forms import HintedRadio
from accounts.refusal import Refusal
from scim import simulate as dry_runs
from scim.employees import Employee
from scim.simulate import Rehearsed

MOST_GROUPS = 20
_TEXT = {"autocomplete": "off", "spellcheck": "false"}


class PersonForm(forms.Form):
    """Somebody as the identity provider would push them."""

    user_name = forms.CharField(
        label="User name",
        max_length=320,
        help_text="Made up, or of somebody who is known: what you leave empty stays as it is then.",
        widget=forms.TextInput(attrs=_TEXT),
    )
    first_name = forms.CharField(
        label="First name", required=False, max_length=256, widget=forms.TextInput(attrs=_TEXT)
    )
    last_name = forms.CharField(
        label="Last name", required=False, max_length=256, widget=forms.TextInput(attrs=_TEXT)
    )
    employee_number = forms.CharField(
        label="Employee number",
        required=False,
        max_length=256,
        help_text="Decides the order when licenses are short.",
        widget=forms.TextInput(attrs=_TEXT),
    )
    deed = forms.ChoiceField(
        label="What the identity provider does",
        choices=[
            ("push", "Pushes them as active"),
            ("deactivate", "Pushes them as not active"),
            ("delete", "Deletes them"),
        ],
        initial="push",
        widget=HintedRadio({}),
    )
    groups = forms.CharField(
        label="And into these groups",
        required=False,
        help_text="One name a line. A group that was not pushed yet is pushed first.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )

    def clean_groups(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["groups"].splitlines()]
        names = [line for line in lines if line]
        if len(names) > MOST_GROUPS:
            raise forms.ValidationError(f"Name at most {MOST_GROUPS} groups.")
        return names


@admin_required
@changes_things
def simulate(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """The form; sent, the answers and what follows. Nothing is kept of it."""
    application = get_object_or_404(
        Application.objects.of(request.organization).select_related("policy", "organization"),
        pk=application_id,
    )
    asked = {"user_name": request.GET["person"]} if "person" in request.GET else None
    form = PersonForm(request.POST or None, initial=asked)
    context = {"application": application, "form": form}
    if request.method == "POST" and form.is_valid():
        try:
            context["rehearsed"] = _run(application, form)
        except Refusal as refusal:
            form.add_error(None, refusal.detail)
        except OperationalError:
            form.add_error(None, "Another change holds what this one needs. Try again.")
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "scim/simulate.html", context, status=status)


def _run(application: Application, form: PersonForm) -> Rehearsed:
    told = form.cleaned_data
    employee = Employee(
        email=told["user_name"],
        first_name=told["first_name"],
        last_name=told["last_name"],
        employee_number=told["employee_number"],
        active=told["deed"] == "push",
    )
    return dry_runs.push(application, employee, told["groups"], delete=told["deed"] == "delete")
