"""`kill -9` of the service and of PostgreSQL while 2,000 fixes a second arrive: what was acknowledged is there, once.

The installation is a private one on an embedded cluster, started as an operator starts it. Phones send again what
was not acknowledged, as phones do. Nobody helps: the next start, and a server that lost its database, come back alone.
"""

import random
import statistics
import time

import pytest

from tests.journeys.installation import FIXES_A_SECOND, Crowd, Installation, Phone, enrol, stored


def check(installation: Installation, phones: list[Phone]) -> None:
    there = stored(installation)
    wanted = set().union(*(phone.acknowledged for phone in phones))
    assert wanted - there.keys() == set(), "acknowledged and lost"
    assert set(there.values()) <= {1}


def kill(installation: Installation, victim: str) -> None:
    if victim in {"database", "both"}:
        installation.kill_database()
    if victim in {"service", "both"}:
        installation.kill_service()
        installation.start()


@pytest.mark.timeout(3600)
def test_what_was_acknowledged_survives_every_kill(
    installation: Installation, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(20260610)
    victims = ["service", "database", "both"]
    if request.config.getoption("--full"):
        victims += [chance.choice(victims) for _ in range(97)]
    phones, rates = enrol(installation), []
    with Crowd(installation, phones) as crowd:
        for victim in victims:
            before, began = crowd.acknowledged, time.monotonic()
            time.sleep(1.5 + 2 * chance.random())
            per_s = (crowd.acknowledged - before) / (time.monotonic() - began)
            rates.append(per_s)
            print(
                f"{victim}: {crowd.acknowledged:,} fixes acknowledged before the kill, {per_s:,.0f} a second"
            )
            kill(installation, victim)
            installation.wait_until_ready()
    for phone in phones:  # what was still on the phones
        phone.step(crowd.url)
    assert statistics.median(rates) > FIXES_A_SECOND / 2, "the phones' pace is not kept between kills"
    check(installation, phones)
