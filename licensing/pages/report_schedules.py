"""Usage reports by e-mail: made, changed, paused, deleted, and sent to oneself at once (R25)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.models import Product
from accounts.pages import asked
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.refusal import Refusal
from licensing import report_schedules, reporting, reports
from licensing.models import ReportSchedule
from licensing.pages.reporting import ids, offered
from licensing.report_schedules import WEEKDAYS, Wanted

_DAYS = [(f"weekly {n}", f"Every {name}") for n, name in enumerate(WEEKDAYS, 1)]
_DAYS += [
    (f"monthly {n}", f"On day {n} of every month")
    for n in range(1, report_schedules.LAST_DAY_OF_MONTH + 1)
]


class ScheduleForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=100, help_text="It is the subject of the e-mail."
    )
    product = forms.ChoiceField(label="Product", choices=Product.choices)
    goes = forms.ChoiceField(
        label="When it goes",
        choices=_DAYS,
        help_text="At 6:00 UTC, about the last whole week (Monday to Sunday) or month.",
    )


@admin_required
def schedules(request: AdminRequest) -> HttpResponse:
    """Every scheduled report, and how its last e-mails went."""
    found = list(report_schedules.of(request.organization))
    letters = report_schedules.last_letters(found)
    rows = [
        {
            "schedule": schedule,
            "when": report_schedules.when(schedule),
            "letters": letters.get(schedule.pk, []),
            "failed": [line for line in letters.get(schedule.pk, []) if line.error],
        }
        for schedule in found
    ]
    return render(request, "licensing/schedules.html", {"rows": rows})


@admin_required
@changes_things
def new(request: AdminRequest) -> HttpResponse:
    return _form(request, None)


@admin_required
@changes_things
def edit(request: AdminRequest, schedule_id: int) -> HttpResponse:
    return _form(request, _schedule(request, schedule_id))


@require_POST
@admin_required
@changes_things
def pause(request: AdminRequest, schedule_id: int) -> HttpResponse:
    """paused: "yes" pauses it, anything else resumes it."""
    schedule = _schedule(request, schedule_id)
    paused = request.POST.get("paused") == "yes"
    try:
        report_schedules.pause(schedule, paused, by=request.admin)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        done = "is paused" if paused else "goes out again"
        messages.success(request, f"{schedule.name} {done}.")
    return redirect("licensing:schedules")


@admin_required
@changes_things
def delete(request: AdminRequest, schedule_id: int) -> HttpResponse:
    """Asks; the answer deletes it."""
    schedule = _schedule(request, schedule_id)
    if request.method == "POST":
        try:
            report_schedules.delete(schedule, by=request.admin)
        except Refusal as refusal:
            messages.error(request, refusal.detail)
        else:
            messages.success(request, f"{schedule.name} was deleted.")
        return redirect("licensing:schedules")
    return render(request, "licensing/delete_schedule.html", {"schedule": schedule})


@require_POST
@admin_required
@changes_things
def send(request: AdminRequest, schedule_id: int) -> HttpResponse:
    """To whoever asks, and to nobody else."""
    schedule = _schedule(request, schedule_id)
    report_schedules.send_now(schedule, by=request.admin)
    messages.success(request, f"{schedule.name} goes to {request.admin.email} within a minute.")
    return redirect("licensing:schedules")


# ------------------------------------------------------------------ inside


def _schedule(request: AdminRequest, id: int) -> ReportSchedule:
    return get_object_or_404(
        ReportSchedule.objects.of(request.organization).select_related("organization"), pk=id
    )


def _form(request: AdminRequest, schedule: ReportSchedule | None) -> HttpResponse:
    """The form of a new one or of one that there is; the answer makes or changes it."""
    if request.method == "POST":
        form = ScheduleForm(request.POST)
        if form.is_valid():
            try:
                _save(request, schedule, _wanted(form, request.POST))
            except Refusal as refusal:
                form.add_error(None, refusal.detail)
            else:
                messages.success(request, f"{form.cleaned_data['name']} was saved.")
                return redirect("licensing:schedules")
        chosen = _chosen(request.POST)
        status = 422
    else:
        initial, chosen = _asked(request, schedule)
        form, status = ScheduleForm(initial=initial), 200
    context = _context(request, form, chosen) | {"schedule": schedule}
    return render(request, "licensing/schedule.html", context, status=status)


def _save(request: AdminRequest, schedule: ReportSchedule | None, wanted: Wanted) -> None:
    if schedule is None:
        report_schedules.make(request.organization, wanted, by=request.admin)
    else:
        report_schedules.change(schedule, wanted, by=request.admin)


def _wanted(form: ScheduleForm, sent: QueryDict) -> Wanted:
    rhythm, _, day = form.cleaned_data["goes"].partition(" ")
    return Wanted(
        name=form.cleaned_data["name"],
        product=form.cleaned_data["product"],
        rhythm=rhythm,
        day=int(day),
        **_chosen(sent),
    )


def _chosen(sent: QueryDict) -> dict[str, Any]:
    return {
        "groups": ids(sent.getlist("group")),
        "everybody": "everybody" in sent,
        "departments": "departments" in sent,
        "recipients": [int(id) for id in sent.getlist("to") if id.isascii() and id.isdigit()],
    }


def _asked(
    request: AdminRequest, schedule: ReportSchedule | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the form begins with: the schedule, or what the report's address chose, to oneself."""
    if schedule is None:
        product = request.GET.get("product", "")
        chosen = _chosen(request.GET)
        chosen["everybody"] |= not (chosen["groups"] or chosen["departments"])
        chosen["recipients"] = chosen["recipients"] or [request.admin.pk]
        return {"product": product, "goes": "weekly 1"}, chosen
    return {
        "name": schedule.name,
        "product": schedule.product,
        "goes": f"{schedule.rhythm} {schedule.day}",
    }, {
        "groups": schedule.groups,
        "everybody": schedule.everybody,
        "departments": schedule.departments,
        "recipients": [each.admin_id for each in schedule.recipients.all()],
    }


def _context(request: AdminRequest, form: ScheduleForm, chosen: dict[str, Any]) -> dict[str, Any]:
    """What is there to choose from. find: a part of a name, for organizations of many groups."""
    groups = reports.groups_of(request.organization, chosen["groups"])
    return {
        "form": form,
        "chosen": chosen | {"groups": {group.pk for group in groups}},
        "offered": offered(request.organization, asked.text(request.GET, "find"), groups),
        "admins": report_schedules.possible_recipients(request.organization),
        "most_departments": reporting.MOST_DEPARTMENTS,
    }
