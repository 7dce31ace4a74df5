"""Settings > API tokens: what programs of the organization, or of oneself, may do."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_variables

from accounts import api_tokens, clock
from accounts.models import ApiToken, Role
from accounts.pages import panels
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.forms import HintedRadio, HintedTicks
from accounts.pages.paging import page_of
from accounts.refusal import Refusal

SETTING = panels.Setting(
    title="API tokens",
    sentence="Let programs do what you do here, each with a token that may do only its part.",
    link="accounts:api_tokens",
    icon="key-round",
)
OWN, SERVICE = "own", "service"


class TokenForm(forms.Form):
    """A new token. What the role does not allow is not offered."""

    name = forms.CharField(
        label="Name",
        max_length=api_tokens.LONGEST_NAME,
        help_text="What it is for, for example “Payroll sync”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label="Whose token",
        choices=[
            (OWN, "Yours"),
            (SERVICE, "The organization’s"),
        ],
        initial=OWN,
        widget=HintedRadio(
            {
                OWN: "It may never do more than you, ends when you leave, and what it does is "
                "noted under your name.",
                SERVICE: "It stays whoever leaves, and what it does is noted under its own name.",
            }
        ),
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=[(scope, sentence) for scope, sentence in api_tokens.SCOPES.items()],
        help_text="Give it no more than it needs. Who may change something may see it too.",
        widget=HintedTicks({scope: scope for scope in api_tokens.SCOPES}),
    )
    days = forms.IntegerField(
        label="Life in days",
        min_value=1,
        max_value=api_tokens.MOST_DAYS,
        initial=api_tokens.DAYS,
        help_text=f"At most {api_tokens.MOST_DAYS} (two years).",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(self, role: Role, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        allowed = api_tokens.allowed(role.kind)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)  # noqa: S101
        scopes.choices = [(scope, api_tokens.SCOPES[scope]) for scope in allowed]
        if role.kind != Role.Kind.OWNER:
            del self.fields["kind"]


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """badge: one of ui.BADGES; word: what it says."""

    token: ApiToken
    badge: str
    word: str
    works: bool
    may_revoke: bool

    @property
    def key(self) -> str:
        return str(self.token.pk)

    @property
    def scopes(self) -> list[str]:
        """In the order of the form; to write is to read too."""
        granted = set(self.token.scopes)
        granted -= {scope.replace(":write", ":read") for scope in granted if ":write" in scope}
        return [scope for scope in api_tokens.SCOPES if scope in granted]


@admin_required
def overview(request: AdminRequest) -> HttpResponse:
    """The tokens that the role may see, and the form for a new one."""
    return _show(request, TokenForm(request.role))


@sensitive_variables("issued")
@admin_required
def new(request: AdminRequest) -> HttpResponse:
    """A new token. The answer to this very request is the only place where it is shown."""
    if request.method != "POST":
        return redirect("accounts:api_tokens")
    form = TokenForm(request.role, request.POST)
    if not form.is_valid():
        return _show(request, form, status=422)
    wanted = form.cleaned_data
    try:
        issued = api_tokens.issue(
            request.organization,
            wanted["name"],
            scopes=wanted["scopes"],
            admin=None if wanted.get("kind") == SERVICE else request.admin,
            days=wanted["days"],
            by=request.admin,
        )
    except Refusal as refusal:
        form.add_error(None, refusal.detail)
        return _show(request, form, status=422)
    context = {"issued": issued, "base_url": f"{settings.PUBLIC_URL}/api/v1"}
    response = render(request, "accounts/api_token_shown.html", context)
    response["Cache-Control"] = "no-store, private"
    return response


@admin_required
def revoke(request: AdminRequest, token_id: uuid.UUID) -> HttpResponse:
    """Asks first, unless the dialog has asked already; then the token ends for good."""
    token = get_object_or_404(api_tokens.shown_to(request.role), pk=token_id)
    if request.method != "POST":
        return render(request, "accounts/api_token_revoke.html", {"row": _row(request, token)})
    try:
        api_tokens.revoke(token, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, f"The token {token} is revoked: nobody gets in with it.")
    return redirect("accounts:api_tokens")


# ------------------------------------------------------------------ inside


def _show(request: AdminRequest, form: TokenForm, *, status: int = 200) -> HttpResponse:
    page = page_of(request, api_tokens.shown_to(request.role))
    rows = [_row(request, token) for token in page.rows]
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "base_url": f"{settings.PUBLIC_URL}/api/v1",
    }
    return render(request, "accounts/api_tokens.html", context, status=status)


def _row(request: AdminRequest, token: ApiToken) -> Row:
    own = token.admin_id == request.admin.pk
    may_revoke = own or request.role.kind == Role.Kind.OWNER
    if token.revoked_at:
        return Row(token, "revoked", "Revoked", False, may_revoke)
    if token.expires_at <= clock.now():
        return Row(token, "expired", "Expired", False, may_revoke)
    if not api_tokens.works(token):
        return Row(token, "off", "Admin has left", False, may_revoke)
    return Row(token, "valid", "Valid", True, may_revoke)
