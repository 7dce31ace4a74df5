"""Importing people from a CSV file: upload, look, confirm, and mend what was refused (R10)."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts import people_files, sheets
from accounts.by_hand import FIELDS
from accounts.models import PeopleFile
from accounts.pages import csvs, lists
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.forms import csv_file
from accounts.people_files import Preview
from accounts.refusal import Refusal

#: So many rows of each list are shown; the report has all that were refused.
SHOWN = 100
_LISTS = (
    ("add", "Added"),
    ("change", "Changed"),
    ("refuse", "Refused"),
    ("keep", "Unchanged"),
)


class FileForm(forms.Form):
    file = csv_file(sheets.MOST_BYTES, sheets.MOST_ROWS)


@admin_required
@changes_things
def upload(request: AdminRequest) -> HttpResponse:
    """Choose a file; one that can be read is kept until it is imported."""
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            if given.size > sheets.MOST_BYTES:  # without reading it into memory
                raise sheets.too_large(given.size)
            file = people_files.keep(
                request.organization, given.name, given.read(), admin=request.admin
            )
        except Refusal as refusal:
            form.add_error("file", refusal.detail)
        else:
            return redirect("licensing:import_file", file.pk)
    context = {"form": form, "fields": lists.columns(FIELDS, people_files.ALIASES)}
    return render(request, "licensing/import.html", context, status=422 if form.errors else 200)


@admin_required
@changes_things
def look(request: AdminRequest, file_id: uuid.UUID) -> HttpResponse:
    """What the import would do; the answer does exactly that."""
    file = _file(request, file_id)
    outdated = False
    if request.method == "POST":
        try:
            done = people_files.import_(
                file, expected=request.POST.get("confirmed", ""), by=request.admin
            )
        except people_files.Outdated as refusal:
            found, outdated = refusal.preview, True
        else:
            messages.success(request, _outcome(done))
            return redirect("licensing:import_file", file.pk)
    else:
        found = people_files.preview(file)
    context = {"file": file, "found": found, "lists": _lists(found), "outdated": outdated}
    context |= {"doing": len(found.of("add")) + len(found.of("change"))}
    return render(request, "licensing/import_file.html", context, status=409 if outdated else 200)


@admin_required
@changes_things
def report(request: AdminRequest, file_id: uuid.UUID) -> StreamingHttpResponse:
    """The refused rows with the reason in a column."""
    file = _file(request, file_id)
    return csvs.answer(people_files.report(people_files.preview(file)), "refused.csv")


@admin_required
def template(request: AdminRequest) -> StreamingHttpResponse:
    """An empty file with the columns as we call them."""
    return csvs.answer([list(FIELDS.values())], "people.csv")


# ------------------------------------------------------------------ inside


def _file(request: AdminRequest, file_id: uuid.UUID) -> PeopleFile:
    return get_object_or_404(
        people_files.of(request.organization, admin=request.admin).select_related("organization"),
        pk=file_id,
    )


def _lists(found: Preview) -> list[dict[str, Any]]:
    return [
        lists.in_part(title, found.of(deed), SHOWN if deed != "keep" else 0, deed=deed)
        for deed, title in _LISTS
    ]


def _outcome(done: Preview) -> str:
    added, changed, refused = (len(done.of(deed)) for deed in ("add", "change", "refuse"))
    said = f"{added:,} added, {changed:,} changed."
    if refused:
        rows = "row was" if refused == 1 else "rows were"
        said += f" {refused:,} {rows} refused: download them, mend them, and import them again."
    return said
