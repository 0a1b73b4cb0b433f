"""What the tests of the rail have in common: reports of phones, the watch, and who sees what."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from analysis.alerts import Alert, WatchRules, alerts_within, open_alerts, watch
from people.access import MAY_SEE_MOVEMENT, visible_units
from tests.cases.town import caller_of
from tests.people.town import LAT, LON, NOW, Town
from tests.tracking.test_laws import RULES as CHECKS
from tracking.batches import Arrival
from tracking.devices import Device
from tracking.formats.report import Heartbeat, ParsedFix, Report
from tracking.ingest import ingest_reports
from tracking.partitions import make_ahead

RULES = WatchRules(
    silent=timedelta(minutes=15),
    ask_first=timedelta(minutes=2),
    urgent_level=3,
    zone=ZoneInfo("Asia/Shanghai"),
)
IN_G1, IN_G2 = (LON + 0.005, LAT + 0.005), (LON + 0.015, LAT + 0.005)


def report(
    conn: Connection, device: Device, minutes: float, *, at: tuple[float, float] = IN_G1, **more: object
) -> None:
    """A fix of `minutes` after NOW, received then."""
    when = NOW + timedelta(minutes=minutes)
    make_ahead(conn, when)
    fix = ParsedFix(when, *at, accuracy_m=5, **more)  # type: ignore[arg-type]
    ingest_reports(conn, None, [Arrival(device, Report("native", (fix,)))], now=when, rules=CHECKS)


def beat(conn: Connection, device: Device, minutes: float, status: dict[str, object] | None = None) -> None:
    when = NOW + timedelta(minutes=minutes)
    sign = Report("owntracks", heartbeats=(Heartbeat(when, status=status),))
    ingest_reports(conn, None, [Arrival(device, sign)], now=when, rules=CHECKS)


def look(conn: Connection, minutes: float) -> list[Alert]:
    """The watch looks, and what stands afterwards."""
    when = NOW + timedelta(minutes=minutes)
    watch(conn, when, RULES)
    return open_alerts(conn, when)


def seen_by(conn: Connection, town: Town, unit: str | None, minutes: float = 0) -> list[str]:
    """The kinds that a supervisor of a unit is told of."""
    boss = caller_of(conn, town, "command", "command", unit)
    scope = visible_units(conn, boss, MAY_SEE_MOVEMENT)
    return [one.kind for one in alerts_within(open_alerts(conn, NOW + timedelta(minutes=minutes)), scope)]
