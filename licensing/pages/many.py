"""One deed for many people of the list: chosen ones, or all that its filters match (R10, R23)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import Group, Person, Product
from accounts.pages import asked, typed
from accounts.pages.access import AdminRequest, admin_required, changes_things
from accounts.pages.paging import from_the_beginning
from accounts.pages.undoing import done
from accounts.refusal import Refusal
from accounts.sets import among
from licensing import by_hand, foretell, pools
from licensing.by_hand import Deed, Outcome
from licensing.pages.wanted import Wanted

ALL = "all"
#: People who are chosen one by one; more are chosen by a filter.
MOST_CHOSEN = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Words:
    """How a deed is called. choice: in the list of deeds. ask: the question, without its mark.
    ask and done tell of {people}; {name} is the product or the group. note: what follows."""

    choice: str
    ask: str
    done: str
    bad: bool = False
    note: str = ""


_WORDS = {
    "give": Words(
        "Give a {name} license",
        "Give {people} a {name} license",
        "{people} given a {name} license",
    ),
    "take": Words(
        "Remove the {name} license given by hand",
        "Remove the {name} license of {people}",
        "The {name} license of {people} removed",
        bad=True,
        note="What becomes free goes to those who wait, in order.",
    ),
    "join": Words("Add to a group…", "Add {people} to {name}", "{people} added to {name}"),
    "leave": Words(
        "Take out of a group…",
        "Take {people} out of {name}",
        "{people} taken out of {name}",
        bad=True,
    ),
    "remove": Words(
        "Remove people added by hand",
        "Remove {people}",
        "{people} removed",
        bad=True,
        note="Their licenses are free at once, for those who wait in order. The history stays, "
        "and what was freed can be restored for 30 days.",
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A line of the list of deeds."""

    value: str
    label: str


def deeds() -> dict[str, list[Choice]]:
    """What can be done, by what it is about."""
    return {
        "Licenses": [
            Choice(f"{deed}:{product}", _WORDS[deed].choice.format(name=label))
            for deed in ("give", "take")
            for product, label in Product.choices
        ],
        "Manual groups": [Choice(deed, _WORDS[deed].choice) for deed in ("join", "leave")],
        "People": [Choice("remove", _WORDS["remove"].choice)],
    }


@require_POST
@admin_required
@changes_things
def many(request: AdminRequest) -> HttpResponse:
    """Says to how many it would be done and to whom not and why; the answer does it, with the
    name typed when many lose something by it."""
    posted = request.POST
    query = _query(posted.get("query", ""))
    kind, _, product = posted.get("deed", "").partition(":")
    chosen = _chosen(request, query)
    if chosen == []:
        return _back(request, query, "Nobody was selected.")
    known = product in Product.values if kind in ("give", "take") else not product
    if kind not in _WORDS or not known:
        return _back(request, query, "Choose what to do with the selected people.")
    context: dict[str, object] = {
        "deed": posted["deed"],
        "whom": ALL if posted.get("whom") == ALL else "",
        "people": [] if posted.get("whom") == ALL else chosen,
        "query": query.urlencode(),
        "back": _list(query),
    }
    group = _group(request)
    if kind in ("join", "leave") and group is None:
        context |= {"kind": kind, "groups": _manual(request)[:500], "missing": "group" in posted}
        status = 422 if "group" in posted else 200
        return render(request, "licensing/many_group.html", context, status=status)
    deed = _deed(request, kind, product, group)
    name = group.name if group else Product(product).label if product else ""
    return _answer(request, deed, _WORDS[kind], name, query, context | {"group": group})


# ------------------------------------------------------------------ inside


def _answer(
    request: AdminRequest,
    deed: Deed,
    words: Words,
    name: str,
    query: QueryDict,
    context: dict[str, object],
) -> HttpResponse:
    confirmed = request.POST.get("confirmed", "")
    run = functools.partial(
        by_hand.run, request.organization, deed, lambda: _ids(request, query), by=request.admin
    )
    outdated = False
    try:
        outcome = run(dry_run=words.bad or not confirmed, expected=confirmed)
        many = words.bad and outcome.done.total > typed.MANY
        named = typed.read_name(request, name or request.organization.name, wanted=many)
        if confirmed and named.right:
            outcome = run(expected=confirmed) if words.bad else outcome
            done(request, _done(words, name, outcome))
            return redirect(_list(query))
    except by_hand.Outdated as refusal:
        outcome, outdated = refusal.outcome, True
        many = words.bad and outcome.done.total > typed.MANY
        named = typed.Typed(name or request.organization.name if many else "", right=False)
    except Refusal as refusal:
        return _back(request, query, refusal.detail)
    wrong = named.wrong if confirmed else ""
    context |= {
        "outcome": outcome,
        "outdated": outdated,
        "ask": words.ask.format(people=_people(outcome.done.total), name=name),
        "bad": words.bad,
        "note": words.note,
        "will": foretell.freeing(request.organization, outcome.frees),
        "name": named.name,
        "wrong": wrong,
    }
    status = 409 if outdated else 422 if wrong else 200
    return render(request, "licensing/many.html", context, status=status)


def _done(words: Words, name: str, outcome: Outcome) -> str:
    left = sum(refused.people.total for refused in outcome.refused)
    done = words.done.format(people=_people(outcome.done.total), name=name)
    return f"{done}." + (f" {_people(left)} left as they were." if left else "")


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _chosen(request: AdminRequest, query: QueryDict) -> list[int] | None:
    """Ids as they were ticked; None is everybody whom the filters match."""
    if request.POST.get("whom") == ALL:
        return None
    ticked = request.POST.getlist("person")[:MOST_CHOSEN]
    return sorted(asked.ids(ticked))


def _ids(request: AdminRequest, query: QueryDict) -> Sequence[int]:
    chosen = _chosen(request, query)
    rows = (
        Wanted.read(query).people(request.organization)
        if chosen is None
        else Person.objects.of(request.organization).filter(pk__in=among(chosen, "bigint"))
    )
    return list(rows.order_by("pk").values_list("pk", flat=True)[: by_hand.MOST + 1])


def _deed(request: AdminRequest, kind: str, product: str, group: Group | None) -> Deed:
    if group is not None:
        return by_hand.Join(group) if kind == "join" else by_hand.Leave(group)
    if kind == "remove":
        return by_hand.Remove(request.organization)
    pool = pools.get(request.organization, product)
    return by_hand.GiveSeat(pool) if kind == "give" else by_hand.RemoveSeat(pool)


def _manual(request: AdminRequest) -> list[Group]:
    rows = Group.objects.of(request.organization).filter(application=None)
    return list(rows.defer("document").order_by("name_key"))


def _group(request: AdminRequest) -> Group | None:
    """The manual group that was chosen, for the deeds that need one."""
    if request.POST.get("deed") not in ("join", "leave"):
        return None
    id = asked.as_id(request.POST.get("group", ""))
    found = Group.objects.of(request.organization).filter(application=None)
    return found.filter(pk=id).first() if id else None


def _query(text: str) -> QueryDict:
    """The filters of the list, without the place in it."""
    return from_the_beginning(QueryDict(text[:4000]))


def _list(query: QueryDict) -> str:
    people = reverse("licensing:people")
    return f"{people}?{query.urlencode()}" if query else people


def _back(request: AdminRequest, query: QueryDict, because: str) -> HttpResponse:
    messages.error(request, because)
    return redirect(_list(query))
