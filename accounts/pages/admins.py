"""Admins: who may sign in to this organization, and what owners do about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts import invitations, roles
from accounts.models import Role
from accounts.pages import typed
from accounts.pages.access import AdminRequest, Page, admin_required, changes_things
from accounts.pages.forms import HintedRadio
from accounts.pages.paging import page_of
from accounts.pages.undoing import done
from accounts.refusal import Refusal

OWNERS_ONLY = "Only owners manage admins. Ask an owner of {organization}."
MAY = {
    "owner": "Everything, admins included.",
    "admin": "Settings, applications, tokens and licenses.",
    "read-only": "Sees everything, changes nothing.",
}


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        help_text="They get a link that works once, for 7 days.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label="Role", choices=Role.Kind.choices, initial="admin", widget=HintedRadio(MAY)
    )


def owners_only(view: Page) -> Page:
    """Stands below `changes_things`."""

    @wraps(view)
    def guarded(request: AdminRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.role.kind != roles.OWNER:
            raise PermissionDenied(OWNERS_ONLY.format(organization=request.organization.name))
        return view(request, *args, **kwargs)

    return guarded


@admin_required
def admins(request: AdminRequest) -> HttpResponse:
    """Who may sign in to this organization, and with which role; who is invited."""
    return _listed(request, InviteForm())


@require_POST
@admin_required
@changes_things
@owners_only
def invite(request: AdminRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            invited = invitations.invite(
                request.organization, **form.cleaned_data, by=request.admin
            )
        except Refusal as refusal:
            form.add_error("email", refusal.detail)
        else:
            messages.success(request, f"An invitation goes to {invited.email} within a minute.")
            return redirect("accounts:admins")
    return _listed(request, form, status=422)


@require_POST
@admin_required
@changes_things
@owners_only
def repeat(request: AdminRequest, invitation_id: int) -> HttpResponse:
    return _deed(
        request,
        lambda: invitations.repeat(request.organization, invitation_id, by=request.admin),
        "A new link goes to {} within a minute. The one before works no longer.",
    )


@require_POST
@admin_required
@changes_things
@owners_only
def withdraw(request: AdminRequest, invitation_id: int) -> HttpResponse:
    return _deed(
        request,
        lambda: invitations.withdraw(request.organization, invitation_id, by=request.admin),
        "The invitation of {} is withdrawn: its link works no longer.",
    )


@require_POST
@admin_required
@changes_things
@owners_only
def change_role(request: AdminRequest, role_id: int) -> HttpResponse:
    kind = request.POST.get("kind", "")
    return _deed(
        request,
        lambda: roles.change(request.organization, role_id, kind, by=request.admin).admin,
        "The role of {} is changed.",
    )


@admin_required
@changes_things
@owners_only
def remove(request: AdminRequest, role_id: int) -> HttpResponse:
    """Asks first, unless the dialog has asked already."""
    role = Role.objects.of(request.organization).select_related("admin").filter(pk=role_id).first()
    if role is None and request.method != "POST":
        raise Http404
    if role is not None:
        name = typed.read_name(request, role.admin.email)
        if not name.right:
            context = {"role": role, "typed": name}
            return render(request, "accounts/remove_admin.html", context, status=name.status)
    return _deed(
        request,
        lambda: roles.remove(request.organization, role_id, by=request.admin),
        "{} is no admin of this organization any more.",
    )


def _deed(request: AdminRequest, deed: Callable[[], Any], told: str) -> HttpResponse:
    """Do it, say so (`told` with what it returned) or why not, and show the list."""
    try:
        about = deed()
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        done(request, told.format(about))
    return redirect("accounts:admins")


def _listed(request: AdminRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    organization = request.organization
    rows = Role.objects.of(organization).select_related("admin").order_by("admin__email")
    return render(
        request,
        "accounts/admins.html",
        {
            "page": page_of(request, rows),
            "invitations": [
                {"invitation": each, "expires_at": invitations.expires_at(each)}
                for each in invitations.open_ones(organization)
            ],
            "owners": roles.owners_left(organization),
            "manages": request.role.kind == roles.OWNER,
            "kinds": Role.Kind.choices,
            "may": [(label, MAY[kind]) for kind, label in Role.Kind.choices],
            "form": form,
        },
        status=status,
    )
