"""Settings > Webhooks: endpoints, their secrets, and what became of each delivery."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts import clock, webhooks
from accounts.models import Organization, WebhookDelivery, WebhookEndpoint
from accounts.pages import asked
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.forms import HintedTicks
from accounts.pages.paging import page_of
from accounts.pages.panels import Attention, Setting
from accounts.refusal import Refusal

SETTING = Setting(
    "Webhooks",
    "Tell your own systems, by signed requests, when licenses come and go.",
    "accounts:webhooks",
    "webhook",
    changing=True,
)
_FIELD_OF = {"url_invalid": "url", "kinds_missing": "kinds", "name_taken": "name"}


class EndpointForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="What you call it here, as in “HR system”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    url = forms.CharField(
        label="Address",
        max_length=2000,
        help_text="An https:// address on the public internet. It gets a POST with JSON.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"}
        ),
    )
    kinds = forms.MultipleChoiceField(
        label="What it is told of",
        choices=[(kind, sentence) for kind, sentence in webhooks.KINDS.items()],
        widget=HintedTicks({kind: kind for kind in webhooks.KINDS}),
    )


class RotateForm(forms.Form):
    overlap = forms.TypedChoiceField(
        label="The secret of now",
        coerce=int,
        initial=24,
        choices=[
            (24, "Signs for one more day"),
            (168, "Signs for one more week"),
            (0, "Ends at once"),
        ],
    )


@admin_required
@changes_things
def overview(request: AdminRequest) -> HttpResponse:
    """Every endpoint, and how it is doing."""
    endpoints = WebhookEndpoint.objects.of(request.organization).order_by("name")
    context = {
        "rows": [_row(endpoint) for endpoint in endpoints],
        "may_add": len(endpoints) < webhooks.MOST_ENDPOINTS,
        "most": webhooks.MOST_ENDPOINTS,
        "kinds": len(webhooks.KINDS),
    }
    return render(request, "accounts/webhooks.html", context)


@sensitive_variables("secret")
@admin_required
@changes_things
def new(request: AdminRequest) -> HttpResponse:
    """The answer to the form is the one page that shows the secret."""
    form = EndpointForm(request.POST or None, initial={"kinds": list(webhooks.KINDS)})
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = webhooks.add(
                request.organization, **form.cleaned_data, by=request.admin
            )
        except Refusal as refusal:
            form.add_error(_FIELD_OF.get(refusal.code), refusal.detail)
        else:
            return _shown(request, endpoint, secret)
    status = 422 if form.is_bound else 200
    return render(request, "accounts/webhook_form.html", {"form": form}, status=status)


@admin_required
@changes_things
def edit(request: AdminRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    endpoint = _get(request, endpoint_id)
    now = {"name": endpoint.name, "url": endpoint.url, "kinds": endpoint.kinds}
    form = EndpointForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        try:
            webhooks.change(endpoint, **form.cleaned_data, by=request.admin)
        except Refusal as refusal:
            form.add_error(_FIELD_OF.get(refusal.code), refusal.detail)
        else:
            messages.success(request, "The endpoint is changed.")
            return redirect("accounts:webhook", endpoint_id)
    return render(
        request,
        "accounts/webhook_form.html",
        {"form": form, "endpoint": endpoint},
        status=422 if form.is_bound else 200,
    )


@admin_required
@changes_things
def endpoint(request: AdminRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """One endpoint: how it is doing, and its deliveries, the newest first."""
    found = _get(request, endpoint_id)
    deliveries = WebhookDelivery.objects.filter(endpoint=found).order_by("-id")
    state = asked.text(request.GET, "state")
    if state in webhooks.State.values:
        deliveries = deliveries.filter(state=state)
    return render(
        request,
        "accounts/webhook.html",
        {
            "row": _row(found),
            "kinds": [(kind, webhooks.KINDS[kind]) for kind in found.kinds],
            "page": page_of(request, deliveries.defer("body", "answer")),
            "state": state,
            "states": webhooks.State.choices,
            "overlaps": found.previous_until is not None and found.previous_until > clock.now(),
        },
    )


@sensitive_variables("secret")
@admin_required
@changes_things
def rotate(request: AdminRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """A new secret, shown once; the one before signs too for as long as the admin says."""
    endpoint = _get(request, endpoint_id)
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        hours = form.cleaned_data["overlap"]
        secret = webhooks.rotate(endpoint, overlap_hours=hours, by=request.admin)
        endpoint.refresh_from_db()
        return _shown(request, endpoint, secret)
    context = {"endpoint": endpoint, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "accounts/webhook_rotate.html", context, status=status)


@admin_required
@changes_things
def delete(request: AdminRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Asks first, unless the dialog has asked already."""
    endpoint = _get(request, endpoint_id)
    if request.method != "POST":
        return render(request, "accounts/webhook_delete.html", {"endpoint": endpoint})
    webhooks.delete(endpoint, by=request.admin)
    messages.success(request, f"The endpoint {endpoint.name} is deleted.")
    return redirect("accounts:webhooks")


@require_POST
@admin_required
@changes_things
def pause(request: AdminRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    return _deed(request, endpoint_id, webhooks.pause, "Nothing is sent to {} until you resume it.")


@require_POST
@admin_required
@changes_things
def resume(request: AdminRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    done = "{} is told again, from where it stopped."
    return _deed(request, endpoint_id, webhooks.resume, done)


@require_POST
@admin_required
@changes_things
def test(request: AdminRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """A ping, and the page that shows what became of it."""
    sent = webhooks.send_test(_get(request, endpoint_id), by=request.admin)
    return redirect("accounts:webhook_delivery", sent.pk)


@admin_required
@changes_things
def delivery(request: AdminRequest, delivery_id: int) -> HttpResponse:
    """What was sent, what was answered, and each attempt; a pending one is looked at again."""
    found = _delivery(request, delivery_id)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": found.event,
        "webhook-timestamp": "seconds since 1970, of the attempt",
        "webhook-signature": "v1,…",
    }
    template = "accounts/webhook_delivery.html"
    return render(
        request,
        f"{template}#became" if request.htmx else template,
        {
            "delivery": found,
            "headers": headers,
            "tries": [_try(each) for each in reversed(found.tries)],
            "body": json.loads(found.body),
            "waits": found.state == webhooks.State.PENDING and not found.tries,
        },
    )


@require_POST
@admin_required
@changes_things
def repeat(request: AdminRequest, delivery_id: int) -> HttpResponse:
    try:
        webhooks.repeat(_delivery(request, delivery_id), by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, "It is sent once more within seconds, with the same id.")
    return redirect("accounts:webhook_delivery", delivery_id)


def attention(request: HttpRequest) -> Iterator[Attention]:
    """Endpoints that were paused since they accept nothing, or that accept nothing now."""
    organization: Organization = request.organization  # type: ignore[attr-defined]
    found = WebhookEndpoint.objects.of(organization).exclude(failing_since=None)
    for endpoint in found.order_by("name")[: webhooks.MOST_ENDPOINTS]:
        what = "was paused: it accepts nothing" if endpoint.paused_at else "fails"
        yield Attention(
            "warn",
            f"The webhook {endpoint.name} {what}.",
            reverse("accounts:webhook", args=[endpoint.pk]),
            "See what it answered",
        )


# ------------------------------------------------------------------ inside


def _get(request: AdminRequest, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint.objects.of(request.organization), pk=endpoint_id)


def _delivery(request: AdminRequest, delivery_id: int) -> WebhookDelivery:
    deliveries = WebhookDelivery.objects.of(request.organization).select_related("endpoint")
    return get_object_or_404(deliveries, pk=delivery_id)


def _deed(
    request: AdminRequest, endpoint_id: uuid.UUID, deed: Callable[..., None], done: str
) -> HttpResponse:
    endpoint = _get(request, endpoint_id)
    deed(endpoint, by=request.admin)
    messages.success(request, done.format(endpoint.name))
    return redirect("accounts:webhook", endpoint_id)


def _row(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """The endpoint with its state as a badge: kind and word."""
    if endpoint.paused_at is not None:
        badge = ("off", "Paused")
    elif endpoint.failing_since is not None:
        badge = ("refused", "Failing")
    else:
        badge = ("on", "On")
    return {"endpoint": endpoint, "badge": badge[0], "word": badge[1]}


def _try(tried: dict[str, Any]) -> dict[str, Any]:
    return {**tried, "at": asked.moment(tried["at"])}


def _shown(request: AdminRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    """The one page that shows a secret; no cache may keep it."""
    context = {"endpoint": endpoint, "secret": secret}
    response = render(request, "accounts/webhook_secret.html", context)
    response["Cache-Control"] = "no-store, private"
    return response
