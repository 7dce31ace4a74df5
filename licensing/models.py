"""Pools, who may draw from them, seats, the waiting list and the ledger."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Admin, Application, Group, OfOrganization, Organization, Person, Product


class Pool(models.Model):
    """The licenses of one product that an organization bought.

    held: seats in use, kept by licensing.allocation under this row's lock, so that
    no grant has to count. Reconciliation compares it with the seats themselves.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="pools")
    product = models.CharField(max_length=20, choices=Product.choices)
    purchased = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "product"], name="an_organization_has_one_pool_a_product"
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
    """What an application does with its pool: who is eligible, and what when it is used up."""

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
        ]

    def __str__(self) -> str:
        return f"seat of {self.person_id} in {self.pool_id}"


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
            models.Index(fields=["pool", "at"], name="ledger_of_pool_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.deed} {self.email}"
