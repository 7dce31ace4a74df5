"""How many seats a pool had on each day (R25); and indexes by which the search box finds people
by the beginning of a name or an address, as the parts of their sort_key have it."""

import django.db.models.deletion
from django.db import migrations, models

PARTS = {"last_name": 2, "first_name": 3, "address": 4}
FORWARD = "".join(
    f"CREATE INDEX people_by_{name} ON accounts_person "
    f"(organization_id, split_part(sort_key, E'\\x01', {part})) WHERE removed_at IS NULL;"
    for name, part in PARTS.items()
)
BACKWARD = "".join(f"DROP INDEX people_by_{name};" for name in PARTS)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_kept_document'),
        ('licensing', '0007_waiting_asked_at'),
    ]

    operations = [
        migrations.CreateModel(
            name='DailyCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('purchased', models.PositiveIntegerField()),
                ('held', models.PositiveIntegerField()),
                ('activated', models.PositiveIntegerField()),
                ('waiting', models.PositiveIntegerField(null=True)),
                ('idle', models.PositiveIntegerField(null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('pool', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='daily_counts', to='licensing.pool')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('pool', 'day'), name='a_pool_is_counted_once_a_day')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
