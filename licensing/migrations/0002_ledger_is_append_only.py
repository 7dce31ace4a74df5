"""R21: a line of the ledger is never changed and never deleted, whoever asks."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION licensing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: a line is never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER licensing_ledger_is_append_only
    BEFORE UPDATE OR DELETE ON licensing_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION licensing_ledger_is_append_only();
"""

BACKWARD = """
DROP TRIGGER licensing_ledger_is_append_only ON licensing_ledgerentry;
DROP FUNCTION licensing_ledger_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("licensing", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
