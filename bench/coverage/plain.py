"""The same day by geopandas: what coverage is measured against.

Written as one who knows pandas and geopandas well would write docs/coverage.md down, without anything of ours but the rules
and the ground's tables: fixes joined with cells, steps between fixes laid over cells (`overlay`), doors, streets and sites
joined by distance, own grids cut by intersection, everything grouped by piece, person or unit. No step goes person by
person but the last one of stays, which follow from one another; nothing is made slower than it has to be, and all tables of
the ground are ready before the clock runs.
"""

from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from analysis.coverage.fixes import SECOND_US, Duty, Fixes
from analysis.coverage.ground import Ground, Targets
from analysis.coverage.people import OwnGround
from analysis.coverage.rules import CoverageRules
from bench.coverage.world import DAY_US

RULES = CoverageRules()
RADIUS_M, STAY_S = RULES.trail.stay_radius_m, RULES.trail.stay_s


class PlainDay:
    """All figures of a day; `figures` holds them by name when it has been called."""

    def __init__(self, fixes: Fixes, duty: Duty, ground: Ground, own: OwnGround) -> None:
        self.fixes, self.duty, self.ground = fixes, duty, ground
        pieces = ground.pieces
        self.pieces = geopandas.GeoDataFrame(
            {"piece": np.arange(len(pieces)), "unit": pieces.unit, "area": pieces.area_cm2},
            geometry=pieces.shape,
            crs=ground.crs,
        )
        self.doors, self.streets = (self._targets(each) for each in (ground.doors, ground.streets))
        self.sites = geopandas.GeoDataFrame(
            {"site": np.arange(len(ground.sites)), "least_s": ground.sites.least_s},
            geometry=ground.sites.shape,
            crs=ground.crs,
        )
        self.own = pd.Series(own.shape, index=own.person)
        self.figures: dict[str, Any] = {}

    def _targets(self, targets: Targets) -> Any:
        points = geopandas.points_from_xy(targets.x, targets.y)
        table = {"unit": targets.unit, "weight": targets.weight}
        return geopandas.GeoDataFrame(table, geometry=points, crs=self.ground.crs)

    def __call__(self) -> None:
        points = self._points()
        steps = self._steps(points)
        self.figures = {
            **self._presence(points, steps),
            **self._passed(points, steps),
            **self._sites(points, steps),
            **self._people(steps),
        }

    def _points(self) -> Any:
        """Every fix with its place in the plane and its piece."""
        fixes = self.fixes
        columns = {"person": fixes.person, "at": fixes.at_us, "lon": fixes.lon, "lat": fixes.lat}
        table = pd.DataFrame(columns)
        shapes = geopandas.points_from_xy(table.lon, table.lat)
        points = geopandas.GeoDataFrame(table, geometry=shapes, crs=4326).to_crs(self.ground.crs)
        points = points.sort_values(["person", "at"], ignore_index=True)
        joined = geopandas.sjoin(points, self.pieces[["piece", "geometry"]], predicate="within")
        points["piece"] = joined.groupby(level=0)["piece"].first().reindex(points.index, fill_value=-1)
        points["x"], points["y"] = points.geometry.x, points.geometry.y
        return points

    def _steps(self, points: Any) -> Any:
        """Every step from a fix to the person's next one as a line, with what it is: a leg, standing, how fast."""
        ahead = points.groupby("person")[["at", "x", "y", "lon", "lat", "piece"]].shift(-1)
        steps = points.join(ahead, rsuffix="_next")[ahead["at"].notna()].copy()
        steps["lasts"] = steps["at_next"] - steps["at"]
        steps["metres"] = np.hypot(steps["x_next"] - steps["x"], steps["y_next"] - steps["y"])
        usual = steps.groupby("person")["lasts"].transform("median")
        limit = np.maximum(RULES.trail.gap_s * SECOND_US, 3 * usual)
        fastest = RULES.trail.implausible_speed_mps * np.maximum(steps["lasts"] / SECOND_US, 1)
        steps = steps[(steps["lasts"] <= limit) & (steps["metres"] <= fastest)].copy()
        steps["still"] = _standing(points, steps)
        steps["speed"] = _speeds(points, steps)
        steps = steps[steps["speed"] <= RULES.vehicle_mps].copy()
        ends = steps[["x", "y", "x_next", "y_next"]].to_numpy().reshape(-1, 2, 2)
        return steps.set_geometry(shapely.linestrings(ends)).set_crs(self.ground.crs, allow_override=True)

    def _presence(self, points: Any, steps: Any) -> dict[str, Any]:
        """Steps laid over pieces; what follows within five minutes at one piece is one visit."""
        laid = geopandas.overlay(
            steps.assign(step=np.arange(len(steps))), self.pieces[["piece", "geometry"]].rename(columns={"piece": "over"}),
            how="intersection", keep_geom_type=True,
        )  # fmt: skip
        laid = laid[laid["piece"] != laid["piece_next"]].copy()
        laid["share"] = laid.length / laid["metres"]
        near, far = _along(laid)
        laid["from"], laid["to"] = laid["at"] + laid["lasts"] * near, laid["at"] + laid["lasts"] * far
        laid["dwell"] = laid["lasts"] * laid["share"]
        laid["proven"] = (laid.length >= RULES.crossing_m) & (laid["lasts"] <= RULES.proving_s * SECOND_US)
        laid["proven"] &= laid["metres"] <= RULES.proving_m
        inside = steps[(steps["piece"] == steps["piece_next"]) & (steps["piece"] >= 0)]
        seen = points[points["piece"] >= 0]
        events = pd.concat(
            [
                laid[["person", "from", "to", "dwell", "proven"]].assign(place=laid["over"]),
                _events(inside["piece"], inside["person"], inside["at"], inside["at_next"]),
                _events(seen["piece"], seen["person"], seen["at"], seen["at"]),
            ],
            ignore_index=True,
        )
        visits = _visits(events)
        proven = visits[visits["proven"]]
        count = len(self.pieces)
        covered = np.isin(np.arange(count), proven["place"])
        maybe = np.isin(np.arange(count), visits["place"]) & ~covered
        area = self.pieces.drop(columns="geometry")
        fixed = np.isin(np.arange(count), seen["piece"])
        by_unit = [area[rows].groupby("unit")["area"].sum() for rows in (covered, maybe, fixed)]
        units = range(len(self.ground.units))
        return {
            **dict(zip(("area", "area possible", "area by fixes"), (each.reindex(units, fill_value=0) for each in by_unit), strict=True)),
            "visits": proven.groupby("place").size().reindex(range(count), fill_value=0),
            "time in pieces": proven.groupby("place")["dwell"].sum().reindex(range(count), fill_value=0),
            "longest time unvisited": _unvisited(proven).reindex(range(count), fill_value=DAY_US),
        }  # fmt: skip

    def _passed(self, points: Any, steps: Any) -> dict[str, Any]:
        """Doors and stretches of street within reach of a way that was walked, or of a fix."""
        walked, found = steps.loc[~steps["still"], ["geometry"]], {}
        for name, targets, reach_m in (
            ("doors", self.doors, RULES.passing_m),
            ("streets", self.streets, RULES.trail_buffer_m),
        ):
            near = [
                geopandas.sjoin(targets, each, predicate="dwithin", distance=reach_m).index
                for each in (walked, points[["geometry"]])
            ]
            rows = np.union1d(*near)
            found[name] = targets.loc[rows].groupby("unit")["weight"].sum()
            found[f"{name} passed"] = targets.loc[rows].groupby("unit").size()
        units = range(len(self.ground.units))
        return {name: each.reindex(units, fill_value=0) for name, each in found.items()}

    def _sites(self, points: Any, steps: Any) -> dict[str, Any]:
        """Visits of sites that lasted long enough."""
        inside = geopandas.sjoin(points, self.sites, predicate="intersects").reset_index(names="row")
        inside = inside.sort_values(["site", "row"], ignore_index=True)
        goes_on = (inside["site"].shift(-1) == inside["site"]) & (
            inside["row"].shift(-1) == inside["row"] + 1
        )
        lasts = steps["lasts"].reindex(inside["row"]).to_numpy()
        until = np.where(goes_on & ~np.isnan(lasts), inside["at"] + np.nan_to_num(lasts), inside["at"])
        visits = _visits(_events(inside["site"], inside["person"], inside["at"], until))
        enough = visits["dwell"] >= visits["place"].map(self.sites["least_s"]) * SECOND_US
        return {
            "required visits": visits[enough]
            .groupby("place")
            .size()
            .reindex(range(len(self.sites)), fill_value=0)
        }

    def _people(self, steps: Any) -> dict[str, Any]:
        """Everybody's time in the own grid and outside, moving and standing, and the metres walked, ridden and drifted."""
        grids = self.own.reindex(steps["person"]).to_numpy()
        shapely.prepare(grids)
        begins = shapely.intersects_xy(grids, steps["lon"].to_numpy(), steps["lat"].to_numpy())
        ends = shapely.intersects_xy(grids, steps["lon_next"].to_numpy(), steps["lat_next"].to_numpy())
        share, mixed = (begins & ends).astype(float), begins != ends
        over = steps.loc[mixed, ["lon", "lat", "lon_next", "lat_next"]].to_numpy().reshape(-1, 2, 2)
        lines = shapely.linestrings(over)
        share[mixed] = shapely.length(shapely.intersection(lines, grids[mixed])) / shapely.length(lines)
        kind = np.where(
            steps["still"], "drift", np.where(steps["speed"] > RULES.ride_mps, "ridden", "walked")
        )
        spent = pd.DataFrame(
            {"person": steps["person"], "still": steps["still"], "inside": steps["lasts"] * share}
        )
        spent["outside"] = steps["lasts"] - spent["inside"]
        times = spent.pivot_table(
            index="person", columns="still", values=["inside", "outside"], aggfunc="sum", fill_value=0
        )
        people = self.duty.person
        lasts = pd.Series(self.duty.lasts_us, index=people)
        told = {
            f"{where}, {'standing' if still else 'moving'}": times[where, still].reindex(people, fill_value=0)
            for where in ("inside", "outside")
            for still in (False, True)
        }
        ways = steps.assign(kind=kind).pivot_table(
            index="person", columns="kind", values="metres", aggfunc="sum", fill_value=0
        )
        ways = ways.reindex(people, fill_value=0)
        told["unobserved"] = lasts - times.sum(axis=1).reindex(people, fill_value=0)
        return {
            **told,
            **{f"metres {name}": ways.get(name, lasts * 0) for name in ("walked", "ridden", "drift")},
        }


def _standing(points: Any, steps: Any) -> Any:
    """Whether each step lies in a stay: begun by the first fix that all of the next three minutes are within reach of."""
    x, y, at = (points[name].to_numpy() for name in ("x", "y", "at"))
    linked = np.isin(points.index[:-1], steps.index)
    run = np.concatenate([[0], np.cumsum(~linked)])
    may, rows, ahead = [], np.arange(len(x)), 1
    while len(rows):
        rows = rows[rows + ahead < len(x)]
        rows = rows[run[rows + ahead] == run[rows]]
        rows = rows[np.hypot(x[rows + ahead] - x[rows], y[rows + ahead] - y[rows]) <= RADIUS_M]
        long = at[rows + ahead] - at[rows] >= STAY_S * SECOND_US
        may.append(rows[long])
        rows, ahead = rows[~long], ahead + 1
    standing, free = np.zeros(len(linked), np.bool_), 0
    ends = np.append(np.flatnonzero(~linked), len(x) - 1)
    for first in np.sort(np.concatenate([np.empty(0, np.int64), *may])).tolist():
        if first < free:
            continue
        run_end = ends[run[first]]
        out = np.hypot(x[first : run_end + 1] - x[first], y[first : run_end + 1] - y[first]) > RADIUS_M
        last = first + int(np.argmax(out)) - 1 if out.any() else run_end
        standing[first:last], free = True, last + 1
    return standing[steps.index]


def _speeds(points: Any, steps: Any) -> Any:
    """Of each step that is no standing the speed along the way from half a minute before its middle to as much after."""
    moving = np.zeros(len(points), np.bool_)
    moving[steps.index[~steps["still"]]] = True
    metres = np.zeros(len(points))
    metres[steps.index] = np.where(steps["still"], 0, steps["metres"])
    gone = np.concatenate([[0], np.cumsum(metres)[:-1]])
    run = np.cumsum(np.concatenate([[True], ~moving[:-1]]))
    at = points["at"].to_numpy()
    key = run * 10.0 * DAY_US + at
    own = run[steps.index]
    first, last = pd.Series(at).groupby(run).transform("min"), pd.Series(at).groupby(run).transform("max")
    middle = ((steps["at"] + steps["at_next"]) / 2).to_numpy()
    half = RULES.window_s * SECOND_US
    since = np.maximum(middle - half, first.to_numpy()[steps.index])
    until = np.minimum(middle + half, last.to_numpy()[steps.index])
    base = own * 10.0 * DAY_US
    way = np.interp(base + until, key, gone) - np.interp(base + since, key, gone)
    with np.errstate(invalid="ignore", divide="ignore"):
        speed = way / (until - since) * SECOND_US
    return np.where(steps["still"], 0.0, speed)


def _along(laid: Any) -> tuple[Any, Any]:
    """Where each part of a step begins and ends, from 0 to 1 along it."""
    xy, of = shapely.get_coordinates(laid.geometry.to_numpy(), return_index=True)
    gone = np.hypot(xy[:, 0] - laid["x"].to_numpy()[of], xy[:, 1] - laid["y"].to_numpy()[of])
    places = pd.Series(gone / laid["metres"].to_numpy()[of]).groupby(of)
    return places.min().to_numpy(), places.max().to_numpy()


def _events(place: Any, person: Any, since: Any, until: Any) -> Any:
    """Presence that is proven, and all of it spent there."""
    columns = {"place": place, "person": person, "from": since, "to": until, "dwell": until - since}
    return pd.DataFrame(columns).assign(proven=True)


def _visits(events: Any) -> Any:
    events = events.sort_values(["place", "person", "from"], ignore_index=True)
    groups = events.groupby(["place", "person"])
    latest = groups["to"].cummax().groupby([events["place"], events["person"]]).shift()
    opens = latest.isna() | (events["from"] > latest + RULES.visit_gap_s * SECOND_US)
    visits = events.groupby(opens.cumsum())
    return visits.agg({"place": "first", "from": "first", "to": "max", "dwell": "sum", "proven": "any"})


def _unvisited(visits: Any) -> Any:
    """Of each piece the longest time of the day nobody came."""
    visits = visits.sort_values(["place", "from"], ignore_index=True)
    latest = visits.groupby("place")["to"].cummax()
    before = latest.groupby(visits["place"]).shift(fill_value=0)
    longest = (visits["from"] - before).groupby(visits["place"]).max()
    return np.maximum(longest, DAY_US - latest.groupby(visits["place"]).max())
