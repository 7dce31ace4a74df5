"""Setup links: made and withdrawn by admins, used by an IT contact who has no login (R6)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from scim import setup_links
from scim.models import SetupLink
from scim.pages import guides, tokens
from scim.pages.forms import SetupLinkForm


@sensitive_variables("address")
@admin_required
@changes_things
def make(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """A form; sent, the link, which is shown in the answer to this request alone."""
    application = get_object_or_404(Application.objects.of(request.organization), pk=application_id)
    form = SetupLinkForm(request.POST or None)
    context = {"application": application, "form": form, "days": setup_links.VALID.days}
    if request.method == "POST" and form.is_valid():
        try:
            link = setup_links.make(application, **form.cleaned_data, by=request.admin)
        except Refusal as refusal:
            form.add_error("for_whom", refusal.detail)
        else:
            context |= {"link": link, "address": setup_links.address(link)}
            response = render(request, "scim/setup_shown.html", context)
            response["Cache-Control"] = "no-store, private"
            return response
    return render(request, "scim/setup_new.html", context, status=422 if form.is_bound else 200)


@require_POST
@admin_required
@changes_things
def revoke(request: AdminRequest, link_id: uuid.UUID) -> HttpResponse:
    link = get_object_or_404(
        SetupLink.objects.of(request.organization).select_related("application"), pk=link_id
    )
    setup_links.revoke(link, by=request.admin)
    messages.success(request, f"The setup link for {link.for_whom} works no longer.")
    return redirect("scim_settings:application", link.application_id)


@never_cache
def setup(request: HttpRequest, signed: str) -> HttpResponse:
    """The contact's page: the guide, and a button that generates the token once. Opening it
    changes nothing (mail scanners open links too)."""
    try:
        if request.method == "POST":
            return tokens.shown(request, setup_links.use(signed), contact=True)
        link = setup_links.find(signed)
    except Refusal as refusal:
        return render(request, "scim/setup_ended.html", {"refusal": refusal}, status=404)
    context = guides.context_of(link.application, link.application.idp)
    return render(request, "scim/setup.html", context | {"link": link, "contact": True})
