"""Pages with a password on them: accepting an invitation, a forgotten one, the own one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import invitations, passwords, sessions
from accounts.models import Admin
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.gate import address_of
from accounts.refusal import Refusal


class PasswordForm(forms.Form):
    """A new password. Pasting and password managers are welcome (WCAG 3.3.8), so it is asked
    once: whoever mistypes it gets a link for another one."""

    password = forms.CharField(
        label="New password",
        strip=False,
        max_length=passwords.MOST,
        help_text=passwords.HINT,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class OwnPasswordForm(PasswordForm):
    field_order = ("old", "password")

    old = forms.CharField(
        label="Your password now",
        strip=False,
        max_length=passwords.MOST,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )


@sensitive_post_parameters()
@never_cache
def join(request: HttpRequest, proof: str) -> HttpResponse:
    """Accept an invitation: by a new login's password, or signed in as who was invited.

    Opening the link changes nothing (mail scanners open links too): pressing the button does.
    """
    signed_in = request.user if isinstance(request.user, Admin) else None
    form = PasswordForm(request.POST or None)
    status = 200
    try:
        invitation = invitations.find(proof)
        login = invitations.login_of(invitation)
        if request.method == "POST" and (login or form.is_valid()):
            try:
                password = "" if login else form.cleaned_data["password"]
                invitations.accept(proof, password=password, by=signed_in)
            except Refusal as refusal:
                if refusal.code != "password_weak":
                    raise
                form.add_error("password", refusal.detail)
            else:
                return _joined(request, signed_in, invitation.organization.name)
        status = 422 if request.method == "POST" else 200
    except Refusal as refusal:
        return render(request, "accounts/join.html", {"refusal": refusal}, status=404)
    context = {"invitation": invitation, "login": login, "signed_in": signed_in, "form": form}
    return render(request, "accounts/join.html", context, status=status)


def _joined(request: HttpRequest, signed_in: Admin | None, name: str) -> HttpResponse:
    if signed_in:
        messages.success(request, f"You are an admin of {name} now.")
        return redirect("licensing:overview")
    messages.success(request, f"You are an admin of {name} now: sign in with your password.")
    return redirect("accounts:sign_in")


@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """The answer is the same whether anybody has that address or not."""
    form = ForgottenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        passwords.ask_reset(form.cleaned_data["email"], address=address_of(request))
        return redirect("accounts:reset_asked")
    status = 422 if form.is_bound else 200
    return render(request, "accounts/forgotten.html", {"form": form}, status=status)


def reset_asked(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/reset_asked.html")


@sensitive_post_parameters()
@never_cache
def reset(request: HttpRequest, uid: str, proof: str) -> HttpResponse:
    """The page behind the link of the e-mail. Afterwards one signs in as ever."""
    form = PasswordForm(request.POST or None)
    try:
        admin = passwords.find(uid, proof)
        if request.method == "POST" and form.is_valid():
            try:
                passwords.reset(uid, proof, form.cleaned_data["password"])
            except Refusal as refusal:
                if refusal.code != "password_weak":
                    raise
                form.add_error("password", refusal.detail)
            else:
                messages.success(request, "Your new password is set: sign in with it.")
                return redirect("accounts:sign_in")
    except Refusal as refusal:
        return render(request, "accounts/reset.html", {"refusal": refusal}, status=404)
    context: dict[str, Any] = {"form": form, "login": admin}
    return render(request, "accounts/reset.html", context, status=422 if form.is_bound else 200)


@sensitive_post_parameters()
@admin_required
def own(request: AdminRequest) -> HttpResponse:
    """Change the own password: every other session ends, this one stays."""
    form = OwnPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            changed = passwords.change(
                request.admin,
                old=wanted["old"],
                new=wanted["password"],
                here=request.session.session_key or "",
            )
        except Refusal as refusal:
            field = "old" if refusal.code == "password_wrong" else "password"
            form.add_error(field, refusal.detail)
        else:
            before = request.session.session_key
            update_session_auth_hash(request, changed)
            sessions.follow(before, request.session.session_key)
            messages.success(
                request, "Your password is changed. Wherever else you were signed in, it has ended."
            )
            return redirect("accounts:password")
    status = 422 if form.is_bound else 200
    return render(request, "accounts/password.html", {"form": form}, status=status)
