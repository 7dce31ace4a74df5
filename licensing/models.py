"""Pools, who may draw from them, seats, the waiting list, held removals, the ledger and usage."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q

from accounts.models import (
    Admin,
    Application,
    Group,
    OfOrganization,
    Organization,
    Person,
    Product,
    WebhookEndpoint,
)
from accounts.same_organization import SameOrganization


class Pool(models.Model):
    """The licenses of one product that an organization bought.

    held: seats in use, kept by licensing.allocation under this row's lock, so that
    no grant has to count. Reconciliation compares it with the seats themselves.
    idle_after_days: a seat that was not activated or not used for so long is idle; null is
    never. reclaim, warn_days, may_reclaim_scim: what becomes of it (licensing.idle).
    price, currency: of one license a month, as an admin says (licensing.prices).
    """

    class Reclaim(models.TextChoices):
        BY_HAND = "by_hand", "By hand"
        AUTOMATIC = "automatic", "Automatically, after a warning"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="pools")
    product = models.CharField(max_length=20, choices=Product.choices)
    purchased = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    idle_after_days = models.PositiveIntegerField(null=True)
    reclaim = models.CharField(
        max_length=9, choices=Reclaim.choices, default=Reclaim.BY_HAND, db_default=Reclaim.BY_HAND
    )
    warn_days = models.PositiveIntegerField(default=7, db_default=7)
    may_reclaim_scim = models.BooleanField(default=False, db_default=False)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "product"], name="an_organization_has_one_pool_a_product"
            ),
            models.CheckConstraint(
                name="a_seat_is_idle_after_one_day_at_least",
                condition=Q(idle_after_days=None) | Q(idle_after_days__gte=1),
            ),
            models.CheckConstraint(
                name="reclaim_is_by_hand_or_automatic",
                condition=Q(reclaim__in=["by_hand", "automatic"]),
            ),
            models.CheckConstraint(
                name="a_warning_comes_one_day_ahead_at_least", condition=Q(warn_days__gte=1)
            ),
            models.CheckConstraint(
                name="a_price_has_a_currency",
                condition=Q(price=None, currency="") | (Q(price__gte=0) & ~Q(currency="")),
            ),
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_pool_is_of_one_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_product_display()} of {self.organization_id}"

    @property
    def free(self) -> int:
        """Seats that may be granted: none while over-assigned (R15)."""
        return max(0, self.purchased - self.held)

    @property
    def over_assigned(self) -> int:
        return max(0, self.held - self.purchased)


class Policy(models.Model):
    """What an application does with its pool: who is eligible, and what when it is used up.

    brake_…: removals within an hour are held for review once they are more than so many
    people and more than so many percent of those whom the application gave a seat (R27).
    brake_counted_at: when they were counted last, and found to leave brake_room for so many.
    """

    class WhenFull(models.TextChoices):
        REFUSE = "refuse", "Refuse the push and tell the identity provider"
        WAITLIST = "waitlist", "Create the person and put them on the waiting list"

    class Eligibility(models.TextChoices):
        EVERYONE = "everyone", "Everyone the application provisions"
        GROUPS = "groups", "Members of chosen groups"

    application = models.OneToOneField(
        Application,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="policy",
        db_constraint=False,
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="policies", db_constraint=False
    )
    when_full = models.CharField(max_length=10, choices=WhenFull.choices, default=WhenFull.REFUSE)
    eligibility = models.CharField(
        max_length=10, choices=Eligibility.choices, default=Eligibility.EVERYONE
    )
    # Defaults of the database too, for code that does not know these columns yet.
    brake_on = models.BooleanField(default=True, db_default=True)
    brake_people = models.PositiveIntegerField(default=50, db_default=50)
    brake_percent = models.PositiveSmallIntegerField(default=20, db_default=20)
    brake_counted_at = models.DateTimeField(null=True)
    brake_room = models.PositiveIntegerField(default=0, db_default=0)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                name="when_full_is_refuse_or_waitlist",
                condition=Q(when_full__in=["refuse", "waitlist"]),
            ),
            models.CheckConstraint(
                name="eligibility_is_everyone_or_groups",
                condition=Q(eligibility__in=["everyone", "groups"]),
            ),
            models.CheckConstraint(
                name="the_brake_counts_to_a_hundred_percent",
                condition=Q(brake_percent__lte=100),
            ),
            models.UniqueConstraint(
                fields=["organization", "application"], name="a_policy_is_of_one_organization"
            ),
            SameOrganization(
                "application", name="the_application_of_a_policy_is_of_its_organization"
            ),
            SameOrganization("pool", name="the_pool_of_a_policy_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.eligibility}, {self.when_full}"


class EligibleGroup(models.Model):
    """A chosen group: named, and bound to the SCIM group once that one is pushed (R16).

    Bound, it follows the group through a rename; if the group is deleted, the name
    stays chosen and binds again when a group of that name comes back.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(
        Policy, on_delete=models.CASCADE, related_name="eligible_groups", db_constraint=False
    )
    name = models.CharField(max_length=256)
    name_key = models.CharField(max_length=256)
    group = models.ForeignKey(
        Group,
        on_delete=models.SET_NULL,
        null=True,
        related_name="makes_eligible",
        db_constraint=False,
    )

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "name_key"], name="a_group_is_chosen_once_an_application"
            ),
            SameOrganization("policy", name="the_policy_of_a_chosen_group_is_of_its_organization"),
            SameOrganization("group", name="a_chosen_group_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return self.name


class Seat(models.Model):
    """One license held by one person.

    carried_over: a seat given by hand that SCIM took over from somebody who was not
    (yet) eligible: kept until the person is deactivated, deleted, or was eligible and
    no longer is (R12).
    reclaim_at: its owner was told that it is reclaimed then, unless they use it.
    """

    class Source(models.TextChoices):
        SCIM = "scim", "IdP"
        MANUAL = "manual", "Manual"

    class State(models.TextChoices):
        PROVISIONED = "provisioned", "Provisioned"
        ACTIVATED = "activated", "Activated"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="seats", db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="seats", db_constraint=False
    )
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, related_name="seats", db_constraint=False
    )
    source = models.CharField(max_length=6, choices=Source.choices)
    state = models.CharField(max_length=11, choices=State.choices, default=State.PROVISIONED)
    carried_over = models.BooleanField(default=False)
    granted_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    reclaim_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "person"], name="a_person_has_one_seat_a_pool"),
            models.CheckConstraint(
                name="a_seat_is_from_an_application_or_by_hand",
                condition=Q(source="scim", application__isnull=False)
                | Q(source="manual", application=None),
            ),
            models.CheckConstraint(
                name="an_activated_seat_says_when",
                condition=Q(state="provisioned", activated_at=None)
                | Q(state="activated", activated_at__isnull=False),
            ),
            models.CheckConstraint(
                name="a_seat_is_used_once_it_is_activated",
                condition=Q(last_used_at=None) | Q(state="activated"),
            ),
            SameOrganization("pool", name="the_pool_of_a_seat_is_of_its_organization"),
            SameOrganization("person", name="the_person_of_a_seat_is_of_its_organization"),
            SameOrganization(
                "application", name="the_application_of_a_seat_is_of_its_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"seat of {self.person_id} in {self.pool_id}"


class Reclaimed(models.Model):
    """Somebody whose idle seat was reclaimed: no application gives them one by itself any more.

    Ends when an application activates them again, or an admin gives the seat back.
    by_hand: what they held was given by hand, so giving it back is too. because: the
    middle of a sentence ("it was not used for 60 days").
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="reclaimed", db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="reclaimed", db_constraint=False
    )
    by = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    by_hand = models.BooleanField()
    because = models.TextField()
    at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "reclaimed"
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "person"], name="a_seat_is_reclaimed_once_a_person"
            ),
            SameOrganization("pool", name="the_pool_of_a_reclaimed_seat_is_of_its_organization"),
            SameOrganization(
                "person", name="the_person_of_a_reclaimed_seat_is_of_its_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"seat of {self.person_id} in {self.pool_id} was reclaimed"


class WaitingEntry(models.Model):
    """Somebody who is eligible and has no seat because the pool is used up (R18).

    refused: the push that would have given them a seat was refused whole; it succeeds
    when it is repeated once a seat is free. person: null is somebody whom the refused
    push would have created; what is shown of them is what it said. asked_at: when the
    refused push was repeated last; licensing.refusals ends what is not repeated.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="waiting", db_constraint=False
    )
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, related_name="waiting", db_constraint=False
    )
    user_name_key = models.CharField(max_length=512)
    email = models.CharField(max_length=320)
    name = models.CharField(max_length=520, blank=True)
    employee_number = models.CharField(max_length=256, blank=True)
    sort_key = models.CharField(max_length=512, db_collation="C")
    since = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    reason = models.TextField()
    refused = models.BooleanField(default=False)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "waiting entries"
        constraints = [
            models.UniqueConstraint(fields=["pool", "person"], name="a_person_waits_once_a_pool"),
            models.UniqueConstraint(
                fields=["pool", "application", "user_name_key"],
                condition=Q(person=None),
                name="a_refused_person_waits_once_a_pool",
            ),
            models.CheckConstraint(
                name="who_waits_is_a_person_or_was_refused",
                condition=Q(person__isnull=False) | Q(refused=True),
            ),
            SameOrganization("pool", name="the_pool_that_is_waited_for_is_of_its_organization"),
            SameOrganization(
                "application", name="the_application_of_who_waits_is_of_its_organization"
            ),
            SameOrganization("person", name="the_person_who_waits_is_of_its_organization"),
        ]
        indexes = [
            models.Index(fields=["pool", "sort_key"], name="waiting_in_allocation_order"),
        ]

    def __str__(self) -> str:
        return f"{self.email} waits"


#: A removal that is not over: it waits for an admin or the worker, or was dismissed and is
#: refused when it is pushed again.
OPEN_REMOVAL = Q(state__in=["held", "approved", "dismissed"], done_at=None)


class HeldRemoval(models.Model):
    """A seat that a push would have taken, and that the safety brake kept (R27).

    wanted: what the push wanted of the person; group: which group it would have taken them
    out of, which may be gone meanwhile. because and request_id: the push, as it was made last.
    at: when it was held; pushed_at: when it was pushed last.
    decided_at and decided_by: when it was approved or dismissed, and by whom; or when another
    push superseded it. done_at: the worker carried it out.
    """

    class Wanted(models.TextChoices):
        DEACTIVATE = "deactivate", "Deactivate"
        TAKE_OVER = "take_over", "Take over as inactive"
        DELETE = "delete", "Remove from the application"
        LEAVE_GROUP = "leave_group", "Take out of a group"
        DELETE_GROUP = "delete_group", "Delete a group"

    class State(models.TextChoices):
        HELD = "held", "Held"
        APPROVED = "approved", "Approved"
        DISMISSED = "dismissed", "Dismissed"
        SUPERSEDED = "superseded", "Superseded"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="held_removals", db_constraint=False
    )
    wanted = models.CharField(max_length=12, choices=Wanted.choices)
    group = models.ForeignKey(
        Group, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    group_name = models.CharField(max_length=256, blank=True)
    because = models.TextField()
    request_id = models.CharField(max_length=128, blank=True)
    at = models.DateTimeField()
    pushed_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.HELD)
    decided_by = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "person"],
                condition=OPEN_REMOVAL,
                name="a_person_has_one_open_removal_an_application",
            ),
            models.CheckConstraint(
                name="a_removal_is_held_until_it_is_decided",
                condition=Q(state="held", decided_at=None, decided_by=None)
                | Q(state="superseded", decided_at__isnull=False)
                | Q(
                    state__in=["approved", "dismissed"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="only_an_approved_removal_is_carried_out",
                condition=Q(done_at=None) | Q(state="approved"),
            ),
            models.CheckConstraint(
                name="a_removal_from_a_group_names_the_group",
                condition=Q(wanted__in=["deactivate", "take_over", "delete"], group=None)
                | Q(wanted__in=["leave_group", "delete_group"], group__isnull=False),
            ),
            SameOrganization(
                "application", name="the_application_of_a_removal_is_of_its_organization"
            ),
            SameOrganization("person", name="the_person_of_a_removal_is_of_its_organization"),
            SameOrganization("pool", name="the_pool_of_a_removal_is_of_its_organization"),
        ]
        indexes = [
            models.Index(fields=["organization", "state"], name="removals_of_an_organization"),
            models.Index(
                fields=["id"],
                condition=Q(state="approved", done_at=None),
                name="removals_to_be_carried_out",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wanted} {self.person_id}: {self.state}"


class LedgerEntry(models.Model):
    """What happened to a seat: who, which application or admin, which request, why (R21).

    The database refuses to change or delete a line (migration 0002), but for one change: whose
    data is erased on request leaves a line without email, because and salt, and `erased`, the
    digest of the three (licensing.erased_lines). salt: null is a line of before, or an erased one.
    """

    class Deed(models.TextChoices):
        GRANT = "grant", "Seat granted"
        RELEASE = "release", "Seat released"
        TAKE_OVER = "take_over", "Seat taken over"
        ACTIVATE = "activate", "Seat activated"
        REFUSE = "refuse", "Seat refused"
        LAPSE = "lapse", "Refusal ended"
        RESIZE = "resize", "Number of seats changed"
        BRAKE = "brake", "Safety brake set"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="ledger", db_constraint=False
    )
    deed = models.CharField(max_length=10, choices=Deed.choices)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="ledger", db_constraint=False
    )
    email = models.CharField(max_length=512, blank=True)
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False
    )
    admin = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=6, blank=True)
    seats = models.IntegerField(null=True)
    request_id = models.CharField(max_length=128, blank=True)
    because = models.TextField()
    at = models.DateTimeField()
    salt = models.UUIDField(null=True, editable=False, db_default=RandomUUID())
    erased = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            SameOrganization("pool", name="the_pool_of_a_ledger_line_is_of_its_organization"),
            SameOrganization("person", name="the_person_of_a_ledger_line_is_of_its_organization"),
            SameOrganization(
                "application", name="the_application_of_a_ledger_line_is_of_its_organization"
            ),
        ]
        indexes = [
            models.Index(fields=["pool", "id"], name="ledger_of_pool"),
            models.Index(fields=["person", "id"], name="ledger_of_person"),
            # What an application took away by its own pushes, for the safety brake (R27).
            models.Index(
                fields=["application", "at"],
                include=["person"],
                condition=Q(deed="release", admin=None) & ~Q(request_id=""),
                name="removals_by_an_application",
            ),
            models.Index(fields=["pool", "at"], name="ledger_of_pool_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.deed} {self.email}"


class LedgerSeal(models.Model):
    """A stretch of a pool's ledger, fixed by its hash, so that a changed line shows (R21).

    The stretch is every line of the pool after the seal before (n - 1) up to last_id;
    the digest covers the digest before too, so that no seal can be changed alone. format: of
    what is hashed; 1 is from before lines could be erased. anew: of such a seal the digest that
    its lines are checked by since one of them was erased; `digest` stays for the seal after it.
    Written by licensing.seals; the database refuses to change or delete one (migration 0005).
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="seals", db_constraint=False
    )
    n = models.PositiveIntegerField()
    last_id = models.BigIntegerField()
    lines = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    format = models.SmallIntegerField(db_default=1)
    anew = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "n"], name="a_pool_has_one_seal_of_a_number"),
            SameOrganization("pool", name="the_pool_of_a_seal_is_of_its_organization"),
        ]
        indexes = [
            models.Index(fields=["pool", "at"], name="seals_of_pool_by_time"),
        ]

    def __str__(self) -> str:
        return f"seal {self.n} of {self.pool_id}"


class Reconciled(models.Model):
    """How the last reconciliation of a pool went: what pages show of it (R21).

    started_at is newer than finished_at while one runs, or when it was killed; the figures
    are those of the one that finished. broken: where the ledger does not match its seals.
    asked_at, asked_by: an admin's wish that the worker is yet to fulfil (Reconcile now).
    seal, digest: the newest seal that was seen; it must never be missing again.
    pace: what licensing.forecast counted, so that pages need not.
    """

    pool = models.OneToOneField(
        Pool,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="reconciled",
        db_constraint=False,
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(null=True)
    asked_by = models.ForeignKey(
        Admin, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0)
    drift = models.PositiveIntegerField(default=0)
    granted = models.PositiveIntegerField(default=0)
    revoked = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    broken = models.TextField(blank=True)
    seal = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    pace = models.JSONField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "reconciled"
        constraints = [
            SameOrganization("pool", name="a_reconciled_pool_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id}: {self.outcome}"

    @property
    def finished(self) -> bool:
        """Whether the run that was started last came to its end."""
        if self.finished_at is None or self.started_at is None:
            return False
        return self.finished_at >= self.started_at

    @property
    def running(self) -> bool:
        """Whether a run has begun and has not ended; one that was killed is as if it ran."""
        return self.started_at is not None and not self.finished

    @property
    def begun(self) -> bool:
        """Whether what an admin asked for is being done."""
        return bool(self.asked_at and self.started_at and self.started_at >= self.asked_at)

    @property
    def outcome(self) -> str:
        """What was found, in words."""
        if not self.drift:
            return "nothing differed"
        differences = "1 difference" if self.drift == 1 else f"{self.drift:,} differences"
        return f"{differences} repaired, {self.granted:,} given and {self.revoked:,} freed by it"


class DailyCount(models.Model):
    """How many seats a pool had at the end of a day (UTC), or has so far today.

    Written by licensing.counts. waiting, idle: null where nobody counted on that day.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(
        Pool,
        on_delete=models.PROTECT,
        related_name="daily_counts",
        db_index=False,
        db_constraint=False,
    )
    day = models.DateField()
    purchased = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    activated = models.PositiveIntegerField()
    waiting = models.PositiveIntegerField(null=True)
    idle = models.PositiveIntegerField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "day"], name="a_pool_is_counted_once_a_day"),
            SameOrganization("pool", name="the_pool_of_a_count_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} on {self.day}"


class UsageEvent(models.Model):
    """One use of a product by a license holder, as it was reported (licensing.usage).

    event_id: the reporter's own, so that a repeat is known. counted: it is in UsageDay. Deleted
    when it is older than what is still taken, so that no repeat can come after that.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    event_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=40, blank=True)
    happened_at = models.DateTimeField()
    counted = models.BooleanField(default=False)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("pool", name="the_pool_of_a_use_is_of_its_organization"),
            SameOrganization("person", name="who_used_a_product_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["organization", "event_id"], name="a_usage_event_is_taken_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["pool", "id"], condition=Q(counted=False), name="usage_to_be_counted"
            ),
            models.Index(fields=["happened_at"], name="usage_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} of {self.person_id}"


class UsageDay(models.Model):
    """How often somebody used a product on a day (UTC), and when last.

    Written by licensing.usage out of the events, each counted once.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    day = models.DateField()
    count = models.PositiveIntegerField()
    last_at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("pool", name="the_pool_of_a_day_of_use_is_of_its_organization"),
            SameOrganization("person", name="the_person_of_a_day_of_use_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["pool", "person", "day"], name="a_day_of_use_is_one_row_a_person"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="days_of_use_by_age")]

    def __str__(self) -> str:
        return f"{self.person_id} on {self.day}"


class UsageMonth(models.Model):
    """On which days of a month somebody used a product: what reports read of 100,000 people.

    days: a bit for each, the lowest is the first of the month. Follows from UsageDay.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    month = models.DateField()
    days = models.IntegerField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("pool", name="the_pool_of_a_month_of_use_is_of_its_organization"),
            SameOrganization("person", name="the_person_of_a_month_of_use_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["pool", "month", "person"], name="a_month_of_use_is_one_row_a_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.month:%Y-%m}"


class UsageFile(models.Model):
    """A CSV file of usage events, from its upload until its rows are recorded.

    confirmed_at: since then the worker takes it, piece by piece; position: how many rows are
    done. content is emptied when all are. admin: null is the command line.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    admin = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=200)
    product = models.CharField(max_length=20, blank=True)
    content = models.BinaryField()
    rows = models.PositiveIntegerField()
    position = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_usage_file_is_of_one_organization"
            ),
            models.CheckConstraint(
                name="every_row_of_a_usage_file_has_one_outcome",
                condition=Q(position=F("accepted") + F("repeated") + F("refused")),
            ),
            models.CheckConstraint(
                name="a_usage_file_is_finished_after_its_last_row",
                condition=Q(finished_at=None) | Q(position=F("rows"), confirmed_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["confirmed_at"],
                condition=Q(confirmed_at__isnull=False, finished_at=None),
                name="usage_files_to_be_recorded",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RefusedUse(models.Model):
    """A row of a usage file that was refused. number: its line in the file."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    file = models.ForeignKey(
        UsageFile, on_delete=models.CASCADE, related_name="refusals", db_constraint=False
    )
    number = models.PositiveIntegerField()
    cells = models.JSONField()
    because = models.TextField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("file", name="the_file_of_a_refused_use_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return f"line {self.number} of {self.file_id}"


class ReportSchedule(models.Model):
    """A usage report that goes out by e-mail each week or month (licensing.report_schedules).

    day: of the week (1 is Monday) or of the month. groups: ids; one that is deleted is left
    out. due_at: when the next one goes. made_by: who made it.
    """

    class Rhythm(models.TextChoices):
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    name = models.CharField(max_length=100)
    product = models.CharField(max_length=20, choices=Product.choices)
    rhythm = models.CharField(max_length=7, choices=Rhythm.choices)
    day = models.PositiveSmallIntegerField()
    groups = ArrayField(models.UUIDField(), default=list)
    everybody = models.BooleanField()
    departments = models.BooleanField()
    made_by = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name = "scheduled report"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_report_schedule_is_of_one_organization"
            ),
            models.CheckConstraint(
                name="a_report_goes_on_a_day_of_the_week_or_month",
                condition=Q(rhythm="weekly", day__gte=1, day__lte=7)
                | Q(rhythm="monthly", day__gte=1, day__lte=28),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(paused_at=None), name="reports_that_are_due"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ReportRecipient(models.Model):
    """An admin who gets a scheduled report, as long as they have a role in the organization."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    schedule = models.ForeignKey(
        ReportSchedule,
        on_delete=models.CASCADE,
        related_name="recipients",
        db_index=False,
        db_constraint=False,
    )
    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, related_name="+")

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("schedule", name="the_schedule_of_a_recipient_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["schedule", "admin"], name="an_admin_gets_a_report_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.admin_id} gets {self.schedule_id}"


class SentReport(models.Model):
    """That a scheduled report went out for a period: each exactly once (as R4's warnings)."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    schedule = models.ForeignKey(
        ReportSchedule,
        on_delete=models.CASCADE,
        related_name="sent",
        db_index=False,
        db_constraint=False,
    )
    rhythm = models.CharField(max_length=7)
    first = models.DateField()
    last = models.DateField()
    at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization(
                "schedule", name="the_schedule_of_a_sent_report_is_of_its_organization"
            ),
            models.UniqueConstraint(
                fields=["schedule", "rhythm", "first"], name="a_report_goes_out_once_a_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id} of {self.first}"


class WebhookReading(models.Model):
    """How far an endpoint has read what happened in a pool (licensing.webhook_feed).

    ledger_id, waiting_id: the last ledger line and the last waiting entry that it has read.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    ledger_id = models.BigIntegerField()
    waiting_id = models.BigIntegerField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("endpoint", name="an_endpoint_that_reads_is_of_its_organization"),
            SameOrganization("pool", name="the_pool_that_is_read_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["endpoint", "pool"], name="an_endpoint_reads_a_pool_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id} has read {self.pool_id} to {self.ledger_id}"
