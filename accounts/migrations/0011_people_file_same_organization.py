"""R2, R11: a line of a file of people is of the organization of its file (decision 0028)."""

import django.db.models.deletion
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from accounts.same_organization import SameOrganization, one_organization


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('accounts', '0010_webhooks_and_notices'),
    ]

    operations = [
        one_organization("peoplefile", "accounts_peoplefile", "id", "id", "a_file_of_people_is_of_one_organization"),
        migrations.AddConstraint(
            "peoplerow", SameOrganization("file", name="the_file_of_a_line_is_of_its_organization")
        ),
        ValidateConstraint("peoplerow", "the_file_of_a_line_is_of_its_organization"),
        migrations.AlterField(
            model_name='peoplefile',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AlterField(
            model_name='peoplerow',
            name='file',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.peoplefile'),
        ),
    ]
