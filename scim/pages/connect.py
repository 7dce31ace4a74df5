"""Add new SCIM configuration, in three steps (R1, R2, R16, R18).

What was entered is kept as a draft, so that each step can be gone back to and nothing is
asked twice. Only the last step makes something: the application and its first token,
together.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts.models import Application, Organization, Product
from accounts.pages.access import AdminRequest, Page, admin_required, changes_things
from accounts.refusal import Refusal
from licensing.models import Policy
from scim import applications, clashes
from scim.pages import drafts, tokens
from scim.pages.forms import ConnectionForm, RulesForm, TokenForm, as_form

MOST_NAMES = 30
STEPS = (
    ("Connection", "scim_settings:new"),
    ("Licenses", "scim_settings:new_rules"),
    ("Token", "scim_settings:new_token"),
)


def _step(number: int, view: Page) -> Page:
    """A step needs the plan, and the steps before it."""

    @admin_required
    @changes_things
    def guarded(request: AdminRequest) -> HttpResponseBase:
        if not request.organization.may_use_scim:
            return redirect("scim_settings:settings")
        draft = drafts.of(request)
        done = 2 if "when_full" in draft else 1 if "name" in draft else 0
        if done < number - 1:
            return redirect(STEPS[done][1])
        return view(request, draft)

    return guarded


def _connection(request: AdminRequest, draft: dict[str, Any]) -> HttpResponse:
    """1: name, product and identity provider."""
    form = ConnectionForm(request.POST or None, initial=draft)
    if request.method == "POST" and form.is_valid():
        if _is_used(request.organization, form.cleaned_data["name"]):
            form.add_error("name", "The organization has an application of that name.")
        else:
            return _keep(request, draft | form.cleaned_data, "scim_settings:new_rules")
    return _show(request, 1, draft, {"form": form})


def _rules(request: AdminRequest, draft: dict[str, Any]) -> HttpResponse:
    """2: who gets a license, and what when they run out."""
    rules = ("eligibility", "eligible_groups", "when_full")
    before = as_form(*(draft[name] for name in rules)) if "when_full" in draft else None
    form = RulesForm(request.POST or None, initial=before)
    if request.method == "POST" and form.is_valid():
        return _keep(request, draft | form.cleaned_data, "scim_settings:new_token")
    return _show(request, 2, draft, {"form": form, **_taken(request.organization)})


@sensitive_variables("issued")
def _token(request: AdminRequest, draft: dict[str, Any]) -> HttpResponse:
    """3: everything once more, names that clash, and Generate token, which makes it."""
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            issued = applications.connect(
                request.organization,
                draft["name"],
                product=draft["product"],
                idp=draft["idp"],
                rules=(draft["when_full"], draft["eligibility"], draft["eligible_groups"]),
                token_name=form.cleaned_data["name"],
                days=form.cleaned_data["days"],
                by=request.admin,
            )
        except Refusal as refusal:
            form.add_error(None, refusal.detail)
        else:
            drafts.drop(request)
            return tokens.shown(request, issued)
    context = {
        "form": form,
        "policy": _as_policy(draft),
        "idp": Application.Idp(draft["idp"]).label,
        "clashes": list(clashes.of_names(request.organization, draft["eligible_groups"])),
    }
    return _show(request, 3, draft, context)


connection, rules, token = _step(1, _connection), _step(2, _rules), _step(3, _token)


@require_POST
@admin_required
@changes_things
def discard(request: AdminRequest) -> HttpResponse:
    """Forget what was entered. Nothing has been made of it."""
    if drafts.drop(request):
        messages.success(request, "The configuration that you had begun is discarded.")
    return redirect("scim_settings:settings")


# ------------------------------------------------------------------ inside


def _keep(request: AdminRequest, draft: dict[str, Any], following: str) -> HttpResponse:
    drafts.keep(request, draft)
    return redirect(following)


def _show(
    request: AdminRequest, number: int, draft: dict[str, Any], context: dict[str, Any]
) -> HttpResponse:
    context |= {
        "draft": draft,
        "product": Product(draft["product"]).label if draft else "",
        "number": number,
        "steps": STEPS,
        "back": STEPS[number - 2][1] if number > 1 else "scim_settings:settings",
    }
    status = 422 if context["form"].is_bound else 200
    return render(request, f"scim/new_{number}.html", context, status=status)


def _is_used(organization: Organization, name: str) -> bool:
    return Application.objects.of(organization).filter(name__iexact=name.strip()).exists()


def _taken(organization: Organization) -> dict[str, Any]:
    """Names of manual groups, which no identity provider can push (R24)."""
    found = list(clashes.names_taken(organization)[: MOST_NAMES + 1])
    return {"taken": found[:MOST_NAMES], "more_taken": len(found) > MOST_NAMES}


def _as_policy(draft: dict[str, Any]) -> dict[str, Any]:
    return {
        "everyone": draft["eligibility"] == Policy.Eligibility.EVERYONE,
        "groups": draft["eligible_groups"],
        "refuses": draft["when_full"] == Policy.WhenFull.REFUSE,
    }
