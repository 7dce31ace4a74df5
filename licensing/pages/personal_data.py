"""What a person may ask for: a file of all that is known of them, and that it is erased."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.models import Person, Role
from accounts.pages import typed
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from licensing import erasing
from licensing.models import Seat

OWNERS_ONLY = "Only owners erase a person's data. Ask an owner of {organization}."


@require_POST
@admin_required
@changes_things
def export(request: AdminRequest, person_id: int) -> HttpResponse:
    """The file; the audit log says who asked for it."""
    person = _of(request, person_id)
    try:
        human = erasing.find(request.organization, id=person.pk)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return redirect("licensing:person", person.pk)
    document = erasing.export(human, by=request.admin)
    text = json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    return HttpResponse(
        text + "\n",
        content_type="application/json; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="person-{person.pk}.json"',
            "Cache-Control": "private, no-store",
        },
    )


@admin_required
@changes_things
def erase(request: AdminRequest, person_id: int) -> HttpResponse:
    """Asks, telling what goes and what stays; the typed name erases. An owner's deed."""
    if request.role.kind != Role.Kind.OWNER:
        raise PermissionDenied(OWNERS_ONLY.format(organization=request.organization.name))
    person = _of(request, person_id)
    try:
        human = erasing.find(request.organization, id=person.pk)
        name = person.name or f"person {person.pk}"
        typed_name = typed.read_name(request, name)
        if request.method == "POST" and typed_name.right:
            erasing.erase(human, by=request.admin)
            messages.success(request, f"The data of person {person.pk} was erased.")
            return redirect("licensing:people")
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return redirect("licensing:person", person.pk)
    seats = Seat.objects.of(request.organization).filter(person=person).select_related("pool")
    about = {
        "person": person,
        "name": name,
        "seats": seats.order_by("pool"),
        "typed": typed_name,
        "why_not": erasing.why_not(human),
    }
    return render(request, "licensing/erase_person.html", about, status=typed_name.status)


# ------------------------------------------------------------------ inside


def _of(request: AdminRequest, person_id: int) -> Person:
    """404: no such person. One who was removed has data too."""
    return get_object_or_404(Person.objects.of(request.organization), pk=person_id)
