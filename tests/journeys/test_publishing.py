"""`kill -9` of the service and of PostgreSQL in the middle of a publication, and while an announced edition waits for its instant.

Afterwards the network has one edition or the other: every table that a publication writes is as before, or as a
publication that nobody disturbed leaves it. Publishing again publishes once.
"""

import fcntl
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.geo.sketch import NORTH, STEP_DEG, WEST
from tests.journeys.conftest import running
from tests.journeys.installation import Installation
from tests.journeys.redrawn import City, Picture, found_city, someone_waits_for, stopped_before

MOMENTS = ("edition", "unit_version", "lineage", "plan_step", "case", "assignment")
"""The tables that a publication writes first, one after the other."""
CHANCES = 24


@pytest.fixture(scope="module")
def city(
    founded: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[City]:
    """Each test redraws it by a plan of its own. Its server goes on without the service, as one that others use does."""
    folder = tmp_path_factory.mktemp("redrawn")
    subprocess.run(["cp", "--archive", f"{founded}/.", str(folder)], check=True)
    installation = Installation(folder)
    with installation.cluster.users_lock.open("a") as another_user, running(installation):
        fcntl.flock(another_user, fcntl.LOCK_SH)
        made = found_city(installation, 70 if request.config.getoption("--full") else 24)
        yield made
        made.engine.dispose()


def wait_until(what: str, found: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def kill(city: City, victim: str) -> None:
    if victim == "database":
        city.installation.kill_database()
        city.engine.dispose()
    else:
        city.installation.kill_service()


def recover(city: City, victim: str) -> None:
    """What an operator does, or nobody: a service comes back by its start, its database alone."""
    if victim == "service":
        city.installation.start()
    city.installation.wait_until_ready()
    city.engine.dispose()


def asked_to_publish(city: City, plan_id: int) -> threading.Thread:
    """On its way; nobody listens to the answer."""
    thread = threading.Thread(target=city.publish, args=(plan_id,), daemon=True)
    thread.start()
    return thread


def nobody_writes(city: City) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
    with city.engine.connect() as conn:
        return conn.scalar(text(query)) == 0


def killed_before(city: City, plan_id: int, victim: str, table: str) -> None:
    """Kill when the publication is about to change the table for the first time."""
    with stopped_before(city, table):
        publication = asked_to_publish(city, plan_id)
        wait_until(f"the publication comes to {table}", lambda: someone_waits_for(city, table))
        kill(city, victim)
    publication.join()
    recover(city, victim)
    wait_until("what was sent by the killed is over", lambda: nobody_writes(city))


def publish_while_the_killed_is_under_way(city: City, plan_id: int, table: str) -> None:
    """What a killed service had sent to the server still waits there when the next one is asked to publish."""
    with stopped_before(city, table):
        first = asked_to_publish(city, plan_id)
        wait_until(f"the publication comes to {table}", lambda: someone_waits_for(city, table))
        kill(city, "service")
        first.join()
        recover(city, "service")
        second = asked_to_publish(city, plan_id)
    second.join()


def refuse_to_publish_again(city: City, plan_id: int) -> None:
    found = city.picture()
    status, told = city.publish(plan_id)
    assert (status, "is published" in told["detail"]) == (409, True)
    assert city.picture() == found


@pytest.mark.timeout(1800)
def test_a_publication_killed_half_way_leaves_nothing_and_is_made_again(
    city: City, request: pytest.FixtureRequest
) -> None:
    plan_id = city.approved()
    before, (done, _) = city.picture(), city.rehearse(plan_id)
    assert city.picture() == before != done
    moments = [("database", "assignment")]
    if request.config.getoption("--full"):
        moments = [(victim, table) for table in MOMENTS for victim in ("service", "database")]
    for victim, table in moments:
        killed_before(city, plan_id, victim, table)
        assert city.picture() == before, (victim, table)
    publish_while_the_killed_is_under_way(city, plan_id, "lineage")
    assert city.picture() == done
    refuse_to_publish_again(city, plan_id)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_whenever_it_is_killed_there_is_one_edition_or_the_other(city: City) -> None:
    chance = random.Random(20260610)
    kept = dict.fromkeys(("before", "done"), 0)
    plan_id = city.approved()
    before, (done, takes_s) = city.picture(), city.rehearse(plan_id)
    for turn in range(CHANCES):
        victim = ("service", "database")[turn % 2]
        publication = asked_to_publish(city, plan_id)
        time.sleep(1.3 * takes_s * chance.random())
        kill(city, victim)
        publication.join()
        recover(city, victim)
        wait_until("what was sent by the killed is over", lambda: nobody_writes(city))
        found = city.picture()
        assert found in (before, done), victim
        kept["done" if found == done else "before"] += 1
        if found == done:
            refuse_to_publish_again(city, plan_id)
            plan_id = city.approved()
            before, (done, takes_s) = city.picture(), city.rehearse(plan_id)
    print(f"killed {CHANCES} times in {takes_s:.1f} s of publication: {kept}")
    assert kept["before"]
    assert city.publish(plan_id)[0] == 200
    assert city.picture() == done


def test_an_edition_takes_effect_at_its_instant_though_the_service_was_down(city: City) -> None:
    plan_id = city.approved()
    before, (done, _) = city.picture(), city.rehearse(plan_id)
    for ahead_s in (3, 10, 30):  # a slow machine may need longer to say yes
        instant = datetime.now(UTC) + timedelta(seconds=ahead_s)
        status, told = city.publish(plan_id, effective_from=instant.isoformat())
        if status == 200:
            break
    assert status == 200, told
    kill(city, "database")
    kill(city, "service")
    time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))
    recover(city, "service")

    row = 2 * city.plans

    def holder(at: datetime | None) -> str:
        """Of a place in the grid that was merged into its neighbour."""
        place = f"/v1/places?lon={WEST + 1.5 * STEP_DEG}&lat={NORTH - (row + 0.5) * STEP_DEG}"
        status, told = city.ask(f"{place}&at={at:%Y-%m-%dT%H:%M:%SZ}" if at else place)
        assert status == 200, told
        return str(next(u["code"] for u in told["placements"][0]["units"] if u["level"] == "grid"))

    assert [holder(None), holder(instant - timedelta(days=1))] == [f"{row}-0", f"{row}-1"]
    wait_until("cases and people follow", lambda: followed(city.picture(), done))
    found = city.picture()
    assert as_published(found) == as_published(done)
    assert len(found["editions"]) == len(before["editions"]) + 1
    status, told = city.publish(plan_id)
    assert (status, "is published" in told["detail"] or "is scheduled" in told["detail"]) == (409, True)
    assert city.picture() == found


def followed(found: Picture, done: Picture) -> bool:
    return all(found[name] == done[name] for name in ("rehoming", "cases", "posts", "service"))


def as_published(found: Picture) -> Picture:
    """But for the word that a plan was announced before it was in force."""
    told = {"scheduled": "published"}
    return {
        name: [tuple(told.get(str(each), each) for each in row) for row in rows]
        for name, rows in found.items()
    }
