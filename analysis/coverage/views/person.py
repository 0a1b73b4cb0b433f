"""One person's day: what the time on duty was, in the same figures for the person and for those who lead them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, select

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.fixes import Duty, Ints, cut_duty, microseconds, order_fixes
from analysis.coverage.kept.compute import read_fixes
from analysis.coverage.kept.due import first_standing
from analysis.coverage.kept.people import Span, find_seen, read_duty, read_own_ground
from analysis.coverage.kept.tables import coverage_day, coverage_duty
from analysis.coverage.legs import LEG, Parts, Tracks, follow
from analysis.coverage.people import TIMES, VALID, WAYS, OwnGround, measure_duty, share_inside
from analysis.coverage.rules import CoverageRules
from core.clock import day_bounds

Kind = Literal["inside_moving", "inside_still", "outside_moving", "outside_still", "unobserved"]
KINDS: Final[tuple[Kind, ...]] = (
    "inside_moving",
    "inside_still",
    "outside_moving",
    "outside_still",
    "unobserved",
)


@dataclass(frozen=True)
class Stretch:
    """Some time on duty of one kind. A leg over the own border is drawn as what most of it is."""

    kind: Kind
    since: datetime
    until: datetime


@dataclass(frozen=True)
class ShiftPart:
    """What of a shift lies in the day, with its own figures. `times_us` by `TIMES`, adding up to it; `ways_mm` by `WAYS`."""

    since: datetime
    until: datetime
    times_us: tuple[int, ...]
    ways_mm: tuple[int, ...]

    @property
    def duty_us(self) -> int:
        return sum(self.times_us)

    @property
    def valid_mm(self) -> int:
        return sum(self.ways_mm[:VALID])


@dataclass(frozen=True)
class PersonDay:
    """`shifts` in their order; the day is their sum. `has_own`: some ground was the person's own. `observed` False: no fixes
    of the day were kept or could have been, and its shares say nothing. `band` and `proven` False:
    its fixes have expired, and the figures are those kept.
    """

    on: date
    as_of: datetime
    shifts: tuple[ShiftPart, ...]
    has_own: bool
    observed: bool
    band: tuple[Stretch, ...]
    proven: bool

    @property
    def duty(self) -> tuple[Span, ...]:
        return tuple((shift.since, shift.until) for shift in self.shifts)

    @property
    def times_us(self) -> tuple[int, ...]:
        return _added([shift.times_us for shift in self.shifts], len(TIMES))

    @property
    def ways_mm(self) -> tuple[int, ...]:
        return _added([shift.ways_mm for shift in self.shifts], len(WAYS))

    @property
    def duty_us(self) -> int:
        return sum(self.times_us)

    @property
    def valid_mm(self) -> int:
        return sum(self.ways_mm[:VALID])

    def figures(self, of: ShiftPart | None = None, *, credited_us: int = 0) -> dict[str, Figure]:
        """Of the day, or of one of its shifts. `credited_us`: what accepted notes add in the own grid, never more than the duty."""
        times_us = self.times_us if of is None else of.times_us
        inside, outside, duty_us = sum(times_us[:2]), sum(times_us[2:4]), sum(times_us)
        parts = {
            "in_grid": inside,
            "in_grid_credited": min(inside + credited_us, duty_us),
            "observability": inside + outside,
        }
        return {key: self._figure(key, part_us, duty_us) for key, part_us in parts.items()}

    def _figure(self, key: str, part_us: int, duty_us: int) -> Figure:
        if self.observed:
            return Figure(DEFINITIONS[key], part_us, duty_us, self.as_of)
        return Figure(DEFINITIONS[key], 0, 0, self.as_of, not_observed=duty_us)


def _added(rows: Sequence[Sequence[int]], width: int) -> tuple[int, ...]:
    return tuple(sum(row[n] for row in rows) for n in range(width))


@dataclass(frozen=True)
class DayAsked:
    """Whose day, and until when it is known: `now`, and `kept_days` of fixes."""

    person_id: int
    on: date
    zone: ZoneInfo
    now: datetime
    kept_days: float


def read_person_day(conn: Connection, asked: DayAsked, rules: CoverageRules) -> PersonDay:
    """From the fixes as they stand; where they have begun to expire, from what was computed while they stood."""
    since, end = day_bounds(asked.on, asked.zone)
    if asked.on < first_standing(asked.now - timedelta(days=asked.kept_days), asked.zone):
        return _kept_day(conn, asked)
    until = max(min(end, asked.now), since)
    between = (since, until)
    fixes = order_fixes(read_fixes(conn, None, between, people=[asked.person_id]))
    until_us = microseconds(since, until)
    duty = cut_duty(read_duty(conn, between, person_id=asked.person_id), until_us=until_us)
    own = read_own_ground(conn, [asked.person_id], between, margin_m=rules.own_margin_m)
    tracks = follow(fixes, duty, rules, until_us=until_us)
    found = measure_duty(tracks, own)
    kinds = _kinds(tracks, own)
    return PersonDay(
        on=asked.on,
        as_of=asked.now,
        shifts=tuple(
            ShiftPart(_at(since, begin), _at(since, stop), tuple(times), tuple(ways))
            for (begin, stop), times, ways in zip(
                _spans(duty), found.times_us.tolist(), found.ways_mm.tolist(), strict=True
            )
        ),
        has_own=bool(len(own)),
        observed=_is_observed(conn, asked.person_id, between, found.times_us.sum(axis=0)),
        band=tuple(_band(tracks.parts, kinds, duty, since)),
        proven=True,
    )


def _is_observed(conn: Connection, person_id: int, between: Span, times_us: Sequence[int] | Ints) -> bool:
    return bool(sum(times_us[:-1])) or person_id in find_seen(conn, [person_id], between)


def _kinds(tracks: Tracks, own: OwnGround) -> Ints:
    """The kind of each part, as `measure_duty` counts its time."""
    legs, parts = tracks.legs, tracks.parts
    share, known = share_inside(tracks.fixes, legs, own)
    inside = np.where(known, share, 1.0)[parts.leg] >= 0.5
    still = legs.still[parts.leg]
    kind = np.select([inside & ~still, inside & still, ~inside & ~still], [0, 1, 2], 3)
    return np.where(legs.kind[parts.leg] == LEG, kind, len(KINDS) - 1)


def _band(parts: Parts, kinds: Ints, duty: Duty, zero: datetime) -> list[Stretch]:
    """Every instant of duty in one stretch; what no leg holds is unobserved. Of two phones the one that saw it first."""
    found: list[Stretch] = []
    observed = np.flatnonzero(kinds < len(KINDS) - 1)
    order = observed[np.lexsort((parts.to_us[observed], parts.from_us[observed], parts.duty[observed]))]
    for row, (begin, stop) in enumerate(_spans(duty)):
        reached = begin
        for part in order[parts.duty[order] == row].tolist():
            since, until = max(int(parts.from_us[part]), reached), int(parts.to_us[part])
            if since > reached:
                _append(found, KINDS[-1], _at(zero, reached), _at(zero, since))
            if until > since:
                _append(found, KINDS[int(kinds[part])], _at(zero, since), _at(zero, until))
            reached = max(reached, until)
        if reached < stop:
            _append(found, KINDS[-1], _at(zero, reached), _at(zero, stop))
    return found


def _append(found: list[Stretch], kind: Kind, since: datetime, until: datetime) -> None:
    if found and found[-1].kind == kind and found[-1].until == since:
        since = found.pop().since
    found.append(Stretch(kind, since, until))


def _kept_day(conn: Connection, asked: DayAsked) -> PersonDay:
    """One network's row of each duty: a person's figures are the same in all."""
    rows = conn.execute(
        select(coverage_duty, coverage_day.c.as_of, coverage_day.c.network_id)
        .join(coverage_day, coverage_day.c.id == coverage_duty.c.day_id)
        .where(coverage_duty.c.person_id == asked.person_id, coverage_day.c.on == asked.on)
        .order_by(coverage_day.c.network_id, coverage_duty.c.starts_at)
    ).all()
    rows = [row for row in rows if row.network_id == rows[0].network_id]
    shifts = tuple(shift_part(row) for row in rows)
    between = day_bounds(asked.on, asked.zone)
    return PersonDay(
        on=asked.on,
        as_of=rows[0].as_of if rows else asked.now,
        shifts=shifts,
        has_own=any(row.has_own for row in rows),
        observed=_is_observed(
            conn, asked.person_id, between, _added([one.times_us for one in shifts], len(TIMES))
        ),
        band=(),
        proven=False,
    )


def shift_part(row: Any) -> ShiftPart:
    """Of a row of `coverage_duty`."""
    return ShiftPart(row.starts_at, row.ends_at, tuple(row.times_us), tuple(row.ways_mm))


def _spans(duty: Duty) -> list[tuple[int, int]]:
    return list(zip(duty.starts_us.tolist(), duty.ends_us.tolist(), strict=True))


def _at(zero: datetime, us: int) -> datetime:
    return zero + timedelta(microseconds=us)
