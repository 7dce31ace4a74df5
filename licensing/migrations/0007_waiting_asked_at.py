"""R18: when a refused push was repeated last, and its end. R13: the ledger's last 30 days, by an index."""

from django.db import migrations, models

#: Who was refused before this column was there has as long as anybody from now on.
ASKED_NOW = "UPDATE licensing_waitingentry SET asked_at = now() WHERE refused"


class Migration(migrations.Migration):
    dependencies = [("licensing", "0006_idle_seats")]

    operations = [
        migrations.AddField(
            model_name="waitingentry",
            name="asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="deed",
            field=models.CharField(
                choices=[
                    ("grant", "Seat granted"),
                    ("release", "Seat released"),
                    ("take_over", "Seat taken over"),
                    ("activate", "Seat activated"),
                    ("refuse", "Seat refused"),
                    ("lapse", "Refusal ended"),
                    ("resize", "Number of seats changed"),
                    ("brake", "Safety brake set"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["pool", "at"], name="ledger_of_pool_by_time"),
        ),
        migrations.RunSQL(ASKED_NOW, migrations.RunSQL.noop),
    ]
