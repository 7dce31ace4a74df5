"""An organization with something on every page, made by the product's own functions."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from decimal import Decimal

from accounts import (
    admins,
    api_tokens,
    clock,
    groups,
    invitations,
    organizations,
    people_files,
    single_sign_on,
    webhook_delivery,
    webhooks,
)
from accounts.models import (
    Admin,
    AdminInvitation,
    ApiToken,
    Application,
    Group,
    Organization,
    Passkey,
    PeopleFile,
    Person,
    Role,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.webhook_post import Answer
from licensing import (
    brake,
    counts,
    idle,
    pools,
    prices,
    report_schedules,
    roster,
    seats,
    usage_files,
)
from licensing.models import HeldRemoval, Policy, ReportSchedule, UsageFile
from scim import exchanges, setup_links, tokens, turned_away
from scim.models import Exchange, Token
from tests import factories
from tests.factories import Idp

PASSWORD = "a long enough password"
LONG_URL = "https://hooks.a-very-long-domain-name-of-a-customer.example.com/" + 12 * "services/"
LONG = "Wilhelmina-Alexandria Konstantinopolitanska-Oberösterreichischeverwaltung"
PEOPLE = (
    ("ada.lovelace@example.com", "1007", "Ada", "Lovelace", "Account executive", "Sales EMEA"),
    ("grace.hopper@example.com", "1001", "Grace", "Hopper", "Sales engineer", "Sales Americas"),
    ("katherine.johnson@example.com", "1003", "Katherine", "Johnson", "Analyst", "Operations"),
    ("alan.turing@example.com", "1002", "Alan", "Turing", "Account executive", "Sales EMEA"),
    ("annie.easley@example.com", "1010", "Annie", "Easley", "Team lead", "Sales Americas"),
    ("edsger.dijkstra@example.com", "A-12", "Edsger", "Dijkstra", "Consultant", "Partners"),
    ("mary.jackson@example.com", "1011", "Mary", "Jackson", "Account executive", "Sales APAC"),
    ("dorothy.vaughan@example.com", "1004", "Dorothy", "Vaughan", "Director", "Sales Americas"),
    ("w@a-very-long-domain-name-of-a-customer.example.com", "", LONG, LONG, LONG, LONG),
    ("radia.perlman@example.com", "1015", "Radia", "Perlman", "Account executive", "Sales EMEA"),
    ("barbara.liskov@example.com", "1020", "Barbara", "Liskov", "Analyst", "Operations"),
)


#: One row of each kind: added, changed, as it is, refused.
FILE = f"""E-Mail;First name;Last name;Department;Phone
leia@example.com;Leia;Organa;Sales EMEA;1
sam@example.com;Samuel;Seaborn;Speeches;2
zoe@example.com;Zoë;Washburne;;3
ada.lovelace@example.com;Augusta;{LONG};Sales EMEA;4
not an address;Han;Solo;;5
"""


#: Uses by Sam, by somebody who is not here, and at a time that makes no sense.
USES = f"""When;E-mail;Product;Action;Phone
{{first}};sam@example.com;Sales Navigator;search;1
{{second}};sam@example.com;Sales Navigator;message;2
{{second}};eve@example.com;Sales Navigator;{LONG};3
some day;sam@example.com;Sales Navigator;;4
"""


@dataclasses.dataclass
class World:
    organization: Organization
    owner: Admin
    okta: Idp
    entra: Idp
    token: Token
    person: Person
    group: Group
    colleague: Role
    invitation: AdminInvitation
    file: PeopleFile
    uses: UsageFile
    recorded: UsageFile
    schedule: ReportSchedule
    endpoint: WebhookEndpoint

    @property
    def application(self) -> Application:
        return self.okta.application

    @property
    def role(self) -> Role:
        return self.owner.roles.get(organization=self.organization)

    @property
    def sam(self) -> Person:
        """Somebody who was added by hand and holds a license by hand."""
        return Person.objects.of(self.organization).get(first_name="Sam")

    @property
    def manual_group(self) -> Group:
        return Group.objects.of(self.organization).get(application=None)

    @property
    def api_token(self) -> ApiToken:
        return ApiToken.objects.of(self.organization).get(admin=None)

    @property
    def delivery(self) -> WebhookDelivery:
        """One that failed twice, with an answer."""
        return WebhookDelivery.objects.of(self.organization).get(kind="sync.stale")

    @property
    def exchange(self) -> Exchange:
        return Exchange.objects.of(self.organization).filter(status=403).latest("at")


def make(name: str = "Northwind Traders", email: str = "lea@northwind.example") -> World:
    """Two applications, people with and without seats, one of them idle, a refused push, tokens of
    each kind."""
    organization = organizations.create(name)
    owner = admins.create(email, organization=organization, password=PASSWORD)
    with clock.stopped(at=clock.now() - dt.timedelta(days=101)):
        pools.set_seats(organization, "sales-navigator", 10, by=owner)
        pools.set_seats(organization, "teamlink-extend", 2, by=owner)
    okta = factories.connect(organization, name="Okta – Sales Navigator", idp="okta")
    entra = factories.connect(
        organization,
        name="Entra – TeamLink Extend",
        product="teamlink-extend",
        idp="entra",
        when_full="waitlist",
        eligibility="groups",
        eligible_groups=["Sales EMEA", "Contractors of the year to come"],
    )
    token = tokens.issue(okta.application, days=41, name="Okta sandbox", by=owner).token
    ended = tokens.issue(okta.application, days=30, name="Pilot", by=owner).token
    tokens.revoke(ended, by=owner)
    with clock.stopped(at=clock.now() - dt.timedelta(days=100)):
        _give_by_hand(organization, owner)
    idle.set_rule(organization, "sales-navigator", after_days=60)
    ids = [_push(okta, *who) for who in PEOPLE]
    _push_teamlink(entra)
    okta.create_group("Account executives", *[id for id in ids[:4] if id])
    okta.set_active(ids[5], active=False)
    for email in ("grace.hopper@example.com", "alan.turing@example.com", "sam@example.com"):
        roster.activate(organization, "sales-navigator", email)
    _secure(organization, owner)
    _set_up(okta, owner)
    _issue_api_tokens(organization, owner)
    exchanges.flush()
    recorded = _use(organization)
    counts.count_all()
    ada = Person.objects.of(organization).filter(email="ada.lovelace@example.com").order_by("id")
    return World(
        organization=organization,
        owner=owner,
        okta=okta,
        entra=entra,
        token=token,
        person=ada[0],
        group=Group.objects.of(organization).get(name="Account executives"),
        endpoint=_listen(organization, owner),
        uses=usage_files.keep(organization, "uses.csv", _uses(), admin=owner),
        recorded=recorded,
        schedule=_schedule(organization, owner),
        file=people_files.keep(organization, "people.csv", io.BytesIO(FILE.encode()), admin=owner),
        colleague=_colleague(organization, owner),
        invitation=invitations.invite(
            organization, f"ina@{owner.email.partition('@')[2]}", "read-only", by=owner
        ),
    )


def _uses() -> bytes:
    ago = [clock.now() - dt.timedelta(days=days) for days in (9, 2)]
    first, second = (f"{moment:%Y-%m-%d %H:%M}" for moment in ago)
    return USES.format(first=first, second=second).encode()


def _use(organization: Organization) -> UsageFile:
    """A price, and uses out of a file."""
    prices.set_price(organization, "sales-navigator", Decimal("79.99"), "EUR")
    return usage_files.import_now(organization, f"{LONG}.csv", _uses(), product="")


def _schedule(organization: Organization, owner: Admin) -> ReportSchedule:
    """Two reports by e-mail, one of them paused; the other was sent once."""
    wanted = report_schedules.Wanted(
        "Use by everybody", "sales-navigator", "weekly", 1, [owner.pk], everybody=True
    )
    paused = report_schedules.make(
        organization, dataclasses.replace(wanted, name=LONG, rhythm="monthly"), by=owner
    )
    report_schedules.pause(paused, True, by=owner)
    schedule = report_schedules.make(organization, wanted, by=owner)
    report_schedules.send_now(schedule, by=owner)
    return schedule


def _listen(organization: Organization, owner: Admin) -> WebhookEndpoint:
    """Three endpoints: one that fails, with deliveries of each state, one paused, one at rest."""
    for name, url in (("Archive", "https://archive.northwind.example/in"), (LONG, LONG_URL)):
        other, _ = webhooks.add(
            organization, name=name, url=url, kinds=["seat.granted", "seat.released"], by=owner
        )
    webhooks.pause(other, by=owner)
    endpoint, _ = webhooks.add(
        organization,
        name="HR system",
        url="https://hr.northwind.example/seatkeeper/hook",
        kinds=list(webhooks.KINDS),
        by=owner,
    )
    webhooks.rotate(endpoint, overlap_hours=168, by=owner)
    webhooks.put(organization.pk, "sync.stale", {"application": {"name": LONG}}, once="world")
    webhooks.put(organization.pk, "removals.held", {"held": 3}, once="world")
    for status, error in (
        (0, "There was no whole answer within 10 seconds."),
        (503, "It answered 503."),
    ):
        delivery = endpoint.deliveries.get(kind="sync.stale")
        delivery.attempts += 1
        answer = Answer(status, error, f'{{"error": "{LONG} {LONG}"}}' if status else "", 10_004)
        webhook_delivery._record(endpoint, delivery, answer, [])
    for kind, state in (("seat.granted", "delivered"), ("seat.refused", "given_up")):
        webhooks.send_test(endpoint, by=owner)
        endpoint.deliveries.filter(kind=webhooks.PING).update(
            kind=kind, state=state, done_at=clock.now(), attempts=1
        )
    return endpoint


def _secure(organization: Organization, owner: Admin) -> None:
    """Two passkeys of the owner (that answer nothing), and single sign-on that nobody uses yet."""
    for name in ("Laptop", LONG):
        Passkey.objects.create(
            admin=owner,
            name=name,
            credential_id=f"{owner.pk} {name}".encode(),
            public_key=b"",
            created_at=clock.now(),
        )
    single_sign_on.configure(
        organization,
        single_sign_on.Wanted(
            issuer="https://northwind.idp.example/oauth2/default",
            client_id="0oa1b2c3d4",
            client_secret="a client secret",
            domains=[owner.email.partition("@")[2]],
            default_role="",
            trust_unsaid=False,
        ),
    )


def _set_up(okta: Idp, owner: Admin) -> None:
    """Setup links, used and not, and a token that was revoked and still comes."""
    for name in ("Sol, IT", "it-contact-with-a-long-name@a-very-long-domain-name.example.com"):
        link = setup_links.make(okta.application, for_whom=name, by=owner)
    used = setup_links.make(okta.application, for_whom="Kim", by=owner)
    issued = setup_links.use(setup_links.address(used).split("/")[-2])
    tokens.revoke(issued.token, by=owner)
    Idp(okta.application, issued.secret).get(str(link.pk))
    turned_away.flush()


def _issue_api_tokens(organization: Organization, owner: Admin) -> None:
    """The organization's, which may do everything, and one of the owner that is revoked."""
    api_tokens.issue(
        organization, LONG, scopes=list(api_tokens.SCOPES), admin=None, days=30, by=owner
    )
    own = api_tokens.issue(organization, "Try-out", scopes=["logs:read"], admin=owner, by=owner)
    api_tokens.revoke(own.token, by=owner)


def hold_removals(world: World) -> list[HeldRemoval]:
    """Three removals by Okta that its safety brake holds, in allocation order."""
    policy = Policy.objects.get(application=world.application)
    brake.set_limits(policy, on=True, people=0, percent=0, by=world.owner)
    for name in ("grace.hopper", "alan.turing", "katherine.johnson"):
        [found] = world.okta.find(f'userName eq "{name}@example.com"')
        world.okta.delete(found["id"])
    exchanges.flush()
    return list(HeldRemoval.objects.of(world.organization).order_by("person__sort_key"))


@dataclasses.dataclass
class Empty:
    organization: Organization
    owner: Admin


def make_empty(plan: str = "advanced-plus") -> Empty:
    """An organization on its first day."""
    organization = organizations.create("First Day", plan=plan)
    owner = admins.create("first@day.example", organization=organization, password=PASSWORD)
    return Empty(organization, owner)


def _colleague(organization: Organization, owner: Admin) -> Role:
    domain = owner.email.partition("@")[2]
    email = f"a-colleague-with-such-a-long-name-that-it-hardly-fits@{domain}"
    made = admins.create(
        email, organization=organization, password=PASSWORD, role="admin", by=owner
    )
    return Role.objects.of(organization).get(admin=made)


def _give_by_hand(organization: Organization, owner: Admin) -> None:
    for first, last in (("Sam", "Seaborn"), ("Zoë", "Washburne")):
        roster.grant(
            organization,
            "sales-navigator",
            f"{first.lower().replace('ë', 'e')}@example.com",
            first_name=first,
            last_name=last,
            by=owner,
        )
    people = [seat.person for seat in seats.holders(pools.get(organization, "sales-navigator"))]
    groups.add_people(groups.create(organization, "SMB"), people)


def _push(
    idp: Idp, email: str, number: str, first: str, last: str, title: str, department: str
) -> str:
    """The id; empty when the push was refused."""
    document = factories.person(email, number=number, first=first, last=last, title=title)
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    document.setdefault(enterprise, {})["department"] = department
    document["schemas"] = list({*document["schemas"], enterprise})
    answer = idp("POST", "/Users", document)
    return answer.id if answer.status == 201 else ""


def _push_teamlink(entra: Idp) -> None:
    ids = [_push(entra, *who) for who in PEOPLE[:4]]
    group = entra.create_group("Sales EMEA", *ids[:3])
    entra.add_members(group.id, ids[3])
