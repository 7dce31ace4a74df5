"""Organizations, the people in them, who provides people, and what must leave the house.

Every table of one organization carries its organization. A Person is whom SCIM
and the Admin Center call a user; an Admin is a login, and no push touches that table.
"""

from __future__ import annotations

import uuid
from typing import Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower

from accounts import user_agents
from accounts.deeds import Deed
from accounts.ids import uuid7
from accounts.same_organization import SameOrganization


class OfOrganization(models.QuerySet):
    """Rows of one organization: where every query starts."""

    def of(self, organization: Organization) -> Self:
        return self.filter(organization=organization)


class Organization(models.Model):
    """One customer."""

    class Plan(models.TextChoices):
        CORE = "core", "Core"
        ADVANCED = "advanced", "Advanced"
        ADVANCED_PLUS = "advanced-plus", "Advanced Plus"

    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    plan = models.CharField(max_length=20, choices=Plan.choices, default=Plan.ADVANCED_PLUS)
    scim_enabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="plan_is_core_advanced_or_advanced_plus",
                condition=Q(plan__in=["core", "advanced", "advanced-plus"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def may_use_scim(self) -> bool:
        """R1: only the two Advanced plans."""
        return self.plan in (self.Plan.ADVANCED, self.Plan.ADVANCED_PLUS)


class AdminManager(BaseUserManager["Admin"]):
    def get_by_natural_key(self, email: str | None) -> Admin:
        return self.get(email__iexact=email)


class Admin(AbstractBaseUser):
    """A login of the Admin Center, in one or more organizations."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    organizations: models.ManyToManyField[Organization, Role] = models.ManyToManyField(
        Organization, through="Role", related_name="admins"
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = AdminManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="an_address_is_one_admin"),
        ]

    def __str__(self) -> str:
        return self.email


class Role(models.Model):
    """What an admin may do in one organization."""

    class Kind(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        READ_ONLY = "read-only", "Read-only"

    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, related_name="roles")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="roles", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.OWNER)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["admin", "organization"], name="an_admin_has_one_role_an_organization"
            ),
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_role_is_of_one_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.admin_id} is {self.kind} of {self.organization_id}"

    @property
    def key(self) -> str:
        return str(self.pk)


class AdminInvitation(models.Model):
    """Somebody whom an owner invited by e-mail to become an admin.

    sent: how often; only the link of the last one works, for accounts.invitations.VALID
    from sent_at. Open until accepted or withdrawn.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField(max_length=254)
    kind = models.CharField(max_length=10, choices=Role.Kind.choices)
    invited_by = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    sent = models.PositiveIntegerField(default=1)
    sent_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name = "invitation"
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="an_address_has_one_open_invitation",
            ),
        ]

    def __str__(self) -> str:
        return self.email


class AuditEntry(models.Model):
    """What an admin did, by accounts.audit.note: never changed, and never deleted before
    the organization's AuditRule says so (migrations 0004, 0007).

    email: the admin's as it was; "command" for the command line, empty for somebody who is
    not signed in. before, after: what changed only, never a secret.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    admin = models.ForeignKey(Admin, on_delete=models.PROTECT, null=True, related_name="+")
    email = models.CharField(max_length=254, blank=True)
    deed = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    subject_name = models.CharField(max_length=600)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    request_id = models.CharField(max_length=128, blank=True)
    address = models.GenericIPAddressField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "id"], name="an_audit_line_is_of_one_organization"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "subject_kind", "subject_id", "deed"],
                name="audit_of_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deed} {self.subject_name}"

    @property
    def name(self) -> str:
        """What a page calls the deed."""
        return Deed(self.deed).label if self.deed in Deed else self.deed

    @property
    def who(self) -> str:
        """The admin's address, or who else it was."""
        if self.email == "command":
            return "the command line"
        return self.email or "nobody signed in"


class AuditRule(models.Model):
    """How long an organization keeps the lines of its audit log (R28). No row: for ever."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="audit_rule"
    )
    kept_days = models.PositiveIntegerField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="an_audit_line_is_kept_for_a_year_at_least",
                condition=Q(kept_days=None) | Q(kept_days__gte=365),
            ),
        ]

    def __str__(self) -> str:
        return f"audit rule of {self.organization_id}"


class Undo(models.Model):
    """How a deed of the audit log is undone, while it can be (accounts.undo).

    needs: what the reverse deed needs, ids above all. undone_at: when it was; once.
    """

    entry = models.OneToOneField(
        AuditEntry,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="undo",
        db_constraint=False,
    )
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    needs = models.JSONField(encoder=DjangoJSONEncoder)
    undone_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "undos"
        constraints = [
            SameOrganization("entry", name="the_line_of_an_undo_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return f"undo of {self.entry_id}"


class Product(models.TextChoices):
    SALES_NAVIGATOR = "sales-navigator", "Sales Navigator"
    TEAMLINK_EXTEND = "teamlink-extend", "TeamLink Extend"


class Application(models.Model):
    """One connection from an identity provider; it feeds the pool of its product."""

    class Idp(models.TextChoices):
        OKTA = "okta", "Okta"
        ONELOGIN = "onelogin", "OneLogin"
        ENTRA = "entra", "Microsoft Entra ID"
        OTHER = "other", "Another identity provider"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="applications"
    )
    name = models.CharField(max_length=200)
    product = models.CharField(max_length=20, choices=Product.choices)
    idp = models.CharField(max_length=10, choices=Idp.choices, default=Idp.OTHER)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("name"), name="an_application_name_is_used_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "id"], name="an_application_is_of_one_organization"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """Somebody of an organization, with the profile that the Admin Center shows (R7).

    managed_by: the application whose pushes write the profile (R8); without one the
    person is edited by hand. Another application's own view of the person is its Link.
    removed_at: nothing holds the account any more; kept for history and restoring (R13).
    erased_at: their data was erased on request; what is left is a number.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="people", db_index=False
    )
    managed_by = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        null=True,
        related_name="managed_people",
        db_constraint=False,
    )
    added_by_hand = models.BooleanField(default=False)
    email = models.CharField(max_length=320, blank=True)
    email_key = models.CharField(max_length=320, blank=True)
    first_name = models.CharField(max_length=256, blank=True)
    last_name = models.CharField(max_length=256, blank=True)
    display_name = models.CharField(max_length=512, blank=True)
    title = models.CharField(max_length=256, blank=True)
    department = models.CharField(max_length=256, blank=True)
    employee_number = models.CharField(max_length=256, blank=True)
    sort_key = models.CharField(max_length=512, db_collation="C")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="an_erased_person_has_no_name",
                condition=Q(erased_at=None)
                | Q(
                    removed_at__isnull=False,
                    email="",
                    email_key="",
                    first_name="",
                    last_name="",
                    title="",
                    department="",
                    employee_number="",
                    sort_key="",
                ),
            ),
            models.UniqueConstraint(
                fields=["organization", "email_key"],
                condition=Q(added_by_hand=True, removed_at=None),
                name="a_person_added_by_hand_has_an_own_address",
            ),
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_person_is_of_one_organization"
            ),
            SameOrganization("managed_by", name="who_manages_a_person_is_of_its_organization"),
        ]
        indexes = [
            models.Index(fields=["organization", "email_key"], name="person_by_address"),
            models.Index(
                fields=["organization", "sort_key", "id"],
                condition=Q(removed_at=None),
                name="people_in_allocation_order",
            ),
            models.Index(
                fields=["organization", "last_name", "first_name", "id"],
                condition=Q(removed_at=None),
                name="people_by_name",
            ),
            models.Index(
                fields=["organization", "department", "last_name", "first_name", "id"],
                condition=Q(removed_at=None),
                name="people_by_department",
            ),
        ]

    def __str__(self) -> str:
        return self.email or self.name

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.display_name or self.email


class KeptDocument(models.Model):
    """What is needed to restore somebody whose account is gone (R13): their last document.

    The profile stays in the columns of Person; this is forgotten 30 days later.
    """

    person = models.OneToOneField(
        Person,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="kept_document",
        db_constraint=False,
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    document = models.JSONField()
    kept_at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("person", name="the_person_of_a_document_is_of_its_organization"),
        ]
        indexes = [models.Index(fields=["kept_at"], name="documents_by_age")]

    def __str__(self) -> str:
        return f"document of {self.person_id}"


class PeopleFile(models.Model):
    """A CSV file between its upload and the import of the people in it (R10).

    admin: null is the command line. One an admin and organization: the next upload replaces
    it. Forgotten after two hours. sheet: what the header said (accounts.people_files.Sheet).
    expected: the digest of the preview that was confirmed, for the worker to import; outcome:
    what became of that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    sheet = models.JSONField(null=True)
    expected = models.CharField(max_length=64, blank=True, db_default="", default="")
    confirmed_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=128, blank=True, db_default="", default="")
    outcome = models.JSONField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_file_of_people_is_of_one_organization"
            ),
            models.UniqueConstraint(
                fields=["organization", "admin"], name="an_admin_imports_one_file_at_a_time"
            ),
            models.CheckConstraint(
                name="a_file_is_confirmed_by_the_digest_that_was_shown",
                condition=Q(expected="", confirmed_at=None)
                | ~Q(expected="") & Q(confirmed_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["confirmed_at"],
                condition=Q(confirmed_at__isnull=False, outcome__isnull=True),
                name="files_to_be_imported",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rows(self) -> int:
        """How many lines it has below its header."""
        return self.sheet["rows"] if self.sheet else 0


class PeopleRow(models.Model):
    """A line of a PeopleFile as it was read; what becomes of it is asked anew each time.

    key: of its e-mail address. cells: by field. flaw: what is wrong with the line itself, as a
    sentence. profile: what adding the person would write; null when there is a flaw.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(
        PeopleFile,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=512)
    cells = models.JSONField()
    flaw = models.TextField(blank=True)
    profile = models.JSONField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("file", name="the_file_of_a_line_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["file", "number"], name="a_line_of_a_file_is_read_once"
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.number}"


class Link(models.Model):
    """A SCIM User: one application's view of one person.

    application: null is a person added by hand, whom every application of the
    organization may match (R11); taking over fills it in and keeps the id (R12).
    document: the resource as it came, in the protocol's normal form, without id,
    meta and groups. The columns beside it are what is searched and decided by.
    version: grows by one with each change (the ETag).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="links")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, related_name="links", db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="links", db_constraint=False
    )
    user_name = models.CharField(max_length=512)
    user_name_key = models.CharField(max_length=512)
    external_id = models.CharField(max_length=512, null=True)
    active = models.BooleanField(default=True)
    email_keys = ArrayField(models.TextField(), default=list)
    sort_key = models.CharField(max_length=512, db_collation="C")
    document = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "user_name_key"], name="a_user_name_is_used_once"
            ),
            models.UniqueConstraint(
                fields=["person", "application"],
                nulls_distinct=False,
                name="a_person_is_linked_once_an_application",
            ),
            SameOrganization(
                "application", name="the_application_of_a_link_is_of_its_organization"
            ),
            SameOrganization("person", name="the_person_of_a_link_is_of_its_organization"),
        ]
        indexes = [
            models.Index(fields=["organization", "user_name_key"], name="link_by_user_name"),
            models.Index(fields=["organization", "external_id"], name="link_by_external_id"),
            models.Index(fields=["application", "id"], name="links_of_application"),
            models.Index(
                fields=["organization", "id"],
                condition=Q(application=None),
                name="links_of_people_by_hand",
            ),
            GinIndex(fields=["email_keys"], name="link_by_address", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.user_name


class Group(models.Model):
    """A SCIM group of one application, or (application null) a manual group of the organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="groups")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, related_name="groups", db_constraint=False
    )
    name = models.CharField(max_length=256)
    name_key = models.CharField(max_length=256)
    external_id = models.CharField(max_length=512, null=True)
    document = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            # In this order, so that its index lists groups by name too.
            models.UniqueConstraint(
                fields=["organization", "name_key", "application"],
                nulls_distinct=False,
                name="a_group_name_is_used_once",
            ),
            # R24: a manual group and a SCIM group of one organization never share a name.
            ExclusionConstraint(
                name="a_manual_and_a_scim_group_never_share_a_name",
                expressions=[
                    (F("organization"), "="),
                    (F("name_key"), "="),
                    (
                        Func(
                            F("application"),
                            template="((%(expressions)s IS NULL)::int)",
                            output_field=models.IntegerField(),
                        ),
                        "<>",
                    ),
                ],
            ),
            models.UniqueConstraint(
                fields=["organization", "id"], name="a_group_is_of_one_organization"
            ),
            SameOrganization(
                "application", name="the_application_of_a_group_is_of_its_organization"
            ),
        ]
        indexes = [
            models.Index(fields=["application", "id"], name="groups_of_application"),
            models.Index(fields=["organization", "external_id"], name="group_by_external_id"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        return "scim" if self.application_id else "manual"


class Membership(models.Model):
    """A person in a group."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="memberships", db_constraint=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, related_name="memberships", db_constraint=False
    )

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "person"], name="a_person_is_in_a_group_once"),
            SameOrganization("group", name="the_group_of_a_member_is_of_its_organization"),
            SameOrganization("person", name="the_person_in_a_group_is_of_its_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"


class SignInRule(models.Model):
    """How admins of one organization sign in. No row: with a password, and as each likes."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="sign_in_rule"
    )
    two_step_required = models.BooleanField(default=False)

    objects = OfOrganization.as_manager()

    def __str__(self) -> str:
        return f"sign-in rule of {self.organization_id}"


class SingleSignOn(models.Model):
    """How admins of one organization sign in by its identity provider (OpenID Connect, R5).

    client_secret: encrypted (accounts.vault). trust_unsaid: an address counts as verified where
    the provider says nothing about it. default_role: of somebody new; "" lets nobody new in.
    tested_at: when these very settings worked.
    """

    class Mode(models.TextChoices):
        OFF = "off", "Off"
        ON = "on", "On"
        REQUIRED = "required", "Required"

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="single_sign_on"
    )
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.OFF)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=500)
    client_secret = models.TextField()
    domains = ArrayField(models.CharField(max_length=253))
    trust_unsaid = models.BooleanField(default=False)
    default_role = models.CharField(max_length=10, blank=True)
    tested_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="single_sign_on_is_tested_before_it_is_required",
                condition=~Q(mode="required") | Q(tested_at__isnull=False),
            ),
            models.CheckConstraint(
                name="single_sign_on_makes_nobody_an_owner",
                condition=Q(default_role__in=["", "admin", "read-only"]),
            ),
        ]

    def __str__(self) -> str:
        return f"single sign-on of {self.organization_id}"


class SecondStep(models.Model):
    """An admin's authenticator app: there is one if two-step sign-in is on.

    key: encrypted (accounts.vault). last_step: of the code that was used last (RFC 6238); that
    one and those before are worth nothing any more.
    """

    admin = models.OneToOneField(
        Admin, on_delete=models.CASCADE, primary_key=True, related_name="second_step"
    )
    key = models.TextField()
    last_step = models.BigIntegerField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"second step of {self.admin_id}"


class RecoveryCode(models.Model):
    """Takes the place of the app once. Only a hash is kept."""

    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["admin", "digest"], name="a_recovery_code_is_kept_once"
            ),
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.admin_id}"


class Passkey(models.Model):
    """A WebAuthn credential of an admin. sign_count: as the authenticator said it last."""

    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=100)
    credential_id = models.BinaryField(max_length=1023)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    transports = ArrayField(models.CharField(max_length=20), default=list)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["credential_id"], name="a_passkey_is_of_one_admin"),
        ]

    def __str__(self) -> str:
        return self.name


class AdminSession(models.Model):
    """Where an admin is signed in; beside Django's session of the same key.

    organization: the one that single sign-on signed them in to; null is every one.
    """

    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, related_name="sessions")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, related_name="+"
    )
    session_key = models.CharField(max_length=40)
    by = models.CharField(max_length=10, default="password")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.TextField(blank=True)
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session_key"], name="a_session_is_of_one_admin"),
        ]

    def __str__(self) -> str:
        return f"session of {self.admin_id}"

    @property
    def browser(self) -> str:
        return user_agents.describe(self.user_agent)


class ApiToken(models.Model):
    """A bearer token of the Admin API: only its hash is kept.

    Personal: of an admin, whose role bounds it, and with the end of that role (null) it ends.
    Service: of the organization, with neither. scopes: words of accounts.api_tokens.SCOPES.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, null=True, related_name="api_tokens")
    role = models.ForeignKey(
        Role, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=40))
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=28, help_text="the beginning, to tell tokens apart")
    issued_by = models.ForeignKey(Admin, on_delete=models.SET_NULL, null=True, related_name="+")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name = "API token"
        constraints = [
            SameOrganization("role", name="the_role_of_an_api_token_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["organization", "id"], name="an_api_token_is_of_one_organization"
            ),
            models.CheckConstraint(
                name="an_api_token_expires_after_it_is_issued",
                condition=Q(expires_at__gt=F("issued_at")),
            ),
            models.CheckConstraint(
                name="only_a_personal_api_token_has_a_role",
                condition=Q(role=None) | Q(admin__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ApiAnswer(models.Model):
    """What was answered to a write of the Admin API that carried an Idempotency-Key.

    digest: of what was asked. status: null while it is being done. Forgotten after a day.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(
        ApiToken, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    at = models.DateTimeField()

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            SameOrganization("token", name="the_token_of_an_api_answer_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["token", "key"], name="an_idempotency_key_is_used_once_a_token"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="api_answers_by_age")]

    def __str__(self) -> str:
        return f"answer of {self.token_id} to {self.key}"


class Outbox(models.Model):
    """Something that must leave the house, saved in the transaction of its cause.

    kind: what it is ("invitation", "token_expires"); payload: what it needs. once:
    a key that makes a message unique (each token warning once, R4). request_id: of its cause.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    once = models.CharField(max_length=200, null=True, unique=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=128, blank=True, db_default="", default="")

    objects = OfOrganization.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(done_at=None), name="outbox_that_is_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class WebhookEndpoint(models.Model):
    """Where an organization wants to be told of what happens (accounts.webhooks).

    secret, previous_secret: encrypted (accounts.vault); the previous one signs too until then.
    failures, failing_since: attempts in a row that failed, and when the first of them did.
    rest_until: nothing is sent before, so that a receiver that is down is not asked all the time.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="webhook_endpoints", db_index=False
    )
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=2000)
    kinds = ArrayField(models.CharField(max_length=40))
    secret = models.TextField()
    previous_secret = models.TextField(blank=True)
    previous_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    paused_because = models.TextField(blank=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    rest_until = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "id"], name="an_endpoint_is_of_one_organization"
            ),
            models.UniqueConstraint(
                "organization", Lower("name"), name="an_endpoint_name_is_used_once"
            ),
            models.CheckConstraint(
                name="a_previous_webhook_secret_has_an_end",
                condition=Q(previous_secret="", previous_until=None)
                | (~Q(previous_secret="") & Q(previous_until__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint, or what became of it.

    event: the same for each attempt, by which the receiver knows a repeat. body: what is sent,
    to the letter. tries: the last attempts, each with at, status, milliseconds and error.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        GIVEN_UP = "given_up", "Given up"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    event = models.CharField(max_length=64)
    kind = models.CharField(max_length=40)
    body = models.TextField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    tries = models.JSONField(default=list)
    answer = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            SameOrganization("endpoint", name="the_endpoint_of_a_delivery_is_of_its_organization"),
            models.UniqueConstraint(
                fields=["endpoint", "event"], name="an_endpoint_gets_an_event_once"
            ),
            models.CheckConstraint(
                name="a_delivery_is_done_unless_it_is_pending",
                condition=Q(state="pending", done_at=None)
                | (~Q(state="pending") & Q(done_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="deliveries_of_endpoint"),
            models.Index(
                fields=["endpoint", "due_at", "id"],
                condition=Q(state="pending"),
                name="deliveries_that_are_pending",
            ),
            models.Index(fields=["done_at"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event}"


class NoticeChoice(models.Model):
    """How an admin wants to be told about one topic (accounts.notices). No row: as the topic
    says by itself."""

    class How(models.TextChoices):
        AT_ONCE = "at_once", "At once"
        DAILY = "daily", "In a daily summary"
        NEVER = "never", "Never"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, related_name="+")
    topic = models.CharField(max_length=20)
    how = models.CharField(max_length=10, choices=How.choices)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "admin", "topic"], name="an_admin_chooses_once_a_topic"
            ),
            models.CheckConstraint(
                name="a_notice_comes_at_once_daily_or_never",
                condition=Q(how__in=["at_once", "daily", "never"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.how} for {self.admin_id}"


class DigestLine(models.Model):
    """A notice that waits for an admin's daily summary.

    day: of the summary that has it. once: makes it unique, as a message of the outbox is.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    admin = models.ForeignKey(Admin, on_delete=models.CASCADE, related_name="+")
    topic = models.CharField(max_length=20)
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    once = models.CharField(max_length=200, null=True, unique=True)
    created_at = models.DateTimeField()
    day = models.DateField(null=True)

    objects = OfOrganization.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "admin", "day"], name="lines_of_a_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.admin_id}"
