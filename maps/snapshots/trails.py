"""`map trails`: where people were on a day or some days, in one file: red dots on a thin line that fades, gaps dashed, stays ringed.

Making one is a look at people's movement: the caller records it (`people.looks`).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from core.clock import day_bounds, day_of
from core.errors import Invalid, NotFound
from geo.lookup import Lookup
from maps.snapshots.frame import (
    STATIC,
    Bounds,
    Frame,
    LegendEntry,
    OfflineMap,
    add_script,
    count,
    make_map,
    render_snapshot,
    tokens,
)
from maps.snapshots.ground import add_outlines
from people.access import Scope, assigned_within
from tracking.tables import fix, last_fix
from tracking.trails import Trail, TrailRules, read_trails

DAYS_HEAD = ("日期 Day", "姓名 Name", "工号 Code", "定位点 Fixes", "km", "停留 Stays", "中断 Gaps")
PEOPLE_HEAD = ("姓名 Name", "工号 Code", "定位点 Fixes", "km", "停留 Stays", "中断 Gaps")
DAY_HEAD = ("时间 Time", "事 What", "长短 How long")
MOST_DAYS = 31
_LEAST_DEG = 0.004
"""A trail is never shown larger than this many degrees across the page."""


@dataclass(frozen=True)
class TrailQuestion:
    """Whose trails of which day: one person's, those of the people serving below a unit, or everybody's.

    `whose` says it in words. `until`: the last day of several; None: `on` alone.
    """

    on: date
    whose: str
    person_id: int | None = None
    unit_path: str | None = None
    network_code: str | None = None
    """The network drawn below; None: the first there is."""
    until: date | None = None
    at: datetime | None = None
    """Whose borders are drawn below; None: those of the first day's noon."""

    @property
    def days(self) -> list[date]:
        """Every day asked for; Invalid when they are none or too many for one page."""
        last = self.until or self.on
        if last < self.on:
            raise Invalid(f"{last} is before {self.on}: the first day comes first")
        if (count := (last - self.on).days + 1) > MOST_DAYS:
            raise Invalid(f"{count} days are more than a page can show; ask for {MOST_DAYS} at most")
        return [self.on + timedelta(days=n) for n in range(count)]

    @property
    def when(self) -> str:
        return str(self.on) if self.until in (None, self.on) else f"{self.on} – {self.until}"


def draw_trails(
    conn: Connection,
    lookup: Lookup,
    question: TrailQuestion,
    *,
    zone: ZoneInfo,
    rules: TrailRules,
    now: datetime,
) -> str:
    """The page. NotFound when nobody asked for has an accepted fix then; it names the newest day that has."""
    trails: list[Trail] = []
    for day in question.days:
        ids = _people_of_day(conn, question, day, zone)
        trails += read_trails(conn, ids, day, zone=zone, rules=rules) if ids else []
    if not trails:
        raise NotFound(
            f"{question.whose} has no accepted fix on {question.when}{_newest(conn, question, zone)}"
        )
    people = {trail.person_code for trail in trails}
    days = len(question.days) > 1
    made = make_map()
    bounds = _bounds(trails)
    _add_ground(made, lookup, question, bounds)
    _add_trails(made, trails, zone)
    frame = Frame(
        title_zh=f"{trails[0].name} · 轨迹图" if len(people) == 1 else f"{question.whose} · 轨迹图",
        title_en="Trails",
        facts=_facts(trails, question),
        legend=_legend(rules),
        source="人员终端的定位点",
        as_of=f"{now.astimezone(zone):%Y-%m-%d %H:%M}",
        notes=("含个人行踪，查看已记入日志，请妥善保管。Personal movement: this look is on record.",),
        table_head=DAY_HEAD if len(trails) == 1 else DAYS_HEAD if days else PEOPLE_HEAD,
        table_rows=_day(trails[0], zone) if len(trails) == 1 else _people(trails, days=days),
    )
    return render_snapshot(made, frame, bounds)


def _people_of_day(conn: Connection, question: TrailQuestion, day: date, zone: ZoneInfo) -> list[int]:
    """Who of those asked for has a fix on the day; below a unit: who served there at its noon."""
    since, until = day_bounds(day, zone)
    query = select(fix.c.person_id).distinct().where(fix.c.fixed_at >= since, fix.c.fixed_at < until)
    if question.person_id is not None:
        query = query.where(fix.c.person_id == question.person_id)
    if question.unit_path is not None:
        scope = Scope(everywhere=False, paths=(question.unit_path,))
        query = query.where(assigned_within(scope, fix.c.person_id, since + (until - since) / 2))
    return sorted(conn.scalars(query))


def _newest(conn: Connection, question: TrailQuestion, zone: ZoneInfo) -> str:
    """The day of the newest position of those asked for; below a unit, of who served there when it was taken."""
    query = select(func.max(last_fix.c.fixed_at))
    if question.person_id is not None:
        query = query.where(last_fix.c.person_id == question.person_id)
    if question.unit_path is not None:
        scope = Scope(everywhere=False, paths=(question.unit_path,))
        query = query.where(assigned_within(scope, last_fix.c.person_id, last_fix.c.fixed_at))
    newest = conn.scalar(query)
    return "" if newest is None else f"; the newest day with fixes is {day_of(newest, zone)}"


def _bounds(trails: list[Trail]) -> Bounds:
    lon, lat = np.concatenate([t.lon for t in trails]), np.concatenate([t.lat for t in trails])
    middle_lon, middle_lat = (lon.min() + lon.max()) / 2, (lat.min() + lat.max()) / 2
    half_lon = max(float(np.ptp(lon)), _LEAST_DEG) / 2
    half_lat = max(float(np.ptp(lat)), _LEAST_DEG) / 2
    return (
        float(middle_lon - half_lon),
        float(middle_lat - half_lat),
        float(middle_lon + half_lon),
        float(middle_lat + half_lat),
    )


def _add_ground(made: OfflineMap, lookup: Lookup, question: TrailQuestion, bounds: Bounds) -> None:
    """Unit outlines of the instant, or of noon of the day, where there is a network."""
    code = question.network_code or next(iter(lookup.networks), None)
    noon = datetime(question.on.year, question.on.month, question.on.day, 12, tzinfo=UTC)
    snapshot = lookup.snapshot(code, question.at or noon) if code is not None else None
    if snapshot is not None and len(snapshot.units):
        add_outlines(made, snapshot, bounds)


def _add_trails(made: OfflineMap, trails: list[Trail], zone: ZoneInfo) -> None:
    midnight, _ = day_bounds(trails[0].on, zone)
    start = np.datetime64(midnight.astimezone(UTC).replace(tzinfo=None), "us")
    people = [_person(trail, _seconds(trail, start)) for trail in trails]
    seconds = np.concatenate([_seconds(trail, start) for trail in trails])
    shown_ms = int(datetime.combine(trails[0].on, datetime.min.time(), UTC).timestamp() * 1000)
    colors = tokens()
    look = {"dot": colors["worker"], "line": colors["worker-ink"], "gap": colors["muted"]}
    look |= {"stay": colors["text"], "halo": colors["panel"], "font": colors["font"]}
    span = [int(seconds.min()), int(seconds.max()), shown_ms]
    code = (STATIC / "snapshot" / "trails.js").read_text("utf-8")
    add_script(
        made,
        code + "\nnew WanggeTrails({people}, {look}, {span}).addTo({map});",
        people=people,
        look=look | {"fixes": len(seconds)},
        span=span,
    )


def _seconds(trail: Trail, start: np.datetime64) -> NDArray[np.int64]:
    """Whole seconds since the day began, as the city counts it."""
    return ((trail.fixed_at - start) // np.timedelta64(1, "s")).astype(np.int64)


def _person(trail: Trail, seconds: NDArray[np.int64]) -> dict[str, object]:
    xy = np.round(np.column_stack([trail.lon, trail.lat]), 6)
    runs = [(first, last, False) for first, last in trail.segments]
    runs += [(gap.first, gap.last, True) for gap in trail.gaps]
    parts = [
        {"gap": gap, "xy": xy[first : last + 1].ravel().tolist(), "at": seconds[first : last + 1].tolist()}
        for first, last, gap in runs
    ]
    stays = [
        {"lon": round(stay.lon, 6), "lat": round(stay.lat, 6)}
        | {"at": int(seconds[stay.first]), "seconds": int(seconds[stay.last] - seconds[stay.first])}
        for stay in trail.stays
    ]
    return {"name": trail.name, "parts": parts, "stays": stays}


def _legend(rules: TrailRules) -> list[LegendEntry]:
    return [
        LegendEntry("dot", "worker", "定位点，越新越实", "fix, fading with age", 8),
        LegendEntry("fade", "worker-ink", "走过的线", "path"),
        LegendEntry("dash", "muted", "定位中断，不是走过的路", "gap: not a path", 2),
        LegendEntry("ring", "text", f"停留 {rules.stay_s / 60:g} 分钟以上", "stay", 14),
    ]


def _facts(trails: list[Trail], question: TrailQuestion) -> list[tuple[str, str]]:
    stays, gaps = sum(len(t.stays) for t in trails), sum(len(t.gaps) for t in trails)
    return [
        ("日期 Day", question.when),
        ("人数 People", count(len({t.person_code for t in trails}))),
        ("定位点 Fixes", count(sum(len(t.lon) for t in trails))),
        ("行走 Moved", f"{sum(t.moved_m for t in trails) / 1000:,.1f} km"),
        ("停留 Stays", count(stays)),
        ("中断 Gaps", count(gaps)),
    ]


def _people(trails: list[Trail], *, days: bool) -> list[tuple[str, ...]]:
    """A row a person, and a day where there are several."""
    return [
        (
            *((str(t.on),) if days else ()),
            t.name,
            t.person_code,
            count(len(t.lon)),
            f"{t.moved_m / 1000:.1f}",
            count(len(t.stays)),
            count(len(t.gaps)),
        )
        for t in trails
    ]


def _day(trail: Trail, zone: ZoneInfo) -> list[tuple[str, ...]]:
    """One person's day in order: what was tracked, the gaps, the stays."""
    midnight, _ = day_bounds(trail.on, zone)
    seconds = _seconds(trail, np.datetime64(midnight.astimezone(UTC).replace(tzinfo=None), "us"))

    def span(first: int, last: int) -> tuple[str, str]:
        minutes = (seconds[last] - seconds[first]) / 60
        return f"{_clock(seconds[first])}–{_clock(seconds[last])}", f"{minutes:,.0f} 分"

    events = []
    for first, last in trail.segments:
        if last > first:
            when, long = span(first, last)
            far = f"{trail.length_m(first, last) / 1000:.1f} km"
            events.append((int(seconds[first]), (when, "连续定位 tracked", f"{long}，{far}")))
    for gap in trail.gaps:
        when, long = span(gap.first, gap.last)
        events.append((int(seconds[gap.first]), (when, "中断 gap", long)))
    for stay in trail.stays:
        when, long = span(stay.first, stay.last)
        events.append((int(seconds[stay.first]), (when, "停留 stay", long)))
    return [row for _, row in sorted(events)]


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"
