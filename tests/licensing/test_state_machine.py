"""Seats against a small model of the rules, step by step, with crashes, drawn by Hypothesis.

One organization with three applications: two feed one pool, the third another one. A rule sends
one request (or runs one command, or wakes the worker) and does the same to the model; a crash may
hit it at any statement. After each the books must be right: by SQL that knows nothing of the
product's code, by the model's idea of who is entitled, by reconciliation and by explanation.

The model is dictionaries: who is in an application, active, with which number; the members of its
groups, and which groups are chosen. It never says who gets a seat, only who is entitled to one;
that the right one got it follows from the order: nobody is seated past somebody who still waits.

./test draws the same walks each time. SEATKEEPER_WALKS=1000 draws as many new ones:

    SEATKEEPER_WALKS=1000 ./test tests/licensing/test_state_machine.py
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from accounts.models import Organization
from licensing import explain, pools, tasks
from licensing.models import Pool
from scim import tokens
from scim.models import Token
from tests import factories, walks
from tests.licensing import books
from tests.licensing.crashes import WAYS, Crash, rows_of

EMAILS = [f"p{n}@acme.example" for n in range(6)]
#: In the order of R17.
NUMBERS = ["2", "9", "10", "A7", ""]
SALES, TEAMLINK = PRODUCTS = ("sales-navigator", "teamlink-extend")
GROUPS = ["Sellers", "Buyers", "Others"]

emails = st.sampled_from(EMAILS)
numbers = st.sampled_from(NUMBERS)
positions = st.integers(0, 20)
who = st.lists(positions, max_size=4)
#: The number and the flag of the first few people, so that a walk begins where seats are short.
staff = st.lists(st.tuples(numbers, st.booleans() | st.just(True)), min_size=2, max_size=5)
applications = st.fixed_dictionaries(
    {
        "when_full": st.sampled_from(["waitlist", "waitlist", "refuse"]),
        "chosen": st.sampled_from([None, None, ["Sellers"], ["Sellers", "Buyers"], []]),
        "staff": staff,
    }
)


@dataclasses.dataclass
class Member:
    """One person of one application, as the identity provider knows them."""

    id: str
    number: str
    active: bool


@dataclasses.dataclass
class Group:
    name: str
    members: set[str]


@dataclasses.dataclass
class Directory:
    """An identity provider's application. chosen: None is everyone; else the names of the groups
    whose members are eligible → the id of the group that has the name, if it was pushed."""

    idp: factories.Idp
    product: str
    refuses: bool
    chosen: dict[str, str | None] | None
    people: dict[str, Member] = dataclasses.field(default_factory=dict)
    groups: dict[str, Group] = dataclasses.field(default_factory=dict)

    def entitles(self, email: str) -> bool:
        """R16: active, and everyone's or in a chosen group."""
        if email not in self.people or not self.people[email].active:
            return False
        return self.chosen is None or any(
            group is not None and email in self.groups[group].members
            for group in self.chosen.values()
        )

    def bind(self, id: str, name: str) -> None:
        """A group of this name is there: chosen if the name was, and still if it was before."""
        if self.chosen is None:
            return
        before = next((old for old, group in self.chosen.items() if group == id), None)
        if before is not None:
            del self.chosen[before]
            self.chosen[name] = id
        elif name in self.chosen:
            self.chosen[name] = id

    def ids(self, places: list[int]) -> dict[str, str]:
        """E-mail → id of some of its people."""
        there = list(self.people)
        names = {there[place % len(there)] for place in places} if there else set()
        return {email: self.people[email].id for email in sorted(names)}


@dataclasses.dataclass(frozen=True)
class Seat:
    id: int
    source: str
    state: str
    application: Any
    carried_over: bool


@dataclasses.dataclass(frozen=True)
class Books:
    """One pool as the tables have it."""

    id: int
    purchased: int
    held: int
    seats: dict[str, Seat]
    waiting: dict[str, Any]  # e-mail → the application; without refused ones
    refused: frozenset[str]
    lines: int


class Walk(RuleBasedStateMachine):
    organization: Organization

    @initialize(
        first=applications,
        second=applications,
        other=applications,
        seats=st.integers(1, 4),
        hands=st.lists(emails, max_size=2, unique=True),
    )
    def begin(self, first: Any, second: Any, other: Any, seats: int, hands: list[str]) -> None:
        """Where seats are short already; the groups are pushed last, with their first members."""
        self.organization = factories.organization()
        self.crash: Crash | None = None
        self.activated: set[str] = set()
        for product in PRODUCTS:
            factories.set_seats(self.organization, seats, product)
        for email in hands:
            factories.grant(self.organization, email)
        self.directories = []
        for product, drawn in ((SALES, first), (SALES, second), (TEAMLINK, other)):
            chosen = drawn["chosen"]
            more = {} if chosen is None else {"eligibility": "groups", "eligible_groups": chosen}
            idp = factories.connect(
                self.organization, product=product, when_full=drawn["when_full"], **more
            )
            directory = Directory(
                idp,
                product,
                drawn["when_full"] == "refuse",
                None if chosen is None else dict.fromkeys(chosen),
            )
            self.directories.append(directory)
            for email, (number, active) in zip(EMAILS, drawn["staff"], strict=False):
                answer = idp.create(email, number=number, active=active)
                if answer.status == 201:
                    directory.people[email] = Member(answer.id, number, active)
        self.books = self.look()
        for place, directory in enumerate(self.directories):
            if directory.chosen:
                self.create_group(place, "Sellers", [0, 1, 2])
                self.everything_holds()
        self.touched = set(PRODUCTS)

    # ---- asking

    def ask(self, request: Callable[[], Any]) -> Any:
        """The answer; when a crash was drawn, that of the repeat.

        R26: a request that crashes answers 5xx (a command ends in an error) and has changed
        nothing; repeating it is harmless.
        """
        crash, self.crash = self.crash, None
        if crash is None:
            return request()
        before = rows_of(self.organization.pk)
        with connection.execute_wrapper(crash):
            try:
                answer = request()
            except OperationalError:
                answer = None
        if crash.statement is None:
            return answer
        connection.close()
        failed = answer is None or (
            answer.status >= 500
            if isinstance(answer, factories.Answer)
            else answer.exit == 1 and answer.json["error"]["code"] == "database_unreachable"
        )
        if not failed:
            return answer  # survived: what it says must be so, as of any other
        assert rows_of(self.organization.pk) == before, (crash, answer)
        return request()

    def at(self, place: int) -> Directory:
        directory = self.directories[place % len(self.directories)]
        self.touched = {directory.product}
        return directory

    def pool(self, product: str) -> Pool:
        return pools.get(self.organization, product)

    def expect_seat_or_refusal(
        self, directory: Directory, email: str, answer: factories.Answer, status: int
    ) -> bool:
        """R18: whether a push that may ask for a seat was done; refused only for want of one."""
        if answer.status == status:
            return True
        assert answer.status == 403, answer
        assert directory.refuses
        now = self.look()[directory.product]
        assert now.held >= now.purchased, "refused while a seat was free"
        # By right, when another application of the pool keeps a place for them.
        assert email in now.refused or email in now.waiting, "refused, and not on the waiting list"
        assert now.seats == self.books[directory.product].seats, "refused, and seats changed"
        return False

    # ---- people

    @rule(place=positions, email=emails, number=numbers, active=st.booleans() | st.just(True))
    def create(self, place: int, email: str, number: str, active: bool) -> None:
        directory = self.at(place)
        answer = self.ask(lambda: directory.idp.create(email, number=number, active=active))
        if email in directory.people:
            assert answer.status == 409, answer
        elif self.expect_seat_or_refusal(directory, email, answer, 201):
            directory.people[email] = Member(answer.id, number, active)

    @rule(place=positions, one=positions, active=st.booleans())
    def switch(self, place: int, one: int, active: bool) -> None:
        directory = self.at(place)
        for email, id in directory.ids([one]).items():
            answer = self.ask(lambda id=id: directory.idp.set_active(id, active))
            if self.expect_seat_or_refusal(directory, email, answer, 200):
                directory.people[email].active = active

    @rule(place=positions, one=positions, number=numbers, active=st.none() | st.booleans())
    def replace(self, place: int, one: int, number: str, active: bool | None) -> None:
        """Also with another employee number, which is another place in the order."""
        directory = self.at(place)
        for email, id in directory.ids([one]).items():
            body = factories.person(email, number=number, active=bool(active))
            if active is None:
                del body["active"]
            answer = self.ask(lambda id=id, body=body: directory.idp("PUT", f"/Users/{id}", body))
            if self.expect_seat_or_refusal(directory, email, answer, 200):
                member = directory.people[email]
                member.number = number
                member.active = member.active if active is None else active

    @rule(place=positions, one=positions)
    def delete(self, place: int, one: int) -> None:
        directory = self.at(place)
        for email, id in directory.ids([one]).items():
            assert self.ask(lambda id=id: directory.idp.delete(id)).status == 204
            del directory.people[email]
            for group in directory.groups.values():
                group.members.discard(email)
            assert directory.idp.get(id).status == 404

    @rule(place=positions, email=emails, number=numbers, active=st.booleans() | st.just(True))
    def take_over(self, place: int, email: str, number: str, active: bool) -> None:
        """R12: an identity provider that finds somebody who was added by hand updates them."""
        directory = self.at(place)
        if email in directory.people:
            return
        for found in directory.idp.find(f'userName eq "{email}"'):
            id, body = found["id"], factories.person(email, number=number, active=active)
            answer = self.ask(lambda id=id, body=body: directory.idp("PUT", f"/Users/{id}", body))
            if self.expect_seat_or_refusal(directory, email, answer, 200):
                directory.people[email] = Member(id, number, active)

    # ---- groups

    def expect_group(
        self, directory: Directory, id: str, answer: factories.Answer, status: int
    ) -> None:
        """R19: kept in any case; 403 each time until every member has a seat."""
        group = directory.groups[id]
        short = (
            directory.chosen is not None
            and id in directory.chosen.values()
            and (group.members & set(self.look()[directory.product].waiting))
        )
        assert answer.status == (403 if short else status), (answer, short)

    @rule(place=positions, name=st.sampled_from(GROUPS), members=who)
    def create_group(self, place: int, name: str, members: list[int]) -> None:
        directory = self.at(place)
        ids = directory.ids(members)
        answer = self.ask(lambda: directory.idp.create_group(name, *ids.values()))
        if name in {group.name for group in directory.groups.values()}:
            assert answer.status == 409, answer
            return
        assert answer.status == 201, answer
        directory.groups[answer.id] = Group(name, set(ids))
        directory.bind(answer.id, name)

    @rule(
        place=positions,
        one=positions,
        deed=st.sampled_from(["add", "remove", "replace"]),
        members=who,
        name=st.sampled_from(GROUPS),
    )
    def push_members(self, place: int, one: int, deed: str, members: list[int], name: str) -> None:
        self.push_group(place, one, deed, members, name)

    @rule(
        place=positions,
        one=positions,
        deed=st.sampled_from(["rename", "delete"]),
        name=st.sampled_from(GROUPS),
    )
    def push_name(self, place: int, one: int, deed: str, name: str) -> None:
        self.push_group(place, one, deed, [], name)

    def push_group(self, place: int, one: int, deed: str, members: list[int], name: str) -> None:
        directory = self.at(place)
        if not directory.groups:
            return
        id = list(directory.groups)[one % len(directory.groups)]
        group, ids, idp = directory.groups[id], directory.ids(members), directory.idp
        taken = name in {other.name for key, other in directory.groups.items() if key != id}
        match deed:
            case "add":
                answer = self.ask(lambda: idp.add_members(id, *ids.values()))
                group.members |= set(ids)
                self.expect_group(directory, id, answer, 204)
            case "remove" if ids:
                answer = self.ask(lambda: idp.remove_members(id, *ids.values()))
                group.members -= set(ids)
                self.expect_group(directory, id, answer, 204)
            case "replace" if not taken:
                answer = self.ask(lambda: idp.replace_group(id, name, *ids.values()))
                group.name, group.members = name, set(ids)
                directory.bind(id, name)
                self.expect_group(directory, id, answer, 200)
            case "replace" | "rename" if taken:
                assert self.ask(lambda: idp.rename_group(id, name)).status == 409
            case "rename":
                answer = self.ask(lambda: idp.rename_group(id, name))
                group.name = name
                directory.bind(id, name)
                self.expect_group(directory, id, answer, 204)
            case "delete":
                assert self.ask(lambda: idp("DELETE", f"/Groups/{id}")).status == 204
                del directory.groups[id]
                for chosen, bound in (directory.chosen or {}).items():
                    if bound == id and directory.chosen is not None:
                        directory.chosen[chosen] = None  # the name stays chosen

    # ---- by hand

    @rule(
        deed=st.sampled_from(["grant", "remove", "activate"]),
        product=st.sampled_from([SALES, SALES, TEAMLINK]),
        email=emails,
    )
    def by_hand(self, deed: str, product: str, email: str) -> None:
        getattr(self, deed)(product, email)

    def grant(self, product: str, email: str) -> None:
        """R15: refused when, and only when, there is no free seat and none that they hold."""
        self.touched = {product}
        before = self.books[product]
        fits = email in before.seats or before.held < before.purchased
        ran = self.ask(lambda: factories.grant(self.organization, email, product))
        assert ran.exit == (0 if fits else 1), ran
        if email not in before.seats and fits:
            assert self.look()[product].seats[email].source == "manual"

    def remove(self, product: str, email: str) -> None:
        """R12: only a seat that was given by hand."""
        self.touched = {product}
        seat = self.books[product].seats.get(email)
        ran = self.ask(
            lambda: factories.manage("remove_seat", self.organization.slug, product, email)
        )
        assert ran.exit == (0 if seat is not None and seat.source == "manual" else 1), ran

    def activate(self, product: str, email: str) -> None:
        self.touched = {product}
        holds = email in self.books[product].seats
        ran = self.ask(
            lambda: factories.manage("activate_seat", self.organization.slug, product, email)
        )
        assert ran.exit == (0 if holds else 1), ran
        if holds:
            self.activated = {email}

    @rule(product=st.sampled_from(PRODUCTS), number=st.integers(0, 5))
    def set_seats(self, product: str, number: int) -> None:
        self.touched = {product}
        ran = self.ask(
            lambda: factories.manage("set_seats", self.organization.slug, product, number)
        )
        assert ran.json["purchased"] == number

    # ---- Seatkeeper itself

    @rule(
        deed=st.sampled_from(["fill", "reconcile", "reissue"]),
        product=st.sampled_from(PRODUCTS),
        number=st.integers(0, 3),
    )
    def itself(self, deed: str, product: str, number: int) -> None:
        match deed:
            case "fill":
                self.fill(product, number)
            case "reconcile":
                self.reconcile()
            case "reissue":
                self.reissue(number)

    def fill(self, product: str, more: int) -> None:
        """R20: seats that nobody was woken for go to the first who wait, as many as fit."""
        before = self.look()[product]
        Pool.objects.filter(pk=before.id).update(purchased=before.purchased + more)
        room = max(0, before.purchased + more - before.held)
        first = sorted(before.waiting, key=lambda email: self.rank(before.waiting[email], email))
        tasks.fill_waiting_lists()
        now = self.look()[product]
        assert set(now.seats) - set(before.seats) == set(first[:room])
        assert set(now.waiting) == set(first[room:])
        self.touched = set(PRODUCTS)

    def reconcile(self) -> None:
        """R21: there is nothing to repair, so it changes nothing."""
        before = rows_of(self.organization.pk)
        assert factories.reconcile_licenses(self.organization)["drift"] == 0
        assert rows_of(self.organization.pk) == before
        self.touched = set()

    def reissue(self, place: int) -> None:
        """R3: a revoked token is 401 from then on, whatever it sends."""
        directory = self.at(place)
        self.touched = set()
        for token in Token.objects.filter(application=directory.idp.application, revoked_at=None):
            tokens.revoke(token)
        assert directory.idp.create("late@acme.example").status == 401
        directory.idp.secret = tokens.issue(directory.idp.application).secret

    @precondition(lambda self: self.crash is None)
    @rule(at=st.integers(1, 24), way=st.sampled_from(WAYS))
    def crash_next(self, at: int, way: str) -> None:
        """The next request fails at this statement, if it has so many."""
        self.crash = Crash(at, way)
        self.touched = set()

    # ---- what holds after each step

    @invariant()
    def everything_holds(self) -> None:
        self.the_books_are_right()
        self.the_directory_is_the_model()
        self.reconciliation_finds_nothing()
        self.everything_is_explained()

    def rank(self, application: Any, email: str) -> tuple[int, str]:
        """R17: the place in the order. They all have one name, so the e-mail decides a tie."""
        directory = next(d for d in self.directories if d.idp.application.pk == application)
        return NUMBERS.index(directory.people[email].number), email

    def look(self) -> dict[str, Books]:
        found = {}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT product, id, purchased, held FROM licensing_pool "
                "WHERE organization_id = %s",
                [self.organization.pk],
            )
            for product, id, purchased, held in cursor.fetchall():
                cursor.execute(
                    "SELECT person.email, seat.id, seat.source, seat.state, "
                    "seat.application_id, seat.carried_over FROM licensing_seat seat "
                    "JOIN accounts_person person ON person.id = seat.person_id "
                    "WHERE seat.pool_id = %s",
                    [id],
                )
                seats = {email: Seat(*rest) for email, *rest in cursor.fetchall()}
                cursor.execute(
                    "SELECT email, application_id, refused FROM licensing_waitingentry "
                    "WHERE pool_id = %s",
                    [id],
                )
                entries = cursor.fetchall()
                cursor.execute(
                    "SELECT count(*) FROM licensing_ledgerentry WHERE pool_id = %s", [id]
                )
                found[product] = Books(
                    id,
                    purchased,
                    held,
                    seats,
                    {email: application for email, application, refused in entries if not refused},
                    frozenset(email for email, _, refused in entries if refused),
                    cursor.fetchone()[0],
                )
        return found

    def the_books_are_right(self) -> None:
        wrong = books.wrong(_execute, organization=self.organization.pk, lowered=True)
        assert not wrong, wrong
        now = self.look()
        for product, then in now.items():
            before = self.books[product]
            if product not in self.touched:
                assert then == before, f"R2: a deed of the other pool changed {product}"
            assert then.held <= max(then.purchased, before.held), "R15"
            self.check_states(before, then)
            self.check_order(before, then)
        for product in PRODUCTS:
            self.check_entitlement(product, now[product])
        self.books, self.activated = now, set()

    def check_states(self, before: Books, now: Books) -> None:
        """R14: who has a seat keeps its state; a new one is for its owner to activate."""
        for email, seat in now.seats.items():
            old = before.seats.get(email)
            if old is None or old.id != seat.id:
                assert seat.state == "provisioned", f"{email} was given an activated seat"
            elif email not in self.activated:
                assert seat.state == old.state, email

    def check_order(self, before: Books, now: Books) -> None:
        """R17: whoever still waits comes after whom this step has given a seat."""
        granted = [
            self.rank(seat.application, email)
            for email, seat in now.seats.items()
            if seat.source == "scim"
            and (email not in before.seats or before.seats[email].id != seat.id)
        ]
        waiting = [self.rank(application, email) for email, application in now.waiting.items()]
        if granted and waiting:
            assert max(granted) < min(waiting), (granted, waiting)

    def check_entitlement(self, product: str, now: Books) -> None:
        """R12, R16, R18: whoever is entitled has a seat or waits; nobody else has SCIM's."""
        feeding = {d.idp.application.pk: d for d in self.directories if d.product == product}
        entitled = {email for email in EMAILS if any(d.entitles(email) for d in feeding.values())}
        assert set(now.waiting) == entitled - set(now.seats)
        for email, seat in now.seats.items():
            if seat.source == "manual":
                assert seat.application is None
                continue
            directory = feeding[seat.application]
            if seat.carried_over:
                assert email not in entitled, f"{email} is entitled and still carried over"
                member = directory.people.get(email)
                assert member is not None, f"{email}'s seat is of who deleted them"
                assert member.active, f"{email}'s seat is of who deactivated them"
            else:
                assert directory.entitles(email), f"{email} is not entitled"

    def the_directory_is_the_model(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT application_id, user_name, id::text, active FROM accounts_link "
                "WHERE organization_id = %s AND application_id IS NOT NULL",
                [self.organization.pk],
            )
            links = set(cursor.fetchall())
            cursor.execute(
                "SELECT g.application_id, g.name, person.email FROM accounts_group g "
                "JOIN accounts_membership membership ON membership.group_id = g.id "
                "JOIN accounts_person person ON person.id = membership.person_id "
                "WHERE g.organization_id = %s",
                [self.organization.pk],
            )
            members = set(cursor.fetchall())
        assert links == {
            (d.idp.application.pk, email, member.id, member.active)
            for d in self.directories
            for email, member in d.people.items()
        }
        assert members == {
            (d.idp.application.pk, group.name, email)
            for d in self.directories
            for group in d.groups.values()
            for email in group.members
        }

    def reconciliation_finds_nothing(self) -> None:
        """R21."""
        found = factories.reconcile_licenses(self.organization, "--dry-run")
        assert found["drift"] == 0, found

    def everything_is_explained(self) -> None:
        """R22: for whoever is there or waits, in a pool that the step may have changed."""
        known = {
            email
            for then in self.books.values()
            for email in (*then.seats, *then.waiting, *then.refused)
        } | {email for d in self.directories for email in d.people}
        for product in self.touched:
            then, pool = self.books[product], self.pool(product)
            for email in known:
                try:
                    told = explain.explain_address(pool, self.organization, email)
                except explain.NotFound:
                    # Refused in the other pool, and nobody here.
                    assert email not in then.seats
                    assert email not in then.waiting
                    assert email not in then.refused
                    continue
                assert told.has_seat == (email in then.seats), (email, told)
                assert told.because
                assert all(told.because)


def _execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_seats_are_right_after_every_step_whatever_crashes() -> None:
    """R2, R3, R12 to R22, R26: pushes of three applications, hands, the worker and crashes."""
    walks.run(Walk, examples=14)
