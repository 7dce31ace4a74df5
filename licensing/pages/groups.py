"""Groups: those that identity providers push (locked), and those made by hand (R23)."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts import manual_groups, people_files, sheets
from accounts.manual_groups import Joined
from accounts.models import Group, Membership, Organization, Person
from accounts.pages import asked, typed
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.paging import page_of
from accounts.pages.undoing import done
from accounts.refusal import Refusal
from licensing.models import EligibleGroup
from licensing.pages.wanted import Wanted, with_what_is_shown

#: So many people are offered by a search for members.
OFFERED = 10
_AS_A_PERSON_SAYS = re.compile(r"^displayName:? ")


class NameForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=256,
        help_text="For example SMB, MM or ENT. No other group may be called so, whatever its case.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class MembersForm(forms.Form):
    """People by their addresses: pasted, or in a CSV file."""

    addresses = forms.CharField(
        label="E-mail addresses",
        required=False,
        max_length=1_000_000,
        help_text="Pasted from anywhere: one a line, or with commas or semicolons between them.",
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )
    file = forms.FileField(
        label="Or a CSV file",
        required=False,
        help_text="With a column E-mail; other columns are not looked at.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
    )
    leave_out = forms.BooleanField(
        label="Leave out addresses that nobody has",
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """`emails`: everything that was given. Refused: entries without an address."""
        cleaned = super().clean() or {}
        found, without = manual_groups.addresses(cleaned.get("addresses", ""))
        if without:
            self.add_error(
                "addresses", f"There is no e-mail address in: {', '.join(without[:5])[:300]}."
            )
        file = cleaned.get("file")
        if file is not None:
            try:
                found += _in_file(file)
            except Refusal as refusal:
                self.add_error("file", refusal.detail)
        if not found and not self.errors:
            self.add_error("addresses", "Paste addresses, or choose a file with them.")
        return cleaned | {"emails": list(dict.fromkeys(found))}


@admin_required
def groups(request: AdminRequest) -> HttpResponse:
    """All groups by name, with how many people are in each."""
    search = asked.text(request.GET, "q")
    rows = _groups(request.organization).order_by("name_key", "id")
    if search:
        rows = rows.filter(name__icontains=search)
    context = {"page": page_of(request, rows), "search": search}
    part = "licensing/groups.html#results" if request.htmx else "licensing/groups.html"
    return render(request, part, context)


@admin_required
def group(request: AdminRequest, group_id: uuid.UUID) -> HttpResponse:
    """One group: who owns it, and its people in allocation order."""
    return render(request, "licensing/group.html", _shown(request, group_id))


@admin_required
@changes_things
def new(request: AdminRequest) -> HttpResponse:
    """Make a manual group. Refused: a name that any group has (R24)."""
    form = NameForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = manual_groups.create(
                request.organization, form.cleaned_data["name"], by=request.admin
            )
        except Refusal as refusal:
            form.add_error("name", _said(refusal))
        else:
            messages.success(request, f"The group {made.name} was made. Add people to it.")
            return redirect("licensing:group", made.pk)
    status = 422 if form.errors else 200
    return render(request, "licensing/name_group.html", {"form": form}, status=status)


@admin_required
@changes_things
def rename(request: AdminRequest, group_id: uuid.UUID) -> HttpResponse:
    group = _of(request, group_id)
    form = NameForm(
        request.POST if request.method == "POST" else None, initial={"name": group.name}
    )
    if request.method == "POST" and form.is_valid():
        try:
            renamed = manual_groups.rename(group, form.cleaned_data["name"], by=request.admin)
        except Refusal as refusal:
            form.add_error("name", _said(refusal))
        else:
            done(request, f"The group is called {renamed.name} now.")
            return redirect("licensing:group", group.pk)
    context = {"form": form, "group": group}
    status = 422 if form.errors else 200
    return render(request, "licensing/name_group.html", context, status=status)


@admin_required
@changes_things
def delete(request: AdminRequest, group_id: uuid.UUID) -> HttpResponse:
    """Asks, telling what goes; the answer deletes the group. Its people stay."""
    group = _of(request, group_id)
    members = Membership.objects.filter(group=group, person__removed_at=None).count()
    name = typed.read_name(request, group.name, wanted=members > typed.MANY)
    if request.method == "POST" and name.right:
        try:
            number = manual_groups.delete(group, by=request.admin)
        except Refusal as refusal:
            messages.error(request, _said(refusal))
            return redirect("licensing:group", group.pk)
        done(request, f"The group {group.name} was deleted. {_people(number)} stay as they were.")
        return redirect("licensing:groups")
    context = {"group": group, "number": members, "typed": name}
    return render(request, "licensing/delete_group.html", context, status=name.status)


@require_POST
@admin_required
@changes_things
def add_members(request: AdminRequest, group_id: uuid.UUID) -> HttpResponse:
    """People by search (`person`), or by their addresses, pasted or in a file."""
    group = _of(request, group_id)
    ticked = _ids(request.POST.getlist("person"))
    form = MembersForm(None if ticked else request.POST, None if ticked else request.FILES)
    if not ticked and not form.is_valid():
        return _refused(request, group_id, form)
    try:
        if ticked:
            joined = manual_groups.add(group, ticked, by=request.admin)
        else:
            joined = manual_groups.add_addresses(
                group,
                form.cleaned_data["emails"],
                leave_out_unknown=form.cleaned_data["leave_out"],
                by=request.admin,
            )
    except Refusal as refusal:
        if ticked:
            messages.error(request, _said(refusal))
            return redirect("licensing:group", group.pk)
        form.add_error(None, refusal.detail)
        return _refused(request, group_id, form)
    done(request, _joined(joined, group))
    return redirect("licensing:group", group.pk)


@require_POST
@admin_required
@changes_things
def remove_members(request: AdminRequest, group_id: uuid.UUID) -> HttpResponse:
    """One (`only`), or those that were selected (`person`)."""
    group = _of(request, group_id)
    chosen = _ids(request.POST.getlist("only") or request.POST.getlist("person"))
    if not chosen:
        messages.error(request, "Nobody was selected.")
        return redirect("licensing:group", group.pk)
    try:
        number = manual_groups.remove(group, chosen, by=request.admin)
    except Refusal as refusal:
        messages.error(request, _said(refusal))
    else:
        were = "was" if number == 1 else "were"
        done(request, f"{_people(number)} {were} taken out of {group.name}.")
    return redirect("licensing:group", group.pk)


# ------------------------------------------------------------------ inside


def _shown(request: AdminRequest, group_id: uuid.UUID) -> dict[str, Any]:
    group = get_object_or_404(_groups(request.organization), pk=group_id)
    people = with_what_is_shown(
        Person.objects.of(request.organization)
        .filter(memberships__group=group, removed_at=None)
        .order_by("sort_key", "id"),
        request.organization,
    )
    chosen = (
        EligibleGroup.objects.of(request.organization)
        .filter(group=group)
        .select_related("policy__pool", "policy__application")
    )
    wanted = Wanted.read(request.GET)
    offered = []
    if wanted.search and group.application is None:
        inside = Membership.objects.filter(group=group, person=OuterRef("pk"))
        offered = list(
            wanted.people(request.organization)
            .annotate(inside=Exists(inside))
            .order_by("sort_key", "id")[: OFFERED + 1]
        )
    return {
        "group": group,
        "page": page_of(request, people),
        "chosen": chosen,
        "search": wanted.search,
        "offered": offered[:OFFERED],
        "more_offered": len(offered) > OFFERED,
        "members_form": MembersForm(),
    }


def _refused(request: AdminRequest, group_id: uuid.UUID, form: MembersForm) -> HttpResponse:
    context = _shown(request, group_id) | {"members_form": form}
    return render(request, "licensing/group.html", context, status=422)


def _groups(organization: Organization) -> QuerySet[Group]:
    members = (
        Membership.objects.of(organization)
        .filter(group=OuterRef("pk"), person__removed_at=None)
        .order_by()
        .values("group")
        .annotate(number=Count("id"))
        .values("number")
    )
    return (
        Group.objects.of(organization)
        .select_related("application")
        .defer("document")
        .annotate(
            members=Coalesce(Subquery(members), 0),
            gives_licenses=Exists(EligibleGroup.objects.filter(group=OuterRef("pk"))),
        )
    )


def _of(request: AdminRequest, group_id: uuid.UUID) -> Group:
    """404: no such group. An application's is refused by whatever changes it."""
    return get_object_or_404(
        Group.objects.of(request.organization).select_related("application", "organization"),
        pk=group_id,
    )


def _in_file(file: Any) -> list[str]:
    if file.size > sheets.MOST_BYTES:
        raise sheets.too_large(file.size)
    sheet = sheets.read(file.read(), {"email": people_files.ALIASES["email"]}, needed="email")
    return [line.cells["email"] for line in sheet.lines if line.cells["email"]]


def _said(refusal: Refusal) -> str:
    """Without the name that the protocol has for a group's name."""
    said = _AS_A_PERSON_SAYS.sub("", refusal.detail)
    return said[0].upper() + said[1:]


def _joined(joined: Joined, group: Group) -> str:
    were = "was" if joined.added == 1 else "were"
    said = f"{_people(joined.added)} {were} added to {group.name}."
    if joined.already:
        said += f" {joined.already:,} {'was' if joined.already == 1 else 'were'} in it already."
    if joined.unknown:
        said += f" Left out, because nobody has the address: {', '.join(joined.unknown[:10])}"
        said += f" and {len(joined.unknown) - 10:,} more." if len(joined.unknown) > 10 else "."
    return said


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _ids(texts: list[str]) -> list[int]:
    return sorted(asked.ids(texts[:1000]))
