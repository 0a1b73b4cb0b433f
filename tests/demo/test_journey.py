"""The demo's own journey on a real service: the city loads once, patrols and cases come over HTTP, maps are written."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from analysis.hotspots import Question, compute_hotspots
from cases.tables import case, case_event
from core.db import make_engine
from core.errors import Conflict
from core.settings import Settings
from demo import play
from demo.city.files import read_planted
from demo.keys import Keys, read_keys
from demo.load import demo_logins, enter_shifts, load_city, put_on_duty
from demo.maps import write_maps
from demo.phones import Door, Phone
from demo.play import Day, Live, Walkers, block_of, play_day
from demo.roster import Worker
from demo.serving import HOST, free_port, running_service
from demo.streets import M_PER_DEG
from geo.cells import cells_of
from geo.networks import create_network
from geo.tables import address_point, unit_version
from people.tables import account, person
from tests.conftest import drop_database, make_database
from tracking.tables import device, dropped, fix, last_fix

NOW = datetime.now(UTC)
ZONE = ZoneInfo("Asia/Shanghai")
YESTERDAY = (NOW.astimezone(ZONE) - timedelta(days=1)).date()


class City:
    """A loaded installation."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.settings = Settings(database_url=url, var_dir=folder)  # type: ignore[arg-type]
        self.engine: Engine = make_engine(url)
        self.keys = Keys()
        self.people: tuple[Worker, ...] = ()
        self.load()

    def load(self) -> list[str]:
        told: list[str] = []
        self.keys = read_keys(self.settings.var_dir / "demo")
        self.people = load_city(self.engine, self.settings, self.keys, now=NOW, tell=told.append)
        return told

    def count(self, table: object) -> int:
        with self.engine.connect() as conn:
            return int(conn.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def city(server_url: str, template_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    name = f"wangge_demo_{uuid4().hex[:12]}"
    loaded = City(make_database(server_url, name, template_name), tmp_path_factory.mktemp("var"))
    yield loaded
    loaded.engine.dispose()
    drop_database(server_url, name)


@pytest.fixture(scope="module")
def door(city: City) -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGGE_DATABASE_URL", city.url)
        patch.setenv("WANGGE_VAR_DIR", str(city.settings.var_dir))
        port = free_port()
        log = city.settings.var_dir / "log" / "service.log"
        with running_service(port, log), closing(Door(HOST, port)) as opened:
            yield opened


def test_everything_is_there(city: City) -> None:
    assert city.count(unit_version) == 6695 + 93 + 11 + 94
    assert city.count(person) == 900
    assert city.count(address_point) > 10_000
    assert city.count(case) == 17_182
    assert city.count(device) == len(city.keys.phones) == 759
    assert city.count(account) == len(demo_logins(city.people)) == len(city.keys.accounts)


def test_loading_again_changes_nothing(city: City) -> None:
    before = [city.count(table) for table in (unit_version, person, address_point, case, device, account)]
    assert city.load() == []
    assert [
        city.count(table) for table in (unit_version, person, address_point, case, device, account)
    ] == before


def test_the_secrets_are_readable_by_their_owner_alone(city: City) -> None:
    assert (city.settings.var_dir / "demo" / "keys.json").stat().st_mode & 0o077 == 0


def test_a_lost_secret_is_made_anew(city: City) -> None:
    lost = next(iter(city.keys.phones))
    kept = city.settings.var_dir / "demo" / "keys.json"
    kept.write_text(kept.read_text("utf-8").replace(f'"{lost}"', '"gone"'), "utf-8")
    city.load()
    assert city.keys.phones[lost] != city.keys.phones["gone"]


def test_an_installation_with_borders_of_its_own_is_refused(own_database: str, tmp_path: Path) -> None:
    engine = make_engine(own_database)
    settings = Settings(database_url=own_database, var_dir=tmp_path)  # type: ignore[arg-type]
    with engine.begin() as conn:
        create_network(conn, "governance")
    with pytest.raises(Conflict, match="WANGGE_VAR_DIR"):
        load_city(engine, settings, Keys(), now=NOW, tell=print)
    engine.dispose()


def test_nine_of_ten_planted_hotspots_are_found(city: City) -> None:
    with city.engine.begin() as conn:
        found = compute_hotspots(conn, Question(NOW - timedelta(days=367), NOW), now=NOW)
    hot = {
        cell
        for cell, verdict in zip(found.cells.tolist(), found.classes, strict=True)
        if verdict.startswith("hot")
    }
    planted = read_planted()
    lon, lat = np.array([(place.lon, place.lat) for place in planted]).T
    hit = [cell in hot for cell in cells_of(lon, lat, 10).tolist()]
    assert sum(hit) >= 0.9 * len(planted)


def test_a_day_of_patrols_and_cases_goes_in_over_http_and_twice_changes_nothing(
    city: City, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "DAY_PATROLS", 3)
    monkeypatch.setattr(play, "DAY_CASES", 6)
    enter_shifts(city.engine, city.settings, city.people, YESTERDAY)
    walkers, days, stored = Walkers(city.people, city.keys), [], []
    for _ in range(2):
        days.append(play_day(door, walkers, YESTERDAY, ZONE, lambda _day: None))
        stored.append((city.count(fix), city.count(case), city.count(case_event)))
    assert days[0].fixes > 2_000
    assert days[0].cases == 6
    assert stored[0][0] == days[0].fixes
    assert stored[0] == stored[1]
    assert city.count(dropped) == 0
    assert isinstance(days[0], Day)


def test_live_patrols_catch_up_and_stand_where_they_should(city: City, door: Door) -> None:
    walkers = Walkers(city.people, city.keys)
    now = datetime.now(UTC)
    duty = put_on_duty(city.engine, city.people, 5, now=now, until=block_of(now)[1])
    live = Live(door, walkers, duty, now)
    sent = live.catch_up(now)
    with city.engine.connect() as conn:
        newest = conn.execute(
            select(last_fix.c.fixed_at).where(last_fix.c.fixed_at > now - timedelta(minutes=30))
        ).all()
    assert len(duty) == 5
    assert sent == 0 or newest


def test_the_maps_of_the_day_are_three_files_that_load_nothing(city: City, door: Door) -> None:
    del door
    files = write_maps(
        city.engine, city.settings, YESTERDAY, city.settings.var_dir / "demo", lambda _text: None
    )
    assert [path.name for path in files] == ["grids.html", "trails.html", "hotspots.html"]
    for path in files:
        page = path.read_text("utf-8")
        assert "望澜市" in page or "综治网格" in page
        assert 'src="http' not in page
        assert '<link rel="stylesheet" href="http' not in page


def test_an_owntracks_phone_sends_what_the_others_send(city: City, door: Door) -> None:
    walkers = Walkers(city.people, city.keys)
    place = play.OWNTRACKS_EVERY
    (patrol,) = walkers.choose([place])
    begin = datetime(YESTERDAY.year, YESTERDAY.month, YESTERDAY.day, 15, tzinfo=ZONE)
    phone: Phone = walkers.phone(patrol, begin, begin + timedelta(minutes=20))
    before = city.count(fix)
    assert phone.owntracks
    phone.send(door, 4)
    assert city.count(fix) == before + 4
    assert abs(phone.track.lon[0] - 114.02) * M_PER_DEG[0] < 12_000
