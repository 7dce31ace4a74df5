"""The entry page of Settings, help: pages of no look-up."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages import panels
from accounts.pages.access import AdminRequest, admin_required


@admin_required
def settings(request: AdminRequest) -> HttpResponse:
    """The parts of Global Settings, as the apps have registered them."""
    return render(request, "accounts/settings.html", {"settings": panels.settings()})


@admin_required
def help_page(request: AdminRequest) -> HttpResponse:
    """The words of the Admin Center and how licenses are given, on one page."""
    return render(request, "accounts/help.html")
