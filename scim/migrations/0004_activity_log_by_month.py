"""R28: the activity log is kept by month, so that what is old goes at once."""

from django.db import migrations

from accounts.by_month import by_month


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("scim", "0003_same_organization")]

    operations = by_month("scim_exchange", "at")
