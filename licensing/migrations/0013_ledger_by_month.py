"""R21: the ledger is kept by month. Its constraints, indexes and triggers go on as they are."""

from django.db import migrations

from accounts.by_month import by_month


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("licensing", "0012_webhook_reading")]

    operations = by_month("licensing_ledgerentry", "at")
