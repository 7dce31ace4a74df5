"""How far each webhook endpoint has read what happened in a pool."""

import accounts.same_organization
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_webhooks_and_notices'),
        ('licensing', '0011_usage'),
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookReading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ledger_id', models.BigIntegerField()),
                ('waiting_id', models.BigIntegerField()),
                ('endpoint', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.webhookendpoint')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('pool', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='licensing.pool')),
            ],
            options={
                'constraints': [accounts.same_organization.SameOrganization('endpoint', name='an_endpoint_that_reads_is_of_its_organization'), accounts.same_organization.SameOrganization('pool', name='the_pool_that_is_read_is_of_its_organization'), models.UniqueConstraint(fields=('endpoint', 'pool'), name='an_endpoint_reads_a_pool_once')],
            },
        ),
    ]
