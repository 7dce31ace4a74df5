"""R2, R11: no row points at one of another organization (accounts 0006 says how). R28: who was
told to wait is noted too."""

import django.db.models.deletion
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from accounts.same_organization import SameOrganization, one_organization

POINTING = [
    ("exchange", "application", "the_application_of_an_exchange_is_of_its_organization"),
    ("exchange", "token", "the_token_of_an_exchange_is_of_its_organization"),
    ("setuplink", "application", "the_application_of_a_setup_link_is_of_its_organization"),
    ("setuplink", "token", "the_token_of_a_setup_link_is_of_its_organization"),
    ("token", "application", "the_application_of_a_token_is_of_its_organization"),
    ("tokenwarning", "token", "the_token_of_a_warning_is_of_its_organization"),
    ("turnedaway", "application", "who_was_turned_away_is_of_its_organization"),
    ("turnedaway", "token", "the_token_turned_away_is_of_its_organization"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('accounts', '0006_same_organization'),
        ('scim', '0002_setup_links_and_log'),
    ]

    operations = [
        one_organization("token", "scim_token", "id", "id", "a_token_is_of_one_organization"),
        *[
            migrations.AddConstraint(model, SameOrganization(field, name=name))
            for model, field, name in POINTING
        ],
        *[ValidateConstraint(model, name) for model, _, name in POINTING],
        migrations.AlterField(
            model_name='exchange',
            name='application',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='exchanges', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='exchange',
            name='token',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='scim.token'),
        ),
        migrations.AlterField(
            model_name='setuplink',
            name='application',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='setup_links', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='setuplink',
            name='token',
            field=models.OneToOneField(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='setup_link', to='scim.token'),
        ),
        migrations.AlterField(
            model_name='token',
            name='application',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='tokenwarning',
            name='token',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='warnings', to='scim.token'),
        ),
        migrations.AlterField(
            model_name='turnedaway',
            name='application',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='turned_away', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='turnedaway',
            name='token',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='turned_away', to='scim.token'),
        ),
        migrations.AlterField(
            model_name='turnedaway',
            name='why',
            field=models.CharField(choices=[('revoked', 'The token is revoked'), ('expired', 'The token has expired'), ('mistyped', 'The token is cut off or mistyped'), ('missent', 'The token is right, its header is not'), ('off', 'SCIM is switched off'), ('plan', 'The plan has no SCIM'), ('too_fast', 'Requests came too fast')], max_length=8),
        ),
    ]
