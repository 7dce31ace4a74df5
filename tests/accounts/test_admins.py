"""Owners invite admins, change their roles and remove them; an organization keeps an owner."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail as sent
from django.test import Client
from django.urls import reverse

from accounts import admins, clock, invitations, roles, tasks
from accounts.models import Admin, AdminInvitation, AuditEntry, Organization, Role
from accounts.refusal import Refusal
from tests import factories
from tests.accounts.letters import link_of, newest_link

PASSWORD = "seven wooden spoons"
TOM = "tom@acme.example"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("letters")]


@pytest.fixture
def owner(db: None) -> Organization:
    return factories.organization()


@pytest.fixture
def lea(owner: Organization) -> Admin:
    return admins.create("lea@acme.example", organization=owner, password=PASSWORD)


@pytest.fixture
def browser(lea: Admin) -> Client:
    return signed_in(lea)


def signed_in(admin: Admin) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def role_of(admin: Admin, organization: Organization) -> Role:
    return Role.objects.of(organization).get(admin=admin)


def another(organization: Organization, email: str = TOM, role: str = "owner") -> Admin:
    return admins.create(email, organization=organization, password=PASSWORD, role=role)


def invite(browser: Client, email: str = TOM, kind: str = "admin") -> str:
    answer = browser.post(reverse("accounts:invite_admin"), {"email": email, "kind": kind})
    assert answer.status_code == 302, answer.content.decode()
    return newest_link()


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# ------------------------------------------------------------------ inviting


def test_who_is_invited_sets_a_password_once_and_signs_in(browser, owner):
    """A link that works one time, and no secret of it in the database."""
    link = invite(browser, TOM.upper())
    assert link.split("/")[2] not in factories.every_text()
    guest = Client()
    page = text(guest.get(link))
    assert "lea@acme.example has invited" in page
    assert TOM in page
    answer = guest.post(link, {"password": PASSWORD})
    assert answer["Location"] == reverse("accounts:sign_in")
    assert role_of(Admin.objects.get(email=TOM), owner).kind == "admin"
    again = guest.post(link, {"password": "another good password"})
    assert again.status_code == 404
    assert "was used" in text(again)
    signing_in = guest.post("/sign-in/", {"username": TOM, "password": PASSWORD})
    assert signing_in["Location"] == "/"


@pytest.mark.parametrize(
    ("password", "hint"),
    [
        ("eleven lett", "at least 12 characters"),
        ("1q2w3e4r5t6y", "too common"),
        ("tom@acme.exampl", "too similar"),
        ("", "required"),
    ],
)
def test_a_weak_password_is_refused_with_a_plain_hint(browser, owner, password, hint):
    """Length, common, similar; no rules of composition."""
    link = invite(browser)
    answer = Client().post(link, {"password": password})
    assert answer.status_code == 422
    assert hint in text(answer)
    assert not Admin.objects.filter(email=TOM).exists()


def test_an_admin_of_another_organization_signs_in_to_accept(browser, owner):
    """The address may be known: only who opens the link of the e-mail is told."""
    other = factories.organization()
    tom = another(other)
    answer = browser.post(
        reverse("accounts:invite_admin"), {"email": TOM, "kind": "read-only"}, follow=True
    )
    unknown = browser.post(
        reverse("accounts:invite_admin"),
        {"email": "new@acme.example", "kind": "admin"},
        follow=True,
    )
    assert f"An invitation goes to {TOM} within a minute." in text(answer)
    assert "An invitation goes to new@acme.example within a minute." in text(unknown)
    tasks.deliver_outbox()
    link = next(link_of(message) for message in sent.outbox if message.to == [TOM])
    assert "sign in with it to accept" in text(Client().get(link))
    assert Client().post(link, {"password": "taken over by a guest"}).status_code == 404
    assert not Role.objects.of(owner).filter(admin=tom).exists()
    assert "You are signed in as lea@acme.example" in text(browser.get(link))
    assert signed_in(tom).post(link).status_code == 302
    assert role_of(tom, owner).kind == "read-only"
    assert role_of(tom, other).kind == "owner"
    tom.refresh_from_db()
    assert tom.check_password(PASSWORD)


def test_a_link_ends_after_seven_days_when_withdrawn_and_when_sent_again(browser, owner):
    old = invite(browser)
    invitation = AdminInvitation.objects.get(email=TOM)
    assert "was invited a moment ago" in text(
        browser.post(reverse("accounts:invite_again", args=[invitation.pk]), follow=True)
    )
    with clock.stopped(at=clock.now() + dt.timedelta(days=7)):
        assert "this one is older" in text(Client().get(old))
        browser.post(reverse("accounts:invite_again", args=[invitation.pk]))
        new = newest_link()
        assert Client().get(old).status_code == 404
        assert Client().get(new).status_code == 200
        browser.post(reverse("accounts:withdraw", args=[invitation.pk]))
        assert Client().get(new).status_code == 404
    assert Client().get(new[:-3] + "/").status_code == 404
    assert invite(browser)  # anew, after the one that was withdrawn


def test_nobody_is_invited_twice(browser, owner, lea):
    invite(browser)
    form = {"email": TOM.upper(), "kind": "owner"}
    answer = browser.post(reverse("accounts:invite_admin"), form)
    assert answer.status_code == 422
    assert "is invited already" in text(answer)
    answer = browser.post(reverse("accounts:invite_admin"), form | {"email": lea.email})
    assert "is an admin of" in text(answer)


def test_a_withdrawn_invitation_is_not_sent(browser, owner):
    browser.post(reverse("accounts:invite_admin"), {"email": TOM, "kind": "admin"})
    invitations.withdraw(owner, AdminInvitation.objects.get(email=TOM).pk)
    tasks.deliver_outbox()
    assert sent.outbox == []


# ------------------------------------------------------------------ roles


def remove(browser, role):
    """With the address typed."""
    address = reverse("accounts:remove_admin", args=[role.pk])
    return browser.post(address, {"typed_name": role.admin.email}, follow=True)


def test_an_owner_changes_roles_and_removes_admins(browser, owner):
    tom = another(owner, role="admin")
    role = role_of(tom, owner)
    browser.post(reverse("accounts:change_role", args=[role.pk]), {"kind": "read-only"})
    assert role_of(tom, owner).kind == "read-only"
    assert "Remove this admin?" in text(
        browser.get(reverse("accounts:remove_admin", args=[role.pk]))
    )
    session = signed_in(tom)
    assert session.get("/").status_code == 200
    remove(browser, role)
    assert not Role.objects.filter(admin=tom).exists()
    assert session.get("/").status_code == 403


def test_who_was_removed_and_is_invited_again_sets_a_new_password(browser, owner):
    tom = another(owner)
    remove(browser, role_of(tom, owner))
    link = invite(browser)
    assert Client().post(link, {"password": "a whole other password"}).status_code == 302
    tom.refresh_from_db()
    assert tom.check_password("a whole other password")
    assert role_of(tom, owner).kind == "admin"


@pytest.mark.parametrize("kind", ["admin", "read-only"])
def test_only_owners_manage_admins(owner, lea, kind):
    client = signed_in(another(owner, role=kind))
    page = text(client.get(reverse("accounts:admins")))
    assert "Invite an admin" not in page
    for deed in ("change_role", "remove_admin"):
        answer = client.post(reverse(f"accounts:{deed}", args=[role_of(lea, owner).pk]))
        assert answer.status_code == 403
    form = {"email": "x@acme.example", "kind": "owner"}
    assert client.post(reverse("accounts:invite_admin"), form).status_code == 403


def test_the_last_owner_stays_one(browser, owner, lea):
    """Not removed, not demoted; one who is switched off does not count."""
    role = role_of(lea, owner)
    off = another(owner, "off@acme.example")
    Admin.objects.filter(pk=off.pk).update(is_active=False)
    assert "Only one owner is there" in text(browser.get(reverse("accounts:admins")))
    answer = browser.post(
        reverse("accounts:change_role", args=[role.pk]), {"kind": "admin"}, follow=True
    )
    assert "is the only owner" in text(answer)
    answer = remove(browser, role)
    assert "is the only owner" in text(answer)
    assert (role_of(lea, owner).kind, roles.owners_left(owner)) == ("owner", 1)
    another(owner)
    assert "Only one owner is there" not in text(browser.get(reverse("accounts:admins")))
    assert remove(browser, role).redirect_chain
    assert roles.owners_left(owner) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whom", ["each other", "themselves"])
def test_of_two_owners_who_leave_at_once_one_stays(race, whom):
    """The organization's row settles it: lock and decision are one transaction."""
    owner = factories.organization()
    both = [another(owner, f"{name}@acme.example") for name in ("ann", "bob")]
    mine = [role_of(admin, owner).pk for admin in both]
    if whom == "each other":
        mine.reverse()

    def leave(admin: Admin, role_id: int) -> str:
        try:
            roles.remove(owner, role_id, by=admin)
        except Refusal as refusal:
            return refusal.code
        return "removed"

    told = race(*(lambda a=a, r=r: leave(a, r) for a, r in zip(both, mine, strict=True)))
    refused = "not_owner" if whom == "each other" else "last_owner"
    assert sorted(told) == sorted(["removed", refused])
    assert roles.owners_left(owner) == 1
    assert AuditEntry.objects.of(owner).filter(deed="admin_removed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_pressed_twice_at_once_makes_one_admin(race):
    owner = factories.organization()
    invitation = invitations.invite(owner, TOM, "admin")
    proof = invitations.link(invitation).split("/")[-2]

    def accept() -> str:
        try:
            return invitations.accept(proof, password=PASSWORD).email
        except Refusal as refusal:
            return refusal.code

    assert sorted(race(accept, accept)) == ["invitation_over", TOM]
    assert Role.objects.of(owner).count() == 1
