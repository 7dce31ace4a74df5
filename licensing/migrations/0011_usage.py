"""Usage of license holders, its files, prices of licenses, and reports by e-mail (R25)."""

import accounts.same_organization
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import uuid
from django.conf import settings
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_undo_and_audit_rule'),
        ('licensing', '0010_reconcile_asked'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RefusedUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('cells', models.JSONField()),
                ('because', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='ReportRecipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='ReportSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('product', models.CharField(choices=[('sales-navigator', 'Sales Navigator'), ('teamlink-extend', 'TeamLink Extend')], max_length=20)),
                ('rhythm', models.CharField(choices=[('weekly', 'Every week'), ('monthly', 'Every month')], max_length=7)),
                ('day', models.PositiveSmallIntegerField()),
                ('groups', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('everybody', models.BooleanField()),
                ('departments', models.BooleanField()),
                ('made_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('paused_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'scheduled report',
            },
        ),
        migrations.CreateModel(
            name='SentReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rhythm', models.CharField(max_length=7)),
                ('first', models.DateField()),
                ('last', models.DateField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='UsageDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('count', models.PositiveIntegerField()),
                ('last_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='UsageEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(max_length=128)),
                ('kind', models.CharField(blank=True, max_length=40)),
                ('happened_at', models.DateTimeField()),
                ('counted', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='UsageFile',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('product', models.CharField(blank=True, max_length=20)),
                ('content', models.BinaryField()),
                ('rows', models.PositiveIntegerField()),
                ('position', models.PositiveIntegerField(default=0)),
                ('accepted', models.PositiveIntegerField(default=0)),
                ('repeated', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='UsageMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField()),
                ('days', models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='pool',
            name='currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='pool',
            name='price',
            field=models.DecimalField(decimal_places=2, max_digits=10, null=True),
        ),
        migrations.AddConstraint(
            model_name='pool',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('currency', ''), ('price', None)), models.Q(('price__gte', 0), models.Q(('currency', ''), _negated=True)), _connector='OR'), name='a_price_has_a_currency'),
        ),
        migrations.AddField(
            model_name='refuseduse',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='reportrecipient',
            name='admin',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='reportrecipient',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='reportschedule',
            name='made_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='reportschedule',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='reportrecipient',
            name='schedule',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='licensing.reportschedule'),
        ),
        migrations.AddField(
            model_name='sentreport',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='sentreport',
            name='schedule',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sent', to='licensing.reportschedule'),
        ),
        migrations.AddField(
            model_name='usageday',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='usageday',
            name='person',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person'),
        ),
        migrations.AddField(
            model_name='usageday',
            name='pool',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.pool'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='person',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='pool',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.pool'),
        ),
        migrations.AddField(
            model_name='usagefile',
            name='admin',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='usagefile',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='refuseduse',
            name='file',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='refusals', to='licensing.usagefile'),
        ),
        migrations.AddField(
            model_name='usagemonth',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='usagemonth',
            name='person',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person'),
        ),
        migrations.AddField(
            model_name='usagemonth',
            name='pool',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.pool'),
        ),
        migrations.AddIndex(
            model_name='reportschedule',
            index=models.Index(condition=models.Q(('paused_at', None)), fields=['due_at'], name='reports_that_are_due'),
        ),
        migrations.AddConstraint(
            model_name='reportschedule',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='a_report_schedule_is_of_one_organization'),
        ),
        migrations.AddConstraint(
            model_name='reportschedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('day__gte', 1), ('day__lte', 7), ('rhythm', 'weekly')), models.Q(('day__gte', 1), ('day__lte', 28), ('rhythm', 'monthly')), _connector='OR'), name='a_report_goes_on_a_day_of_the_week_or_month'),
        ),
        migrations.AddConstraint(
            model_name='reportrecipient',
            constraint=accounts.same_organization.SameOrganization('schedule', name='the_schedule_of_a_recipient_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='reportrecipient',
            constraint=models.UniqueConstraint(fields=('schedule', 'admin'), name='an_admin_gets_a_report_once'),
        ),
        migrations.AddConstraint(
            model_name='sentreport',
            constraint=accounts.same_organization.SameOrganization('schedule', name='the_schedule_of_a_sent_report_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='sentreport',
            constraint=models.UniqueConstraint(fields=('schedule', 'rhythm', 'first'), name='a_report_goes_out_once_a_period'),
        ),
        migrations.AddIndex(
            model_name='usageday',
            index=models.Index(fields=['day'], name='days_of_use_by_age'),
        ),
        migrations.AddConstraint(
            model_name='usageday',
            constraint=accounts.same_organization.SameOrganization('pool', name='the_pool_of_a_day_of_use_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='usageday',
            constraint=accounts.same_organization.SameOrganization('person', name='the_person_of_a_day_of_use_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='usageday',
            constraint=models.UniqueConstraint(fields=('pool', 'person', 'day'), name='a_day_of_use_is_one_row_a_person'),
        ),
        migrations.AddIndex(
            model_name='usageevent',
            index=models.Index(condition=models.Q(('counted', False)), fields=['pool', 'id'], name='usage_to_be_counted'),
        ),
        migrations.AddIndex(
            model_name='usageevent',
            index=models.Index(fields=['happened_at'], name='usage_by_age'),
        ),
        migrations.AddConstraint(
            model_name='usageevent',
            constraint=accounts.same_organization.SameOrganization('pool', name='the_pool_of_a_use_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='usageevent',
            constraint=accounts.same_organization.SameOrganization('person', name='who_used_a_product_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='usageevent',
            constraint=models.UniqueConstraint(fields=('organization', 'event_id'), name='a_usage_event_is_taken_once'),
        ),
        migrations.AddIndex(
            model_name='usagefile',
            index=models.Index(condition=models.Q(('confirmed_at__isnull', False), ('finished_at', None)), fields=['confirmed_at'], name='usage_files_to_be_recorded'),
        ),
        migrations.AddConstraint(
            model_name='usagefile',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='a_usage_file_is_of_one_organization'),
        ),
        migrations.AddConstraint(
            model_name='usagefile',
            constraint=models.CheckConstraint(condition=models.Q(('position', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('repeated')), '+', models.F('refused')))), name='every_row_of_a_usage_file_has_one_outcome'),
        ),
        migrations.AddConstraint(
            model_name='usagefile',
            constraint=models.CheckConstraint(condition=models.Q(('finished_at', None), models.Q(('confirmed_at__isnull', False), ('position', models.F('rows'))), _connector='OR'), name='a_usage_file_is_finished_after_its_last_row'),
        ),
        migrations.AddConstraint(
            model_name='refuseduse',
            constraint=accounts.same_organization.SameOrganization('file', name='the_file_of_a_refused_use_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='usagemonth',
            constraint=accounts.same_organization.SameOrganization('pool', name='the_pool_of_a_month_of_use_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='usagemonth',
            constraint=accounts.same_organization.SameOrganization('person', name='the_person_of_a_month_of_use_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='usagemonth',
            constraint=models.UniqueConstraint(fields=('pool', 'month', 'person'), name='a_month_of_use_is_one_row_a_person'),
        ),
        ValidateConstraint("reportrecipient", "the_schedule_of_a_recipient_is_of_its_organization"),
        ValidateConstraint("sentreport", "the_schedule_of_a_sent_report_is_of_its_organization"),
        ValidateConstraint("usageday", "the_pool_of_a_day_of_use_is_of_its_organization"),
        ValidateConstraint("usageday", "the_person_of_a_day_of_use_is_of_its_organization"),
        ValidateConstraint("usageevent", "the_pool_of_a_use_is_of_its_organization"),
        ValidateConstraint("usageevent", "who_used_a_product_is_of_its_organization"),
        ValidateConstraint("refuseduse", "the_file_of_a_refused_use_is_of_its_organization"),
        ValidateConstraint("usagemonth", "the_pool_of_a_month_of_use_is_of_its_organization"),
        ValidateConstraint("usagemonth", "the_person_of_a_month_of_use_is_of_its_organization"),
    ]
