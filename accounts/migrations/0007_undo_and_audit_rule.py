"""What undoing a deed needs, and how long an organization keeps its audit log: a line may be
deleted once it is older than that, and not before, whoever asks. The index by which a group's name
is used once lists groups by name too: its columns stand in another order."""

import django.core.serializers.json
import django.db.models.deletion
from django.db import migrations, models

from accounts.same_organization import SameOrganization

REFUSE = """
    RAISE EXCEPTION 'the audit log is append-only: a line is never changed or deleted'
        USING ERRCODE = 'restrict_violation';
"""
FORWARD = f"""
CREATE OR REPLACE FUNCTION accounts_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < now() - (
            SELECT make_interval(days => kept_days) FROM accounts_auditrule
            WHERE organization_id = OLD.organization_id
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    {REFUSE}
END
$$;
"""
BACKWARD = f"""
CREATE OR REPLACE FUNCTION accounts_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {REFUSE}
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_same_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditRule",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="audit_rule",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("kept_days", models.PositiveIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kept_days", None), ("kept_days__gte", 365), _connector="OR"),
                        name="an_audit_line_is_kept_for_a_year_at_least",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Undo",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="undo",
                        db_constraint=False,
                        serialize=False,
                        to="accounts.auditentry",
                    ),
                ),
                (
                    "needs",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "undos",
                "constraints": [
                    SameOrganization("entry", name="the_line_of_an_undo_is_of_its_organization")
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RemoveConstraint(model_name="group", name="a_group_name_is_used_once"),
        migrations.AddConstraint(
            model_name="group",
            constraint=models.UniqueConstraint(
                fields=["organization", "name_key", "application"],
                nulls_distinct=False,
                name="a_group_name_is_used_once",
            ),
        ),
    ]
