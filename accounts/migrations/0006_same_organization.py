"""R2, R11: no row points at one of another organization; the database refuses it.

Old constraints go last, each step while pushes go on: indexes are built beside them, and a
constraint is checked against the rows that are there by a statement of its own.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations, models

from accounts.same_organization import SameOrganization, one_organization

POINTING = [
    ("group", "application", "the_application_of_a_group_is_of_its_organization"),
    ("keptdocument", "person", "the_person_of_a_document_is_of_its_organization"),
    ("link", "application", "the_application_of_a_link_is_of_its_organization"),
    ("link", "person", "the_person_of_a_link_is_of_its_organization"),
    ("membership", "group", "the_group_of_a_member_is_of_its_organization"),
    ("membership", "person", "the_person_in_a_group_is_of_its_organization"),
    ("person", "managed_by", "who_manages_a_person_is_of_its_organization"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('accounts', '0005_sign_in_security'),
    ]

    operations = [
        one_organization("application", "accounts_application", "id", "id", "an_application_is_of_one_organization"),
        one_organization("auditentry", "accounts_auditentry", "id", "id", "an_audit_line_is_of_one_organization"),
        # What it listed is listed by the new one.
        RemoveIndexConcurrently("auditentry", "audit_of_organization"),
        one_organization("group", "accounts_group", "id", "id", "a_group_is_of_one_organization"),
        one_organization("person", "accounts_person", "id", "id", "a_person_is_of_one_organization"),
        *[
            migrations.AddConstraint(model, SameOrganization(field, name=name))
            for model, field, name in POINTING
        ],
        *[ValidateConstraint(model, name) for model, _, name in POINTING],
        migrations.AlterField(
            model_name='group',
            name='application',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='groups', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='keptdocument',
            name='person',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='kept_document', serialize=False, to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='link',
            name='application',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='links', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='link',
            name='person',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='links', to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='group',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.group'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='person',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='person',
            name='managed_by',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='managed_people', to='accounts.application'),
        ),
        # Django would make the key anew too, and read every person for it.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS accounts_person_organization_id_6da5dc7d",
                    "CREATE INDEX CONCURRENTLY accounts_person_organization_id_6da5dc7d "
                    "ON accounts_person (organization_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='person',
                    name='organization',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='accounts.organization'),
                )
            ],
        ),
    ]
