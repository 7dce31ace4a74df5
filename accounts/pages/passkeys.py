"""Passkeys: add and remove under Security, sign in with one.

The browser part is static/passkeys.js: it fetches the question, asks the device, puts its
answer into the form and sends that as any other form.
"""

from __future__ import annotations

import time

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import passkeys, second_step, sign_ins
from accounts.models import Admin, Passkey
from accounts.pages import gate
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.password import PasswordForm, check_password
from accounts.passkeys import Question, Site
from accounts.refusal import Refusal

#: Session: the challenge, what it is for, and when it was given.
ASKED = "passkey_asked"
#: Seconds that an answer may take.
PATIENCE = 300


class PasskeyForm(PasswordForm):
    """A new one. The password is asked for, so that a lent browser cannot add one."""

    field_order = ("name", "password")

    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="Where it is kept, for example “Laptop” or “Blue security key”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def site_of(request: HttpRequest) -> Site:
    return Site(request.scheme or "http", request.get_host())


@never_cache
@admin_required
@gate.before_set_up
@gate.own_sign_in
def add(request: AdminRequest) -> HttpResponse:
    """The form, and (with the device's answer in it) the new passkey."""
    site = site_of(request)
    form = PasskeyForm()
    if request.method == "POST":
        try:
            passkey = passkeys.add(
                request.admin,
                request.POST.get("name", ""),
                request.POST.get("answer", ""),
                challenge=_challenge(request, "add"),
                site=site,
            )
        except Refusal as refusal:
            form = PasskeyForm({"name": request.POST.get("name", "")})
            form.errors.clear()
            form.add_error(None, refusal.detail)
        else:
            gate.prove(request, "passkey")
            messages.success(request, f"The passkey “{passkey.name}” is ready to sign in with.")
            return redirect("accounts:security")
    return render(
        request,
        "accounts/passkey_add.html",
        {"form": form, "works": site.can_have_passkeys, "site": site},
        status=422 if form.is_bound else 200,
    )


@sensitive_post_parameters("password")
@require_POST
@never_cache
@admin_required
@gate.before_set_up
@gate.own_sign_in
def ask_to_add(request: AdminRequest) -> HttpResponse:
    """The question for the device, after the password."""
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        return _no("Enter a name and your password.")
    try:
        check_password(request.admin, form.cleaned_data["password"])
        question = passkeys.ask_to_add(request.admin, site_of(request))
    except Refusal as refusal:
        return _no(refusal.detail)
    return _ask(request, "add", question)


@admin_required
@gate.before_set_up
@gate.own_sign_in
def remove(request: AdminRequest, passkey_id: int) -> HttpResponse:
    """Asks first."""
    passkey = get_object_or_404(Passkey.objects.filter(admin=request.admin), pk=passkey_id)
    if request.method != "POST":
        return render(request, "accounts/passkey_remove.html", {"passkey": passkey})
    try:
        passkeys.remove(passkey)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, f"Nobody can sign in with “{passkey.name}” any more.")
    return redirect("accounts:security")


@require_POST
@never_cache
def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """The question for any passkey of this site, or for those of whoever gave the password."""
    return _ask(
        request, "sign in", passkeys.ask_to_sign_in(site_of(request), admin=_halfway(request))
    )


@require_POST
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Both steps at once, or the second one after the password."""
    try:
        admin = passkeys.sign_in(
            request.POST.get("answer", ""),
            challenge=_challenge(request, "sign in"),
            site=site_of(request),
            admin=_halfway(request),
        )
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        page = reverse("accounts:second_step" if _halfway(request) else "accounts:sign_in")
        return redirect(f"{page}?{urlencode({'next': gate.where_to(request)})}")
    if request.user != admin:
        with sign_ins.by("passkey"):
            login(request, admin, backend=gate.BACKEND)
        request.session[gate.SIGNED_IN_BY] = "passkey"
    else:
        second_step.done(admin, "passkey")
    gate.prove(request, "passkey")
    return redirect(gate.where_to(request))


def _halfway(request: HttpRequest) -> Admin | None:
    return request.user if isinstance(request.user, Admin) else None


def _ask(request: HttpRequest, purpose: str, question: Question) -> HttpResponse:
    request.session[ASKED] = [purpose, question.challenge, time.time()]
    return HttpResponse(question.options, content_type="application/json")


def _challenge(request: HttpRequest, purpose: str) -> str:
    """The challenge that was given for this; it is good once and for a few minutes, also where
    another web gave it, whose clock is ahead."""
    asked = request.session.pop(ASKED, None)
    if asked and asked[0] == purpose and abs(time.time() - asked[2]) < PATIENCE:
        return str(asked[1])
    raise Refusal("passkey_late", "That took too long. Try again.")


def _no(sentence: str) -> HttpResponse:
    return JsonResponse({"detail": sentence}, status=422)
