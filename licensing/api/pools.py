"""Pools: what was bought, how it is used, and the rule for idle licenses (R15)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts import changes
from accounts.api.fields import Choice, Id, Number, Several, Strict, YesNo
from accounts.api.operations import Call, Resource, does, lists, shows
from accounts.refusal import Refusal
from licensing import idle, pools, reconcile, reprocess, restore
from licensing.idle import MOST_DAYS
from licensing.models import Pool
from licensing.pools import MOST_SEATS


class PoolOut(serializers.Serializer):
    """The licenses of one product."""

    id = serializers.CharField(source="product", help_text="The product.")
    purchased = serializers.IntegerField()
    assigned = serializers.IntegerField(source="held")
    free = serializers.IntegerField()
    over_assigned = serializers.IntegerField(help_text="So many more than were bought.")
    idle_after_days = serializers.IntegerField(allow_null=True, help_text="Null: never.")
    reclaim = serializers.ChoiceField(choices=Pool.Reclaim.values)
    warn_days = serializers.IntegerField()
    may_reclaim_scim = serializers.BooleanField()

    class Meta:
        ref_name = "Pool"


class PoolChange(Strict):
    """What is left out stays."""

    purchased = Number(min_value=0, max_value=MOST_SEATS, required=False)
    idle_after_days = Number(
        min_value=1, max_value=MOST_DAYS, required=False, allow_null=True, help_text="Null: never."
    )
    reclaim = Choice(choices=Pool.Reclaim.values, required=False)
    warn_days = Number(min_value=1, max_value=MOST_DAYS, required=False)
    may_reclaim_scim = YesNo(
        required=False, help_text="Also licenses that an identity provider gives."
    )


class PeopleIn(Strict):
    people = Several(child=Id(), min_length=1, allow_empty=False, help_text="Ids of people.")


class RestoredOut(serializers.Serializer):
    """What came of it."""

    restored = serializers.IntegerField(help_text="How many have their license back.")

    class Meta:
        ref_name = "Restored"


class ReprocessedOut(serializers.Serializer):
    """What came of it."""

    granted = serializers.IntegerField(source="gain.total", help_text="Who waited and got one.")
    waiting = serializers.IntegerField(source="wait.total", help_text="Who waits still.")
    refused = serializers.IntegerField(help_text="Whose push must be repeated.")

    class Meta:
        ref_name = "Reprocessed"


class ReconcileIn(Strict):
    dry_run = YesNo(default=True, help_text="Only say what would be repaired.")


class ReconciledOut(serializers.Serializer):
    """What differed (R21)."""

    drift = serializers.IntegerField(help_text="How many differences there were.")
    granted = serializers.ListField(child=serializers.CharField(), help_text="Addresses.")
    revoked = serializers.ListField(child=serializers.CharField(), help_text="Addresses.")
    waiting = serializers.IntegerField(help_text="How many wait.")

    class Meta:
        ref_name = "Reconciled"


class Pools(Resource):
    area = "Licenses"

    @lists("licenses:read", PoolOut, "List pools", order=("product",))
    def get(self, call: Call) -> QuerySet[Pool]:
        """One for each product that was bought or connected."""
        return Pool.objects.of(call.organization)


class OnePool(Resource):
    area = "Licenses"

    @shows("licenses:read", PoolOut, "One pool")
    def get(self, call: Call, product: str) -> Pool:
        return pool_of(call, product)

    @does(
        "licenses:write",
        "Buy licenses, or set the rule for idle ones",
        takes=PoolChange,
        gives=PoolOut,
        example={"purchased": 120},
    )
    def patch(self, call: Call, product: str) -> Pool:
        """More licenses serve the waiting list at once, in order. Fewer than are assigned take
        nobody's; the pool is over-assigned and grants none until it fits (R15)."""
        pool, wanted = pools.get(call.organization, product), dict(call.data)
        purchased = wanted.pop("purchased", None)
        rule = {
            "after_days": pool.idle_after_days,
            "reclaim": pool.reclaim,
            "warn_days": pool.warn_days,
            "may_reclaim_scim": pool.may_reclaim_scim,
        }
        changes_rule = bool(wanted)
        if "idle_after_days" in wanted:
            rule["after_days"] = wanted.pop("idle_after_days")

        def change() -> None:
            if changes_rule:
                idle.set_rule(call.organization, product, **(rule | wanted), by=call.by)
            if purchased is not None:
                pools.change_seats(call.organization, product, purchased, by=call.by)

        changes.together(change)
        return pool_of(call, product)


class Restore(Resource):
    area = "Licenses"

    @does(
        "licenses:write",
        "Restore freed licenses",
        takes=PeopleIn,
        gives=RestoredOut,
        example={"people": [17, 18]},
    )
    def post(self, call: Call, product: str) -> dict[str, int]:
        """All of these people or nobody. Refused: a license that was not freed in the last 30
        days (`not_freed`), too few that are free (`seats_missing`)."""
        chosen = call.data["people"]
        number = restore.restore(call.organization, product, chosen, by=call.by)
        return {"restored": number}


class Reprocess(Resource):
    area = "Licenses"

    @does("licenses:write", "Look at the waiting list again", gives=ReprocessedOut)
    def post(self, call: Call, product: str) -> Any:
        """Now, instead of within a minute."""
        return reprocess.reprocess(call.organization, product, by=call.by)


class Reconcile(Resource):
    area = "Licenses"

    @does(
        "licenses:write",
        "Reconcile",
        takes=ReconcileIn,
        gives=ReconciledOut,
        example={"dry_run": True},
    )
    def post(self, call: Call, product: str) -> Any:
        """Recomputes who is entitled and repairs what differs; a dry run only says what. Refused:
        one is under way (`reconciling`)."""
        pool, dry_run = pool_of(call, product), call.data["dry_run"]
        found = reconcile.reconcile_pool(pool, dry_run=dry_run, wait=False, by=call.by)
        if found is None:
            raise Refusal("reconciling", "A reconciliation of this pool is under way.")
        return found


def pool_of(call: Call, product: str) -> Pool:
    """404: the product was neither bought nor connected."""
    return get_object_or_404(Pool.objects.of(call.organization), product=product)
