"""The register of devices: gateways that speak for some, and what a device's way says of its unit of speed."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Connection, text

from core.errors import Conflict, Invalid, NotFound
from tests.tracking.city import EVER, NOW, make_person
from tests.tracking.test_formats import FORWARDED, get, post
from tests.tracking.test_laws import RULES
from tracking.batches import Arrival
from tracking.devices import (
    CRS_NAMES,
    FORMAT_NAMES,
    Device,
    Settings,
    add_device,
    add_device_behind,
    add_gateway,
    change_device,
    check_speed_units,
    find_devices,
    gateway_devices,
    hand_over,
    list_devices,
    renew_token,
    resolve_gateways,
    revoke_device,
)
from tracking.devices.speed_units import Way, weigh, window_ratios
from tracking.files import FILES
from tracking.formats import FORMATS, Profile, Report, read_report
from tracking.formats.report import SPEED_UNITS
from tracking.ingest import ingest_reports

METRE_DEG = 1 / 111_195


def of_server(unique_id: str) -> Report:
    return read_report(post(FORWARDED | {"device": {"uniqueId": unique_id}}), Profile())


def resolved(conn: Connection, sender: Device, report: Report) -> tuple[str, int, str | None]:
    [(device, kept)] = resolve_gateways(conn, [(sender, report)])
    return device.code, len(kept.fixes), kept.ignored


def test_a_gateway_speaks_for_the_devices_behind_it_and_for_no_other(conn: Connection) -> None:
    for code in ("W1", "W2", "W3"):
        make_person(conn, code)
    ours, theirs = add_gateway(conn, "ours"), add_gateway(conn, "theirs")
    add_device_behind(conn, "cam-1", "W1", Settings(), behind=("ours", "861"), now=EVER)
    add_device_behind(conn, "cam-2", "W2", Settings(), behind=("theirs", "862"), now=EVER)
    phone = add_device(conn, "863", "W3", now=EVER)
    found = find_devices(conn, [ours, theirs, phone])

    assert resolved(conn, found[ours], of_server("861")) == ("cam-1", 1, None)
    for unique_id in ("862", "863", "cam-2", "ours", "", "8\0", "\ud83d"):
        assert resolved(conn, found[ours], of_server(unique_id)) == ("ours", 0, "not_registered")
    native = read_report(post({"fixes": [{"fixed_at": NOW.isoformat(), "lon": 1, "lat": 2}]}), Profile())
    assert resolved(conn, found[ours], native) == ("ours", 0, "not_registered"), "it has no place of its own"
    assert resolved(conn, found[phone], of_server("861")) == ("863", 1, None), "a credential says who it is"

    revoke_device(conn, "cam-1", now=NOW)
    assert resolved(conn, found[ours], of_server("861")) == ("ours", 0, "not_registered")


def test_two_gateways_may_use_the_same_name_for_two_devices(conn: Connection) -> None:
    for code in ("W1", "W2"):
        make_person(conn, code)
    tokens = {code: add_gateway(conn, code) for code in ("g1", "g2")}
    add_device_behind(conn, "a", "W1", Settings(), behind=("g1", "1"), now=EVER)
    add_device_behind(conn, "b", "W2", Settings(profile=Profile(crs="gcj02")), behind=("g2", "1"), now=EVER)
    found = find_devices(conn, list(tokens.values()))
    ids = {code: found[token].id for code, token in tokens.items()}
    devices = gateway_devices(conn, {(ids["g1"], "1"), (ids["g2"], "1"), (ids["g2"], "2")})
    assert {key: device.code for key, device in devices.items()} == {
        (ids["g1"], "1"): "a",
        (ids["g2"], "1"): "b",
    }
    assert devices[ids["g2"], "1"].profile.crs == "gcj02"
    with pytest.raises(Conflict, match="“1” already"):
        add_device_behind(conn, "c", "W1", Settings(), behind=("g1", "1"), now=EVER)


def test_a_gateway_is_in_nobodys_hands_and_what_is_behind_it_has_no_token(conn: Connection) -> None:
    make_person(conn)
    add_gateway(conn, "g")
    add_device_behind(conn, "cam", "W1", Settings(), behind=("g", "1"), now=EVER)
    with pytest.raises(Conflict, match="nobody's hands"):
        hand_over(conn, "g", "W1", now=NOW)
    with pytest.raises(Conflict, match="no token of its own"):
        renew_token(conn, "cam")
    with pytest.raises(NotFound, match="no gateway “cam”"):
        add_device_behind(conn, "x", "W1", Settings(), behind=("cam", "1"), now=EVER)
    assert [
        (row.code, row.person_code, row.is_gateway, row.behind) for row in list_devices(conn, now=NOW)
    ] == [
        ("cam", "W1", False, "g"),
        ("g", None, True, None),
    ]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (Profile(format="traccer"), "no client “traccer”.*traccar-9"),
        (Profile(format=""), "no client “”"),
        (Profile(crs="bd-09"), "bd09"),
        (Profile(speed_unit="km/h"), "kmh"),
    ],
)
def test_a_profile_that_nobody_can_have_is_refused_with_what_can_be_had(
    conn: Connection, profile: Profile, words: str
) -> None:
    make_person(conn)
    with pytest.raises(Invalid, match=words):
        add_device(conn, "P1", "W1", now=EVER, profile=profile)


def test_every_name_that_a_reader_gives_its_reports_can_be_set(conn: Connection) -> None:
    make_person(conn)
    add_device(conn, "P1", "W1", now=EVER)
    for name in (client for each in FORMATS for client in each.CLIENTS):
        change_device(conn, "P1", {"format": name}, now=NOW)
    assert set(FORMAT_NAMES) == {"auto", *(client for each in FORMATS for client in each.CLIENTS)}
    assert len(CRS_NAMES) == 4


def a_walk(seconds: float, mps: float, *, step_s: float = 10, noise_m: float = 4, seed: int = 1) -> Way:
    """Streets with a corner every two minutes or so; told speeds are true and a little unsteady."""
    random = np.random.default_rng(seed)
    at = np.arange(0, seconds, step_s)
    turn = np.cumsum(random.random(len(at)) < step_s / 120) * np.pi / 2
    east, north = (np.cumsum(part * mps * step_s) for part in (np.cos(turn), np.sin(turn)))
    told = np.abs(mps + random.normal(0, 0.15 * mps, len(at)))
    blur = random.normal(0, noise_m, (2, len(at)))
    lon = 113.15 + (east + blur[0]) * METRE_DEG / np.cos(np.radians(27.8))
    return Way(at, lon, 27.8 + (north + blur[1]) * METRE_DEG, np.full(len(at), 8.0), told)


def read_as(way: Way, believed: str, true: str) -> Way:
    """The way as it is stored when speeds sent in the true unit are read in the believed one."""
    return Way(
        way.at_s, way.lon, way.lat, way.accuracy_m, way.speed_mps * SPEED_UNITS[believed] / SPEED_UNITS[true]
    )


@pytest.mark.parametrize(("believed", "true"), list(product(SPEED_UNITS, SPEED_UNITS)))
@pytest.mark.parametrize(("mps", "step_s"), [(1.3, 10), (1.3, 5), (5, 30), (14, 10)])
def test_the_way_shows_the_unit(believed: str, true: str, mps: float, step_s: float) -> None:
    way = a_walk(3600, mps, step_s=step_s)
    evidence = weigh(read_as(way, believed, true), believed, NOW)
    assert evidence is not None
    assert (evidence.unit, evidence.believed) == (true, believed)
    assert evidence.windows >= 20


@pytest.mark.parametrize(
    "way",
    [
        a_walk(3600, 0.0, noise_m=8),
        a_walk(900, 1.3),
        a_walk(36000, 1.3, step_s=300),
        Way(*np.empty((5, 0))),
    ],
    ids=["standing", "too short", "too sparse", "nothing"],
)
def test_too_little_of_a_way_says_nothing(way: Way) -> None:
    assert weigh(way, "knots", NOW) is None


def test_speeds_that_fit_no_unit_say_nothing() -> None:
    way = a_walk(3600, 1.3)
    made_up = np.random.default_rng(2).uniform(0, 30, len(way.at_s))
    assert weigh(Way(way.at_s, way.lon, way.lat, way.accuracy_m, made_up), "knots", NOW) is None


@pytest.mark.data
def test_real_walks_and_rides_never_show_a_wrong_unit(real_data: Path) -> None:
    decided = 0
    for path in sorted((real_data / "geolife").glob("*/Trajectory/*.plt")):
        table = FILES["plt"](path, ZoneInfo("UTC"))
        at = (table.fixed_at - table.fixed_at[0]) / np.timedelta64(1, "s")
        lon, lat = table.numbers["lon"], table.numbers["lat"]
        told = np.hypot(np.gradient(lon, at) * np.cos(np.radians(lat)), np.gradient(lat, at)) / METRE_DEG
        way = Way(at, lon, lat, np.full(len(at), np.nan), told)
        for believed, true in (("knots", "mps"), ("kmh", "knots"), ("mps", "mps")):
            if (evidence := weigh(read_as(way, believed, true), believed, NOW)) is not None:
                assert evidence.unit == true, path.name
                decided += 1
    assert decided >= 60, "enough of them are long enough to tell"


def walk_in(conn: Connection, token: str, speed_of: Callable[[float], float], **more: str) -> None:
    """An hour's walk that ends now, sent as a form; `speed_of` turns true m/s into the number that is sent."""
    way = a_walk(3600, 1.3)
    start = NOW - timedelta(hours=1)
    arrivals = []
    for at, lon, lat, mps in zip(way.at_s, way.lon, way.lat, way.speed_mps, strict=True):
        query = f"id=1&timestamp={int(start.timestamp() + at)}&lat={lat}&lon={lon}&accuracy=8&speed={speed_of(mps)}"
        [device] = find_devices(conn, [token]).values()
        arrivals.append(Arrival(device, read_report(get(query, **more), device.profile)))
    ingest_reports(conn, None, arrivals, now=NOW, rules=RULES)


def speeds_stored(conn: Connection) -> float:
    return float(conn.execute(text("SELECT avg(speed_mps) FROM fix")).scalar_one())


def test_a_client_that_sends_metres_under_traccars_names_is_found_out_and_history_stays(
    conn: Connection,
) -> None:
    make_person(conn)
    token = add_device(conn, "P1", "W1", now=EVER)
    walk_in(conn, token, lambda mps: mps)
    before = speeds_stored(conn)
    assert before == pytest.approx(1.3 * 0.514, abs=0.05), "read as knots at first"
    [verdict] = check_speed_units(conn, NOW)
    assert (verdict.changed, verdict.client, verdict.contradicted) == (True, "traccar", False)
    assert verdict.evidence is not None
    assert (verdict.evidence.unit, verdict.evidence.ratio) == ("mps", pytest.approx(0.55, abs=0.08))
    assert speeds_stored(conn) == before
    [device] = find_devices(conn, [token]).values()
    assert read_report(get("id=1&lat=1&lon=2&timestamp=1&speed=10"), device.profile).fixes[0].speed_mps == 10
    osmand = get("id=1&lat=1&lon=2&timestamp=1&speed=10", **{"user-agent": "OsmAnd"})
    assert read_report(osmand, device.profile).fixes[0].speed_mps == 10, "another client keeps its own unit"
    assert check_speed_units(conn, NOW + timedelta(hours=1)) == [], "once a day, and only what was read anew"


def test_what_the_operator_set_is_shown_to_be_wrong_and_left(conn: Connection) -> None:
    make_person(conn)
    token = add_device(conn, "P1", "W1", now=EVER, profile=Profile(speed_unit="kmh"))
    walk_in(conn, token, lambda mps: mps)
    [verdict] = check_speed_units(conn, NOW, codes=["P1"])
    assert (verdict.changed, verdict.contradicted) == (False, True)
    [device] = find_devices(conn, [token]).values()
    assert device.profile.speed_unit == "kmh"
    assert device.profile.measured_units == ()


def test_the_right_unit_is_confirmed_and_setting_another_begins_anew(conn: Connection) -> None:
    make_person(conn)
    token = add_device(conn, "P1", "W1", now=EVER)
    walk_in(conn, token, lambda mps: mps / SPEED_UNITS["knots"], **{"user-agent": "ktor-client"})
    [verdict] = check_speed_units(conn, NOW)
    assert (verdict.changed, verdict.contradicted) == (False, False)
    [device] = find_devices(conn, [token]).values()
    assert device.profile.measured_units == (("traccar", "knots"),)
    change_device(conn, "P1", {"speed_unit": "mps"}, now=NOW + timedelta(seconds=1))
    assert check_speed_units(conn, NOW + timedelta(seconds=2), codes=["P1"]) == []
    [device] = find_devices(conn, [token]).values()
    assert device.profile.measured_units == ()


def test_a_window_is_left_out_where_it_has_a_gap_or_goes_nowhere() -> None:
    way = a_walk(600, 1.3, noise_m=0, seed=10)
    assert len(window_ratios(way)) == 9
    keep = (way.at_s < 200) | (way.at_s > 330)
    gap = Way(*(getattr(way, name)[keep] for name in ("at_s", "lon", "lat", "accuracy_m", "speed_mps")))
    assert len(window_ratios(gap)) < 9 - 1
    coarse = Way(way.at_s, way.lon, way.lat, way.accuracy_m * 10, way.speed_mps)
    assert len(window_ratios(coarse)) == 0
