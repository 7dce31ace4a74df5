"""Idle seats: a pool's rule, when a seat was last used, whose was reclaimed; and an index by
which the last invitation of a seat is found in the outbox (R14)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


FORWARD = """
CREATE INDEX invitations_of_seat
    ON accounts_outbox (((payload ->> 'seat')::bigint), id) WHERE kind = 'invitation';
"""

BACKWARD = "DROP INDEX invitations_of_seat;"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('licensing', '0005_ledger_seal'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Reclaimed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by_hand', models.BooleanField()),
                ('because', models.TextField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'reclaimed',
            },
        ),
        migrations.AddField(
            model_name='pool',
            name='idle_after_days',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='pool',
            name='may_reclaim_scim',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='pool',
            name='reclaim',
            field=models.CharField(choices=[('by_hand', 'By hand'), ('automatic', 'Automatically, after a warning')], db_default='by_hand', default='by_hand', max_length=9),
        ),
        migrations.AddField(
            model_name='pool',
            name='warn_days',
            field=models.PositiveIntegerField(db_default=7, default=7),
        ),
        migrations.AddField(
            model_name='seat',
            name='last_used_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='seat',
            name='reclaim_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='pool',
            constraint=models.CheckConstraint(condition=models.Q(('idle_after_days', None), ('idle_after_days__gte', 1), _connector='OR'), name='a_seat_is_idle_after_one_day_at_least'),
        ),
        migrations.AddConstraint(
            model_name='pool',
            constraint=models.CheckConstraint(condition=models.Q(('reclaim__in', ['by_hand', 'automatic'])), name='reclaim_is_by_hand_or_automatic'),
        ),
        migrations.AddConstraint(
            model_name='pool',
            constraint=models.CheckConstraint(condition=models.Q(('warn_days__gte', 1)), name='a_warning_comes_one_day_ahead_at_least'),
        ),
        migrations.AddConstraint(
            model_name='seat',
            constraint=models.CheckConstraint(condition=models.Q(('last_used_at', None), ('state', 'activated'), _connector='OR'), name='a_seat_is_used_once_it_is_activated'),
        ),
        migrations.AddField(
            model_name='reclaimed',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='reclaimed',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='reclaimed',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reclaimed', to='accounts.person'),
        ),
        migrations.AddField(
            model_name='reclaimed',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reclaimed', to='licensing.pool'),
        ),
        migrations.AddConstraint(
            model_name='reclaimed',
            constraint=models.UniqueConstraint(fields=('pool', 'person'), name='a_seat_is_reclaimed_once_a_person'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
