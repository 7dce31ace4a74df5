"""Files of 100,000 people are read into a table, and the outbox keeps its request's id.

Added only: what the code before does goes on meanwhile. It kept an upload as bytes; the
column stays for it, may be empty, and is dropped by a later migration.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_undo_and_audit_rule"),
    ]

    operations = [
        migrations.AddField(
            model_name="outbox",
            name="request_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=128),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE accounts_peoplefile ALTER COLUMN content DROP NOT NULL",
                    migrations.RunSQL.noop,
                ),
            ],
            state_operations=[migrations.RemoveField(model_name="peoplefile", name="content")],
        ),
        migrations.AlterField(
            model_name="peoplefile",
            name="admin",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("peoplefile", "sheet", models.JSONField(null=True)),
        migrations.AddField(
            "peoplefile",
            "expected",
            models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField("peoplefile", "confirmed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "peoplefile",
            "request_id",
            models.CharField(blank=True, db_default="", default="", max_length=128),
        ),
        migrations.AddField("peoplefile", "outcome", models.JSONField(null=True)),
        migrations.AddConstraint(
            "peoplefile",
            models.CheckConstraint(
                condition=models.Q(("confirmed_at", None), ("expected", ""))
                | models.Q(models.Q(("expected", ""), _negated=True), ("confirmed_at__isnull", False)),
                name="a_file_is_confirmed_by_the_digest_that_was_shown",
            ),
        ),
        migrations.AddIndex(
            "peoplefile",
            models.Index(
                condition=models.Q(("confirmed_at__isnull", False), ("outcome__isnull", True)),
                fields=["confirmed_at"],
                name="files_to_be_imported",
            ),
        ),
        migrations.CreateModel(
            name="PeopleRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("key", models.CharField(max_length=512)),
                ("cells", models.JSONField()),
                ("flaw", models.TextField(blank=True)),
                ("profile", models.JSONField(null=True)),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.peoplefile",
                    ),
                ),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("file", "number"), name="a_line_of_a_file_is_read_once"
                    )
                ],
            },
        ),
    ]
