"""Importing uses from a CSV file: upload, look, confirm, see how far it is (R25)."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts import sheets
from accounts.models import Product
from accounts.pages import csvs, lists
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.forms import csv_file
from accounts.refusal import Refusal
from licensing import usage, usage_files
from licensing.models import RefusedUse, UsageFile

#: Rows of a list that are shown; the report has every refused one. Files that are listed.
SHOWN = 100
LISTED = 20
_LISTS = (
    (usage.ACCEPTED, "Recorded"),
    (usage.REPEATED, "Known already"),
    (usage.REFUSED, "Refused"),
)


class FileForm(forms.Form):
    file = csv_file(usage_files.MOST_BYTES, usage_files.MOST_ROWS)
    product = forms.ChoiceField(
        label="Product",
        choices=[("", "As its column says"), *Product.choices],
        required=False,
        help_text="Of the rows that name none.",
    )


@admin_required
@changes_things
def upload(request: AdminRequest) -> HttpResponse:
    """Choose a file; one that can be read is kept until it is confirmed. And the last ones."""
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            if given.size > usage_files.MOST_BYTES:  # without reading it into memory
                raise sheets.too_large(given.size, usage_files.MOST_BYTES)
            file = usage_files.keep(
                request.organization,
                given.name,
                given.read(),
                product=form.cleaned_data["product"],
                admin=request.admin,
            )
        except Refusal as refusal:
            form.add_error("file", refusal.detail)
        else:
            return redirect("licensing:usage_file", file.pk)
    files = _files(request).filter(confirmed_at__isnull=False).order_by("-confirmed_at")
    context = {
        "form": form,
        "fields": lists.columns(usage_files.FIELDS, usage_files.ALIASES),
        "files": files[:LISTED],
        "kept": usage.KEPT.days,
    }
    return render(request, "licensing/usage.html", context, status=422 if form.errors else 200)


@admin_required
@changes_things
def look(request: AdminRequest, file_id: uuid.UUID) -> HttpResponse:
    """What would become of the file; once it is confirmed, how far it is and what did."""
    file = get_object_or_404(_files(request), pk=file_id)
    if request.method == "POST":
        usage_files.confirm(file, by=request.admin)
        messages.success(request, f"{file.name} is being recorded.")
        return redirect("licensing:usage_file", file.pk)
    if file.confirmed_at is None:
        found = usage_files.preview(file)
        doing = len(found.of(usage.ACCEPTED)) if found.whole else file.rows
        context = {"file": file, "found": found, "lists": _lists(found), "doing": doing}
        return render(request, "licensing/usage_file.html", context)
    refused = RefusedUse.objects.filter(file=file).order_by("number")[:SHOWN]
    context = {
        "file": file,
        "done": 1000 * file.position // max(1, file.rows),
        "refused": refused,
        "more": file.refused - len(refused),
    }
    part = "#state" if request.htmx else ""
    return render(request, f"licensing/usage_done.html{part}", context)


@admin_required
@changes_things
def report(request: AdminRequest, file_id: uuid.UUID) -> StreamingHttpResponse:
    """The refused rows with the reason in a column."""
    file = get_object_or_404(_files(request), pk=file_id)
    return csvs.answer(usage_files.report(file), "refused.csv")


@admin_required
def template(request: AdminRequest) -> StreamingHttpResponse:
    """An empty file with the columns as we call them."""
    return csvs.answer([list(usage_files.FIELDS.values())], "usage.csv")


# ------------------------------------------------------------------ inside


def _files(request: AdminRequest) -> QuerySet[UsageFile]:
    return usage_files.of(request.organization, admin=request.admin).select_related("organization")


def _lists(found: usage_files.Preview) -> list[dict[str, Any]]:
    return [
        lists.in_part(
            title, found.of(outcome), SHOWN if outcome != usage.REPEATED else 0, outcome=outcome
        )
        for outcome, title in _LISTS
    ]
