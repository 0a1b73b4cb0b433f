"""What phones send becomes what it says: the recorded requests of real clients, and bodies nobody should send."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.secret import SecretBox

from core.errors import Invalid
from tracking.formats import Message, Profile, Report, UnknownFormat, gives_up, read_report

MEASURES = ("lon", "lat", "accuracy_m", "altitude_m", "speed_mps", "heading_deg", "battery_pct", "charging")
WIRE = (
    "bad-future",
    "bad-null-island",
    "bad-range",
    "gpslogger-custom-url",
    "osmand-app",
    "overland-batch",
    "owntracks-empty",
    "owntracks-encrypted",
    "owntracks-location",
    "owntracks-lwt",
    "owntracks-ping",
    "owntracks-unknown-type",
    "traccar-client-10-form",
    "traccar-client-10-heartbeat",
    "traccar-client-8-query",
    "traccar-client-9-heartbeat",
    "traccar-client-9-json",
)


def read_case(folder: Path, name: str) -> dict[str, object]:
    return json.loads((folder / "wire" / f"{name}.json").read_text("utf-8"))


def message_of(case: dict[str, object]) -> Message:
    request = case["request"]
    return Message(request["method"], request["query"], request["headers"], request["body"].encode())


def read_case_report(case: dict[str, object]) -> Report:
    profile = Profile(format=case.get("profile", "auto"), encryption_key=case.get("key"))
    return read_report(message_of(case), profile)


def post(body: object, **headers: str) -> Message:
    return Message("POST", "", headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def get(query: str, **headers: str) -> Message:
    return Message("GET", query, headers, b"")


@pytest.mark.data
@pytest.mark.parametrize("name", WIRE)
def test_a_recorded_request_becomes_the_fixes_it_says(real_data: Path, name: str) -> None:
    case = read_case(real_data, name)
    report = read_case_report(case)
    expected = case["expect"]
    wanted = expected["fixes"]
    if "flagged" not in expected:
        assert len(report.fixes) == len(wanted)
    for fix, want in zip(report.fixes, wanted, strict=False):
        assert fix.fixed_at == datetime.fromisoformat(want["fixed_at"])
        for measure in MEASURES:
            if measure in want:
                tolerance = 0.005 if measure == "speed_mps" else 1e-12
                assert getattr(fix, measure) == (
                    pytest.approx(want[measure], abs=tolerance) if want[measure] is not None else None
                ), measure
    if beat := expected.get("heartbeat_at"):
        assert [one.at for one in report.heartbeats] == [datetime.fromisoformat(beat)]
    if "body" in expected:
        assert report.reply.decode() == expected["body"]


@pytest.mark.data
def test_every_recorded_request_is_tried(real_data: Path) -> None:
    there = {path.stem for path in (real_data / "wire").glob("*.json")}
    assert there - {"jt808-0200"} == set(WIRE)


@pytest.mark.data
def test_an_encrypted_payload_is_answered_sealed_with_the_same_key(real_data: Path) -> None:
    case = read_case(real_data, "owntracks-encrypted")
    reply = json.loads(read_case_report(case).reply)
    assert reply["_type"] == "encrypted"
    import base64

    box = SecretBox(case["key"].encode().ljust(32, b"\0"))
    assert box.decrypt(base64.b64decode(reply["data"])) == b"[]"


@pytest.mark.data
def test_an_encrypted_payload_without_a_key_is_refused_so_that_the_phone_keeps_it(real_data: Path) -> None:
    with pytest.raises(Invalid, match="devices set --key"):
        read_report(message_of(read_case(real_data, "owntracks-encrypted")), Profile())


def test_a_payload_that_the_key_does_not_open_is_kept_sealed() -> None:
    sealed = {"_type": "encrypted", "data": "AAAA"}
    report = read_report(post(sealed), Profile(encryption_key="k"))
    assert report.fixes == ()
    assert report.others[0].item == sealed


def test_native_and_geojson_say_the_same() -> None:
    told = {"fixed_at": "2026-06-10T08:00:00+08:00", "accuracy_m": 5, "speed_mps": 1.5, "battery_pct": 80}
    native = read_report(post({"fixes": [told | {"lon": 113.1, "lat": 27.8}]}), Profile(), own=True).fixes[0]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [113.1, 27.8]},
        "properties": told,
    }
    for body in (feature, {"type": "FeatureCollection", "features": [feature]}):
        fix = read_report(post(body), Profile(), own=True).fixes[0]
        assert [getattr(fix, name) for name in MEASURES] == [getattr(native, name) for name in MEASURES]
        assert fix.fixed_at == native.fixed_at == datetime(2026, 6, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message", "profile", "mps"),
    [
        (get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10"), Profile(), 5.1444),
        (get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10", **{"user-agent": "OsmAnd~4"}), Profile(), 10),
        (get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10"), Profile(format="osmand"), 10),
        (get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10"), Profile(format="owntracks"), 5.1444),
        (get("lat=1&lon=2&timestamp=1781049610&speed=10", **{"user-agent": "okhttp/4.12"}), Profile(), 10),
        (
            get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10", **{"user-agent": "ktor-client"}),
            Profile(),
            5.1444,
        ),
        (
            get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10"),
            Profile(measured_units=(("traccar", "mps"),)),
            10,
        ),
        (
            get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10"),
            Profile(measured_units=(("osmand", "kmh"),)),
            5.1444,
        ),
        (get("id=1&lat=1&lon=2&timestamp=1781049610&speed=10"), Profile(speed_unit="kmh"), 2.7778),
        (get("lat=1&lon=2&spd=3&time=2026-06-10T00:00:00Z"), Profile(), 3),
        (post(b"lat=1&lon=2&alt=5.0&acc=6.5&spd_kph=10.8&spd=3&timestamp=1781049610&hdop=0.9"), Profile(), 3),
        (
            get("lat=1&lon=2&timestamp=1781049610000&hdop=5&speed=3", **{"user-agent": "Dalvik/2.1"}),
            Profile(),
            3,
        ),
        (get("id=1&lat=1&lon=2&timestamp=1781049610&hdop=5&speed=3"), Profile(), 1.5433),
        (post({"_type": "location", "lat": 1, "lon": 2, "tst": 1781049610, "vel": 36}), Profile(), 10),
        (post({"lat": 1, "lon": 2, "tst": 1781049610, "vel": 36}), Profile(), 36),
        (post([{"id": 1, "lat": 1, "lon": 2, "timestamp": 1781049610, "speed": 10}]), Profile(), 5.1444),
    ],
)
def test_the_unit_of_speed_belongs_to_the_client_and_the_device_setting_goes_first(
    message: Message, profile: Profile, mps: float
) -> None:
    assert read_report(message, profile).fixes[0].speed_mps == pytest.approx(mps, abs=1e-3)


FORWARDED = {
    "position": {
        "deviceId": 8,
        "fixTime": "2026-06-10T00:00:10.000+00:00",
        "deviceTime": "2026-06-10T00:09:00.000+00:00",
        "outdated": False,
        "valid": True,
        "latitude": 27.8,
        "longitude": 113.1,
        "speed": 2.7,
        "course": 268.0,
        "accuracy": 0.0,
        "attributes": {"batteryLevel": 83.0, "motion": True},
    },
    "device": {"id": 8, "name": "whoever", "uniqueId": "861234567890123"},
}


def forwarded(**more: object) -> Report:
    body = FORWARDED | {"position": FORWARDED["position"] | more}
    return read_report(post(body), Profile(speed_unit="kmh"))


def test_a_traccar_server_may_forward_what_it_receives_and_names_the_device() -> None:
    report = forwarded()
    fix = report.fixes[0]
    assert report.speaks_for == "861234567890123"
    assert (fix.lon, fix.lat, fix.battery_pct, fix.heading_deg) == (113.1, 27.8, 83, 268)
    assert fix.speed_mps == pytest.approx(1.389, abs=1e-3), "knots, whatever is set for the device"
    assert fix.accuracy_m is None, "its zero means unknown"


@pytest.mark.parametrize("old", [{"outdated": True}, {"valid": False}])
def test_an_old_position_sent_again_by_a_traccar_server_is_a_sign_of_life(old: dict[str, object]) -> None:
    report = forwarded(**old)
    assert report.fixes == ()
    assert report.heartbeats[0].at == datetime(2026, 6, 10, 0, 9, tzinfo=UTC)
    call = forwarded(**old, attributes={"alarm": "lowBattery,sos"}).fixes[0]
    assert (call.sos, call.lon, call.fixed_at) == (True, None, datetime(2026, 6, 10, 0, 9, tzinfo=UTC))


def test_an_event_of_a_traccar_server_without_a_position_is_ignored_and_says_why() -> None:
    told = {"event": {"type": "deviceOffline"}, "device": FORWARDED["device"]}
    report = read_report(post(told), Profile())
    assert (report.fixes, report.heartbeats, report.others, report.ignored) == ((), (), (), "no_position")


@pytest.mark.parametrize(
    "message",
    [
        post({"fixes": [{"fixed_at": "2026-06-10T00:00:10Z", "sos": True}]}),
        get("id=1&timestamp=1781049610&alarm=sos"),
        post({"device_id": "1", "location": {"timestamp": "2026-06-10T00:00:10Z", "alarm": "sos"}}),
        post([{"id": 1, "timestamp": 1781049610, "alarm": "sos"}]),
    ],
)
def test_a_call_for_help_without_a_place_is_still_one(message: Message) -> None:
    report = read_report(message, Profile())
    assert [(fix.sos, fix.lon, fix.fixed_at) for fix in report.fixes] == [
        (True, None, datetime(2026, 6, 10, 0, 0, 10, tzinfo=UTC))
    ]


def test_what_shows_itself_as_nothing_says_so() -> None:
    assert read_report(post(b""), Profile()).ignored == "empty"
    assert read_report(post({"_type": "lwt", "tst": 1781049610}), Profile()).ignored == "lwt"
    assert read_report(post({"_type": "location", "lat": 1, "lon": 2, "tst": 1}), Profile()).ignored is None


@pytest.mark.parametrize(
    ("message", "impatient"),
    [
        (get("lat=1&lon=2&spd=3&time=2026-06-10T00:00:00Z"), True),
        (get("lat=1&lon=2&timestamp=1781049610", **{"user-agent": "okhttp/4.12.0"}), True),
        (post(FORWARDED), True),
        (get("id=1&lat=1&lon=2&timestamp=1781049610", **{"user-agent": "ktor-client"}), False),
        (get("lat=1&lon=2&timestamp=1781049610", **{"user-agent": "OsmAnd~5"}), False),
        (post({"_type": "location", "lat": 1, "lon": 2, "tst": 1}, **{"user-agent": "okhttp/4"}), False),
    ],
)
def test_who_throws_positions_away_when_refused_is_known_before_reading(
    message: Message, impatient: bool
) -> None:
    assert gives_up(message) is impatient


@pytest.mark.parametrize("odd", ["1e400", "-1e400", "9" * 400, '"\\ud83d"'])
def test_one_number_beyond_all_numbers_spoils_its_own_fix_alone(odd: str) -> None:
    body = (
        '{"fixes": [{"fixed_at": "2026-06-10T00:00:00Z", "lon": %s, "lat": 27.8},'
        ' {"fixed_at": "2026-06-10T00:00:01Z", "lon": 113.1, "lat": 27.8}]}'
    )
    bad, good = read_report(post((body % odd).encode()), Profile()).fixes
    assert (bad.lon, bad.lat, good.lon) == (None, 27.8, 113.1)


@pytest.mark.parametrize(
    "at",
    [
        "2026-06-10 08:00:00",
        "2026-06-10T08:00:00",
        "yesterday",
        "",
        None,
        True,
        1e300,
        "99999-01-01T00:00:00Z",
        -1,
    ],
)
def test_a_time_that_names_no_instant_is_no_time(at: object) -> None:
    assert (
        read_report(post({"fixes": [{"fixed_at": at, "lon": 1, "lat": 2}]}), Profile()).fixes[0].fixed_at
        is None
    )


@pytest.mark.parametrize("value", ["113,15", "x", None, [], {}, True, "NaN", "1e999", ""])
def test_a_coordinate_that_is_no_number_is_none_and_the_fix_is_not_lost(value: object) -> None:
    fix = read_report(
        post({"fixes": [{"fixed_at": "2026-06-10T00:00:00Z", "lon": value, "lat": 27.8}]}), Profile()
    ).fixes[0]
    assert fix.lon is None
    assert fix.lat == 27.8


@pytest.mark.parametrize("body", [b"{", b'{"a": NaN}', b"[" * 5000, b'{"lat": 1', b"{\xff}"])
def test_broken_json_is_invalid_and_says_where(body: bytes) -> None:
    with pytest.raises(Invalid, match="no JSON"):
        read_report(post(body), Profile())


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"<event/>",
        b'{"hello": 1}',
        b'{"type": []}',
        b'{"type": {}}',
        b"[]",
        b"[1]",
        b"{}",
        b"\x7e\x02\x00\x7e",
        b"\xff\xfe",
    ],
)
def test_what_no_client_sends_is_an_unknown_format(body: bytes) -> None:
    with pytest.raises(UnknownFormat):
        read_report(post(body), Profile())


def test_the_projects_own_door_takes_its_own_formats_alone() -> None:
    with pytest.raises(UnknownFormat, match="/v1/ingest"):
        read_report(post({"_type": "location", "lat": 1, "lon": 2, "tst": 1}), Profile(), own=True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "_type",
    "fixes",
    "locations",
    "current",
    "location",
    "coords",
    "position",
    "device",
    "event",
    "uniqueId",
    "attributes",
    "alarm",
    "fixTime",
    "type",
    "features",
    "geometry",
)
KEYS += (
    "properties",
    "coordinates",
    "lat",
    "lon",
    "tst",
    "timestamp",
    "fixed_at",
    "t",
    "bs",
    "battery",
    "device_id",
    "data",
)
CONSTANTS = (
    "location",
    "encrypted",
    "Feature",
    "FeatureCollection",
    "Point",
    "status",
    "transition",
    "p",
    "sos",
)


@given(
    value=st.recursive(
        json_values | st.sampled_from(CONSTANTS),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
        max_leaves=12,
    )
)
def test_no_json_breaks_a_reader(value: object) -> None:
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    try:
        read_report(post(body), Profile(encryption_key="k"))
    except Invalid:
        return


@given(query=st.text(max_size=60), body=st.binary(max_size=60))
def test_no_form_breaks_a_reader(query: str, body: bytes) -> None:
    message = Message("POST", query, {}, body)
    assert gives_up(message) in (True, False)
    try:
        read_report(message, Profile())
    except Invalid:
        return
