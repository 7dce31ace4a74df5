"""Two organizations that must never meet: canaries in one, and whether any of it was told or
changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.test import Client

from accounts.models import Admin, Organization
from tests.pages.world import World, hold_removals

#: Stands in every text of Contoso that a person would read, and nowhere else.
CANARY = "kanarie"
NEVER = (CANARY.encode(), b"Contoso", b"contoso.example")


def plant(stranger: World) -> World:
    """The same world, Contoso, with a canary in each of its texts."""
    hold_removals(stranger)
    owner = Client()
    owner.force_login(stranger.owner)
    owner.get("/")
    here = stranger.organization.pk
    with connection.cursor() as cursor:
        for table, names, document in (
            ("accounts_person", "email first_name last_name display_name title department", None),
            ("accounts_link", "user_name", "document"),
            ("accounts_group", "name", "document"),
            ("accounts_application", "name", None),
            ("accounts_admininvitation", "email", None),
            ("accounts_peoplefile", "name", None),
            ("accounts_webhookendpoint", "name url", None),
            ("accounts_webhookdelivery", "body answer", None),
            ("licensing_reportschedule", "name", None),
            ("licensing_waitingentry", "email name", None),
            ("licensing_heldremoval", "because group_name", None),
            ("licensing_eligiblegroup", "name", None),
            ("scim_token", "name", None),
            ("scim_setuplink", "for_whom", None),
            ("scim_exchange", "path detail", "response"),
        ):
            changes = [f"{name} = {name} || '{CANARY}'" for name in names.split()]
            if document:
                spoilt = f"replace({document}::text, 'example.com', '{CANARY}.example')::jsonb"
                changes.append(f"{document} = {spoilt}")
            cursor.execute(
                f"UPDATE {table} SET {', '.join(changes)} WHERE organization_id = %s", [here]
            )
    return stranger


def body_of(answer: Any) -> bytes:
    headers = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return headers.encode() + body


def _tables() -> str:
    """One statement: a checksum of all rows of an organization in each table of ours, and of its
    admins and what is theirs."""
    parts = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label not in ("accounts", "licensing", "scim"):
            continue
        names = {field.name for field in model._meta.concrete_fields}
        if model is Organization:
            where = "t.id = %(it)s"
        elif model is Admin:
            where = "t.id IN (SELECT admin_id FROM accounts_role WHERE organization_id = %(it)s)"
        elif "organization" in names and not model._meta.get_field("organization").null:
            where = "t.organization_id = %(it)s"
        else:
            assert "admin" in names, f"{model.__name__}: whose is it?"
            where = (
                "t.admin_id IN (SELECT admin_id FROM accounts_role WHERE organization_id = %(it)s)"
            )
        parts.append(
            f"SELECT '{model.__name__}', count(*), sum(hashtextextended(t::text, 0)) "
            f"FROM {model._meta.db_table} t WHERE {where}"
        )
    return " UNION ALL ".join(parts)


def rows_of(world: World) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_tables(), {"it": world.organization.pk})
        return cursor.fetchall()


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """As a test of its own: what the request changed is gone afterwards."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)
