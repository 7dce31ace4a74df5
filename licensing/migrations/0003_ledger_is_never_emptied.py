"""R21: TRUNCATE passes by the triggers of rows, so it gets one of its own."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER licensing_ledger_is_never_emptied
    BEFORE TRUNCATE ON licensing_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION licensing_ledger_is_append_only();
"""

BACKWARD = "DROP TRIGGER licensing_ledger_is_never_emptied ON licensing_ledgerentry;"


class Migration(migrations.Migration):
    dependencies = [("licensing", "0002_ledger_is_append_only")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
