"""R6, R1, R3, R16, R18, R24: an admin connects an identity provider, on the pages."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils.http import urlencode

from accounts import clock, groups, organizations, outbox
from accounts.models import Application
from licensing.models import Policy
from scim import exchanges, setup_links, tokens, turned_away
from scim.models import SetupLink, Token, TurnedAway
from tests.factories import Idp, connect, manage, organization

pytestmark = pytest.mark.django_db

SCIM = "/settings/global/scim/"
CONNECTION = {"name": "Okta – TLE", "product": "teamlink-extend", "idp": "okta"}
RULES = {
    "eligibility": "groups",
    "eligible_groups": " Partners \n\nSales\n",
    "when_full": "waitlist",
}


@pytest.fixture
def idp(owner):
    return connect(owner, seats=2, idp="okta")


def text(answer):
    """The page without the markup's line breaks."""
    return " ".join(answer.content.decode().split())


def page_of(idp, name=""):
    return f"{SCIM}{idp.application.pk}/{name}"


# ------------------------------------------------------------------ three steps


def test_an_application_and_its_token_are_made_by_the_third_step_and_nothing_before(owner, admin):
    """R1, R2, R16, R18: name, product and IdP; who gets licenses and what when they run out; the
    token, shown once."""
    answer = admin.post(f"{SCIM}new/", CONNECTION)
    assert answer["Location"] == f"{SCIM}new/licenses/"
    answer = admin.post(answer["Location"], RULES)
    assert answer["Location"] == f"{SCIM}new/token/"
    summary = text(admin.get(answer["Location"]))
    assert "To members of “Partners”, “Sales”" in summary
    assert "Put the person on the waiting list" in summary
    assert not Application.objects.exists()
    owner.refresh_from_db()
    assert not owner.scim_enabled

    shown = admin.post(f"{SCIM}new/token/", {"name": "Okta", "days": "30"})
    assert shown["Cache-Control"] == "no-store, private"
    made = Application.objects.get()
    assert (made.name, made.product, made.idp) == tuple(CONNECTION.values())
    policy = Policy.objects.get(application=made)
    assert (policy.when_full, policy.eligibility) == ("waitlist", "groups")
    assert {group.name for group in policy.eligible_groups.all()} == {"Partners", "Sales"}
    assert Idp(made, shown.context["issued"].secret)("GET", "/Users").status == 200
    assert shown.context["issued"].secret not in str(dict(admin.session))
    assert "“Partners” (not pushed yet)" in text(admin.get(f"{SCIM}{made.pk}/"))

    again = admin.post(f"{SCIM}new/token/", {"days": "30"})  # a double click, or a reload
    assert again["Location"] == f"{SCIM}new/"
    assert Token.objects.count() == 1


def test_each_step_can_be_gone_back_to_and_asks_nothing_twice(admin):
    """R6: what was entered is there again, and a step that is left out comes first."""
    assert admin.get(f"{SCIM}new/token/")["Location"] == f"{SCIM}new/"
    assert Client().get(f"{SCIM}new/token/")["Location"].startswith("/sign-in/")
    admin.post(f"{SCIM}new/", CONNECTION)
    assert admin.get(f"{SCIM}new/token/")["Location"] == f"{SCIM}new/licenses/"
    admin.post(f"{SCIM}new/licenses/", RULES)
    assert 'value="Okta – TLE"' in text(admin.get(f"{SCIM}new/"))
    assert "Partners Sales</textarea>" in text(admin.get(f"{SCIM}new/licenses/"))
    assert "A configuration is begun" in text(admin.get(SCIM))
    admin.post(f"{SCIM}new/", CONNECTION | {"name": "Another"})
    assert "To members of “Partners”" in text(admin.get(f"{SCIM}new/token/"))
    admin.post(f"{SCIM}new/discard/")
    assert "A configuration is begun" not in text(admin.get(SCIM))
    assert 'value="Another"' not in text(admin.get(f"{SCIM}new/"))


@pytest.mark.parametrize(
    ("choice", "policy", "shown"),
    [
        ("everyone", "everyone", "To everyone"),
        ("sync", "groups", "To nobody: people are only synced"),
    ],
)
def test_everyone_or_nobody_leave_out_the_groups_that_were_typed(admin, choice, policy, shown):
    """R16: everyone, chosen groups, or sync people only."""
    admin.post(f"{SCIM}new/", CONNECTION)
    admin.post(f"{SCIM}new/licenses/", RULES | {"eligibility": choice})
    assert shown in text(admin.get(f"{SCIM}new/token/"))
    admin.post(f"{SCIM}new/token/", {"days": "30"})
    made = Policy.objects.get()
    assert (made.eligibility, made.eligible_groups.count()) == (policy, 0)
    rules = admin.get(f"{SCIM}{made.pk}/rules/").context["form"]
    assert rules.initial["eligibility"] == choice


def test_what_makes_no_sense_is_422_at_its_step(admin, idp):
    """R2, R16: a name that is used, a group's name that is none, a life that is too long."""
    used = admin.post(f"{SCIM}new/", CONNECTION | {"name": idp.application.name.upper()})
    assert used.status_code == 422
    assert "has an application of that name" in text(used)
    admin.post(f"{SCIM}new/", CONNECTION)
    long = RULES | {"eligible_groups": "x" * 257}
    assert admin.post(f"{SCIM}new/licenses/", long).status_code == 422
    admin.post(f"{SCIM}new/licenses/", RULES)
    assert admin.post(f"{SCIM}new/token/", {"days": "731"}).status_code == 422
    assert Application.objects.count() == 1


def test_a_name_that_was_taken_meanwhile_makes_nothing(owner, admin):
    """R26: the application and its token, or neither."""
    admin.post(f"{SCIM}new/", CONNECTION)
    admin.post(f"{SCIM}new/licenses/", RULES)
    connect(owner, name=CONNECTION["name"])
    answer = admin.post(f"{SCIM}new/token/", {"days": "30"})
    assert answer.status_code == 422
    assert "has an application of that name" in text(answer)
    assert (Application.objects.count(), Token.objects.count()) == (1, 1)


def test_a_draft_is_of_one_organization(owner, lea, admin):
    """R2: whoever is an admin of two does not carry it over."""
    other = organization()
    other.roles.create(admin=lea)
    admin.post("/switch/", {"organization": owner.pk})
    admin.post(f"{SCIM}new/", CONNECTION)
    admin.post("/switch/", {"organization": other.pk})
    assert admin.get(f"{SCIM}new/licenses/")["Location"] == f"{SCIM}new/"


def test_names_that_clash_are_shown_before_scim_is_on(owner, admin):
    """R24: a manual group of the name of a chosen one, so that its push would be 409."""
    groups.create(owner, "partners")
    admin.post(f"{SCIM}new/", CONNECTION)
    assert "cannot push a group called “partners”" in text(admin.get(f"{SCIM}new/licenses/"))
    admin.post(f"{SCIM}new/licenses/", RULES)
    assert "These groups will be refused" in text(admin.get(f"{SCIM}new/token/"))
    shown = admin.post(f"{SCIM}new/token/", {"days": "30"})
    made = shown.context["application"]
    organizations.turn_scim_off(owner)
    assert "“Partners”, chosen by Okta – TLE" in text(admin.get(SCIM))
    organizations.turn_scim_on(owner)
    idp = Idp(made, shown.context["issued"].secret)
    assert idp.create_group("Partners").status == 409
    owner.groups.get(name="partners").delete()
    assert "These groups will be refused" not in text(admin.get(f"{SCIM}{made.pk}/"))
    assert idp.create_group("Partners").status == 201


# ------------------------------------------------------------------ tokens


def test_a_token_is_rotated_with_an_overlap_that_the_admin_chooses(owner, admin, idp):
    """R3: rotated with an overlap; the new one is shown once."""
    old = Token.objects.get()
    address = f"{SCIM}tokens/{old.pk}/rotate/"
    assert admin.get(address).status_code == 200
    shown = admin.post(address, {"overlap": "24"})
    new = Idp(idp.application, shown.context["issued"].secret)
    assert shown["Cache-Control"] == "no-store, private"
    assert "The old one works until" in text(shown)
    assert (idp("GET", "/Users").status, new("GET", "/Users").status) == (200, 200)
    with clock.stopped(at=clock.now() + dt.timedelta(hours=25)):
        assert (idp("GET", "/Users").status, new("GET", "/Users").status) == (401, 200)


def test_a_leaked_token_ends_by_the_rotation_itself(admin, idp):
    """R3: no overlap; what has ended is not rotated again."""
    old = Token.objects.get()
    address = f"{SCIM}tokens/{old.pk}/rotate/"
    assert "The old one has ended." in text(admin.post(address, {"overlap": "0"}))
    assert idp("GET", "/Users").status == 401
    assert "This token has ended" in text(admin.get(address))
    refused = admin.post(address, {"overlap": "0"})
    assert refused.status_code == 422
    assert admin.post(address, {"overlap": "9999"}).status_code == 422
    assert Token.objects.count() == 2


# ------------------------------------------------------------------ test the connection


def test_the_test_waits_and_then_tells_what_came_first(admin, idp):
    """R6: from a moment on, which stands in the address."""
    idp.find('userName eq "before@acme.example"')
    exchanges.flush()
    begun = admin.get(page_of(idp, "test/"))
    assert "since=" in begun["Location"]
    waiting = text(admin.get(begun["Location"]))
    assert "Waiting for the first request" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert "Look now" in waiting
    idp.find('userName eq "ada@acme.example"')
    exchanges.flush()
    part = admin.get(begun["Location"], headers={"HX-Request": "true"})
    told = text(part)
    assert "<h1>" not in told
    assert "The connection works" in told
    assert "Looked up the person whose userName is ada@acme.example" in told
    assert "before@acme.example" not in told
    assert "hx-trigger" not in told


def test_an_error_is_told_with_what_to_do(owner, admin, idp):
    """R6: what went wrong and how to mend it."""
    begun = admin.get(page_of(idp, "test/"))["Location"]
    idp("POST", "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]})
    told = text(admin.get(begun))
    assert "The first request came, and was refused" in told
    assert "Map userName to an attribute that everybody has" in told
    assert "it was let in" in told


@pytest.mark.parametrize(
    ("end", "send", "says"),
    [
        ("revoke", "Bearer {}", "which was revoked"),
        ("expire", "Bearer {}", "which has expired"),
        ("", "Bearer {}x", "cut off or mistyped"),
        ("", "{}", "with the word Bearer once"),
        ("", "Bearer Bearer {}", "with the word Bearer once"),
        ("off", "Bearer {}", "while SCIM is off"),
        ("plan", "Bearer {}", "the plan has no SCIM"),
    ],
)
def test_a_known_token_that_is_turned_away_is_told_to_admins_alone(
    owner, admin, idp, end, send, says
):
    """R3, R28: the answer never hints why; the admin sees it."""
    begun = admin.get(page_of(idp, "test/"))["Location"]
    token = Token.objects.get()
    Token.objects.update(name="Okta")
    if end == "revoke":
        tokens.revoke(token)
    elif end == "expire":
        Token.objects.update(expires_at=token.issued_at + dt.timedelta(microseconds=1))
    elif end == "off":
        organizations.turn_scim_off(owner)
    elif end == "plan":
        manage("set_plan", owner.slug, "core")
    answers = []
    for header in (send.format(idp.secret), "Bearer seatkeeper_unknown"):
        answer = idp.client.get("/scim/v2/Users", headers={"Authorization": header})
        answers.append((answer.status_code, answer.content))
    if end not in ("off", "plan"):
        assert answers[0] == answers[1] == (401, answers[0][1])
    assert not TurnedAway.objects.exists()  # the request itself writes nothing
    turned_away.flush()
    told = text(admin.get(begun))
    assert "the token Okta" in told
    assert says in told
    row = TurnedAway.objects.get()
    assert (row.times, row.token, row.application) == (1, token, idp.application)
    assert "1 request turned away" in text(admin.get(page_of(idp)))
    assert idp.secret not in told


def test_what_is_turned_away_is_counted_on_one_line_and_forgotten(admin, idp):
    """R28: kept within reason, for a set time; nobody can fill the table."""
    tokens.revoke(Token.objects.get())
    for _ in range(3):
        idp("GET", "/Users")
    turned_away.flush()
    idp("GET", "/Users")
    turned_away.note("")
    turned_away.note("Bearer seatkeeper_")
    turned_away.note("Bearer " + "seatkeeper_" * 200)
    turned_away.flush()
    assert TurnedAway.objects.get().times == 4
    with clock.stopped(at=clock.now() + exchanges.KEPT + dt.timedelta(days=1)):
        turned_away.prune()
    assert not TurnedAway.objects.exists()


def test_nothing_that_came_after_a_minute_says_what_to_look_at(admin, idp):
    """R6: a token of nobody cannot be told; what to check can."""
    since = clock.now() - dt.timedelta(minutes=2)
    shown = text(admin.get(f"{page_of(idp, 'test/')}?{urlencode({'since': since.isoformat()})}"))
    assert "paste the whole token once more" in shown
    for odd in ("", "nonsense", "2020-01-01T00:00:00+00:00", "2026-01-01"):
        assert admin.get(page_of(idp, "test/"), {"since": odd}).status_code == 302
    Token.objects.all().delete()
    begun = admin.get(page_of(idp, "test/"))["Location"]
    assert "There is no working token" in text(admin.get(begun))


# ------------------------------------------------------------------ setup link


@pytest.fixture
def link(admin, idp):
    answer = admin.post(page_of(idp, "setup-link/"), {"for_whom": "Sol, IT"})
    assert answer["Cache-Control"] == "no-store, private"
    return path(answer.context["address"])


def path(address):
    return address[address.index(SCIM) :]


def test_a_contact_without_a_login_follows_the_guide_and_generates_one_token(lea, admin, idp, link):
    """R6: single-use; it shows the guide and the token once and can do nothing else."""
    contact = Client()
    for _ in range(2):  # a mail scanner opens it first
        shown = contact.get(link)
        assert shown.status_code == 200
    assert "SCIM 2.0 Base Url" in text(shown)
    assert 'href="/users/"' not in text(shown)
    assert Token.objects.count() == 1
    done = contact.post(link)
    issued = done.context["issued"]
    assert f'value="{issued.secret}"' in done.content.decode()
    assert "no-store" in done["Cache-Control"]
    assert Idp(idp.application, issued.secret)("GET", "/Users").status == 200
    for answer in (contact.get(link), contact.post(link)):
        assert answer.status_code == 404
        assert "a link works once" in text(answer)
    assert Token.objects.count() == 2
    assert contact.get(page_of(idp)).status_code == 302  # no login came of it
    made = SetupLink.objects.get()
    assert (made.made_by, made.token) == (lea, issued.token)
    assert f"through the setup link for Sol, IT, made by {lea.email}" in text(
        admin.get(page_of(idp))
    )


def test_a_link_ends_after_seven_days_and_by_being_withdrawn(admin, idp, link):
    """R6: expiring, revocable."""
    assert "Setup links that work" in text(admin.get(page_of(idp)))
    with clock.stopped(at=clock.now() + setup_links.VALID):
        assert "this one is older" in text(Client().post(link))
        assert "Setup links that work" not in text(admin.get(page_of(idp)))
    made = SetupLink.objects.get()
    admin.post(f"{SCIM}setup-links/{made.pk}/revoke/")
    assert "was withdrawn" in text(Client().post(link))
    for odd in (link[:-3] + "x/", f"{SCIM}setup/nonsense/"):
        assert Client().post(odd).status_code == 404
    assert Token.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_generate_one_token(owner, lea, race):
    """R6, R26: single-use, under any concurrency."""
    idp = connect(owner)
    link = setup_links.make(idp.application, for_whom="Sol", by=lea)
    address = path(setup_links.address(link))
    answers = race(*[lambda: Client().post(address).status_code] * 3)
    assert sorted(answers) == [200, 404, 404]
    assert Token.objects.count() == 2


# ------------------------------------------------------------------ guides, cards, mapping


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("okta", ["SCIM 2.0 Test App (OAuth Bearer Token)", "Test API Credentials"]),
        ("onelogin", ["SCIM Provisioner with SAML (SCIM v2 Enterprise)", "API Status"]),
        ("entra", ["New configuration", "Tenant URL", "employeeId", "Test connection"]),
        ("other", ["Authorization: Bearer"]),
    ],
)
def test_each_guide_has_the_real_address_the_mapping_and_ends_in_the_test(admin, idp, name, says):
    """R6: step by step, with real values and copy buttons."""
    guide = text(admin.get(page_of(idp, f"guide/?idp={name}")))
    assert guide.count("/scim/v2") >= 2
    assert 'data-copy="base-url"' in guide
    for words in (*says, "Attribute mapping", "employeeNumber"):
        assert words in guide
    steps = guide[guide.index('class="steps"') : guide.index("</ol>", guide.index('class="steps"'))]
    assert f'href="{page_of(idp, "test/")}"' in steps[steps.rindex("<li>") :]


def test_the_mapping_shows_the_last_values_and_never_a_secret(owner, admin, idp):
    """R7, R8, R28: what each attribute is called, and what came last."""
    assert "as soon as somebody is pushed" in text(admin.get(page_of(idp)))
    idp.create("ada@acme.example", number="007", title="Countess", password="hunter2")
    page = admin.get(page_of(idp))
    seen = {line.short: line.value for line in page.context["attributes"]}
    assert seen["employeeNumber"] == "007"
    assert seen["title"] == "Countess"
    assert seen["department"] is None
    assert "hunter2" not in text(page)


def test_a_card_tells_how_the_pushes_go(owner, admin):
    """R9: last push, errors, requests an hour, and the age of what is yet to be done."""
    idp = connect(owner, seats=1)
    with clock.stopped(at=clock.now() - dt.timedelta(hours=2)):
        idp.create("ada@acme.example")
    idp.create("grace@acme.example")
    [card] = admin.get(SCIM).context["applications"]
    assert (card.people, card.errors, card.requests, card.last_status) == (1, 1, 1, 403)
    assert "2 hours ago" in text(admin.get(SCIM))  # Ada's invitation is yet to be sent
    with outbox.claimed() as line:
        outbox.done(line)
    assert "None: all is done" in text(admin.get(SCIM))
