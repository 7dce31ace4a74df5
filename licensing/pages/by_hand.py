"""One person by hand: add, edit, remove, give a license and take it away (R8, R10)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.by_hand import FIELDS, LONGEST, edit
from accounts.models import Group, Person, Product
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.undoing import done
from accounts.refusal import Refusal
from licensing import by_hand, pools
from licensing.models import Seat
from licensing.pages import figures

_HELP = {
    "email": "Invitations go there, and identity providers find the person by it.",
    "employee_number": "Decides first who gets a license when several compete.",
}


def _text(field: str) -> forms.CharField:
    return forms.CharField(
        label=FIELDS[field],
        required=field == "email",
        max_length=LONGEST[field],
        help_text=_HELP.get(field, ""),
        widget=(forms.EmailInput if field == "email" else forms.TextInput)(
            attrs={"autocomplete": "off", "spellcheck": "false"}
        ),
    )


class PersonForm(forms.Form):
    """What an admin says of a person (R7)."""

    first_name = _text("first_name")
    last_name = _text("last_name")
    email = _text("email")
    employee_number = _text("employee_number")
    title = _text("title")
    department = _text("department")

    def cells(self) -> dict[str, str]:
        return {field: self.cleaned_data[field] for field in FIELDS}


class NewPersonForm(PersonForm):
    """The same, with a license at once if one is free."""

    product = forms.ChoiceField(
        label="License",
        required=False,
        choices=[("", "None for now"), *Product.choices],
        help_text="The person is invited by e-mail to activate it.",
    )


@admin_required
@changes_things
def new(request: AdminRequest) -> HttpResponse:
    """Add a person, with a license if one is asked for (R10)."""
    form = NewPersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        product = form.cleaned_data["product"]
        try:
            person = by_hand.add(
                request.organization, form.cells(), product=product, by=request.admin
            )
        except Refusal as refusal:
            form.add_error(_field_of(refusal), refusal.detail)
        else:
            license = f" with a {Product(product).label} license" if product else ""
            done(request, f"{person.name} was added{license}.")
            return redirect("licensing:person", person.pk)
    about = {"form": form, "free": figures.of_organization(request.organization)}
    return render(request, "licensing/new_person.html", about, status=_status(form))


@admin_required
@changes_things
def edit_person(request: AdminRequest, person_id: int) -> HttpResponse:
    """Change the profile; what an application owns is shown locked (R8)."""
    person = _of(request, person_id)
    known = {field: getattr(person, field) for field in FIELDS}
    form = PersonForm(request.POST if request.method == "POST" else None, initial=known)
    if request.method == "POST" and (form.is_valid() or person.managed_by):
        cells = form.cells() if form.is_valid() else known
        try:
            edit(request.organization, person.pk, cells, by=request.admin)
        except Refusal as refusal:
            form.add_error(_field_of(refusal), refusal.detail)
        else:
            done(request, f"The profile of {person.name} was changed.")
            return redirect("licensing:person", person.pk)
    if person.managed_by:
        for field in form.fields.values():
            field.disabled = True
    about = {"form": form, "person": person}
    return render(request, "licensing/edit_person.html", about, status=_status(form))


@admin_required
@changes_things
def remove(request: AdminRequest, person_id: int) -> HttpResponse:
    """Asks, telling what goes with the person; the answer removes them (R10, R12)."""
    person = _of(request, person_id)
    if request.method == "POST":
        try:
            by_hand.one(
                request.organization,
                by_hand.Remove(request.organization),
                person.pk,
                by=request.admin,
            )
        except Refusal as refusal:
            messages.error(request, refusal.detail)
            return redirect("licensing:person", person.pk)
        done(request, f"{person.name} was removed.")
        return redirect("licensing:people")
    groups = Group.objects.of(request.organization).filter(memberships__person=person)
    about = {
        "person": person,
        "seats": Seat.objects.of(request.organization).filter(person=person).select_related("pool"),
        "groups": groups.select_related("application").defer("document").order_by("name_key")[:50],
    }
    return render(request, "licensing/remove_person.html", about)


@require_POST
@admin_required
@changes_things
def give(request: AdminRequest, person_id: int, product: str) -> HttpResponse:
    """A license by hand."""
    return _deed(request, person_id, product, by_hand.GiveSeat, "was given a {} license")


@require_POST
@admin_required
@changes_things
def take(request: AdminRequest, person_id: int, product: str) -> HttpResponse:
    """Take away a license that was given by hand (R12)."""
    return _deed(request, person_id, product, by_hand.RemoveSeat, "has no {} license any more")


# ------------------------------------------------------------------ inside


def _deed(
    request: AdminRequest, person_id: int, product: str, deed: Any, told: str
) -> HttpResponse:
    figures.check(product)
    person = _of(request, person_id)
    pool = pools.get(request.organization, product)
    try:
        by_hand.one(request.organization, deed(pool), person.pk, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        done(request, f"{person.name} {told.format(Product(product).label)}.")
    return redirect("licensing:person", person.pk)


def _of(request: AdminRequest, person_id: int) -> Person:
    """404: no such person, or one who was removed."""
    return get_object_or_404(
        Person.objects.of(request.organization)
        .select_related("managed_by")
        .filter(removed_at=None),
        pk=person_id,
    )


def _field_of(refusal: Refusal) -> str | None:
    """The field that a refusal is about; None is the whole form."""
    if refusal.code in ("person_exists", "email_invalid", "email_ambiguous"):
        return "email"
    return "product" if refusal.code == "no_license_free" else None


def _status(form: forms.Form) -> int:
    return 422 if form.errors else 200
