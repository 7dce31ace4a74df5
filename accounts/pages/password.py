"""Asks for the password once more, before something that a lent browser must not do."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from accounts import attempts
from accounts.models import Admin
from accounts.pages.access import AdminRequest
from accounts.refusal import Refusal


class PasswordForm(forms.Form):
    password = forms.CharField(
        label="Your password",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@sensitive_variables("password")
def check_password(admin: Admin, password: str) -> None:
    """Refused: a wrong one, and any after too many wrong ones."""
    attempts.count("password", admin.pk)
    if not admin.check_password(password):
        raise Refusal("password_wrong", "This is not your password.")
    attempts.forget("password", admin.pk)


def ask_password(
    request: AdminRequest, *, title: str, sentence: str, deed: str
) -> HttpResponse | None:
    """The page that asks, or that says that it was wrong; None: the password was right."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            check_password(request.admin, form.cleaned_data["password"])
        except Refusal as refusal:
            form.add_error("password", refusal.detail)
        else:
            return None
    return render(
        request,
        "accounts/ask_password.html",
        {"form": form, "title": title, "sentence": sentence, "deed": deed},
        status=422 if form.is_bound else 200,
    )
