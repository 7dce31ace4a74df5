"""R21: a line of the ledger may lose whom it was about, and nothing else; the seals fit on.

The random default is set by a statement of its own, so that no row that is there is written anew.
"""

import django.contrib.postgres.functions
from django.db import migrations, models

# Erased lines: licensing.erased_lines. A line of before gets its salt first.
FORWARD = """
CREATE OR REPLACE FUNCTION licensing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    personal text[] := '{email,because,salt,erased}';
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - personal = to_jsonb(OLD) - personal THEN
        IF OLD.erased = '' AND OLD.salt IS NOT NULL
            AND NEW.email = '' AND NEW.because = 'Erased on request' AND NEW.salt IS NULL
            AND NEW.erased = encode(sha256(convert_to(
                json_build_array(OLD.salt, OLD.email, OLD.because)::text, 'UTF8')), 'hex')
        THEN
            RETURN NEW;
        END IF;
        IF OLD.salt IS NULL AND NEW.salt IS NOT NULL AND OLD.erased = '' AND NEW.erased = ''
            AND NEW.email = OLD.email AND NEW.because = OLD.because
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: a line is never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION licensing_seals_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'anew' = to_jsonb(OLD) - 'anew'
        AND OLD.anew = '' AND OLD.format = 1
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger''s seals are append-only: one is never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END
$$;
DROP TRIGGER licensing_seals_are_append_only ON licensing_ledgerseal;
CREATE TRIGGER licensing_seals_are_append_only
    BEFORE UPDATE OR DELETE ON licensing_ledgerseal
    FOR EACH ROW EXECUTE FUNCTION licensing_seals_are_append_only();
"""

BACKWARD = """
DROP TRIGGER licensing_seals_are_append_only ON licensing_ledgerseal;
CREATE TRIGGER licensing_seals_are_append_only
    BEFORE UPDATE OR DELETE ON licensing_ledgerseal
    FOR EACH ROW EXECUTE FUNCTION licensing_ledger_is_append_only();
DROP FUNCTION licensing_seals_are_append_only();
CREATE OR REPLACE FUNCTION licensing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: a line is never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_erased_people"),
        ("licensing", "0013_ledger_by_month"),
    ]

    operations = [
        migrations.AddField("ledgerentry", "salt", models.UUIDField(editable=False, null=True)),
        migrations.AlterField(
            "ledgerentry",
            "salt",
            models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                editable=False,
                null=True,
            ),
        ),
        migrations.AddField(
            "ledgerentry",
            "erased",
            models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField("ledgerseal", "format", models.SmallIntegerField(db_default=1)),
        migrations.AddField(
            "ledgerseal",
            "anew",
            models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
