"""What admins do, in the words of the audit log (accounts.audit.note)."""

from django.db import models


class Deed(models.TextChoices):
    """The short word that is stored, and what a page calls it. A new deed is a line here."""

    SIGNED_IN = "signed_in", "Signed in"
    SIGNED_OUT = "signed_out", "Signed out"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    PASSWORD_RESET_ASKED = "password_reset_asked", "Password reset asked for"
    PASSWORD_RESET = "password_reset", "Password reset"

    ADMIN_INVITED = "admin_invited", "Admin invited"
    INVITATION_REPEATED = "invitation_repeated", "Admin invited again"
    INVITATION_WITHDRAWN = "invitation_withdrawn", "Invitation withdrawn"
    ADMIN_ADDED = "admin_added", "Admin added"
    ROLE_CHANGED = "role_changed", "Role changed"
    ADMIN_REMOVED = "admin_removed", "Admin removed"

    ORGANIZATION_CREATED = "organization_created", "Organization created"
    PLAN_CHANGED = "plan_changed", "Plan changed"
    SCIM_TURNED_ON = "scim_turned_on", "SCIM turned on"
    SCIM_TURNED_OFF = "scim_turned_off", "SCIM turned off"
    MAIL_RETRIED = "mail_retried", "E-mail tried again"

    APPLICATION_ADDED = "application_added", "Application added"
    RULES_CHANGED = "rules_changed", "Rules changed"
    BRAKE_SET = "brake_set", "Safety brake set"
    TOKEN_ISSUED = "token_issued", "Token issued"
    TOKEN_REVOKED = "token_revoked", "Token revoked"
    TOKEN_ROTATED = "token_rotated", "Token rotated"

    SEATS_CHANGED = "seats_changed", "Number of licenses changed"
    SEAT_GIVEN = "seat_given", "License given by hand"
    SEAT_REMOVED = "seat_removed", "License removed by hand"
    SEAT_ACTIVATED = "seat_activated", "License activated"
    SEATS_RESTORED = "seats_restored", "Licenses restored"
    PEOPLE_INVITED = "people_invited", "Invited again"
    WAITING_REPROCESSED = "waiting_reprocessed", "Waiting list reprocessed"
    REFUSAL_DROPPED = "refusal_dropped", "Refused push dropped"
    REMOVALS_APPROVED = "removals_approved", "Held removal approved"
    REMOVALS_DISMISSED = "removals_dismissed", "Held removal dismissed"
    REMOVALS_UNDONE = "removals_undone", "Dismissal undone"
    IDLE_RULE_CHANGED = "idle_rule_changed", "Rule for idle licenses changed"
    SEATS_RECLAIMED = "seats_reclaimed", "Licenses reclaimed"
    SEAT_GIVEN_BACK = "seat_given_back", "License given back"

    GROUP_CREATED = "group_created", "Group created"
    GROUP_PEOPLE_ADDED = "group_people_added", "People added to a group"
