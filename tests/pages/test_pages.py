"""What the pages say and do, without a browser."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from django.urls import reverse

from accounts import organizations
from accounts.models import Person
from licensing import activation, pools
from licensing.models import Seat
from scim import tokens
from scim.models import Token
from tests.pages import world as worlds
from tests.pages.world import PASSWORD, World

SCIM = "/settings/global/scim/"


def text(answer: object) -> str:
    """The page without the markup's line breaks."""
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


# ------------------------------------------------------------------ signing in


def test_a_wrong_password_is_422_with_a_sentence(world: World) -> None:
    answer = Client().post("/sign-in/", {"username": world.owner.email, "password": "wrong"})
    assert answer.status_code == 422
    assert "do not belong together" in text(answer)


def test_signing_in_goes_to_the_page_that_was_asked_for_but_never_elsewhere(world: World) -> None:
    form = {"username": world.owner.email.upper(), "password": PASSWORD}
    assert Client().post("/sign-in/", form | {"next": "/users/"})["Location"] == "/users/"
    assert Client().post("/sign-in/", form | {"next": "https://evil.example/"})["Location"] == "/"


def test_preferences_never_lead_to_another_site(admin: Client) -> None:
    answer = admin.post("/scheme/", {"scheme": "dark", "next": "//evil.example/"})
    assert answer["Location"] == "/"
    assert answer.cookies["scheme"].value == "dark"
    assert admin.post("/scheme/", {"scheme": "<x>", "next": "/"}).cookies["scheme"].value == ""


def test_signing_out_is_a_post(admin: Client) -> None:
    assert admin.get("/sign-out/").status_code == 405
    admin.post("/sign-out/")
    assert admin.get("/").status_code == 302


# ------------------------------------------------------------------ overview


def test_the_overview_shows_numbers_and_what_needs_attention(admin: Client) -> None:
    page = text(admin.get("/"))
    assert "9 of 10 seats held: 3 activated, 6 provisioned, 1 free" in page
    assert "3 people wait for a Sales Navigator license." in page
    assert "3 requests of Okta – Sales Navigator were refused in the last 24 hours." in page
    assert "The token Okta sandbox of Okta – Sales Navigator expires in 40 days." in page


def test_over_assigned_products_come_first(admin: Client, world: World) -> None:
    """R15: shown as over-assigned."""
    pools.set_seats(world.organization, "sales-navigator", 5, by=world.owner)
    page = text(admin.get("/"))
    assert "Sales Navigator is over-assigned by 4" in page
    assert page.index("over-assigned by 4:") < page.index("people wait")


# ------------------------------------------------------------------ users


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=HOPPER", {"Grace Hopper"}),
        ("q=1002", {"Alan Turing"}),
        ("q=sales+emea", {"Ada Lovelace", "Alan Turing"}),
        ("q=emea+alan", {"Alan Turing"}),
        ("q=%25", set()),
        ("q=%00", None),
        ("source=manual", {"Sam Seaborn", "Zoë Washburne"}),
        ("source=nonsense", None),
        ("license=activated", {"Grace Hopper", "Alan Turing", "Sam Seaborn"}),
        ("license=waiting", {"Ada Lovelace", "Alan Turing"}),
        ("license=none", {"Edsger Dijkstra"}),
        ("page=-1", None),
        ("page=99999999999999999999", None),
        ("sort=drop+table", None),
    ],
)
def test_people_are_found(admin: Client, query: str, found: set[str] | None) -> None:
    """None: what makes no sense is left out, so that everybody is shown."""
    page = admin.get(f"/users/?{query}").context["page"]
    assert {person.name for person in page.rows} == (found if found is not None else EVERYBODY)


EVERYBODY = {
    "Grace Hopper",
    "Alan Turing",
    "Katherine Johnson",
    "Dorothy Vaughan",
    "Ada Lovelace",
    "Annie Easley",
    "Mary Jackson",
    "Edsger Dijkstra",
    "Sam Seaborn",
    "Zoë Washburne",
}


def test_people_stand_in_allocation_order_unless_asked_otherwise(admin: Client) -> None:
    """R17: numbers by value, other text, then nobody's."""
    rows = admin.get("/users/").context["page"].rows
    numbers = [person.employee_number for person in rows]
    assert numbers == ["1001", "1002", "1003", "1004", "1007", "1010", "1011", "A-12", "", ""]
    answer = admin.get("/users/?sort=-name")
    assert [person.last_name for person in answer.context["page"].rows][:2] == [
        "Washburne",
        "Vaughan",
    ]
    assert '<th scope="col" aria-sort="descending">' in answer.content.decode()


def test_a_search_tells_of_people_whose_push_was_refused(admin: Client) -> None:
    """R18: they are not created, but they are not lost."""
    assert "Radia Perlman (radia.perlman@example.com) waits" in text(admin.get("/users/?q=perlman"))


def test_the_rows_alone_are_sent_to_a_live_search(admin: Client) -> None:
    answer = admin.get("/users/?q=ada", headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert "HX-Request" in answer["Vary"]


def test_removed_people_are_not_listed(admin: Client, world: World) -> None:
    Person.objects.filter(pk=world.person.pk).update(removed_at=world.person.created_at)
    assert "Ada Lovelace" not in text(admin.get("/users/"))
    answer = admin.get(reverse("licensing:person", args=[world.person.pk]))
    assert "Nothing holds this account any more" in text(answer)


def test_a_persons_page_says_who_owns_it_and_why_there_is_a_seat(
    admin: Client, world: World
) -> None:
    """R8, R22."""
    page = text(admin.get(reverse("licensing:person", args=[world.person.pk])))
    assert "Okta – Sales Navigator (Okta) owns these fields." in page
    assert "everyone whom it provides is eligible" in page
    assert "waits for a TeamLink Extend license" in page
    assert "Account executives" in page
    assert "Seat granted" in page


# ------------------------------------------------------------------ licenses


def test_the_number_of_licenses_is_changed(admin: Client, world: World) -> None:
    """R15, R16: asked first, with what it would do; then done."""
    asked = admin.post("/licenses/sales-navigator/seats/", {"number": "3"})
    assert "will be over-assigned by 6: 9 of 3 in use." in text(asked)
    assert pools.get(world.organization, "sales-navigator").purchased == 10
    form = {"number": "3", "confirmed": asked.context["effect"].digest}
    answer = admin.post("/licenses/sales-navigator/seats/", form, follow=True)
    assert "It is over-assigned by 6; nobody lost a license." in text(answer)


@pytest.mark.parametrize("number", ["", "-1", "1.5", "99999999999", "many"])
def test_a_number_that_makes_no_sense_is_422(admin: Client, world: World, number: str) -> None:
    answer = admin.post("/licenses/sales-navigator/seats/", {"number": number})
    assert answer.status_code == 422
    assert "Nothing was changed." in text(answer)
    assert pools.get(world.organization, "sales-navigator").purchased == 10


def test_looking_at_a_product_makes_no_pool(admin: Client, db: None) -> None:
    empty = worlds.make_empty()
    client = Client()
    client.force_login(empty.owner)
    for page in ("", "waiting/", "freed/", "history/"):
        assert client.get(f"/licenses/teamlink-extend/{page}").status_code == 200
    assert not empty.organization.pools.exists()
    assert client.get("/licenses/toasters/").status_code == 404


def test_the_waiting_list_says_since_when_and_why_in_order(admin: Client) -> None:
    """R17, R18."""
    answer = admin.get("/licenses/sales-navigator/waiting/")
    emails = [entry.email for entry in answer.context["page"].rows]
    assert emails[:2] == ["radia.perlman@example.com", "barbara.liskov@example.com"]
    assert "the push was refused" in text(answer)


# ------------------------------------------------------------------ SCIM


def test_a_token_is_shown_once_and_kept_nowhere(
    admin: Client, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """R3."""
    caplog.set_level(logging.DEBUG)
    address = reverse("scim_settings:generate_token", args=[world.application.pk])
    answer = admin.post(address, {"name": "New", "days": "730"})
    issued = answer.context["issued"]
    assert f'value="{issued.secret}"' in answer.content.decode()
    assert answer["Cache-Control"] == "no-store, private"
    assert issued.secret not in caplog.text
    assert issued.secret not in str(dict(admin.session))
    assert issued.secret not in str(Token.objects.filter(pk=issued.token.pk).values().get())
    again = admin.get(address)
    assert again.status_code == 302
    assert issued.secret not in admin.get(again["Location"]).content.decode()


@pytest.mark.parametrize("days", ["0", "731", "", "soon"])
def test_a_life_that_is_too_long_or_none_is_422(admin: Client, world: World, days: str) -> None:
    """R3: two years at most."""
    before = Token.objects.count()
    address = reverse("scim_settings:generate_token", args=[world.application.pk])
    assert admin.post(address, {"days": days}).status_code == 422
    assert Token.objects.count() == before


def test_a_token_is_revoked_after_a_question(admin: Client, world: World) -> None:
    address = reverse("scim_settings:revoke_token", args=[world.token.pk])
    admin.get(address)
    world.token.refresh_from_db()
    assert world.token.revoked_at is None
    admin.post(address, {"typed_name": str(world.token)})
    world.token.refresh_from_db()
    assert world.token.revoked_at is not None


def test_tokens_say_their_state(admin: Client, world: World) -> None:
    expired = tokens.issue(world.application, days=1, name="Old").token
    Token.objects.filter(pk=expired.pk).update(
        issued_at="2020-01-01T00:00Z", expires_at="2020-01-02T00:00Z"
    )
    answer = admin.get(reverse("scim_settings:application", args=[world.application.pk]))
    words = {row.token.name: row.word for row in answer.context["tokens"]}
    assert words == {
        "": "Valid",
        "Old": "Expired",
        "Okta sandbox": "Expires soon",
        "Pilot": "Revoked",
        "Set up by Kim": "Revoked",
    }


@pytest.mark.parametrize("idp", ["okta", "onelogin", "entra", "other", "nonsense"])
def test_each_guide_has_the_real_address(admin: Client, world: World, idp: str) -> None:
    """R6."""
    answer = admin.get(f"{SCIM}{world.application.pk}/guide/?idp={idp}")
    assert text(answer).count("/scim/v2") >= 2


def test_scim_is_switched_off_and_on(admin: Client, world: World) -> None:
    admin.get(f"{SCIM}off/")
    world.organization.refresh_from_db()
    assert world.organization.scim_enabled
    admin.post(f"{SCIM}off/", {"typed_name": world.organization.name})
    world.organization.refresh_from_db()
    assert not world.organization.scim_enabled
    assert "SCIM is off, so every push is refused." in text(admin.get("/"))
    admin.post(f"{SCIM}on/")
    world.organization.refresh_from_db()
    assert world.organization.scim_enabled


def test_another_plan_says_what_is_missing(db: None) -> None:
    """R1."""
    empty = worlds.make_empty(plan="core")
    client = Client()
    client.force_login(empty.owner)
    page = text(client.get(SCIM))
    assert organizations.plan_sentence("core") in page
    assert "Add new SCIM configuration" not in page
    assert client.get(f"{SCIM}new/").status_code == 302
    assert "SCIM is available to" in text(client.post(f"{SCIM}on/", follow=True))


# ------------------------------------------------------------------ activity log


def test_the_log_is_filtered_and_shows_request_and_answer(admin: Client, world: World) -> None:
    """R28."""
    everything = admin.get("/activity/").context["page"].counted
    refused = admin.get(f"/activity/?answer=refused&application={world.application.pk}")
    assert refused.context["page"].counted == 3
    assert refused.context["page"].counted < everything
    exchange = world.exchange
    one = admin.get(f"/activity/?request={exchange.request_id}").context["page"]
    assert [row.pk for row in one.rows] == [exchange.pk]
    page = text(admin.get(reverse("activity:exchange", args=[exchange.pk])))
    assert "Why it was refused" in page
    assert "urn:ietf:params:scim:api:messages:2.0:Error" in page


# ------------------------------------------------------------------ invitation


def test_the_link_of_an_invitation_activates_only_when_the_button_is_pressed(world: World) -> None:
    """R14."""
    seat = Seat.objects.of(world.organization).filter(state="provisioned").first()
    assert seat is not None
    path = "/" + activation.link(seat).split("/", 3)[3]
    assert "Activate your license" in text(Client().get(path))
    seat.refresh_from_db()
    assert seat.state == "provisioned"
    assert "Your license is active" in text(Client().post(path, follow=True))
    seat.refresh_from_db()
    assert seat.state == "activated"
    assert "This link does not work" in text(Client().get("/activate/nonsense/"))


# ------------------------------------------------------------------ policy


def test_no_page_has_inline_style_or_script(admin: Client, world: World) -> None:
    from tests.pages import addresses

    for name, address in addresses.every(world).items():
        answer = admin.get(address)
        page = answer.content.decode()
        assert "style=" not in page, name
        assert "javascript:" not in page, name
        assert " onclick" not in page, name
        assert "default-src 'none'" in answer["Content-Security-Policy"], name
        assert "private" in answer["Cache-Control"], name


def test_the_style_guide_is_only_there_while_developing(
    admin: Client, settings: pytest.FixtureRequest
) -> None:
    settings.TESTING = settings.DEBUG = False  # type: ignore[attr-defined]
    assert admin.get("/styleguide/").status_code == 404
