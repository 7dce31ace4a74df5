"""R21: seals of the ledger, append-only as its lines are, and how reconciliation went."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER licensing_seals_are_append_only
    BEFORE UPDATE OR DELETE ON licensing_ledgerseal
    FOR EACH ROW EXECUTE FUNCTION licensing_ledger_is_append_only();
CREATE TRIGGER licensing_seals_are_never_emptied
    BEFORE TRUNCATE ON licensing_ledgerseal
    FOR EACH STATEMENT EXECUTE FUNCTION licensing_ledger_is_append_only();
"""

BACKWARD = """
DROP TRIGGER licensing_seals_are_never_emptied ON licensing_ledgerseal;
DROP TRIGGER licensing_seals_are_append_only ON licensing_ledgerseal;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('licensing', '0004_held_removal'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reconciled',
            fields=[
                ('pool', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='reconciled', serialize=False, to='licensing.pool')),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('seconds', models.FloatField(default=0)),
                ('drift', models.PositiveIntegerField(default=0)),
                ('granted', models.PositiveIntegerField(default=0)),
                ('revoked', models.PositiveIntegerField(default=0)),
                ('waiting', models.PositiveIntegerField(default=0)),
                ('broken', models.TextField(blank=True)),
                ('seal', models.PositiveIntegerField(default=0)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('pace', models.JSONField(null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'verbose_name_plural': 'reconciled',
            },
        ),
        migrations.CreateModel(
            name='LedgerSeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.PositiveIntegerField()),
                ('last_id', models.BigIntegerField()),
                ('lines', models.PositiveIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='seals', to='licensing.pool')),
            ],
            options={
                'indexes': [models.Index(fields=['pool', 'at'], name='seals_of_pool_by_time')],
                'constraints': [models.UniqueConstraint(fields=('pool', 'n'), name='a_pool_has_one_seal_of_a_number')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
