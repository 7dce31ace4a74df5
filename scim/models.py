"""Bearer tokens, and what came in with them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from accounts.models import Admin, Application, OfOrganization, Organization
from accounts.same_organization import SameOrganization


class Token(models.Model):
    """A bearer token of a SCIM application: only its hash is kept (R3)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="tokens", db_constraint=False
    )
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=24, help_text="the beginning, to tell tokens apart")
    issued_by = models.ForeignKey(Admin, on_delete=models.SET_NULL, null=True, related_name="+")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    expired_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_token_expires_after_it_is_issued",
                condition=Q(expires_at__gt=F("issued_at")),
            ),
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_token_is_of_one_organization"
            ),
            SameOrganization(
                "application", name="the_application_of_a_token_is_of_its_organization"
            ),
        ]
        indexes = [
            models.Index(fields=["application", "issued_at"], name="tokens_of_application"),
            models.Index(fields=["hint"], name="token_by_its_beginning"),
        ]

    def __str__(self) -> str:
        return self.name or self.hint


class TokenWarning(models.Model):
    """A warning that was sent: each once, however often the worker runs (R4).

    days: how many days before the end it was due, 0 for "it has expired".
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(
        Token, on_delete=models.CASCADE, related_name="warnings", db_constraint=False
    )
    days = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "days"], name="a_warning_is_sent_once"),
            SameOrganization("token", name="the_token_of_a_warning_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.token_id}: {self.days} days"


class SetupLink(models.Model):
    """Lets an IT contact without a login follow the guide and generate one token (R6).

    It ends by being used, revoked, or after its time; for_whom: as the admin called them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="setup_links", db_constraint=False
    )
    for_whom = models.CharField(max_length=200)
    made_by = models.ForeignKey(Admin, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    token = models.OneToOneField(
        Token, on_delete=models.SET_NULL, null=True, related_name="setup_link", db_constraint=False
    )

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_setup_link_is_used_or_revoked",
                condition=Q(used_at=None) | Q(revoked_at=None),
            ),
            models.CheckConstraint(
                name="only_a_used_setup_link_has_a_token",
                condition=Q(token=None) | Q(used_at__isnull=False),
            ),
            SameOrganization(
                "application", name="the_application_of_a_setup_link_is_of_its_organization"
            ),
            SameOrganization("token", name="the_token_of_a_setup_link_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return self.for_whom


class TurnedAway(models.Model):
    """Requests that were not let in, of a token that is known (R3, R28): one line a token and
    reason, however many there were. Only admins see it; whoever asked learns nothing."""

    class Why(models.TextChoices):
        REVOKED = "revoked", "The token is revoked"
        EXPIRED = "expired", "The token has expired"
        MISTYPED = "mistyped", "The token is cut off or mistyped"
        MISSENT = "missent", "The token is right, its header is not"
        OFF = "off", "SCIM is switched off"
        PLAN = "plan", "The plan has no SCIM"
        TOO_FAST = "too_fast", "Requests came too fast"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="turned_away", db_constraint=False
    )
    token = models.ForeignKey(
        Token, on_delete=models.CASCADE, related_name="turned_away", db_constraint=False
    )
    why = models.CharField(max_length=8, choices=Why.choices)
    times = models.PositiveBigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token", "why"], name="a_token_is_turned_away_on_one_line_a_reason"
            ),
            SameOrganization("application", name="who_was_turned_away_is_of_its_organization"),
            SameOrganization("token", name="the_token_turned_away_is_of_its_organization"),
        ]
        indexes = [
            models.Index(fields=["application", "-last_at"], name="turned_away_of_application"),
        ]

    def __str__(self) -> str:
        return f"{self.token_id}: {self.why}"


class Exchange(models.Model):
    """One request and its answer, with secrets removed (R28).

    about: what it is about, to find it by: the id in its address, or the key of the userName or
    displayName that it creates (accounts.names.key).
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="exchanges", db_constraint=False
    )
    token = models.ForeignKey(
        Token, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    request_id = models.CharField(max_length=128)
    at = models.DateTimeField()
    milliseconds = models.FloatField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=1024)
    status = models.PositiveSmallIntegerField()
    request = models.JSONField(null=True)
    response = models.JSONField(null=True)
    detail = models.TextField(blank=True)
    about = models.CharField(max_length=200, db_default="")

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization(
                "application", name="the_application_of_an_exchange_is_of_its_organization"
            ),
            SameOrganization("token", name="the_token_of_an_exchange_is_of_its_organization"),
        ]
        indexes = [
            models.Index(fields=["application", "-at"], name="exchanges_of_application"),
            models.Index(fields=["organization", "-at"], name="exchanges_of_organization"),
            models.Index(fields=["request_id"], name="exchange_by_request"),
            models.Index(fields=["about"], condition=~Q(about=""), name="exchanges_about"),
            models.Index(
                fields=["application", "-at"],
                condition=Q(status__gte=400),
                name="refused_exchanges",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"
