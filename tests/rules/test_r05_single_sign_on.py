"""R5: SCIM needs no SSO and SSO needs no SCIM; and whom an identity provider may sign in."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, transaction
from django.test import Client
from joserfc.jwk import ECKey

from accounts import (
    admins,
    clock,
    oidc,
    organizations,
    outbound,
    roles,
    sign_in_rules,
    single_sign_on,
)
from accounts.models import Admin, AdminSession, AuditEntry, Organization, Role, SingleSignOn
from accounts.refusal import Refusal
from tests import factories, identity_provider
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider

PASSWORD = "a long enough password"
SETTINGS = "/settings/global/sign-in/sso/"
TEST = f"{SETTINGS}test/"


@pytest.fixture
def provider(settings: Any) -> Iterator[IdentityProvider]:
    settings.SSO_PRIVATE_ADDRESSES = True
    with identity_provider.running() as running:
        yield running


@pytest.fixture
def sso(owner: Organization, lea: Admin, provider: IdentityProvider) -> SingleSignOn:
    """Single sign-on of the organization, on."""
    return turn_on(owner, provider)


@pytest.fixture
def grace(owner: Organization) -> Admin:
    return admins.create(
        "grace@acme.example", organization=owner, password=PASSWORD, role=Role.Kind.ADMIN
    )


def turn_on(organization: Organization, provider: IdentityProvider, **other: Any) -> SingleSignOn:
    wanted = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "domains": ["acme.example"],
        "default_role": "",
        "trust_unsaid": False,
    }
    single_sign_on.configure(organization, single_sign_on.Wanted(**(wanted | other)))
    single_sign_on.set_mode(organization, "on")
    found = single_sign_on.of(organization)
    assert found is not None
    return found


def require(organization: Organization) -> None:
    found = single_sign_on.of(organization)
    assert found is not None
    single_sign_on.note_test(found)
    single_sign_on.set_mode(organization, "required")


def start(organization: Organization, to: str = "/users/") -> str:
    return f"/sso/{organization.slug}/start/?next={to}"


def by_password(admin: Admin) -> Client:
    client = Client()
    client.post("/sign-in/", {"username": admin.email, "password": PASSWORD})
    return client


def by_sso(
    provider: IdentityProvider, organization: Organization, email: str, **claims: Any
) -> Client:
    client = Client()
    answer = provider.sign_in(client, start(organization), email=email, **claims)
    assert answer["Location"] == "/users/", sentence(client, answer)
    return client


def sentence(client: Client, answer: Any) -> str:
    return " ".join(client.get(answer["Location"], follow=True).content.decode().split())


# ------------------------------------------------------------------ each alone


def test_single_sign_on_works_while_scim_is_off(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    """R5: SSO needs no SCIM: no application, the switch off, even a plan without it."""
    organizations.turn_scim_off(owner)
    organizations.set_plan(owner, "core")
    client = by_sso(provider, owner, "Lea@ACME.example")
    assert client.get("/users/").status_code == 200


def test_scim_works_whatever_single_sign_on_is(
    owner: Organization, lea: Admin, provider: IdentityProvider
) -> None:
    """R5: SCIM needs no SSO: pushes are answered while it is missing, on, required and off."""
    idp = factories.connect(owner, seats=9)
    assert idp.create("ada@acme.example").status == 201
    turn_on(owner, provider)
    assert idp.create("grace@acme.example").status == 201
    require(owner)
    assert idp.create("alan@acme.example").status == 201
    single_sign_on.set_mode(owner, "off")
    assert idp.create("edsger@acme.example").status == 201
    assert owner.scim_enabled


def test_scim_makes_no_admin_and_single_sign_on_no_person(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    """R5, R8: a person whom SCIM provides is not let in by it, and an admin gets no license."""
    idp = factories.connect(owner, seats=9)
    idp.create("ada@acme.example")
    client = Client()
    answer = provider.sign_in(client, start(owner), email="ada@acme.example")
    assert "ada@acme.example is not an admin of Acme" in sentence(client, answer)
    by_sso(provider, owner, "lea@acme.example")
    assert not owner.people.filter(email_key="lea@acme.example").exists()


# ------------------------------------------------------------------ who comes in


def test_the_email_leads_to_the_organizations_own_page(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    client = Client()
    found = client.get("/sso/", {"email": "nobody@ACME.example", "next": "/groups/"})
    assert found["Location"] == f"/sign-in/{owner.slug}?next=%2Fgroups%2F"
    for address in (found["Location"], f"/sign-in/{owner.slug}/"):
        assert "Sign in to Acme" in client.get(address).content.decode()
    missing = client.get("/sso/", {"email": "eve@contoso.example"})
    assert missing.status_code == 422
    assert "Nobody of this domain" in missing.content.decode()
    single_sign_on.set_mode(owner, "off")
    assert client.get(f"/sign-in/{owner.slug}").status_code == 404
    assert client.get(start(owner)).status_code == 404


def test_the_session_is_new_and_leads_to_the_page_that_was_asked_for(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    client = Client()
    client.get(start(owner))
    before = client.session.session_key
    answer = provider.sign_in(client, start(owner, "/groups/"), email="lea@acme.example")
    assert answer["Location"] == "/groups/"
    assert client.session.session_key != before
    client.get("/")
    assert AdminSession.objects.get().by == "sso"
    evil = provider.sign_in(Client(), start(owner, "//evil.example/"), email="lea@acme.example")
    assert evil["Location"] == "/"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"email": "eve@acme.example"}, "eve@acme.example is not an admin"),
        ({"email": "lea@contoso.example"}, "is of another domain than acme.example"),
        ({"email": "lea@acme.example", "email_verified": False}, "is verified (email_verified)"),
        ({"email": "lea@acme.example", "email_verified": "true"}, "is verified (email_verified)"),
        ({"email": "lea@acme.example", "email_verified": None}, "is verified (email_verified)"),
        ({"email": None}, "gave no e-mail address"),
        ({"email": "lea@acme.example@acme.example"}, "gave no e-mail address"),
        ({"email": ["lea@acme.example"]}, "gave no e-mail address"),
        ({"email": "lea@acme.example", "aud": "another"}, "is for another application"),
        ({"email": "lea@acme.example", "aud": [CLIENT_ID, "another"]}, "for another application"),
        ({"email": "lea@acme.example", "azp": "another"}, "is for another application"),
        ({"email": "lea@acme.example", "iss": "https://evil.example"}, "token is not valid"),
        ({"email": "lea@acme.example", "nonce": "another"}, "belongs to another sign-in"),
        ({"email": "lea@acme.example", "nonce": None}, "belongs to another sign-in"),
        ({"email": "lea@acme.example", "exp": 1_000}, "token is not valid"),
        ({"email": "lea@acme.example", "exp": None}, "token is not valid"),
        ({"email": "lea@acme.example", "iat": 4_000_000_000}, "token is not valid"),
    ],
)
def test_claims_that_are_not_right_let_nobody_in(
    owner: Organization,
    sso: SingleSignOn,
    provider: IdentityProvider,
    claims: dict[str, Any],
    says: str,
) -> None:
    """Issuer, audience, time, nonce, verified address, domain, role: each is asked."""
    client = Client()
    answer = provider.sign_in(client, start(owner), **claims)
    assert answer["Location"].startswith(f"/sign-in/{owner.slug}")
    assert says in sentence(client, answer)
    assert client.get("/users/").status_code == 302


def test_clocks_may_differ_by_two_minutes(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    now = int(clock.now().timestamp())
    by_sso(provider, owner, "lea@acme.example", iat=now + 100, exp=now + 400)
    by_sso(provider, owner, "lea@acme.example", iat=now - 400, exp=now - 100)


def test_a_provider_that_does_not_say_it_may_be_trusted_but_never_against_its_word(
    owner: Organization, lea: Admin, provider: IdentityProvider
) -> None:
    """Microsoft Entra ID sends no email_verified."""
    turn_on(owner, provider, trust_unsaid=True)
    by_sso(provider, owner, "lea@acme.example", email_verified=None)
    client = Client()
    answer = provider.sign_in(client, start(owner), email="lea@acme.example", email_verified=False)
    assert "is verified (email_verified)" in sentence(client, answer)


def test_an_answer_is_good_once_and_for_the_browser_that_asked(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    client = Client()
    answer = provider.authorize(client.get(start(owner))["Location"], email="lea@acme.example")
    stolen = Client().get("/sso/callback/", answer)
    assert stolen["Location"] == "/sso/"
    other = client.get("/sso/callback/", answer | {"state": "another"})
    assert "belongs to another sign-in" in sentence(client, other)
    again = client.get("/sso/callback/", answer)
    assert again["Location"] == "/sso/"
    answer = provider.authorize(client.get(start(owner))["Location"], email="lea@acme.example")
    mixed = client.get("/sso/callback/", answer | {"iss": "https://evil.example"})
    assert "from another identity provider" in sentence(client, mixed)
    assert client.get("/users/").status_code == 302


def test_what_the_provider_refuses_is_told(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    client = Client()
    state = provider.authorize(client.get(start(owner))["Location"])["state"]
    refused = {"state": state, "error": "access_denied", "error_description": "Not <b>assigned</b>"}
    shown = sentence(client, client.get("/sso/callback/", refused))
    assert "it said: Not &lt;b&gt;assigned&lt;/b&gt;." in shown


def test_the_code_verifier_goes_with_the_code(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    """RFC 7636: the provider of the tests checks it too."""
    client = Client()
    answer = provider.authorize(client.get(start(owner))["Location"], email="lea@acme.example")
    provider.codes[answer["code"]]["challenge"] = "of somebody else"
    shown = sentence(client, client.get("/sso/callback/", answer))
    assert "answered 400 invalid_grant" in shown


def test_a_token_without_a_signature_or_by_an_unknown_key_lets_nobody_in(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    provider.key = ECKey.generate_key("P-256", {"kid": "one"})  # not the one that is published
    client = Client()
    answer = provider.sign_in(client, start(owner), email="lea@acme.example")
    assert "the signature of its identity token is not right" in sentence(client, answer)
    for token in ("eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImxlYUBhY21lLmV4YW1wbGUifQ.", "x", "a.b.c.d.e"):
        provider.token = token
        answer = provider.sign_in(client, start(owner), email="lea@acme.example")
        assert "the signature of its identity token is not right" in sentence(client, answer)


def test_description_and_keys_are_kept_and_changed_keys_are_fetched_again(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    by_sso(provider, owner, "lea@acme.example")
    by_sso(provider, owner, "lea@acme.example")
    assert provider.asked.count("/keys") == 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    provider.key = ECKey.generate_key("P-256", {"kid": "two"})
    provider.published = [provider.key]
    by_sso(provider, owner, "lea@acme.example")
    assert provider.asked.count("/keys") == 2
    provider.key = ECKey.generate_key("P-256", {"kid": "three"})  # and not published
    for _ in range(3):
        provider.sign_in(Client(), start(owner), email="lea@acme.example")
    assert provider.asked.count("/keys") == 2  # nobody makes us ask each time


def test_the_secret_goes_as_the_provider_wants_it(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    provider.methods = ["client_secret_post"]
    by_sso(provider, owner, "lea@acme.example")


# ------------------------------------------------------------------ new admins


def test_with_a_default_role_somebody_new_becomes_an_admin_without_a_password(
    owner: Organization, lea: Admin, provider: IdentityProvider
) -> None:
    turn_on(owner, provider, default_role="read-only")
    client = by_sso(provider, owner, "new@acme.example", name="Nora New")
    new = Admin.objects.get(email="new@acme.example")
    assert new.name == "Nora New"
    assert not new.has_usable_password()
    assert new.roles.get().kind == "read-only"
    assert client.get("/users/").status_code == 200
    by_sso(provider, owner, "new@acme.example")
    assert Admin.objects.count() == 2


def test_nobody_becomes_an_owner_by_it(owner: Organization, sso: SingleSignOn) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SingleSignOn.objects.update(default_role="owner")


def test_a_login_that_is_switched_off_stays_off(
    owner: Organization, lea: Admin, provider: IdentityProvider
) -> None:
    turn_on(owner, provider, default_role="admin")
    Admin.objects.filter(pk=lea.pk).update(is_active=False)
    client = Client()
    answer = provider.sign_in(client, start(owner), email="lea@acme.example")
    assert "This login is switched off" in sentence(client, answer)


# ------------------------------------------------------------------ one organization alone


def test_an_identity_provider_opens_its_own_organization_and_no_other(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, lea: Admin
) -> None:
    """Whoever owns one organization cannot let themselves into another as one of its admins."""
    contoso = organizations.create("Contoso")
    admins.create(lea.email, organization=contoso, password=PASSWORD)
    client = by_sso(provider, owner, lea.email)
    assert "Contoso" not in client.get("/").content.decode()
    assert client.post("/switch/", {"organization": contoso.pk}).status_code == 404
    session = client.session
    session["organization"] = contoso.pk
    session.save()
    assert "Contoso" not in client.get("/").content.decode()
    assert "Contoso" in by_password(lea).get("/").content.decode()


def test_whoever_came_by_it_changes_nothing_of_the_sign_in_elsewhere(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, lea: Admin
) -> None:
    """Or it could be used to add a passkey that opens every organization of that admin."""
    elsewhere = by_password(lea)
    elsewhere.get("/")
    client = by_sso(provider, owner, lea.email)
    for page in ("two-step/", "two-step/off/", "recovery-codes/", "passkeys/add/"):
        answer = client.get(f"/account/security/{page}")
        assert answer.status_code == 403
        assert "sign in with your password" in answer.content.decode()
    assert client.post("/account/security/passkeys/options/").status_code == 403
    client.post("/account/security/sessions/end/")
    assert elsewhere.get("/").status_code == 200
    shown = client.get("/account/security/").content.decode()
    assert shown.count("first seen") == 1


def test_a_second_step_is_the_identity_providers_matter(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, lea: Admin
) -> None:
    sign_in_rules.require_two_step(owner, True)
    client = by_sso(provider, owner, lea.email)
    assert client.get("/users/").status_code == 200
    assert by_password(lea).get("/users/")["Location"].startswith("/account/security/two-step/")


# ------------------------------------------------------------------ required, and never locked out


def test_it_is_required_only_after_a_test(
    owner: Organization, lea: Admin, admin: Client, provider: IdentityProvider
) -> None:
    turn_on(owner, provider)
    admin.post(f"{SETTINGS}mode/", {"mode": "required"})
    assert "Test the sign-in before you require it." in admin.get(SETTINGS).content.decode()
    provider.sign_in(admin, TEST, email="eve@acme.example")
    assert "eve@acme.example is not an admin" in admin.get(SETTINGS).content.decode()
    assert single_sign_on.of(owner).tested_at is None

    provider.sign_in(admin, TEST, email="lea@acme.example")
    shown = admin.get(SETTINGS).content.decode()
    assert "The sign-in works: lea@acme.example would come in." in shown
    admin.post(f"{SETTINGS}mode/", {"mode": "required"})
    assert single_sign_on.of(owner).mode == "required"

    form = _form(provider) | {"client_secret": "another"}
    assert admin.post(SETTINGS, form).status_code == 302
    assert single_sign_on.of(owner).mode == "on"  # what was tested is not what is there
    assert single_sign_on.of(owner).tested_at is None


def test_the_database_wants_a_test_too(owner: Organization, sso: SingleSignOn) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SingleSignOn.objects.update(mode="required")


def test_a_test_signs_nobody_in(
    owner: Organization, sso: SingleSignOn, admin: Client, provider: IdentityProvider, grace: Admin
) -> None:
    provider.sign_in(admin, TEST, email=grace.email)
    assert "lea@acme.example" in admin.get("/account/security/").content.decode()


def test_where_it_is_required_passwords_are_for_owners_alone(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, lea: Admin, grace: Admin
) -> None:
    require(owner)
    hers = by_password(grace)
    assert hers.get("/users/")["Location"] == f"/sign-in/{owner.slug}?next=%2Fusers%2F"
    assert hers.post("/mail/retry/")["Location"] == f"/sign-in/{owner.slug}"
    assert by_sso(provider, owner, grace.email).get("/users/").status_code == 200
    assert by_password(lea).get("/users/").status_code == 200


def test_owners_come_in_while_the_identity_provider_is_broken(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, lea: Admin
) -> None:
    """Nobody is locked out: the break-glass of a required single sign-on."""
    require(owner)
    provider.described = {"jwks_uri": "gopher://"}
    client = Client()
    answer = client.get(start(owner))
    assert "is no https:// address" in sentence(client, answer)
    lea_again = by_password(lea)
    assert lea_again.get("/users/").status_code == 200
    lea_again.post(f"{SETTINGS}mode/", {"mode": "off"})
    assert single_sign_on.of(owner).mode == "off"


def test_it_is_not_required_without_an_owner_who_has_a_password(
    owner: Organization, sso: SingleSignOn, lea: Admin
) -> None:
    lea.set_unusable_password()
    lea.save()
    single_sign_on.note_test(sso)
    with pytest.raises(Refusal, match="Give one owner a password first"):
        single_sign_on.set_mode(owner, "required")


def test_the_last_owner_with_a_password_stays_one_while_it_is_required(
    owner: Organization, sso: SingleSignOn, admin: Client, lea: Admin, grace: Admin
) -> None:
    """R5: an owner who has no password does not count; under the lock of the last-owner check."""
    other = admins.create("kim@acme.example", organization=owner, password=PASSWORD)
    other.set_unusable_password()
    other.save()
    require(owner)
    hers = Role.objects.of(owner).get(admin=lea)
    for deed in (
        lambda: roles.change(owner, hers.pk, "admin", by=lea),
        lambda: roles.remove(owner, hers.pk, by=other),
    ):
        with pytest.raises(Refusal, match="no other owner has a password") as refused:
            deed()
        assert refused.value.code == "last_way_in"
    page = admin.post(f"/admins/{hers.pk}/role/", {"kind": "admin"}, follow=True)
    assert "no other owner has a password" in page.content.decode()
    assert Role.objects.get(pk=hers.pk).kind == "owner"
    roles.change(owner, Role.objects.of(owner).get(admin=grace).pk, "owner", by=lea)
    roles.change(owner, hers.pk, "admin", by=lea)
    single_sign_on.set_mode(owner, "on", by=grace)
    roles.remove(owner, Role.objects.of(owner).get(admin=grace).pk, by=other)


def test_a_sign_in_by_it_is_told_to_its_organization_alone(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, grace: Admin
) -> None:
    """R28: it opens no other, so it is in the log of no other; signing out neither."""
    contoso = organizations.create("Contoso")
    admins.create(grace.email, organization=contoso, password=PASSWORD)
    client = by_sso(provider, owner, grace.email)
    client.get("/users/")
    client.post("/sign-out/")
    lines = AuditEntry.objects.filter(admin=grace, deed__in=["signed_in", "signed_out"])
    assert list(lines.order_by("id").values_list("organization", "deed", "after")) == [
        (owner.pk, "signed_in", {"with": "single sign-on"}),
        (owner.pk, "signed_out", None),
    ]


def test_what_was_set_up_is_noted_without_the_client_secret(
    owner: Organization, admin: Client, lea: Admin, provider: IdentityProvider
) -> None:
    """R28: before and after; that the secret is another one is told, the secret is not."""
    admin.post(SETTINGS, _form(provider))
    admin.post(
        SETTINGS, _form(provider) | {"client_secret": "quite another", "domains": "b.example"}
    )
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.admin) == ("sso_configured", lea)
    assert line.before == {"domains": ["acme.example"]}
    assert line.after == {"domains": ["b.example"], "credentials": "entered anew"}
    assert "quite another" not in factories.every_text()
    assert CLIENT_SECRET not in factories.every_text()


def test_an_admin_of_two_organizations_is_not_kept_out_of_the_one_that_is_open(
    owner: Organization, sso: SingleSignOn, grace: Admin
) -> None:
    contoso = organizations.create("Contoso")  # after Acme
    admins.create(grace.email, organization=contoso, password=PASSWORD)
    require(owner)
    client = by_password(grace)
    assert "Contoso" in client.get("/").content.decode()
    client.post("/switch/", {"organization": owner.pk})
    assert client.get("/")["Location"].startswith(f"/sign-in/{owner.slug}")
    client.post("/switch/", {"organization": contoso.pk})
    assert client.get("/").status_code == 200


def test_switching_it_off_signs_out_whoever_came_by_it(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, admin: Client, grace: Admin
) -> None:
    hers = by_sso(provider, owner, grace.email)
    assert hers.get("/users/").status_code == 200
    admin.post(f"{SETTINGS}mode/", {"mode": "off"})
    assert hers.get("/users/").status_code == 302
    assert admin.get("/users/").status_code == 200


# ------------------------------------------------------------------ settings


def test_the_client_secret_is_encrypted_and_never_shown_again(
    owner: Organization, lea: Admin, admin: Client, provider: IdentityProvider
) -> None:
    assert admin.post(SETTINGS, _form(provider)).status_code == 302
    kept = SingleSignOn.objects.get()
    assert CLIENT_SECRET not in kept.client_secret
    shown = admin.get(SETTINGS).content.decode()
    assert CLIENT_SECRET not in shown
    assert kept.client_secret not in shown
    assert "http://127.0.0.1:8000/sso/callback/" in shown
    admin.post(
        SETTINGS, _form(provider) | {"client_secret": "", "domains": "acme.example b.example"}
    )
    found = single_sign_on.of(owner)
    assert found.domains == ["acme.example", "b.example"]
    assert single_sign_on.client_of(found).client_secret == CLIENT_SECRET


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"issuer": "javascript:alert(1)"}, "is no https:// address"),
        ({"issuer": "https://user:pw@idp.example"}, "is no https:// address"),
        ({"domains": "acme"}, "is not a domain"),
        ({"domains": "*.example"}, "is not a domain"),
        ({"domains": " "}, "This field is required"),
        ({"client_secret": ""}, "Enter the client secret"),
        ({"default_role": "owner"}, "not one of the available choices"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_their_field(
    owner: Organization,
    lea: Admin,
    admin: Client,
    provider: IdentityProvider,
    wrong: dict[str, str],
    says: str,
) -> None:
    answer = admin.post(SETTINGS, _form(provider) | wrong)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not SingleSignOn.objects.exists()


def test_only_owners_see_and_change_it(
    owner: Organization, sso: SingleSignOn, grace: Admin
) -> None:
    client = by_password(grace)
    assert client.get(SETTINGS).status_code == 403
    assert client.get(TEST).status_code == 403
    assert client.post(f"{SETTINGS}mode/", {"mode": "off"}).status_code == 403
    assert single_sign_on.of(owner).mode == "on"


# ------------------------------------------------------------------ where we ask


def test_nothing_of_our_own_network_is_asked(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider, settings: Any
) -> None:
    """The issuer is typed by an admin: it must not make us ask what only we can reach."""
    settings.SSO_PRIVATE_ADDRESSES = False
    port = provider.issuer.rpartition(":")[2]
    for issuer in (
        provider.issuer,
        f"https://127.0.0.1:{port}",
        f"https://localhost:{port}",
        f"https://[::1]:{port}",
        f"https://[::ffff:127.0.0.1]:{port}",
    ):
        SingleSignOn.objects.update(issuer=issuer)
        oidc.forget(issuer)
        client = Client()
        shown = sentence(client, client.get(start(owner)))
        assert "is not on the public internet" in shown or "is no https:// address" in shown
    assert provider.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::6810:84e5", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.1", False),
        ("224.0.0.1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert outbound.is_public(address) is public


def test_the_certificate_is_asked_for_the_name_though_the_connection_goes_to_its_address(
    settings: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    settings.SSO_PRIVATE_ADDRESSES = True
    for name, right in (("localhost", True), ("another.example", False)):
        chain = _certificate(name, tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        with identity_provider.running(context) as provider:
            port = provider.issuer.rpartition(":")[2]
            address = f"https://localhost:{port}/keys"
            if right:
                assert "keys" in outbound.get_json(address)
            else:
                with pytest.raises(outbound.Unreachable, match="localhost does not answer"):
                    outbound.get_json(address)


def test_a_provider_that_calls_itself_something_else_is_refused_with_what_to_enter(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    provider.described = {"issuer": "https://idp.example/tenant"}
    client = Client()
    shown = sentence(client, client.get(start(owner)))
    assert "it calls itself “https://idp.example/tenant”: enter that as issuer" in shown
    before = len(provider.asked)
    client.get(start(owner))
    assert len(provider.asked) == before  # not asked again at once


def test_a_sign_in_that_takes_too_long_has_to_begin_again(
    owner: Organization, sso: SingleSignOn, provider: IdentityProvider
) -> None:
    client = Client()
    answer = provider.authorize(client.get(start(owner))["Location"], email="lea@acme.example")
    session = client.session
    session["sso_asked"] = session["sso_asked"] | {"at": dt.datetime.now().timestamp() - 1000}
    session.save()
    shown = sentence(client, client.get("/sso/callback/", answer))
    assert "took too long" in shown


def _form(provider: IdentityProvider) -> dict[str, str]:
    return {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "domains": "acme.example",
        "default_role": "",
        "trust_unsaid": "no",
    }


def _certificate(name: str, folder: Path) -> Path:
    """A certificate of that name with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
