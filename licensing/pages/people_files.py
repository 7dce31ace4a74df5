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

_LISTS = (
    ("add", "Added"),
    ("change", "Changed"),
    ("refuse", "Refused"),
    ("keep", "Unchanged"),
)
_DONE = ("add", "change", "refuse")


class FileForm(forms.Form):
    file = csv_file(people_files.MOST_BYTES, people_files.MOST_ROWS)


@admin_required
@changes_things
def upload(request: AdminRequest) -> HttpResponse:
    """Choose a file; one that can be read is kept until it is imported."""
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            if given.size > people_files.MOST_BYTES:
                raise sheets.too_large(given.size, people_files.MOST_BYTES)
            file = people_files.keep(
                request.organization, given.name, given.file, admin=request.admin
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
    if people_files.is_running(file):
        return _running(request, file)
    if request.htmx:  # the page that waited for the worker: it is done
        return HttpResponse(headers={"HX-Refresh": "true"})
    outcome = file.outcome or {}
    outdated = False
    if request.method == "POST":
        expected = request.POST.get("confirmed", "")
        if file.rows > people_files.LONG and expected:
            people_files.confirm(file, expected=expected)
            return redirect("licensing:import_file", file.pk)
        try:
            done = people_files.import_(file, expected=expected, by=request.admin)
        except people_files.Outdated as refusal:
            found, outdated = refusal.preview, True
        else:
            messages.success(request, _outcome(*(done.total(deed) for deed in _DONE)))
            return redirect("licensing:import_file", file.pk)
    else:
        found = people_files.preview(file)
    context = {
        "file": file,
        "found": found,
        "lists": _lists(found),
        "outdated": outdated or "outdated" in outcome,
        "failed": "failed" in outcome,
        "imported": _outcome(*(outcome[deed] for deed in _DONE)) if "add" in outcome else "",
        "doing": found.total("add") + found.total("change"),
    }
    return render(request, "licensing/import_file.html", context, status=409 if outdated else 200)


@admin_required
@changes_things
def report(request: AdminRequest, file_id: uuid.UUID) -> StreamingHttpResponse:
    """The refused rows with the reason in a column."""
    file = _file(request, file_id)
    return csvs.answer(people_files.report(file), "refused.csv")


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


def _running(request: AdminRequest, file: PeopleFile) -> HttpResponse:
    """How far the worker is; the page asks again every two seconds."""
    done = people_files.progress(file)
    steps = [
        {"name": name, "state": "done" if n < done else "now" if n == done else "next"}
        for n, name in enumerate(people_files.STEPS)
    ]
    context = {"file": file, "steps": steps, "done": done, "of": len(steps)}
    template = "licensing/import_running.html" + ("#progress" if request.htmx else "")
    return render(request, template, context)


def _lists(found: Preview) -> list[dict[str, Any]]:
    return [
        lists.in_part(title, found.of(deed), total=found.total(deed), deed=deed)
        for deed, title in _LISTS
    ]


def _outcome(added: int, changed: int, refused: int) -> str:
    said = f"{added:,} added, {changed:,} changed."
    if refused:
        rows = "row was" if refused == 1 else "rows were"
        said += f" {refused:,} {rows} refused: download them, mend them, and import them again."
    return said
