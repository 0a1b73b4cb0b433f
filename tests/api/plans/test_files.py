"""A plan leaves as a GeoPackage, is changed by another program, and comes back as the differences it has."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pyogrio
import pytest
import shapely
from geopandas import GeoDataFrame

from tests.api.plans.conftest import Ask, open_plan, split, unit_id
from tests.city import SOUTH, STEP, WEST, code_at, square

Told = dict[str, Any]


class Desk:
    """A plan of a community of eight micro-grids and a school, its file, and the program that changes it."""

    def __init__(self, ask: Ask, folder: Path) -> None:
        self.ask, self.path = ask, folder / "plan.gpkg"
        self.plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "community"))
        self.path.write_bytes(ask("planner", "GET", f"/v1/plans/{self.plan}/file")["content"])
        self.frame = geopandas.read_file(self.path, layer="units")

    def row(self, column: int, row: int) -> int:
        return int(self.frame.index[self.frame["code"] == code_at(column, row)][0])

    def ids(self, *cells: tuple[int, int]) -> list[str]:
        return [str(self.frame["unit_id"][self.row(*cell)]) for cell in cells]

    def draw(self, cell: tuple[int, int], shape: shapely.Geometry) -> None:
        self.frame.loc[self.row(*cell), "geometry"] = shape

    def add(self, shape: shapely.Geometry | None, **fields: object) -> None:
        """A feature more; `like`: the cell whose attributes it copies."""
        like = fields.pop("like", None)
        values = {} if like is None else self.frame.loc[self.row(*like)].to_dict()  # type: ignore[misc]
        new = GeoDataFrame([values | fields | {"geometry": shape}], crs=self.frame.crs)
        self.frame = pd.concat([self.frame, new], ignore_index=True)

    def send(self) -> list[Told]:
        """The differences that the file has now."""
        self.frame.to_file(self.path, driver="GPKG", layer="units")
        return self.send_as_it_is()

    def send_as_it_is(self) -> list[Told]:
        answer = self.ask("planner", "POST", f"/v1/plans/{self.plan}/file", content=self.path.read_bytes())
        assert "differences" in answer, answer
        found: list[Told] = answer["differences"]
        return found

    def accept(self, each: Told) -> Told:
        done: Told = self.ask("planner", "POST", f"/v1/plans/{self.plan}/operations", each["operation"])
        assert done["ok"], done
        return done

    def tried(self, operations: list[Told]) -> list[Told]:
        answer = self.ask("planner", "POST", f"/v1/plans/{self.plan}/trials", {"operations": operations})
        found: list[Told] = answer["trials"]
        return found

    def units(self) -> dict[str, Told]:
        """What the plan has, by id."""
        drawn = self.ask("planner", "GET", f"/v1/plans/{self.plan}/drawing")["features"]
        return {each["id"]: each for each in drawn if each["properties"]["editable"]}


@pytest.fixture
def desk(ask: Ask, tmp_path: Path) -> Desk:
    return Desk(ask, tmp_path)


def kinds(differences: Iterable[Told]) -> list[str]:
    return sorted(each["kind"] for each in differences)


def one(differences: Iterable[Told], kind: str, unit: str | None = None) -> Told:
    (found,) = (each for each in differences if each["kind"] == kind and unit in (None, each["unit_id"]))
    return found


def ground(each: Told) -> shapely.Geometry:
    return shapely.geometry.shape(each["where"])


STRIP = shapely.box(WEST + 0.9 * STEP, SOUTH, WEST + STEP, SOUTH + STEP)


def test_a_file_comes_back_unchanged_as_no_difference_whatever_program_saved_it(desk: Desk) -> None:
    assert sorted(layer for layer, _ in pyogrio.list_layers(desk.path)) == ["layer_styles", "units"]
    assert desk.send_as_it_is() == []
    for crs in ("EPSG:4490", "EPSG:4547"):
        desk.path.unlink()
        desk.frame.to_crs(crs).to_file(desk.path, driver="GPKG", layer="another name")
        assert desk.send_as_it_is() == [], crs
    desk.frame["unit_id"] = None  # what has just the ground of a unit is that unit
    assert desk.send() == []


def test_each_change_is_told_with_its_place_and_taken_over_or_left_by_itself(desk: Desk) -> None:
    giver, taker, renamed, recoded, ended, heir, divided = desk.ids(
        (0, 0), (1, 0), (0, 1), (1, 1), (0, 3), (1, 3), (1, 2)
    )
    desk.draw((0, 0), square(0, 0).difference(STRIP))
    desk.draw((1, 0), square(1, 0).union(STRIP))
    desk.frame.loc[desk.row(0, 1), "name"] = "改过的名"
    desk.frame.loc[desk.row(0, 2), "code"] = code_at(5, 5)
    desk.draw((1, 3), square(0, 3, 2))
    desk.add(square(1.5, 2, 0.5), like=(1, 2))
    desk.draw((1, 2), square(1, 2, 0.5))
    desk.frame.loc[desk.row(1, 1), "code"] = "31010100101X7"
    desk.frame = desk.frame[desk.frame["unit_id"] != ended]
    told = desk.send()
    assert kinds(told) == ["border", "border", "border", "code", "code", "missing", "name", "repeated"]
    assert one(told, "missing")["unit_id"] == ended
    assert ground(one(told, "missing")).equals(square(0, 3))
    for unit in (giver, taker):
        border = one(told, "border", unit)
        assert shapely.area(shapely.symmetric_difference(ground(border), STRIP)) < 1e-3 * STRIP.area
        assert border["area_m2"] == pytest.approx(0.1 * 187 * 222, rel=0.02)
    (name,) = (each for each in told if each["kind"] == "name")
    assert (name["code"], name["before"][-4:], name["after"]) == (code_at(0, 1), "号微网格", "改过的名")
    taken, free = sorted(
        (each for each in told if each["kind"] == "code"), key=lambda each: each["operation"] is not None
    )
    assert (taken["operation"], "given already" in taken["why"]["text"]) == (None, True)
    assert (free["unit_id"], free["after"], free["why"]) == (recoded, "31010100101X7", None)
    halves = one(told, "repeated")
    assert (halves["unit_id"], len(halves["features"]), halves["after"]) == (
        divided,
        2,
        code_at(0, 2, "grid") + "05",
    )
    for each in (one(told, "border", giver), name, halves, one(told, "missing")):
        desk.accept(each)
    left = desk.send_as_it_is()
    assert {(each["kind"], each["unit_id"]) for each in left if each["kind"] != "households"} == {
        ("code", recoded), ("code", taken["unit_id"]),
    }  # fmt: skip
    units = desk.units()
    assert shapely.geometry.shape(units[taker]["geometry"]).covers(
        STRIP.centroid
    )  # what one loses, the other has
    assert shapely.geometry.shape(units[heir]["geometry"]).equals(square(0, 3, 2))
    assert ended not in units
    assert units[renamed]["properties"]["name"] == "改过的名"
    assert code_at(0, 2, "grid") + "05" in {each["properties"]["code"] for each in units.values()}


def test_a_feature_without_a_known_id_is_a_new_unit_where_the_rest_of_the_file_leaves_it_its_ground(
    desk: Desk,
) -> None:
    corner = square(0.5, 0.5, 0.5, 0.5)
    desk.draw((0, 0), square(0, 0).difference(corner))
    desk.add(corner, unit_id="", level="microgrid", name="东角", code="")
    desk.add(square(1.5, 1.5, 0.5, 0.5), unit_id="11111111-2222-3333-4444-555555555555", level="microgrid")
    desk.add(square(1, 0, 0.5, 0.5), kind="dedicated", level="dedicated", name="幼儿园", unit_id=None)
    desk.add(square(5, 5), unit_id=None, level="microgrid")
    desk.add(square(0.2, 2.2, 0.2, 0.2), unit_id=None, level="grid")
    told = desk.send()
    assert kinds(told) == ["border", *["new"] * 5, "overlap", "overlap"]
    born, doubled, school, far, wrong = sorted(
        (each for each in told if each["kind"] == "new"), key=lambda each: each["features"]
    )
    assert (born["unit_id"], born["after"]) == (None, code_at(0, 0, "grid") + "05")
    assert "other features" in doubled["why"]["text"]
    twice = [each for each in told if each["kind"] == "overlap"]
    assert ground(twice[0]).equals(square(1.5, 1.5, 0.5, 0.5))
    assert "outside of what this plan" in far["why"]["text"]
    assert "that of microgrid units" in wrong["why"]["text"]
    assert [each["operation"] for each in (doubled, far, wrong, *twice)] == [None] * 5
    loss = one(told, "border")
    assert (loss["operation"], "which is to be a new unit" in loss["why"]["text"]) == (None, True)
    done = desk.accept(born)
    assert {each["properties"]["name"] for each in done["changed"]["features"]} >= {"东角"}
    desk.accept(school)
    left = desk.send_as_it_is()
    assert [each["features"] for each in left if each["kind"] == "new"] == [
        each["features"] for each in (doubled, far, wrong)
    ]
    units = {each["properties"]["name"]: each for each in desk.units().values()}
    assert shapely.geometry.shape(units["东角"]["geometry"]).equals(corner)
    assert units["幼儿园"]["properties"]["kind"] == "dedicated"


def test_what_cannot_be_taken_over_is_told_beside_what_can(desk: Desk, ask: Ask) -> None:
    bow_tie = shapely.Polygon(
        [(WEST, SOUTH), (WEST + STEP, SOUTH + STEP), (WEST + STEP, SOUTH), (WEST, SOUTH + STEP)]
    )
    unread, lessened, ended = desk.ids((0, 0), (1, 0), (0, 3))
    beyond = desk.ids((0, 2))[0]
    desk.draw((0, 0), bow_tie)
    desk.draw((1, 0), square(1, 0).difference(square(1.2, 0.2, 0.2, 0.2)))
    desk.draw((0, 2), square(-0.1, 2, 1.1))
    desk.frame.loc[desk.row(1, 1), "level"] = "grid"
    desk.frame.loc[desk.row(1, 2), "name"] = "x" * 201
    desk.frame["households"] = [f"{each:.0f}".replace("nan", "") for each in desk.frame["households"]]
    desk.frame.loc[desk.row(0, 1), "households"] = "约三十"
    desk.add(None, unit_id=None)
    desk.add(shapely.Point(WEST, SOUTH), unit_id=None)
    desk.add(square(4, 4), unit_id=unit_id(ask, 4, 4), name="别人的")
    desk.add(square(0, 0, 2, 2), unit_id=unit_id(ask, 0, 0, "grid"), level="grid")
    desk.add(square(1, 3), like=(1, 3))
    desk.frame = desk.frame[desk.frame["unit_id"] != ended]
    told = desk.send()
    assert kinds(told) == sorted(
        [
            "border",
            "border",
            "households",
            "level",
            "locked",
            "missing",
            "name",
            "outside",
            "repeated",
            *["unreadable"] * 3,
        ]
    )
    assert [each["operation"] for each in told] == [None] * len(told)
    why = {each["unit_id"] or each["features"][0]: each["why"]["text"] for each in told}
    assert "crosses" in why[unread]
    crossing = ground(next(each for each in told if each["unit_id"] == unread))
    assert crossing.distance(shapely.Point(WEST + STEP / 2, SOUTH + STEP / 2)) < 1e-9
    assert "gives to nobody" in why[lessened]
    assert "over ground that no unit holds" in why[beyond]
    assert "dissolve the unit here" in why[ended]
    assert ("to nobody" in why[ended], one(told, "outside")["unit_id"]) == (True, unit_id(ask, 4, 4))
    assert "follows from" in one(told, "locked")["why"]["text"]
    assert "more than once" in one(told, "repeated")["why"]["text"]
    assert all(each["why"]["said"]["template"] for each in told)


def test_only_a_file_that_cannot_be_opened_is_refused(desk: Desk, ask: Ask) -> None:
    for content in (b"<OGRVRTDataSource/>", desk.path.read_bytes()[:5000]):
        refused = ask("planner", "POST", f"/v1/plans/{desk.plan}/file", content=content)
        assert (refused["status"], "cannot be opened" in refused["detail"]) == (422, True)


def test_the_file_of_a_plan_has_what_was_drawn_in_it_before(desk: Desk, ask: Ask) -> None:
    split(ask, desk.plan)
    told = desk.send_as_it_is()
    assert (kinds(told), one(told, "missing")["operation"]["op"]) == (
        ["border", "households", "missing"],
        "replace_from_file",
    )
    desk.accept(one(told, "missing"))
    assert {each["kind"] for each in desk.send_as_it_is()} <= {"households"}


QGIS = Path("/usr/bin/python3")
"""Debian's Python, for which Debian's QGIS is made."""


def change_in_qgis(path: Path, wanted: Told) -> Told:
    """QGIS edits the file, without a screen and with nothing of this environment; what it saw."""
    own = {"PATH": "/usr/bin:/bin", "HOME": str(path.parent), "XDG_RUNTIME_DIR": str(path.parent)}
    known = subprocess.run([QGIS, "-c", "import qgis.core"], capture_output=True, check=False, timeout=60)
    if known.returncode:
        pytest.fail("QGIS is missing: ./wangge test --full installs it (apt-get install python3-qgis)")
    asked = [QGIS, Path(__file__).parent.parent / "change_in_qgis.py", path, json.dumps(wanted)]
    ran = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=120, env=own)
    seen: Told = json.loads(ran.stdout.splitlines()[-1])
    return seen


@pytest.mark.full
def test_qgis_opens_a_plan_changes_it_and_it_comes_back_as_the_difference_it_is(desk: Desk) -> None:
    giver, taker, ended, heir, divided = desk.ids((0, 0), (1, 0), (0, 3), (1, 3), (1, 1))
    line = [(WEST + STEP, SOUTH + 1.5 * STEP), (WEST + 2 * STEP, SOUTH + 1.5 * STEP)]
    codes = {"giver": (0, 0), "taker": (1, 0), "ended": (0, 3), "heir": (1, 3), "divided": (1, 1)}
    wanted = {name: code_at(*cell) for name, cell in codes.items()}
    seen = change_in_qgis(desk.path, {**wanted, "strip": STRIP.bounds, "line": line})
    told = (seen["valid"], seen["count"], seen["crs"], seen["editable"], seen["split"], seen["saved"])
    assert told == (True, 9, "EPSG:4326", True, 0, True), seen
    assert {"unit_id", "code", "name", "households"} <= set(seen["fields"])
    assert seen["colour"] == "#ffffff"
    differences = desk.send_as_it_is()
    assert sorted((each["kind"], each["unit_id"]) for each in differences) == sorted([
        ("border", giver), ("border", taker), ("border", heir), ("name", taker), ("missing", ended), ("repeated", divided),
    ])  # fmt: skip
    for unit in (giver, taker):
        where = ground(one(differences, "border", unit))
        assert shapely.area(shapely.symmetric_difference(where, STRIP)) < 1e-3 * STRIP.area
    for each in (
        one(differences, "border", giver), one(differences, "name"), one(differences, "missing"), one(differences, "repeated"),
    ):  # fmt: skip
        desk.accept(each)
    units = desk.units()
    assert units[taker]["properties"]["name"] == "在QGIS里改的名"
    assert shapely.geometry.shape(units[taker]["geometry"]).covers(STRIP.centroid)
    assert shapely.geometry.shape(units[heir]["geometry"]).equals(square(0, 3, 2))
    assert (ended in units, len(units)) == (False, 9)
    assert {each["kind"] for each in desk.send_as_it_is()} <= {"households"}


def test_what_a_difference_would_do_is_tried_without_the_file_and_without_doing_it(desk: Desk) -> None:
    desk.draw((0, 0), square(0, 0).difference(STRIP))
    desk.draw((1, 0), square(1, 0).union(STRIP))
    desk.add(square(1.5, 2, 0.5), like=(1, 2))
    desk.draw((1, 2), square(1, 2, 0.5))
    told = desk.send()
    giver, taker = desk.ids((0, 0), (1, 0))
    lost, won, halves = one(told, "border", giver), one(told, "border", taker), one(told, "repeated")
    taken = {"op": "recode", "args": {"unit": giver, "code": code_at(5, 5)}}
    asked = [*(each["operation"] for each in (lost, won, halves)), taken]
    trials = desk.tried(asked)
    assert [each["changes"] for each in trials] == [True, True, True, False]
    assert trials[2]["born"] == [code_at(0, 2, "grid") + "05"]
    assert [each["why"] for each in trials[:3]] == [None] * 3
    assert "given already" in trials[3]["why"]["text"]
    assert trials[3]["why"]["said"]["values"]["code"] == code_at(5, 5)
    desk.accept(lost)
    assert [(each["changes"], each["why"]) for each in desk.tried([lost["operation"], won["operation"]])] == [
        (False, None), (False, None),
    ]  # fmt: skip
    desk.ask("planner", "POST", f"/v1/plans/{desk.plan}/undo")
    assert [each["changes"] for each in desk.tried([won["operation"]])] == [True]
    assert len(desk.send_as_it_is()) == len(told)


def test_differences_after_the_first_hundred_say_that_they_are_untried(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo.plans.packages.offering.TRIED_MOST", 1)
    desk.frame.loc[desk.row(0, 1), "name"] = "改过的名"
    desk.frame.loc[desk.row(0, 2), "code"] = code_at(5, 5)
    first, second = desk.send()
    assert (first["tried"], second["tried"]) == (True, False)
    (trial,) = desk.tried([second["operation"]])
    assert "given already" in trial["why"]["text"]
