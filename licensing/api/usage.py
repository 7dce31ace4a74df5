"""Uses of the products, reported by programs (R25)."""

from __future__ import annotations

import collections
from typing import Any

from rest_framework import serializers

from accounts.api.fields import Id, Line, Several, Strict
from accounts.api.operations import Call, Resource, does
from licensing import usage


class EventIn(Strict):
    """One use. Who it was: the person's id, address or employee number, the first that is given."""

    id = Line(
        help_text=f"Of your choice, 1 to {usage.LONGEST_ID} characters: an event of an id that was "
        f"taken before changes nothing."
    )
    product = Line(help_text="sales-navigator or teamlink-extend.")
    happened_at = Line(help_text="ISO 8601; in UTC where it names no zone.")
    person = Id(required=False, help_text="Who it was: this, or one of the two that follow.")
    email = Line(max_length=usage.LONGEST_NAME, required=False)
    employee_number = Line(max_length=usage.LONGEST_NAME, required=False)
    kind = Line(required=False, help_text="What was done, in your words.")


class EventsIn(Strict):
    events = Several(child=EventIn(), allow_empty=False, min_length=1, max_length=usage.MOST_EVENTS)


class EventAnswerOut(serializers.Serializer):
    """What became of one event."""

    id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[usage.ACCEPTED, usage.REPEATED, usage.REFUSED])
    code = serializers.CharField(help_text="Stable, of what is refused; `no_seat`, for example.")
    because = serializers.CharField(help_text="Why, in a sentence.")

    class Meta:
        ref_name = "EventAnswer"


class EventsOut(serializers.Serializer):
    """How many there were of each, and the answer to each event, in order."""

    accepted = serializers.IntegerField()
    repeated = serializers.IntegerField()
    refused = serializers.IntegerField()
    events = EventAnswerOut(many=True)

    class Meta:
        ref_name = "EventAnswers"


class Events(Resource):
    area = "Reports"

    @does(
        "reports:write",
        "Report uses",
        takes=EventsIn,
        gives=EventsOut,
        example={
            "events": [
                {
                    "id": "search-81723",
                    "product": "sales-navigator",
                    "email": "ada@example.com",
                    "happened_at": "2026-05-31T14:05:00Z",
                    "kind": "search",
                }
            ]
        },
    )
    def post(self, call: Call) -> dict[str, Any]:
        """Up to 1,000 at once, of people who had a license then, at most 90 days ago. Each is
        judged for itself: one that is refused keeps no other out. Send them again when the answer
        is lost: each counts once, by its id."""
        events = [usage.Event.read(event) for event in call.data["events"]]
        answers = usage.record(call.organization, events)
        counted = collections.Counter(answer.outcome for answer in answers)
        outcomes = (usage.ACCEPTED, usage.REPEATED, usage.REFUSED)
        return {outcome: counted[outcome] for outcome in outcomes} | {"events": answers}
