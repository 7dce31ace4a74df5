"""E-mails: how they are written, who is told what and how often, and the pages about them."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail as sent
from django.test import Client
from django.urls import reverse

from accounts import admins, clock, digests, mail, notices, organizations, outbox, tasks
from accounts.models import Admin, DigestLine, NoticeChoice, Organization, Outbox
from accounts.refusal import Refusal
from licensing.models import Seat
from scim import exchanges, silence, tokens
from tests import factories
from tests.pages import world as worlds
from tests.pages.world import PASSWORD, World

MORNING = dt.datetime(2026, 5, 4, 6, 30, tzinfo=dt.UTC)
EVIL = "Ada\r\nBcc: everybody@evil.example\r\n\r\nHello\u2028\u202egnp.exe"


@pytest.fixture
def owner(db: None, settings: Any) -> Organization:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return organizations.create("Acme & Sons")


@pytest.fixture
def lea(owner: Organization) -> Admin:
    return admins.create("lea@acme.example", organization=owner, password=PASSWORD)


def _tell(owner: Organization, topic: str = "webhooks", **more: Any) -> None:
    """A notice that can always be written: a summary's own sample would need data."""
    endpoint = {"endpoint": "00000000-0000-0000-0000-000000000000"}
    notices.tell(owner.pk, topic, "test_notice", endpoint, **more)


@pytest.fixture(autouse=True)
def _a_notice_for_tests() -> None:
    mail.register(
        "test_notice",
        lambda payload: mail.Message(
            to=payload["to"], subject="Something happened", paragraphs=("It did.",)
        ),
    )


def _at(moment: dt.datetime) -> Any:
    return clock.stopped(at=moment)


# ------------------------------------------------------------------ how they are written


def test_every_e_mail_has_both_parts_a_reason_and_the_same_links(db: None) -> None:
    """Each that can be sent can be looked at; what plain text leads to, HTML leads to as well."""
    empty = worlds.make_empty()
    assert {"invitation", "token_ends", "daily_summary"} <= mail.samples().keys()
    assert set(mail._writers) - {"test_notice"} == set(mail.samples())
    for kind in mail.samples():
        message = mail.sample(kind, empty.organization, "x@y.example")
        assert message.why, kind
        assert message.why in message.text, kind
        assert re.match(r"\S", message.text), kind
        assert "\n\n\n" not in message.text, kind
        assert "&amp;" not in message.text, kind
        assert 10 < len(message.subject) <= 90, kind
        links = set(re.findall(r"https?://[^\s]+", message.text))
        led = {html.unescape(link) for link in re.findall(r'href="([^"]+)"', message.html)}
        assert links == led, kind
        assert set(re.findall("<table[^>]*>", message.html)) <= {'<table class="figures">'}
        assert " style=" not in message.html


def test_names_are_escaped_in_html_and_plain_in_text(owner: Organization, lea: Admin) -> None:
    """“Acme & Sons” is what both say."""
    message = mail.sample("admin_invitation", owner, "x@y.example")
    assert "Acme &amp; Sons" in message.html
    assert "Acme & Sons" in message.text
    owner.name = "<img src=x>"
    assert "<img" not in mail.sample("admin_invitation", owner, "x@y.example").html


def test_a_name_with_line_breaks_makes_no_header_and_no_paragraph(
    owner: Organization, lea: Admin
) -> None:
    """Whatever an identity provider or an admin calls somebody: R26's other half, nothing comes
    out that nobody asked for."""
    Organization.objects.filter(pk=owner.pk).update(name=EVIL)
    owner.refresh_from_db()
    idp = factories.connect(owner, seats=2, name=f"Okta {EVIL}"[:200])
    idp.create("ada@acme.example", first=EVIL, last="L")
    with _at(idp.application.tokens.get().expires_at):
        tokens.expire()
        tasks.deliver_outbox()
    assert len(sent.outbox) == 2
    for letter in sent.outbox:
        raw = letter.message()
        assert "everybody@evil.example" not in letter.recipients()
        assert raw["Bcc"] is None
        assert "\n" not in letter.subject
        assert "\u202e" not in letter.subject + letter.body
        assert not re.search(r"^Bcc:", raw.as_string(), re.M)
        assert not re.search(r"^\s*Hello\s*gnp", letter.body, re.M)


@pytest.mark.parametrize(
    "address", ["a@b.example\nBcc: c@evil.example", "a@b.example, c@evil.example"]
)
def test_an_address_that_is_several_is_nobodys(owner: Organization, address: str) -> None:
    """It is not sent, and shown with its reason as every e-mail that fails."""
    idp = factories.connect(owner, seats=1)
    idp.create("ada@acme.example")
    seat = Seat.objects.get()
    type(seat.person).objects.update(email=address)
    tasks.deliver_outbox()
    assert [letter.recipients() for letter in sent.outbox] == []
    assert [line.kind for line in outbox.unsent(owner)] == ["invitation"]


# ------------------------------------------------------------------ who is told what


def test_each_admin_is_told_as_they_choose(owner: Organization, lea: Admin) -> None:
    """At once, in one summary, or never; another organization's choice is another's."""
    grace = admins.create("grace@acme.example", organization=owner, password=PASSWORD)
    alan = admins.create("alan@acme.example", organization=owner, password=PASSWORD)
    notices.choose(owner, grace, {"webhooks": "daily"}, by=grace)
    notices.choose(owner, alan, {"webhooks": "never"}, by=alan)
    with _at(MORNING - dt.timedelta(hours=12)):
        _tell(owner)
        _tell(owner)
        tasks.deliver_outbox()
    assert [letter.to for letter in sent.outbox] == [[lea.email], [lea.email]]
    with _at(MORNING):
        tasks.make_digests()
        tasks.deliver_outbox()
    [summary] = sent.outbox[2:]
    assert summary.to == [grace.email]
    assert "2 things to know" in summary.subject
    assert summary.body.count("Something happened") == 2


def test_security_and_an_expired_token_cannot_be_switched_off(
    owner: Organization, lea: Admin
) -> None:
    """R4: and once when it has. R27: held removals are always told, at once or daily."""
    with pytest.raises(Refusal):
        notices.choose(owner, lea, {"removals": "never"})
    with pytest.raises(Refusal):
        notices.choose(owner, lea, {"security": "never"})
    assert "security" not in [topic.key for topic in notices.topics()]
    notices.choose(owner, lea, {"tokens": "never"})
    idp = factories.connect(owner, seats=1)
    ends = idp.application.tokens.get().expires_at
    with _at(ends - dt.timedelta(days=7)):
        tokens.expire()
        assert not Outbox.objects.filter(kind="token_ends").exists()
    with _at(ends):
        tokens.expire()
        tasks.deliver_outbox()
    assert [letter.subject.endswith("has expired") for letter in sent.outbox] == [True]


def test_a_summary_comes_exactly_once_a_day(owner: Organization, lea: Admin) -> None:
    """R26: however often the schedule runs, and whatever comes in between waits for tomorrow."""
    notices.choose(owner, lea, {"webhooks": "daily"})
    with _at(MORNING - dt.timedelta(hours=2)):
        _tell(owner)
        assert digests.make() == 0, "not before six"
    with _at(MORNING):
        assert digests.make() == 1
        assert digests.make() == 0
        _tell(owner)
        assert digests.make() == 0
        tasks.deliver_outbox()
    with _at(MORNING + dt.timedelta(hours=17)):
        assert digests.make() == 0
    with _at(MORNING + dt.timedelta(days=1)):
        assert digests.make() == 1
        tasks.deliver_outbox()
    assert ["1 thing to know" in letter.subject for letter in sent.outbox] == [True, True]
    with _at(MORNING + dt.timedelta(days=2)):
        assert digests.make() == 0, "nothing to tell, no e-mail"
    with _at(MORNING + dt.timedelta(days=100)):
        digests.prune()
    assert not DigestLine.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_schedules_at_once_make_one_summary(race: Callable[..., Any], settings: Any) -> None:
    """R26: two that start in the same moment."""
    organization = organizations.create("Acme")
    lea = admins.create("lea@acme.example", organization=organization, password=PASSWORD)
    notices.choose(organization, lea, {"webhooks": "daily"})
    with _at(MORNING):
        for _ in range(5):
            _tell(organization)
        assert sum(race(*[digests.make] * 4)) == 1
    assert Outbox.objects.filter(kind=digests.KIND).count() == 1
    assert DigestLine.objects.filter(day=MORNING.date()).count() == 5


def test_a_silence_is_told_once_in_a_summary_too(owner: Organization, lea: Admin) -> None:
    """R26: the schedule looks each hour; a summary tells what is still so when it is sent."""
    organizations.turn_scim_on(owner)
    idp = factories.connect(owner, seats=1, name="Okta")
    idp.create("ada@acme.example")
    exchanges.flush()
    later = clock.now() + dt.timedelta(days=31)
    for hours in range(3):
        with _at(later + dt.timedelta(hours=hours)):
            assert silence.tell() == 1
    assert DigestLine.objects.count() == 1
    with _at((later + dt.timedelta(days=1)).replace(hour=7)):
        digests.make()
        tasks.deliver_outbox()
    [letter] = [letter for letter in sent.outbox if letter.to == [lea.email]]
    assert "Okta has gone silent" in letter.body


def test_a_choice_that_was_made_counts_at_once_and_a_removed_admin_gets_no_summary(
    owner: Organization, lea: Admin
) -> None:
    """What waits for a summary of somebody who is no admin any more is dropped."""
    notices.choose(owner, lea, {"webhooks": "daily"})
    with _at(MORNING):
        _tell(owner)
        digests.make()
        lea.roles.all().delete()
        tasks.deliver_outbox()
    assert sent.outbox == []


# ------------------------------------------------------------------ stopping them


def test_notices_can_be_stopped_by_their_own_link_without_a_login(
    owner: Organization, lea: Admin
) -> None:
    """RFC 8058: a mail program posts to it; a scanner that opens it changes nothing."""
    _tell(owner)
    tasks.deliver_outbox()
    [letter] = sent.outbox
    link = letter.extra_headers["List-Unsubscribe"].strip("<>")
    assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in letter.body
    path = re.sub(r"^https?://[^/]+", "", link)
    client = Client(enforce_csrf_checks=True)
    assert client.get(path).status_code == 200
    assert not NoticeChoice.objects.exists()
    form = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        assert client.post(path, form).status_code == 200
    assert NoticeChoice.objects.get().how == "never"
    assert client.post(path.replace("stop/", "stop/x")).status_code == 410


def test_a_summary_is_stopped_with_all_that_may_be(owner: Organization, lea: Admin) -> None:
    """What may not be stopped goes on coming in it."""
    notices.choose(owner, lea, {"webhooks": "daily", "removals": "daily"})
    link = notices.stop_link(owner.pk, lea.pk, notices.ALL)
    Client().post(re.sub(r"^https?://[^/]+", "", link))
    now = notices.chosen(owner, lea)
    assert (now["webhooks"], now["removals"], now["tokens"]) == ("never", "daily", "at_once")


def test_invitations_and_security_have_no_such_link(owner: Organization, lea: Admin) -> None:
    """Nobody has subscribed to them."""
    factories.connect(owner, seats=1).create("ada@acme.example")
    outbox.put(owner.pk, "password_reset", {"admin": lea.pk})
    notices.tell(owner.pk, "removals", "test_notice", {})
    tasks.deliver_outbox()
    assert len(sent.outbox) == 3
    assert not any("List-Unsubscribe" in letter.extra_headers for letter in sent.outbox)


# ------------------------------------------------------------------ pages


def test_every_e_mail_can_be_looked_at_with_made_up_data(admin: Client, world: World) -> None:
    """The frame's own policy lets its own style work and nothing else."""
    shown = admin.get(reverse("accounts:mails")).content.decode()
    for kind, name in mail.samples().items():
        assert reverse("accounts:mail", args=[kind]) in shown, name
        page = admin.get(reverse("accounts:mail", args=[kind]))
        assert page.status_code == 200, kind
        assert "frame-src 'self'" in page["Content-Security-Policy"]
        letter = admin.get(reverse("accounts:mail_letter", args=[kind]))
        policy = letter["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "style-src 'sha256-" in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert letter["X-Frame-Options"] == "SAMEORIGIN"
    assert admin.get(reverse("accounts:mail", args=["no_such"])).status_code == 404
    assert "frame-src" not in admin.get("/")["Content-Security-Policy"]
    assert not Outbox.objects.filter(kind="token_ends").exclude(payload__has_key="to").exists()


def test_an_admin_chooses_for_themselves(admin: Client, reader: Client, world: World) -> None:
    """Every role, the read-only one too; what a topic does not allow is refused."""
    address = reverse("accounts:notices")
    form = notices.chosen(world.organization, world.owner)
    assert reader.post(address, form | {"tokens": "daily"}).status_code == 302
    assert notices.chosen(world.organization, world.owner) == form
    assert admin.post(address, form | {"removals": "never"}).status_code == 422
    assert admin.get(address).context["form"].initial == form


@pytest.mark.browser
def test_an_e_mail_is_shown_in_its_frame_with_its_style(open_page: Callable[..., Any]) -> None:
    """In a browser: the style works, in light and dark, and the policy has nothing to say."""
    world = worlds.make_empty()
    page = open_page(admin=world.owner)
    for scheme, colour in (("light", "rgb(10, 95, 184)"), ("dark", "rgb(124, 184, 247)")):
        page.emulate_media(color_scheme=scheme)
        page.goto(reverse("accounts:mail", args=["invitation"]))
        button = page.frame_locator("iframe").get_by_role("link", name="Activate the license")
        found = button.evaluate("a => getComputedStyle(a).backgroundColor")
        assert found == colour
    assert page.trouble == []
