"""Two-step sign-in: a code from an app after the password, or a recovery code.

It is on for an admin who has a SecondStep. The key is encrypted (accounts.vault), recovery
codes are kept as hashes, and each code is good for one sign-in.
"""

from __future__ import annotations

from django.utils.crypto import salted_hmac

from accounts import (
    attempts,
    audit,
    changes,
    clock,
    one_time_codes,
    sessions,
    sign_in_notices,
    sign_in_rules,
    vault,
)
from accounts.deeds import Deed
from accounts.models import Admin, Passkey, RecoveryCode, Role, SecondStep
from accounts.refusal import Refusal

ISSUER = "Seatkeeper"
RECOVERY_CODES = 10
_WRONG = Refusal(
    "code_wrong",
    "This code is not right. Enter the six digits that the app shows now, or a recovery code "
    "that was not used yet.",
)


def new_key() -> str:
    """A key for an app, sealed: kept by whoever asks until the first code confirms it."""
    return vault.seal(one_time_codes.make_secret())


def address(admin: Admin, sealed: str) -> str | None:
    """What the QR code of a sealed key says; None when it cannot be read any more."""
    secret = vault.unseal(sealed)
    return secret and one_time_codes.address(secret, account=admin.email, issuer=ISSUER)


def turn_on(admin: Admin, sealed: str, given: str) -> list[str]:
    """Two-step sign-in, confirmed by the first code. Returns ten recovery codes, shown once.

    Refused: a wrong code, too many of them, when it is on already.
    """
    attempts.count("second-step", admin.pk)
    secret = vault.unseal(sealed)
    step = secret and one_time_codes.step_of(
        secret, one_time_codes.tidy(given), at=clock.now().timestamp()
    )
    if not step:
        raise Refusal(
            "code_wrong",
            "This code is not right. Enter the six digits that the app shows now; if it stays "
            "wrong, set the clock of your phone to automatic.",
        )
    attempts.forget("second-step", admin.pk)

    def change() -> list[str]:
        _, made = SecondStep.objects.get_or_create(
            admin=admin, defaults={"key": sealed, "last_step": step, "since": clock.now()}
        )
        if not made:
            raise Refusal("second_step_on", "Two-step sign-in is on already.")
        sign_in_notices.tell(admin, "Two-step sign-in was turned on.")
        audit.note_login(admin, Deed.TWO_STEP_TURNED_ON, by=admin)
        return _recovery_codes(admin)

    return changes.run(change)


def check(admin: Admin, given: str) -> str:
    """Use up a code of the app or a recovery code; returns which: "code" or "recovery".

    Refused: a wrong one, one that was used before (by whoever looked over the shoulder),
    too many wrong ones.
    """
    attempts.count("second-step", admin.pk)
    given = one_time_codes.tidy(given)
    use = _use_code if one_time_codes.looks_like_one(given) else _use_recovery_code

    def change() -> str:
        kind = use(admin, given)
        done(admin, "app" if kind == "code" else "recovery code")
        return kind

    try:
        kind = changes.run(change)
    except Refusal:
        audit.note_login(admin, Deed.SECOND_STEP_FAILED, by=None)
        raise
    attempts.forget("second-step", admin.pk)
    return kind


def done(admin: Admin, way: str) -> None:
    """The audit log learns that the second step was done, and with what."""
    audit.note_login(admin, Deed.SECOND_STEP_DONE, by=admin, after={"with": way})


def new_recovery_codes(admin: Admin) -> list[str]:
    """Ten new ones; those of before are worth nothing from then on."""

    def change() -> list[str]:
        sign_in_notices.tell(admin, "New recovery codes were made; the old ones are worth nothing.")
        audit.note_login(admin, Deed.RECOVERY_CODES_MADE, by=admin)
        return _recovery_codes(admin)

    return changes.run(change)


def recovery_codes_left(admin: Admin) -> int:
    return RecoveryCode.objects.filter(admin=admin, used_at=None).count()


def turn_off(admin: Admin) -> None:
    """By the admin, who was asked for the password. Refused where the organization requires it."""

    def change() -> None:
        sign_in_rules.check_may_give_up_second_step(
            admin, "For a new phone, ask an owner to reset your second step."
        )
        _forget(admin)
        sign_in_notices.tell(admin, "Two-step sign-in was turned off.")
        audit.note_login(admin, Deed.TWO_STEP_TURNED_OFF, by=admin)

    changes.run(change)


def reset(admin: Admin, *, by: Admin | None = None) -> None:
    """For somebody who lost the phone: no app, no recovery codes, no passkeys, signed out
    everywhere. They sign in with the password and set it up again.

    by: None is the operator's command. Refused: for oneself (turning it off asks for the
    password), and for somebody with a role in an organization
    that `by` does not own, since their sign-in is that organization's too.
    """
    if by == admin:
        raise Refusal("own_second_step", "Your own second step is under Account > Security.")

    def change() -> None:
        if by is not None:
            _refuse_one_of_others(admin, owner=by)
        _forget(admin)
        Passkey.objects.filter(admin=admin).delete()
        who = by.email if by else "The operator of Seatkeeper"
        sign_in_notices.tell(
            admin, f"{who} has reset your second step: your password alone signs you in."
        )
        audit.note_login(admin, Deed.SECOND_STEP_RESET, by=by)

    changes.run(change)
    attempts.forget("second-step", admin.pk)
    sessions.end_all(admin)


def _refuse_one_of_others(admin: Admin, *, owner: Admin) -> None:
    owned = Role.objects.filter(admin=owner, kind=Role.Kind.OWNER).values("organization_id")
    if Role.objects.filter(admin=admin).exclude(organization_id__in=owned).exists():
        raise Refusal(
            "admin_of_others",
            f"{admin.email} is an admin of an organization that you do not own. The operator "
            "can reset it: manage.py reset_second_step.",
        )


def _use_code(admin: Admin, given: str) -> str:
    kept = SecondStep.objects.filter(admin=admin).first()
    secret = kept and vault.unseal(kept.key)
    if kept and secret is None:
        raise Refusal(
            "key_unreadable",
            "The key of your app cannot be read any more. Ask an owner to reset your second step.",
        )
    step = secret and one_time_codes.step_of(secret, given, at=clock.now().timestamp())
    if not step:
        raise _WRONG
    # Of two who use one code at the same moment exactly one changes the row.
    if not SecondStep.objects.filter(admin=admin, last_step__lt=step).update(last_step=step):
        raise Refusal("code_used", "This code was used already. Wait for the next one in the app.")
    return "code"


def _use_recovery_code(admin: Admin, given: str) -> str:
    unused = RecoveryCode.objects.filter(admin=admin, digest=_digest(given), used_at=None)
    if not unused.update(used_at=clock.now()):
        raise _WRONG
    return "recovery"


def _recovery_codes(admin: Admin) -> list[str]:
    RecoveryCode.objects.filter(admin=admin).delete()
    codes = [one_time_codes.make_recovery_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(admin=admin, digest=_digest(one_time_codes.tidy(code))) for code in codes
    )
    return codes


def _forget(admin: Admin) -> None:
    SecondStep.objects.filter(admin=admin).delete()
    RecoveryCode.objects.filter(admin=admin).delete()


def _digest(code: str) -> str:
    """60 random bits and a key that is not in the database need no slow hash."""
    return salted_hmac("seatkeeper recovery code", code, algorithm="sha256").hexdigest()
