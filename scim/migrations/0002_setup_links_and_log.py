"""R6: setup links. R3, R28: requests that were turned away, and an activity log that is searched.

The log may be long and pushes write to it: its indexes are built beside them.
"""

import accounts.ids
import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("scim", "0001_initial"), ("accounts", "0002_kept_document")]

    operations = [
        migrations.CreateModel(
            name="SetupLink",
            fields=[
                ("id", models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("for_whom", models.CharField(max_length=200)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("application", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="setup_links", to="accounts.application")),
                ("made_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("token", models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="setup_link", to="scim.token")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("used_at", None), ("revoked_at", None), _connector="OR"), name="a_setup_link_is_used_or_revoked"),
                    models.CheckConstraint(condition=models.Q(("token", None), ("used_at__isnull", False), _connector="OR"), name="only_a_used_setup_link_has_a_token"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TurnedAway",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("why", models.CharField(choices=[("revoked", "The token is revoked"), ("expired", "The token has expired"), ("mistyped", "The token is cut off or mistyped"), ("missent", "The token is right, its header is not"), ("off", "SCIM is switched off"), ("plan", "The plan has no SCIM")], max_length=8)),
                ("times", models.PositiveBigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("application", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="turned_away", to="accounts.application")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization")),
                ("token", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="turned_away", to="scim.token")),
            ],
            options={
                "indexes": [models.Index(fields=["application", "-last_at"], name="turned_away_of_application")],
                "constraints": [models.UniqueConstraint(fields=("token", "why"), name="a_token_is_turned_away_on_one_line_a_reason")],
            },
        ),
        migrations.AddIndex(
            model_name="token",
            index=models.Index(fields=["hint"], name="token_by_its_beginning"),
        ),
        migrations.AddField(
            model_name="exchange",
            name="about",
            field=models.CharField(db_default="", max_length=200),
        ),
        AddIndexConcurrently(
            model_name="exchange",
            index=models.Index(fields=["request_id"], name="exchange_by_request"),
        ),
        AddIndexConcurrently(
            model_name="exchange",
            index=models.Index(condition=models.Q(("about", ""), _negated=True), fields=["about"], name="exchanges_about"),
        ),
        AddIndexConcurrently(
            model_name="exchange",
            index=models.Index(condition=models.Q(("status__gte", 400)), fields=["application", "-at"], name="refused_exchanges"),
        ),
    ]
