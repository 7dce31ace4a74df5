"""Sign in and out."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse

from accounts import attempts
from accounts.pages import gate
from accounts.refusal import Refusal


class SignInForm(AuthenticationForm):
    """E-mail and password; pasting and password managers are welcome (WCAG 3.3.8)."""

    username = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    error_messages = {
        "invalid_login": (
            "This e-mail and password do not belong together. Check both: "
            "in passwords, upper and lower case are different."
        ),
        "inactive": "This login is switched off. Ask an owner of your organization.",
    }

    def clean(self) -> dict[str, Any]:
        """Guessing is slow: an address and e-mail has a few tries, right or wrong."""
        email = self.cleaned_data.get("username", "").lower()
        who = f"{gate.address_of(self.request)} {email}" if self.request else email
        name = hashlib.sha256(who.encode()).hexdigest()
        try:
            attempts.count("sign-in", name)
        except Refusal as refusal:
            raise forms.ValidationError(refusal.detail) from None
        cleaned = super().clean()
        attempts.forget("sign-in", name)
        return cleaned


class SignIn(LoginView):
    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignOut(LogoutView):
    """By POST only, so that no other site can sign an admin out."""
