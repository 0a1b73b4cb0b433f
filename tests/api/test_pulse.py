"""Whether the database is away: a silence is, an answer that nobody has read yet is not."""

import socket
import time

from sqlalchemy import Engine

from api.pulse import LATE_S, Pulse


def asked(engine: Engine, answers: socket.socket) -> Pulse:
    """One that asked long ago, and would hear the answer here."""
    pulse = Pulse(engine)
    pulse._asked_at, pulse._socket = time.monotonic() - 2 * LATE_S, answers.fileno()
    return pulse


def test_a_database_that_says_nothing_is_away_and_one_whose_answer_waits_to_be_read_is_not(
    town_engine: Engine,
) -> None:
    here, there = socket.socketpair()
    with here, there:
        pulse = asked(town_engine, here)
        assert pulse.is_away
        there.send(b"1")
        assert not pulse.is_away


def test_a_connection_that_was_closed_is_no_answer(town_engine: Engine) -> None:
    here, there = socket.socketpair()
    with here:
        pulse = asked(town_engine, here)
        there.close()
        assert pulse.is_away
    assert pulse.is_away
    pulse.hear()
    assert not pulse.is_away
