"""Settings > Global Settings > Sign-in > Single sign-on: set up, test, switch (R5)."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import roles, single_sign_on
from accounts.models import Role, SingleSignOn
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.forms import HintedRadio
from accounts.pages.sign_in_settings import owners_only
from accounts.pages.single_sign_on import go
from accounts.refusal import Refusal

_FIELD_OF = {
    "issuer_invalid": "issuer",
    "domain_invalid": "domains",
    "domain_missing": "domains",
    "secret_missing": "client_secret",
}


class SsoForm(forms.Form):
    """What the identity provider and Seatkeeper know each other by."""

    issuer = forms.CharField(
        label="Issuer",
        max_length=500,
        help_text="An https:// address, as the identity provider writes it.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"}
        ),
    )
    client_id = forms.CharField(
        label="Client ID",
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    client_secret = forms.CharField(
        label="Client secret",
        required=False,
        max_length=2000,
        help_text="It is encrypted and never shown again. Empty keeps the one that is there.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    domains = forms.CharField(
        label="E-mail domains",
        max_length=2000,
        help_text="One a line, as in acme.example. Nobody of another domain comes in by this.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    default_role = forms.ChoiceField(
        label="Somebody who is no admin yet",
        required=False,
        choices=[
            ("", "Is refused"),
            (Role.Kind.READ_ONLY.value, "Becomes a read-only admin"),
            (Role.Kind.ADMIN.value, "Becomes an admin"),
        ],
        widget=HintedRadio(
            {
                "": "Owners say who is an admin.",
                "read-only": "The identity provider decides who may use Seatkeeper.",
                "admin": "The same, and they may change licenses and settings.",
            }
        ),
    )
    trust_unsaid = forms.ChoiceField(
        label="E-mail addresses",
        choices=[
            ("no", "Must be marked as verified"),
            ("yes", "Count as verified if nothing is said about it"),
        ],
        widget=HintedRadio(
            {
                "no": "By the claim email_verified, as Okta and OneLogin send it.",
                "yes": "For Microsoft Entra ID, which does not send that claim.",
            }
        ),
    )


class ModeForm(forms.Form):
    mode = forms.ChoiceField(
        label="Single sign-on",
        choices=[
            ("off", "Off"),
            ("on", "On"),
            ("required", "Required"),
        ],
        widget=HintedRadio(
            {
                "off": "Admins sign in with a password or a passkey.",
                "on": "Admins may use it, or a password or passkey.",
                "required": "Admins must use it. Owners can still sign in with a password or "
                "passkey, so that a broken identity provider locks nobody out.",
            }
        ),
    )


@sensitive_post_parameters("client_secret")
@admin_required
@changes_things
@owners_only
def overview(request: AdminRequest) -> HttpResponse:
    """Everything about it; sent, it keeps what the identity provider needs."""
    found = single_sign_on.of(request.organization)
    form = SsoForm(request.POST or None, initial=_initial(found))
    if request.method == "POST" and form.is_valid():
        try:
            single_sign_on.configure(request.organization, _wanted(form), by=request.admin)
        except Refusal as refusal:
            form.add_error(_FIELD_OF.get(refusal.code), refusal.detail)
        else:
            messages.success(request, "The settings are kept. Test the sign-in now.")
            return redirect("accounts:sso_settings")
    return render(
        request,
        "accounts/sso_settings.html",
        {
            "form": form,
            "found": found,
            "mode_form": ModeForm(initial={"mode": found.mode if found else "off"}),
            "redirect_uri": single_sign_on.redirect_uri(),
            "sign_in_link": settings.PUBLIC_URL
            + reverse("accounts:sso_offer", args=[request.organization.slug]),
            "owners": roles.owners_with_password(request.organization),
        },
        status=422 if form.is_bound else 200,
    )


@require_POST
@admin_required
@changes_things
@owners_only
def set_mode(request: AdminRequest) -> HttpResponse:
    form = ModeForm(request.POST)
    if form.is_valid():
        mode = form.cleaned_data["mode"]
        try:
            single_sign_on.set_mode(request.organization, mode, by=request.admin)
        except Refusal as refusal:
            messages.error(request, refusal.detail)
        else:
            messages.success(request, f"Single sign-on is {SingleSignOn.Mode(mode).label.lower()}.")
    return redirect("accounts:sso_settings")


@admin_required
@changes_things
@owners_only
def test(request: AdminRequest) -> HttpResponse:
    """Through the identity provider and back, as a sign-in would; nobody is signed in by it."""
    found = single_sign_on.of(request.organization)
    back = reverse("accounts:sso_settings")
    return go(request, found, back=back, test=True) if found else redirect(back)


def _initial(found: SingleSignOn | None) -> dict[str, str]:
    if found is None:
        return {"default_role": "", "trust_unsaid": "no"}
    return {
        "issuer": found.issuer,
        "client_id": found.client_id,
        "domains": "\n".join(found.domains),
        "default_role": found.default_role,
        "trust_unsaid": "yes" if found.trust_unsaid else "no",
    }


def _wanted(form: SsoForm) -> single_sign_on.Wanted:
    said = form.cleaned_data
    return single_sign_on.Wanted(
        issuer=said["issuer"],
        client_id=said["client_id"],
        client_secret=said["client_secret"],
        domains=said["domains"].split(),
        default_role=said["default_role"],
        trust_unsaid=said["trust_unsaid"] == "yes",
    )
