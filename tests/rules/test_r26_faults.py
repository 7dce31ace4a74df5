"""R26: what an identity provider is told while the database is away."""

import pytest
from django.db import connection

from accounts.models import Person
from tests.factories import connect, organization
from tests.licensing.crashes import Crash, hang_up

pytestmark = pytest.mark.django_db(transaction=True)

ADA = "ada@acme.example"


@pytest.fixture
def idp():
    idp = connect(organization(), seats=3)
    idp.find(f'userName eq "{ADA}"')  # the connection has prepared its statements
    return idp


def test_a_connection_that_ended_without_a_word_costs_no_push(idp):
    """R26: the first statement of a request is asked again on a new connection."""
    hang_up()
    assert idp.find(f'userName eq "{ADA}"') == []
    hang_up()
    assert idp.create(ADA).status == 201


def test_a_database_that_goes_away_is_a_scim_503_that_says_when_to_come_again(idp):
    """R26, R28: at whatever statement; with the request's id, never a page, and nothing is kept."""
    for at in range(2, 20):  # the first statement is asked again
        crash = Crash(at, "fault")
        with connection.execute_wrapper(crash):
            answer = idp.create(ADA)
        if answer.status == 201:
            break
        assert answer.status == 503, answer.json
        assert answer.headers["Content-Type"] == "application/scim+json"
        assert answer.headers["Retry-After"] == "10"
        assert answer.headers["X-Request-Id"] in answer.json["detail"]
        assert not Person.objects.exists()
    assert at > 3


def test_without_any_connection_the_answer_is_the_same_503(idp, monkeypatch):
    """R26: before the token could be looked up, too."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    try:
        answer = idp.create(ADA)
    finally:
        monkeypatch.undo()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert answer.headers["X-Request-Id"] in answer.json["detail"]
    assert idp.create(ADA).status == 201
