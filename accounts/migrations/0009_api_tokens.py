"""Tokens of the Admin API, and what it answered to writes with an Idempotency-Key."""

import accounts.ids
import accounts.same_organization
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_operations'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
                ('digest', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), size=None)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('hint', models.CharField(help_text='the beginning, to tell tokens apart', max_length=28)),
                ('issued_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(null=True)),
                ('last_used_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'API token',
            },
        ),
        migrations.AlterField(
            model_name='role',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='roles', to='accounts.organization'),
        ),
        migrations.AddConstraint(
            model_name='role',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='a_role_is_of_one_organization'),
        ),
        migrations.AddField(
            model_name='apianswer',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='admin',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='issued_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization'),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='role',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.role'),
        ),
        migrations.AddField(
            model_name='apianswer',
            name='token',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.apitoken'),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=accounts.same_organization.SameOrganization('role', name='the_role_of_an_api_token_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='an_api_token_is_of_one_organization'),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('issued_at'))), name='an_api_token_expires_after_it_is_issued'),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=models.CheckConstraint(condition=models.Q(('role', None), ('admin__isnull', False), _connector='OR'), name='only_a_personal_api_token_has_a_role'),
        ),
        migrations.AddIndex(
            model_name='apianswer',
            index=models.Index(fields=['at'], name='api_answers_by_age'),
        ),
        migrations.AddConstraint(
            model_name='apianswer',
            constraint=accounts.same_organization.SameOrganization('token', name='the_token_of_an_api_answer_is_of_its_organization'),
        ),
        migrations.AddConstraint(
            model_name='apianswer',
            constraint=models.UniqueConstraint(fields=('token', 'key'), name='an_idempotency_key_is_used_once_a_token'),
        ),
        ValidateConstraint("apitoken", "the_role_of_an_api_token_is_of_its_organization"),
        ValidateConstraint("apianswer", "the_token_of_an_api_answer_is_of_its_organization"),
    ]
