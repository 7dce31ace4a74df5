"""Who gets licenses through an application, changed while it is in use (R16)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.models import Application
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from licensing import eligibility
from licensing.pages.confirm import answer
from licensing.preview import Effect
from scim.pages import rows
from scim.pages.forms import RulesForm, as_form


@admin_required
@changes_things
def change(request: AdminRequest, application_id: uuid.UUID) -> HttpResponse:
    """The rules as a form; sent, whom it would meet; confirmed, the change."""
    application = get_object_or_404(rows.applications(request.organization), pk=application_id)
    form = RulesForm(request.POST or None, initial=_as_they_are(application))
    context = {"application": application, "form": form}
    if request.method != "POST":
        return render(request, "scim/rules.html", context)
    if form.is_valid():
        wanted = form.cleaned_data

        def deed(*, dry_run: bool, expected: str = "") -> Effect:
            return eligibility.change(
                application,
                eligibility=wanted["eligibility"],
                group_names=wanted["eligible_groups"],
                when_full=wanted["when_full"],
                by=request.admin,
                dry_run=dry_run,
                expected=expected,
            )

        context |= {"chosen": wanted["eligible_groups"]}
        try:
            asked, effect = answer(
                request, deed, "scim/rules_preview.html", context, name=application.name
            )
        except Refusal as refusal:
            form.add_error("eligible_groups", refusal.detail)
        else:
            if asked is not None:
                return asked
            messages.success(request, f"The rules are changed: {effect.happened}.")
            return redirect("scim_settings:application", application.pk)
    return render(request, "scim/rules.html", context, status=422)


def _as_they_are(application: Application) -> dict[str, str]:
    policy = application.policy
    names = policy.eligible_groups.order_by("name_key").values_list("name", flat=True)
    return as_form(policy.eligibility, list(names), policy.when_full)
