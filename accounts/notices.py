"""What admins are told by e-mail, and how often each of them wants to hear of it.

A notice is of a topic; each admin chooses for each topic: at once, in one summary a day, or
never, where the topic allows it. `tell` asks each one's choice and writes the rows, within the
transaction of the cause. What concerns an admin's own sign-in is no topic: it always comes.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts import audit, clock, outbox
from accounts.deeds import Deed
from accounts.models import Admin, DigestLine, NoticeChoice, Organization
from accounts.refusal import Refusal

How = NoticeChoice.How
#: In a link that stops notices: every topic that may be stopped.
ALL = "all"
_SALT = "accounts.notices"


@dataclasses.dataclass(frozen=True, slots=True)
class Topic:
    """default: how it comes unless an admin chooses. may_stop: whether "never" can be chosen.
    always: what of it comes at once whatever is chosen, as a sentence."""

    key: str
    title: str
    sentence: str
    default: str = How.AT_ONCE.value
    may_stop: bool = True
    always: str = ""

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [choice for choice in How.choices if self.may_stop or choice[0] != How.NEVER]


_topics: dict[str, Topic] = {}


def register(topic: Topic) -> None:
    _topics[topic.key] = topic


def topics() -> list[Topic]:
    return list(_topics.values())


def tell(
    organization_id: int,
    topic: str,
    kind: str,
    payload: Mapping[str, Any],
    *,
    once: str | None = None,
    urgent: bool = False,
) -> None:
    """Tell every admin of the organization, as each wants it.

    kind, payload: of the e-mail (accounts.mail.register). once: makes it one e-mail, or one line
    of a summary, an admin. urgent: at once, whatever is chosen.
    """
    admins = list(
        Admin.objects.filter(roles__organization=organization_id, is_active=True)
        .order_by("email")
        .values_list("pk", "email")
    )
    chosen = dict(
        NoticeChoice.objects.filter(
            organization=organization_id, topic=topic, admin__in=[pk for pk, _ in admins]
        ).values_list("admin", "how")
    )
    default = _topics[topic].default
    now, daily, at_once = clock.now(), [], []
    for pk, email in admins:
        key = f"{once} {hashlib.sha256(email.encode()).hexdigest()}" if once else None
        how = How.AT_ONCE if urgent else chosen.get(pk, default)
        if how == How.AT_ONCE:
            at_once.append((pk, email, key))
        elif how == How.DAILY:
            daily.append(
                DigestLine(
                    organization_id=organization_id,
                    admin_id=pk,
                    topic=topic,
                    kind=kind,
                    payload=dict(payload),
                    once=key,
                    created_at=now,
                )
            )
    DigestLine.objects.bulk_create(daily, ignore_conflicts=once is not None)
    for pk, email, key in at_once:
        outbox.put(
            organization_id,
            kind,
            {**payload, "to": email, "admin": pk, "topic": topic},
            once=key,
        )


def chosen(organization: Organization, admin: Admin) -> dict[str, str]:
    """How the admin is told, by topic."""
    rows = NoticeChoice.objects.of(organization).filter(admin=admin)
    own = dict(rows.values_list("topic", "how"))
    return {topic.key: own.get(topic.key, topic.default) for topic in topics()}


@transaction.atomic
def choose(
    organization: Organization, admin: Admin, wanted: Mapping[str, str], *, by: Admin | None = None
) -> None:
    """wanted: by topic. Refused: what the topic does not allow ("choice_invalid")."""
    for key, how in wanted.items():
        topic = _topics.get(key)
        if topic is None or how not in dict(topic.choices):
            raise Refusal("choice_invalid", "Choose one of the ways that are offered.")
    before = chosen(organization, admin)
    NoticeChoice.objects.bulk_create(
        [
            NoticeChoice(organization=organization, admin=admin, topic=key, how=how)
            for key, how in wanted.items()
        ],
        update_conflicts=True,
        unique_fields=["organization", "admin", "topic"],
        update_fields=["how"],
    )
    after = chosen(organization, admin)
    _note(organization, admin, before, after, by=by)


def stop(organization: Organization, admin: Admin, topic: str) -> None:
    """What the link in an e-mail does: no more of that topic, or of all that come daily."""
    now = chosen(organization, admin)
    keys = [
        each.key
        for each in topics()
        if each.may_stop and (each.key == topic or (topic == ALL and now[each.key] == How.DAILY))
    ]
    choose(organization, admin, dict.fromkeys(keys, How.NEVER.value), by=admin)


def _note(
    organization: Organization,
    admin: Admin,
    before: dict[str, str],
    after: dict[str, str],
    *,
    by: Admin | None,
) -> None:
    def named(values: dict[str, str]) -> dict[str, list[str]]:
        return {"notices": [f"{title_of(key)}: {How(how).label}" for key, how in values.items()]}

    audit.note(organization.pk, Deed.NOTICES_CHOSEN, admin, by=by, before=named(before),
               after=named(after))  # fmt: skip


# ------------------------------------------------------------------ links in e-mails


def choose_link() -> str:
    """Where an admin chooses; whoever reads it is asked to sign in first."""
    return settings.PUBLIC_URL + reverse("accounts:notices")


def stop_link(organization_id: int, admin_id: int, topic: str) -> str:
    """Stops one topic without signing in: it can do nothing else."""
    proof = signing.dumps([organization_id, admin_id, topic], salt=_SALT)
    return settings.PUBLIC_URL + reverse("accounts:stop_notices", args=[proof])


def find(proof: str) -> tuple[Organization, Admin, str]:
    """Whose notices a link stops. Refused: a link that is broken, or of nobody."""
    try:
        organization_id, admin_id, topic = signing.loads(proof, salt=_SALT)
    except (signing.BadSignature, ValueError):
        raise Refusal(
            "link_invalid", "This link is not complete. Open it from the e-mail once more."
        ) from None
    organization = Organization.objects.filter(pk=organization_id).first()
    admin = Admin.objects.filter(pk=admin_id, roles__organization=organization_id).first()
    if organization is None or admin is None:
        raise Refusal("link_over", "You get no notices of this organization any more.")
    return organization, admin, topic


def title_of(topic: str) -> str:
    return _topics[topic].title if topic in _topics else "Everything in the daily summary"


def may_stop(topic: str) -> bool:
    return topic == ALL or (topic in _topics and _topics[topic].may_stop)
