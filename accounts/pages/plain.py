"""Admins, the entry page of Settings, help: pages of one look-up or none."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from accounts.models import Role
from accounts.pages import panels
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import page_of


@admin_required
def admins(request: AdminRequest) -> HttpResponse:
    """Who may sign in to this organization, and with which role."""
    roles = Role.objects.of(request.organization).select_related("admin").order_by("admin__email")
    return render(request, "accounts/admins.html", {"page": page_of(request, roles)})


@admin_required
def settings(request: AdminRequest) -> HttpResponse:
    """The parts of Global Settings, as the apps have registered them."""
    return render(request, "accounts/settings.html", {"settings": panels.settings()})


@admin_required
def help_page(request: AdminRequest) -> HttpResponse:
    """The words of the Admin Center and how licenses are given, on one page."""
    return render(request, "accounts/help.html")
