"""R2, R11: no row points at one of another organization (accounts 0006 says how)."""

import django.db.models.deletion
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from accounts.same_organization import SameOrganization, one_organization

POINTING = [
    ("dailycount", "pool", "the_pool_of_a_count_is_of_its_organization"),
    ("eligiblegroup", "policy", "the_policy_of_a_chosen_group_is_of_its_organization"),
    ("eligiblegroup", "group", "a_chosen_group_is_of_its_organization"),
    ("heldremoval", "application", "the_application_of_a_removal_is_of_its_organization"),
    ("heldremoval", "person", "the_person_of_a_removal_is_of_its_organization"),
    ("heldremoval", "pool", "the_pool_of_a_removal_is_of_its_organization"),
    ("ledgerentry", "pool", "the_pool_of_a_ledger_line_is_of_its_organization"),
    ("ledgerentry", "person", "the_person_of_a_ledger_line_is_of_its_organization"),
    ("ledgerentry", "application", "the_application_of_a_ledger_line_is_of_its_organization"),
    ("ledgerseal", "pool", "the_pool_of_a_seal_is_of_its_organization"),
    ("policy", "application", "the_application_of_a_policy_is_of_its_organization"),
    ("policy", "pool", "the_pool_of_a_policy_is_of_its_organization"),
    ("reclaimed", "pool", "the_pool_of_a_reclaimed_seat_is_of_its_organization"),
    ("reclaimed", "person", "the_person_of_a_reclaimed_seat_is_of_its_organization"),
    ("reconciled", "pool", "a_reconciled_pool_is_of_its_organization"),
    ("seat", "pool", "the_pool_of_a_seat_is_of_its_organization"),
    ("seat", "person", "the_person_of_a_seat_is_of_its_organization"),
    ("seat", "application", "the_application_of_a_seat_is_of_its_organization"),
    ("waitingentry", "pool", "the_pool_that_is_waited_for_is_of_its_organization"),
    ("waitingentry", "application", "the_application_of_who_waits_is_of_its_organization"),
    ("waitingentry", "person", "the_person_who_waits_is_of_its_organization"),
]

# The group may be gone meanwhile, so that no foreign key can lead there.
FORWARD = """
CREATE FUNCTION licensing_group_of_a_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM accounts_group
               WHERE id = NEW.group_id AND organization_id <> NEW.organization_id) THEN
        RAISE foreign_key_violation USING
            CONSTRAINT = 'the_group_of_a_removal_is_of_its_organization',
            MESSAGE = 'the_group_of_a_removal_is_of_its_organization';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER the_group_of_a_removal_is_of_its_organization
AFTER INSERT OR UPDATE OF group_id, organization_id ON licensing_heldremoval
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.group_id IS NOT NULL)
EXECUTE FUNCTION licensing_group_of_a_removal();
"""
BACKWARD = """
DROP TRIGGER the_group_of_a_removal_is_of_its_organization ON licensing_heldremoval;
DROP FUNCTION licensing_group_of_a_removal();
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('accounts', '0006_same_organization'),
        ('licensing', '0008_daily_count'),
    ]

    operations = [
        one_organization("policy", "licensing_policy", "application", "application_id", "a_policy_is_of_one_organization"),
        one_organization("pool", "licensing_pool", "id", "id", "a_pool_is_of_one_organization"),
        *[
            migrations.AddConstraint(model, SameOrganization(field, name=name))
            for model, field, name in POINTING
        ],
        *[ValidateConstraint(model, name) for model, _, name in POINTING],
        migrations.AlterField(
            model_name='dailycount',
            name='pool',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='daily_counts', to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='eligiblegroup',
            name='group',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='makes_eligible', to='accounts.group'),
        ),
        migrations.AlterField(
            model_name='eligiblegroup',
            name='policy',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='eligible_groups', to='licensing.policy'),
        ),
        migrations.AlterField(
            model_name='heldremoval',
            name='application',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='heldremoval',
            name='person',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='held_removals', to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='heldremoval',
            name='pool',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='application',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='person',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ledger', to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='pool',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='ledger', to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='ledgerseal',
            name='pool',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='seals', to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='policy',
            name='application',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='policy', serialize=False, to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='policy',
            name='pool',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='policies', to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='reclaimed',
            name='person',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='reclaimed', to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='reclaimed',
            name='pool',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='reclaimed', to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='reconciled',
            name='pool',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='reconciled', serialize=False, to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='seat',
            name='application',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='seats', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='seat',
            name='person',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='seats', to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='seat',
            name='pool',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='seats', to='licensing.pool'),
        ),
        migrations.AlterField(
            model_name='waitingentry',
            name='application',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.application'),
        ),
        migrations.AlterField(
            model_name='waitingentry',
            name='person',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='waiting', to='accounts.person'),
        ),
        migrations.AlterField(
            model_name='waitingentry',
            name='pool',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='waiting', to='licensing.pool'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
