"""Two-step sign-in: set up, the second step itself, new recovery codes, turning it off."""

from __future__ import annotations

import segno
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts import second_step, sessions, vault
from accounts.models import Admin, SecondStep
from accounts.pages import gate
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.password import ask_password
from accounts.refusal import Refusal

#: Session: the sealed key of an app that was not confirmed yet.
NEW_KEY = "new_second_step"


class CodeForm(forms.Form):
    """A code, as the app shows it; spaces in it do no harm."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


@sensitive_variables("sealed", "codes")
@never_cache
@admin_required
@gate.before_set_up
@gate.own_sign_in
def set_up(request: AdminRequest) -> HttpResponse:
    """The QR code and the key; the first code turns it on and shows the recovery codes."""
    if SecondStep.objects.filter(admin=request.admin).exists():
        return redirect("accounts:security")
    sealed = request.session.get(NEW_KEY)
    if not sealed or vault.unseal(sealed) is None:
        sealed = request.session[NEW_KEY] = second_step.new_key()
    form = CodeForm(request.POST or None)
    if not form.is_bound:  # it would scroll the picture out of a small window
        del form.fields["code"].widget.attrs["autofocus"]
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_step.turn_on(request.admin, sealed, form.cleaned_data["code"])
        except Refusal as refusal:
            form.add_error("code", refusal.detail)
        else:
            del request.session[NEW_KEY]
            gate.prove(request, "code")
            return _show_codes(request, codes)
    address = second_step.address(request.admin, sealed)
    return render(
        request,
        "accounts/two_step.html",
        {
            "form": form,
            "key": _grouped(vault.unseal(sealed) or ""),
            "picture": _picture(address or ""),
            "required": gate.requires_second_step(request.role),
            "next": gate.where_to(request),
        },
        status=422 if form.is_bound else 200,
    )


@sensitive_post_parameters("code")
@never_cache
def prove(request: HttpRequest) -> HttpResponse:
    """After the password: a code of the app, a recovery code, or a passkey."""
    admin = request.user
    if not isinstance(admin, Admin):
        return redirect("accounts:sign_in")
    if request.access.admin is not None:  # type: ignore[attr-defined]
        return redirect(gate.where_to(request))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            kind = second_step.check(admin, form.cleaned_data["code"])
        except Refusal as refusal:
            form.add_error("code", refusal.detail)
        else:
            gate.prove(request, kind)
            if kind == "recovery":
                left = second_step.recovery_codes_left(admin)
                messages.success(
                    request,
                    f"You used a recovery code; {left} are left. Make new ones under Security.",
                )
            return redirect(gate.where_to(request))
    return render(
        request,
        "accounts/second_step.html",
        {
            "form": form,
            "who": admin.email,
            "has_app": SecondStep.objects.filter(admin=admin).exists(),
            "has_passkey": gate.has_passkey(admin),
            "next": gate.where_to(request),
        },
        status=422 if form.is_bound else 200,
    )


@sensitive_variables("codes")
@never_cache
@admin_required
@gate.before_set_up
@gate.own_sign_in
def recovery_codes(request: AdminRequest) -> HttpResponse:
    """Ten new ones, after the password."""
    elsewhere = _ask(
        request,
        title="New recovery codes?",
        sentence="You get ten new ones. Those that you have now are worth nothing afterwards.",
        deed="Make new codes",
    )
    return elsewhere or _show_codes(request, second_step.new_recovery_codes(request.admin))


@never_cache
@admin_required
@gate.before_set_up
@gate.own_sign_in
def turn_off(request: AdminRequest) -> HttpResponse:
    """After the password; other sessions end, since they were opened with two steps."""
    elsewhere = _ask(
        request,
        title="Turn two-step sign-in off?",
        sentence="Your password alone is then enough to sign in, and your recovery codes are "
        "worth nothing. You are signed out everywhere but here.",
        deed="Turn it off",
    )
    if elsewhere is not None:
        return elsewhere
    try:
        second_step.turn_off(request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        sessions.end_others(request.admin, but=request.session.session_key or "")
        request.session.pop(gate.PROVED, None)
        messages.success(request, "Two-step sign-in is off.")
    return redirect("accounts:security")


def _ask(request: AdminRequest, **words: str) -> HttpResponse | None:
    """The page that asks for the password; None: it was right. Without an app there is nothing
    to ask about."""
    if not SecondStep.objects.filter(admin=request.admin).exists():
        return redirect("accounts:security")
    return ask_password(request, **words)


def _show_codes(request: AdminRequest, codes: list[str]) -> HttpResponse:
    """The answer to this very request is the only place where they are shown (never_cache)."""
    return render(
        request, "accounts/recovery_codes.html", {"codes": codes, "next": gate.where_to(request)}
    )


def _picture(address: str) -> SafeString:
    """The QR code as SVG: attributes alone, since the policy forbids inline styles."""
    code = segno.make(address, error="m", micro=False)
    return mark_safe(  # noqa: S308  numbers and colours, no text of anybody's
        code.svg_inline(omitsize=True, svgclass="qr", lineclass=None, dark="#000", light="#fff")
    )


def _grouped(key: str) -> str:
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
