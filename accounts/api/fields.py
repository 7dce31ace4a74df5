"""What comes in is taken as the description says and in no other way; what is not known is
refused by its name. DRF's own fields would make text of numbers, and true of "yes"."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

#: Text of one line: no control characters, which no name has.
_LINE = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
#: The same with something in it that can be seen.
_NAME = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*\Z"
_EMAIL = r"^[^\s<>,;\x00-\x1f\x7f-\x9f]+@[^\s<>,;@\x00-\x1f\x7f-\x9f]+\Z"
_WHOLE = re.compile("-?[0-9]{1,18}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: Beyond it, a day has none after it.
_LAST_DAY = dt.date(9998, 12, 31)
#: So many ids at most in one request.
MOST = 1000
LARGEST_ID = 2**53 - 1


class Strict(serializers.Serializer):
    """An object whose members are all known."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = [name for name in data if name not in self.fields] if _is_map(data) else []
        errors: dict[str, Any] = {name: ["There is no such member."] for name in unknown}
        try:
            found = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            raise serializers.ValidationError({**error.detail, **errors}) from None
        if errors:
            raise serializers.ValidationError(errors)
        return found


class Query(Strict):
    """The parameters of an address: text that stands for something. None is taken twice."""

    def to_internal_value(self, data: Any) -> Any:
        twice = [name for name in data if len(data.getlist(name)) > 1]
        if twice:
            raise serializers.ValidationError({name: ["Give it once."] for name in twice})
        return super().to_internal_value({name: data[name] for name in data})


class Line(serializers.CharField):
    """Text of one line, without its outer spaces; may be empty."""

    pattern = _LINE

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 256)
        super().__init__(**options)
        self.validators.append(
            RegexValidator(self.pattern, "This has characters that cannot stand here.")
        )

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super(serializers.CharField, self).run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        # Checked as it came, so that the description is the truth; kept without outer spaces.
        self.run_validators(data)
        return data.strip()


class Name(Line):
    """Text of one line that is not empty."""

    pattern = _NAME

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_length": 1} | options)


class Cursor(Name):
    pattern = r"^[A-Za-z0-9:_-]+\Z"


class Email(Name):
    pattern = _EMAIL

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 254, "min_length": 3} | options)


class Number(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if _in_query(self):
            if not (isinstance(data, str) and _WHOLE.fullmatch(data)):
                self.fail("invalid")
            return int(data)
        if isinstance(data, float) and data.is_integer():
            data = int(data)  # JSON knows no difference
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Id(Number):
    """The number of a person, a license, a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, **options)


class Uuid(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid", value=str(data)[:80])
        return super().to_internal_value(data)


class YesNo(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if _in_query(self) and data in ("true", "false"):
            return data == "true"
        if not isinstance(data, bool):
            self.fail("invalid", input=str(data)[:80])
        return data


class Choice(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", input=str(data)[:80])
        return data


class Day(serializers.DateField):
    """A day in UTC."""

    def to_internal_value(self, data: Any) -> dt.date:
        if not isinstance(data, str) or not _DAY.fullmatch(data):
            self.fail("invalid", format="YYYY-MM-DD")
        return min(super().to_internal_value(data), _LAST_DAY)


class Several(serializers.ListField):
    """A list; in an address its parts stand between commas."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_empty": True, "max_length": MOST} | options)

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> list[Any]:
        if _in_query(self) and isinstance(data, str):
            data = data.split(",") if data else []
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        found: list[Any] = super().to_internal_value(data)
        return found


class Moment(serializers.DateTimeField):
    """A moment that is told: in UTC, whatever zone a browser has chosen."""

    def to_representation(self, value: dt.datetime) -> str:
        return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ------------------------------------------------------------------ inside


def _is_map(data: Any) -> bool:
    return isinstance(data, Mapping)


def _in_query(field: serializers.Field) -> bool:
    return isinstance(field.root, Query)
