"""People whose data was erased on request, and the audit log without them.

A line of the audit log may lose what it says of a person, and nothing else: where its subject,
`before` or `after` changes, "(erased)" has to stand there.
"""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

REFUSE = """RAISE EXCEPTION 'the audit log is append-only: a line is never changed or deleted'
        USING ERRCODE = 'restrict_violation';"""
TOO_OLD = """IF TG_OP = 'DELETE' THEN
        IF OLD.at < now() - (
            SELECT make_interval(days => kept_days) FROM accounts_auditrule
            WHERE organization_id = OLD.organization_id
        ) THEN
            RETURN OLD;
        END IF;
    END IF;"""
FORWARD = f"""
CREATE OR REPLACE FUNCTION accounts_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told text[] := '{{subject_name,before,after}}';
BEGIN
    {TOO_OLD}
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - told = to_jsonb(OLD) - told
            AND (NEW.subject_name = OLD.subject_name
                OR position('(erased)' IN NEW.subject_name) > 0)
            AND (NEW.before IS NOT DISTINCT FROM OLD.before
                OR position('(erased)' IN NEW.before::text) > 0)
            AND (NEW.after IS NOT DISTINCT FROM OLD.after
                OR position('(erased)' IN NEW.after::text) > 0)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    {REFUSE}
END
$$;
"""
BACKWARD = f"""
CREATE OR REPLACE FUNCTION accounts_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {TOO_OLD}
    {REFUSE}
END
$$;
"""
NAME = "an_erased_person_has_no_name"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("accounts", "0011_people_file_same_organization"),
    ]

    operations = [
        migrations.AddField("person", "erased_at", models.DateTimeField(null=True)),
        AddConstraintNotValid(
            "person",
            models.CheckConstraint(
                name=NAME,
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
        ),
        ValidateConstraint("person", NAME),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
