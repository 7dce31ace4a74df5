"""Sign in by the organization's identity provider: ask where, go there, come back.

The browser goes to the provider by a link, never by a form: the policy (form-action) lets no
form lead elsewhere.
"""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import oidc, sign_ins, single_sign_on
from accounts.models import Role, SingleSignOn
from accounts.pages import gate
from accounts.pages.access import Access
from accounts.refusal import Refusal

#: Session: the sign-in that was begun at the identity provider.
ASKED = "sso_asked"
#: Seconds that it may take there.
PATIENCE = 900
#: Seconds until the identity provider is asked again whether this is still one of its people.
GOOD_FOR = 12 * 3600


class WhereForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        help_text="Your address at work: its domain says where you sign in.",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


@require_safe
@never_cache
def where(request: HttpRequest) -> HttpResponse:
    """Asks for the e-mail address and leads to the organization's own sign-in page."""
    form = WhereForm(request.GET if "email" in request.GET else None)
    found = []
    if form.is_bound and form.is_valid():
        found = single_sign_on.offered_to(form.cleaned_data["email"])
        if len(found) == 1:
            return redirect(page_of(found[0], request))
        if not found:
            form.add_error(
                "email",
                "Nobody of this domain signs in with single sign-on here. Use your password, or "
                "ask an owner of your organization.",
            )
    return render(
        request,
        "accounts/sso_where.html",
        {"form": form, "found": found, "next": gate.where_to(request)},
        status=422 if form.errors else 200,
    )


@require_safe
@never_cache
def offer(request: HttpRequest, slug: str) -> HttpResponse:
    """/sign-in/ORGANIZATION: the organization's own sign-in page."""
    found = _offered(slug)
    return render(
        request, "accounts/sso_offer.html", {"found": found, "next": gate.where_to(request)}
    )


@require_safe
@never_cache
def start(request: HttpRequest, slug: str) -> HttpResponse:
    found = _offered(slug)
    return go(request, found, back=page_of(found, request), next=gate.where_to(request))


def _offered(slug: str) -> SingleSignOn:
    found = single_sign_on.offered_at(slug)
    if found is None:
        raise Http404
    return found


def go(request: HttpRequest, found: SingleSignOn, *, back: str, **about: Any) -> HttpResponse:
    """To the identity provider; `back` if it cannot be asked. about: kept until the return."""
    try:
        question = oidc.begin(single_sign_on.client_of(found))
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return redirect(back)
    request.session[ASKED] = {
        "organization": found.organization_id,
        "state": question.state,
        "nonce": question.nonce,
        "verifier": question.verifier,
        "at": time.time(),
        **about,
    }
    return redirect(question.address)


@require_safe
@never_cache
def come_back(request: HttpRequest) -> HttpResponse:
    """The identity provider's answer: whoever it names is signed in, to this organization."""
    asked = request.session.pop(ASKED, None)
    found = _asked_of(asked)
    if found is None:
        messages.error(request, "This sign-in was not begun here, or took too long. Try again.")
        return redirect("accounts:sso_where")
    test = bool(asked.get("test"))
    try:
        claims = oidc.finish(
            single_sign_on.client_of(found),
            request.GET.dict(),
            state=asked["state"],
            nonce=asked["nonce"],
            verifier=asked["verifier"],
        )
        if test:
            return _tested(request, found, claims)
        if found.mode == SingleSignOn.Mode.OFF:
            raise Refusal("sso_off", "Single sign-on has just been switched off.")
        admin = single_sign_on.admit(found, claims)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return redirect("accounts:sso_settings" if test else page_of(found, request))
    # A session of its own: nothing of one with more rights, or of somebody else, stays in it.
    request.session.flush()
    with sign_ins.by("single sign-on", within=found.organization_id):
        login(request, admin, backend=gate.BACKEND)
    request.session[gate.SIGNED_IN_BY] = "sso"
    request.session[gate.PROVED] = "sso"
    request.session[gate.SSO] = found.organization_id
    request.session.set_expiry(GOOD_FOR)
    return redirect(asked["next"])


def page_of(found: SingleSignOn, request: HttpRequest) -> str:
    address = reverse("accounts:sso_offer", args=[found.organization.slug])
    return f"{address}?{urlencode({'next': gate.where_to(request)})}"


def _asked_of(asked: dict[str, Any] | None) -> SingleSignOn | None:
    if not asked or abs(time.time() - asked["at"]) > PATIENCE:
        return None
    return (
        SingleSignOn.objects.filter(organization=asked["organization"])
        .select_related("organization")
        .first()
    )


def _tested(request: HttpRequest, found: SingleSignOn, claims: dict[str, Any]) -> HttpResponse:
    """Nobody is signed in by a test; it is noted for the owner who began it."""
    access: Access = request.access  # type: ignore[attr-defined]
    role = next((r for r in access.roles if r.organization_id == found.organization_id), None)
    if role is None or role.kind != Role.Kind.OWNER:
        raise Refusal("not_an_owner", "Only an owner can test single sign-on.")
    email = single_sign_on.check_admitted(found, claims)
    single_sign_on.note_test(found, email=email, by=access.admin)
    messages.success(request, f"The sign-in works: {email} would come in.")
    return redirect("accounts:sso_settings")
