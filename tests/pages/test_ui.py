"""The components as functions."""

from __future__ import annotations

import datetime as dt

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from accounts import clock
from accounts.models import Person
from accounts.pages import paging
from accounts.templatetags import ui

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (dt.timedelta(seconds=-10), "just now"),
        (dt.timedelta(seconds=50), "in 50 seconds"),
        (dt.timedelta(minutes=-1), "1 minute ago"),
        (dt.timedelta(hours=-5), "5 hours ago"),
        (dt.timedelta(days=12), "in 12 days"),
    ],
)
def test_distances_are_told_in_one_unit(delta: dt.timedelta, words: str) -> None:
    with clock.stopped(at=NOW):
        assert ui.distance(NOW + delta) == words


def test_a_moment_has_its_exact_form_as_title() -> None:
    shown = ui.when(NOW.astimezone(dt.timezone(dt.timedelta(hours=5))))
    assert 'title="2026-11-24 12:00:00 UTC"' in shown
    assert ">Nov 24, 2026, 12:00 UTC<" in shown


@pytest.mark.parametrize(
    ("purchased", "activated", "provisioned", "free", "over"),
    [(10, 5, 3, 2, 0), (0, 0, 0, 0, 0), (40, 40, 12, 0, 12), (0, 1, 0, 0, 1)],
)
def test_the_bar_of_seats_adds_up(
    purchased: int, activated: int, provisioned: int, free: int, over: int
) -> None:
    bar = ui.seat_bar(purchased, activated, provisioned)
    assert (bar["free"], bar["over"]) == (free, over)
    assert 0 <= bar["activated_width"] <= bar["held_width"] <= 1000
    assert bar["over_start"] + bar["over_width"] == 1000


def test_json_is_shown_as_text_whatever_is_in_it() -> None:
    shown = ui.json_view({"<script>": '</code><b>"&', "ok": True, "n": None}, "A <document>")
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert 'aria-label="A &lt;document&gt;"' in shown
    assert '<span class="json-word">true</span>' in shown


def test_long_json_is_cut_and_says_so() -> None:
    shown = ui.json_view(["x" * (ui.JSON_SHOWN + 50)], "Long")
    assert "more characters are not shown" in shown


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Lovelace", "AL"), ("lea@northwind.example", "L"), ("Ada", "A"), ("", "?"), ("–", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert ui.initials(name) == letters


def test_what_users_wrote_is_escaped_in_every_component() -> None:
    evil = "<script>x</script>\"'"
    template = Template(
        "{% badge 'idp' evil %}{% copy 'id' evil evil %}{% card evil %}{{ evil }}{% endcard %}"
        "{% table evil %}{% endtable %}{% notice 'bad' evil %}{{ evil }}{% endnotice %}"
        "{% dialog 'id' evil %}{% enddialog %}{% crumbs evil '/' evil %}{% stat evil evil evil %}"
        "{% empty_state evil %}{% endempty_state %}{% secret_once 'id' evil evil %}"
    )
    assert "<script" not in template.render(Context({"evil": evil}))


def test_a_sort_link_keeps_the_search_and_turns_round() -> None:
    request = RequestFactory().get("/users/?q=ada&page=3&sort=name")
    head = ui.sort_th(Context({"request": request, "sort": "name"}), "name", "Name")
    assert 'aria-sort="ascending"' in head
    assert 'href="?q=ada&amp;sort=-name"' in head
    assert "aria-sort" not in ui.sort_th(
        Context({"request": request, "sort": "name"}), "number", "Number"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("people", "page", "label", "has_next"),
    [(0, "1", "0", False), (50, "1", "50", False), (51, "1", "51", True), (51, "2", "51", False),
     (51, "9", "51", False), (1100, "1", "1,000+", True), (1100, "22", "1,100", False)],
)  # fmt: skip
def test_lists_are_counted_only_so_far(people: int, page: str, label: str, has_next: bool) -> None:
    from accounts import organizations

    organization = organizations.create("Many")
    Person.objects.bulk_create(
        Person(organization=organization, sort_key=str(n), created_at=NOW, changed_at=NOW)
        for n in range(people)
    )
    rows = Person.objects.of(organization).order_by("sort_key", "id")
    found = paging.page_of(RequestFactory().get(f"/?page={page}"), rows)
    assert (found.of, bool(found.next)) == (label, has_next)
