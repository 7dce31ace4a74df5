"""Groups: those that identity providers push (locked), and those made by hand (R23)."""

from __future__ import annotations

import uuid

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import Group, Membership, Organization, Person
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import page_of
from licensing.models import EligibleGroup


@admin_required
def groups(request: AdminRequest) -> HttpResponse:
    """All groups by name, with how many people are in each."""
    search = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    rows = _groups(request.organization).order_by("name_key", "id")
    if search:
        rows = rows.filter(name__icontains=search)
    context = {"page": page_of(request, rows), "search": search}
    part = "licensing/groups.html#results" if request.htmx else "licensing/groups.html"
    return render(request, part, context)


@admin_required
def group(request: AdminRequest, group_id: uuid.UUID) -> HttpResponse:
    """One group: who owns it, and its people in allocation order."""
    group = get_object_or_404(_groups(request.organization), pk=group_id)
    people = (
        Person.objects.of(request.organization)
        .filter(memberships__group=group)
        .select_related("managed_by")
        .prefetch_related("seats__pool")
        .order_by("sort_key", "id")
    )
    chosen = (
        EligibleGroup.objects.of(request.organization)
        .filter(group=group)
        .select_related("policy__pool")
    )
    context = {"group": group, "page": page_of(request, people), "chosen": chosen}
    return render(request, "licensing/group.html", context)


def _groups(organization: Organization) -> QuerySet[Group]:
    members = (
        Membership.objects.of(organization)
        .filter(group=OuterRef("pk"))
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
