"""Pools, who may draw from them, seats, the waiting list, held removals and the ledger."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

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


class Pool(models.Model):
    """The licenses of one product that an organization bought.

    held: seats in use, kept by licensing.allocation under this row's lock, so that
    no grant has to count. Reconciliation compares it with the seats themselves.
    idle_after_days: a seat that was not activated or not used for so long is idle; null is
    never. reclaim, warn_days, may_reclaim_scim: what becomes of it (licensing.idle).
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
        Application, on_delete=models.CASCADE, primary_key=True, related_name="policy"
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="policies")
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
        ]

    def __str__(self) -> str:
        return f"{self.eligibility}, {self.when_full}"


class EligibleGroup(models.Model):
    """A chosen group: named, and bound to the SCIM group once that one is pushed (R16).

    Bound, it follows the group through a rename; if the group is deleted, the name
    stays chosen and binds again when a group of that name comes back.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="eligible_groups")
    name = models.CharField(max_length=256)
    name_key = models.CharField(max_length=256)
    group = models.ForeignKey(
        Group, on_delete=models.SET_NULL, null=True, related_name="makes_eligible"
    )

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "name_key"], name="a_group_is_chosen_once_an_application"
            ),
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
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="seats")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="seats")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, related_name="seats"
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
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="reclaimed")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="reclaimed")
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
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="waiting")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="waiting")
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
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="held_removals")
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

    The database refuses to change or delete a line (migration 0002).
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
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="ledger")
    deed = models.CharField(max_length=10, choices=Deed.choices)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="ledger")
    email = models.CharField(max_length=512, blank=True)
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, related_name="+"
    )
    admin = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=6, blank=True)
    seats = models.IntegerField(null=True)
    request_id = models.CharField(max_length=128, blank=True)
    because = models.TextField()
    at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "ledger entries"
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
    the digest covers the digest before too, so that no seal can be changed alone.
    Written by licensing.seals; the database refuses to change or delete one (migration 0005).
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="seals")
    n = models.PositiveIntegerField()
    last_id = models.BigIntegerField()
    lines = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "n"], name="a_pool_has_one_seal_of_a_number"),
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
    seal, digest: the newest seal that was seen; it must never be missing again.
    pace: what licensing.forecast counted, so that pages need not.
    """

    pool = models.OneToOneField(
        Pool, on_delete=models.PROTECT, primary_key=True, related_name="reconciled"
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
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

    def __str__(self) -> str:
        return f"{self.pool_id}: {self.outcome}"

    @property
    def finished(self) -> bool:
        """Whether the run that was started last came to its end."""
        return self.finished_at is not None and self.finished_at >= self.started_at

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
        Pool, on_delete=models.PROTECT, related_name="daily_counts", db_index=False
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
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} on {self.day}"


class WebhookReading(models.Model):
    """How far an endpoint has read what happened in a pool (licensing.webhook_feed).

    ledger_id, waiting_id: the last ledger line and the last waiting entry that it has read.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="+")
    ledger_id = models.BigIntegerField()
    waiting_id = models.BigIntegerField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "pool"], name="an_endpoint_reads_a_pool_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id} has read {self.pool_id} to {self.ledger_id}"
