"""Settings > Global Settings > Sign-in: what owners decide for everybody's sign-in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts import second_step, sign_in_rules, single_sign_on
from accounts.models import Role
from accounts.pages import panels
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.forms import HintedRadio
from accounts.pages.paging import page_of
from accounts.refusal import Refusal

SETTING = panels.Setting(
    title="Sign-in",
    sentence="How admins sign in: single sign-on, and whether a second step is required.",
    link="accounts:sign_in_settings",
    icon="key-round",
)
OWNERS_ONLY = (
    "Only an owner of {organization} may change how admins sign in. Ask one of them: they are "
    "listed under Admins."
)


class TwoStepForm(forms.Form):
    required = forms.ChoiceField(
        label="Who needs it",
        choices=[("no", "Each admin decides"), ("yes", "Required for every admin")],
        widget=HintedRadio(
            {
                "no": "Whoever wants it turns it on under Account > Security.",
                "yes": "Whoever has neither an authenticator app nor a passkey is led to set "
                "one up before the next page.",
            }
        ),
    )


def owners_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Stands below `changes_things`."""

    @wraps(view)
    def guarded(request: AdminRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.role.kind != Role.Kind.OWNER:
            raise PermissionDenied(OWNERS_ONLY.format(organization=request.organization.name))
        return view(request, *args, **kwargs)

    return guarded


@admin_required
def overview(request: AdminRequest) -> HttpResponse:
    """The switch, and each admin's second step."""
    rule = sign_in_rules.of(request.organization)
    roles = (
        Role.objects.of(request.organization)
        .select_related("admin__second_step")
        .annotate(passkeys=Count("admin__passkeys"))
        .order_by("admin__email")
    )
    form = TwoStepForm(initial={"required": "yes" if rule.two_step_required else "no"})
    return render(
        request,
        "accounts/sign_in_settings.html",
        {
            "rule": rule,
            "sso": single_sign_on.of(request.organization),
            "form": form,
            "page": page_of(request, roles),
            "is_owner": request.role.kind == Role.Kind.OWNER,
        },
    )


@require_POST
@admin_required
@changes_things
@owners_only
def set_two_step(request: AdminRequest) -> HttpResponse:
    form = TwoStepForm(request.POST)
    if form.is_valid():
        required = form.cleaned_data["required"] == "yes"
        try:
            sign_in_rules.require_two_step(request.organization, required, by=request.admin)
        except Refusal as refusal:
            messages.error(request, refusal.detail)
        else:
            messages.success(
                request,
                "Every admin needs a second step from now on."
                if required
                else "Each admin decides about a second step.",
            )
    return redirect("accounts:sign_in_settings")


@admin_required
@changes_things
@owners_only
def reset(request: AdminRequest, role_id: int) -> HttpResponse:
    """Somebody's second step, for a lost phone. Asks first."""
    role = get_object_or_404(
        Role.objects.of(request.organization).select_related("admin"), pk=role_id
    )
    if request.method != "POST":
        return render(request, "accounts/second_step_reset.html", {"role": role})
    try:
        second_step.reset(role.admin, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(
            request, f"{role.admin.email} signs in with the password alone and sets it up again."
        )
    return redirect("accounts:sign_in_settings")
