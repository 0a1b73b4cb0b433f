"""A plan's way through the doors: drawn by one, approved by another, in force from its instant, and read back for ever."""

from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

import pytest
import shapely
from sqlalchemy import Engine, insert
from sqlalchemy.dialects.postgresql import Range

from core.db import make_engine
from core.settings import Settings
from geo.walkable.tables import obstacle
from people import tables as people
from people.grants import add_grant
from tests.api.plans.conftest import Ask, Clock, accounts, approve, asking, line, open_plan, split, unit_id
from tests.city import FOUNDED, SOUTH, STEP, WEST, centre, code_at


def test_a_split_is_drawn_undone_redone_and_shown_with_its_neighbours(ask: Ask) -> None:
    plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "community"))
    before = ask("planner", "GET", f"/v1/plans/{plan}/drawing")
    assert (before["total"], before["complete"]) == (9, True)
    own = [each for each in before["features"] if each["properties"]["editable"]]
    assert len(own) == 9  # eight micro-grids and the school
    assert len(before["features"]) == 9 + 4 + 2 + 1
    done = split(ask, plan)
    changes = {
        each["properties"]["code"]: each["properties"]["change"] for each in done["changed"]["features"]
    }
    assert changes == {code_at(0, 0): "changed", code_at(0, 0, "grid") + "05": "born", code_at(0, 1): "noded"}
    assert done["findings"]["features"] == []
    assert sum(each["households"] for each in done["after"].values()) == sum(
        each["households"] for each in done["before"].values()
    )
    undone = ask("planner", "POST", f"/v1/plans/{plan}/undo")
    assert len(undone["gone"]) == 1
    assert ask("planner", "GET", f"/v1/plans/{plan}/drawing")["features"] == before["features"]
    again = ask("planner", "POST", f"/v1/plans/{plan}/redo")
    assert again["changed"] == done["changed"]
    log = ask("planner", "GET", f"/v1/plans/{plan}")["operations"]
    assert [(each["op"], each["undone"]) for each in log] == [("split_by_line", False)]


def test_with_too_many_units_only_changed_ones_come_until_a_box_is_named(ask: Ask) -> None:
    plan = open_plan(ask)
    split(ask, plan)
    far = ask("planner", "GET", f"/v1/plans/{plan}/drawing?limit=20")
    assert (far["complete"], far["total"]) == (False, 66)
    assert {each["properties"]["change"] for each in far["features"]} == {"changed", "born", "noded"}
    lon, lat = centre(6, 6)
    near = ask("planner", "GET", f"/v1/plans/{plan}/drawing?limit=20&bbox={lon},{lat},{lon},{lat}")
    assert near["complete"]
    assert code_at(6, 6) in {each["properties"]["code"] for each in near["features"]}


def test_units_are_found_by_code_or_name_as_the_plan_has_them_and_come_along_wherever_the_map_looks(
    ask: Ask,
) -> None:
    plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "community"))
    split(ask, plan)
    grid = unit_id(ask, 0, 2, "grid")
    ask(
        "planner",
        "POST",
        f"/v1/plans/{plan}/operations",
        {"op": "rename", "args": {"unit": grid, "name": "North"}},
    )
    ask(
        "planner",
        "POST",
        f"/v1/plans/{plan}/operations",
        {"op": "dissolve", "args": {"unit": unit_id(ask, 1, 3)}},
    )
    there = f"/v1/plans/{plan}/units"
    pages = [ask("planner", "GET", f"{there}?limit=4&after={after}") for after in (0, 4, 8)]
    listed = [each["code"] for page in pages for each in page["units"]]
    own = [code_at(column, row) for row in range(4) for column in range(2) if (column, row) != (1, 3)]
    assert sorted(listed) == sorted([*own, code_at(0, 0, "grid") + "05", "X01"])
    assert [page["next"] for page in pages] == [4, 8, None]
    assert {each["code"]: each["change"] for page in pages for each in page["units"]}[
        code_at(0, 0)
    ] == "changed"
    (found,) = ask("planner", "GET", f"{there}?which=above&search=nORth")["units"]
    assert (found["unit_id"], found["editable"]) == (grid, False)
    assert found["area_m2"] == pytest.approx(4 * 187 * 222, rel=0.02)  # of the micro-grids below
    exact = ask("planner", "GET", f"{there}?which=all&search={code_at(0, 0, 'grid')}")["units"]
    assert [each["code"] for each in exact[:2]] == [code_at(0, 0, "grid"), code_at(0, 0)]
    assert ask("planner", "GET", f"{there}?which=all&search={code_at(4, 4)}")["total"] == 0
    far, foreign = unit_id(ask, 1, 2), unit_id(ask, 5, 5)
    held = ask("planner", "GET", f"/v1/plans/{plan}/drawing?limit=0&unit={far}&unit={foreign}")["features"]
    assert far in {each["id"] for each in held}
    assert foreign not in {each["id"] for each in held}
    assert all(each["properties"]["editable"] for each in held)


def test_findings_tell_of_water_through_a_unit_and_of_ground_without_anybody_and_are_mended_by_a_click(
    ask: Ask, engine: Engine
) -> None:
    plan = open_plan(ask)
    river = shapely.geometry.shape(line((0.4, -2), (0.4, 1.05)))
    with engine.begin() as conn:
        person = conn.execute(insert(people.person).values(code="W1", name="王")).inserted_primary_key[0]
        grid = UUID(unit_id(ask, 0, 0, "grid"))
        held = Range(FOUNDED, None)
        values = {"person_id": person, "unit_id": grid, "role": "grid_worker", "valid": held}
        conn.execute(insert(people.assignment).values(values))
        stream = {
            "source": "t",
            "digest": "0" * 64,
            "code": "河",
            "name": "河",
            "kind": "water",
            "width_m": 5,
        }
        stood = Range(FOUNDED.date(), None)
        conn.execute(insert(obstacle).values(**stream, geom=f"SRID=4326;{river.wkt}", valid=stood))
    told = [each["properties"] for each in ask("planner", "GET", f"/v1/plans/{plan}/findings")["features"]]
    (barrier,) = (each for each in told if each["rule"] == "barrier")
    assert barrier["units"] == [code_at(0, 0)]
    alone = {each["units"][0] for each in told if each["rule"] == "no_responsible"}
    assert len(alone) == 60
    assert not alone & {code_at(column, row) for column in (0, 1) for row in (0, 1)}
    assert ask("planner", "POST", f"/v1/plans/{plan}/operations", barrier["mend"])["ok"]
    left = ask("planner", "GET", f"/v1/plans/{plan}/findings")["features"]
    assert "barrier" not in {each["properties"]["rule"] for each in left}


def test_a_service_that_is_down_at_the_instant_switches_like_one_that_runs(
    ask: Ask, engine: Engine, settings: Settings, clock: Clock
) -> None:
    plan = open_plan(ask)
    born = next(
        each["properties"]["code"]
        for each in split(ask, plan)["changed"]["features"]
        if each["properties"]["change"] == "born"
    )
    approve(ask, plan)
    instant = clock.now + timedelta(hours=6)
    ask("approver", "POST", f"/v1/plans/{plan}/publish", {"effective_from": instant.isoformat()})
    lon, lat = WEST + 0.2 * STEP, SOUTH + 0.5 * STEP
    here = f"/v1/places?lon={lon}&lat={lat}"
    was = (instant - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def codes(service: Ask, path: str) -> set[str]:
        placed = service("worker", "GET", path)["placements"]
        return {unit["code"] for each in placed for unit in each["units"]}

    for late in (timedelta(seconds=-1), timedelta(), timedelta(days=1)):
        own = make_engine(engine.url.render_as_string(hide_password=False), pool_size=2)
        started = asking(own, settings, clock)  # it was stopped and remembers nothing
        clock.now = instant + late
        for service in (ask, started):
            assert (born in codes(service, here)) == (late >= timedelta())
            assert born not in codes(service, f"{here}&at={was}")
        own.dispose()


def test_what_the_ground_does_not_allow_is_told_with_its_place(ask: Ask) -> None:
    plan = open_plan(ask)
    args = {"unit": unit_id(ask, 0, 0), "line": line((0.4, 0.2), (0.4, 0.6))}
    told = ask("planner", "POST", f"/v1/plans/{plan}/operations", {"op": "split_by_line", "args": args})
    assert told["status"] == 422
    assert "from border to border" in told["detail"]
    code = code_at(0, 0)
    template = "the line does not cut {level} {code}: draw it from border to border"
    assert told["said"] == {"template": template, "values": {"level": "microgrid", "code": code}}
    assert told["where"] == pytest.approx([WEST + 0.4 * STEP, SOUTH + 0.2 * STEP], abs=1e-7)


def test_one_draws_another_approves_and_each_instant_has_its_borders(ask: Ask, clock: Clock) -> None:
    plan = open_plan(ask)
    split(ask, plan)
    assert ask("planner", "GET", f"/v1/plans/{plan}/findings")["errors"] == 0
    (affected, born) = sorted(
        ask("planner", "GET", f"/v1/plans/{plan}/affected")["units"], key=lambda each: each["code"]
    )
    assert (affected["was"]["households"], born["was"]) == (30, None)
    assert {heir["code"] for heir in affected["heirs"]} == {affected["code"], born["code"]}
    approve(ask, plan)
    assert ask("approver", "GET", f"/v1/plans/{plan}")["steps_open"] == ["send_back", "publish"]
    tomorrow = clock.now + timedelta(days=1)
    published = ask("approver", "POST", f"/v1/plans/{plan}/publish", {"effective_from": tomorrow.isoformat()})
    assert published["seq"] == 2
    assert ask("planner", "GET", f"/v1/plans/{plan}")["state"] == "scheduled"
    clock.now = tomorrow + timedelta(minutes=1)
    assert ask("planner", "GET", f"/v1/plans/{plan}")["state"] == "published"
    there = f"/v1/units/{born['code']}?level=microgrid"
    assert ask("worker", "GET", there)["ok"]
    assert ask("worker", "GET", f"{there}&at=2026-06-01T04:30:00Z")["status"] == 404
    changes = ask("worker", "GET", "/v1/editions/governance/2/changes")["features"]
    told = {(each["properties"]["code"], *each["properties"]["kinds"]) for each in changes if each["properties"]["part"] == "unit"}  # fmt: skip
    assert (born["code"], "born") in told
    assert (affected["code"], "geometry", "households") in told
    life = ask("worker", "GET", f"/v1/unit-lives/{born['unit_id']}")["chapters"]
    assert [(kin["code"], kin["kind"]) for kin in life[0]["came_from"]] == [(affected["code"], "split")]
    see_life(ask, affected["unit_id"], plan)
    assert [each["seq"] for each in ask("worker", "GET", "/v1/editions")["editions"]] == [2, 1]


def test_a_grid_whose_micro_grids_are_all_painted_to_another_is_merged_with_it_and_the_larger_goes_on(
    ask: Ask,
) -> None:
    plan = open_plan(ask)
    small, large = (unit_id(ask, 0, row, "grid") for row in (0, 2))
    asked = {
        "parent": unit_id(ask, 0, 0, "community"),
        "taker": small,
        "places": [centre(column, row) for column in (0, 1) for row in (2, 3)],
    }
    painted = ask("planner", "POST", f"/v1/plans/{plan}/painting", asked)["operations"]
    merged = {"units": [small, large], "identity": "keep", "name": None, "keeper": None}
    assert painted == [{"op": "merge", "args": merged}]
    assert ask("planner", "POST", f"/v1/plans/{plan}/operations", painted[0])["ok"]
    blocks = ask("planner", "GET", f"/v1/plans/{plan}/blocks?parent={asked['parent']}")
    assert [each["unit_id"] for each in blocks["units"]] == [large]
    assert len(blocks["features"]) == 8


def see_life(ask: Ask, split_unit: str, plan: int) -> None:
    """A unit's page has each version with its parents, its border, and the plan for those who may see it."""
    there = f"/v1/unit-lives/{split_unit}"
    life = ask("worker", "GET", there)
    assert (life["network"], life["kind"], life["origin"]) == ("governance", "territorial", "drawn")
    first, then = life["chapters"]
    assert [each["code"] for each in first["above"]] == [
        code_at(0, 0, level) for level in ("district", "street", "community", "grid")
    ]
    assert [each["plan"] for each in (first, then)] == [None, None]
    seen = {
        login: ask(login, "GET", there)["chapters"][1]["plan"] for login in ("planner", "approver", "other")
    }
    own = {"id": plan, "name": "调整一街"}
    assert seen == {"planner": own, "approver": own, "other": None}
    (kin,) = first["went_to"]
    assert kin["area_m2"] == pytest.approx(first["area_m2"] * kin["area_share"], rel=1e-6)
    borders = ask("worker", "GET", f"{there}/borders")["features"]
    shapes = {each["properties"]["version_id"]: shapely.geometry.shape(each["geometry"]) for each in borders}
    assert shapes[then["version_id"]].area < shapes[first["version_id"]].area
    assert ask("worker", "GET", f"/v1/unit-lives/{plan:032x}/borders")["status"] == 404
    assert ask(None, "GET", there)["status"] == 401


def test_what_a_plan_does_is_told_and_even_divisions_are_suggested_and_adopted(ask: Ask) -> None:
    plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "street"))
    split(ask, plan)
    impact = ask("approver", "GET", f"/v1/plans/{plan}/impact")
    households = {each["code"]: ((each["before"] or {}).get("households"), each["after"]["households"]) for each in impact["units"]}  # fmt: skip
    assert households[code_at(0, 0)][0] == 30
    assert households.pop(code_at(0, 0, "grid")) == (30 + 31 + 31 + 32,) * 2
    assert sum(after for _, after in households.values()) == 30
    (level,) = impact["levels"]
    assert (level["level"], len(level["siblings"])) == ("microgrid", 5)
    assert {each["measure"] for each in level["evenness"]} >= {"households", "area_m2"}
    assert impact["networks"] == []
    wanted = {"parent": unit_id(ask, 2, 2, "grid"), "count": 2, "by": "area", "alternatives": 2}
    assert ask("approver", "POST", f"/v1/plans/{plan}/suggestions", wanted)["status"] == 403
    suggested = ask("planner", "POST", f"/v1/plans/{plan}/suggestions", wanted)
    best = suggested["alternatives"][0]
    assert best["balance"]["max_deviation"] < 0.05
    done = ask("planner", "POST", f"/v1/plans/{plan}/operations", best["operation"])
    assert done["ok"], done


def test_an_edition_is_brought_back_by_a_plan_and_an_announced_one_is_taken_back(
    ask: Ask, clock: Clock
) -> None:
    plan = open_plan(ask)
    split(ask, plan)
    approve(ask, plan)
    later = (clock.now + timedelta(days=1)).isoformat()
    assert ask("approver", "POST", f"/v1/plans/{plan}/publish", {"effective_from": later})["ok"]
    assert ask("approver", "GET", f"/v1/plans/{plan}")["steps_open"] == ["take_back"]
    back = ask("approver", "POST", f"/v1/plans/{plan}/take-back", {"reason": "too early"})
    assert (back["state"], back["effective_from"], back["steps"][-1]["comment"]) == (
        "returned",
        None,
        "too early",
    )
    (taken_back, first) = ask("worker", "GET", "/v1/editions")["editions"]
    assert (taken_back["taken_back_by"], taken_back["taken_back_reason"]) == ("approver", "too early")
    assert first["taken_back_at"] is None
    assert ask("worker", "GET", f"/v1/networks?at={quote(later)}")["networks"][0]["edition"]["seq"] == 1
    second = open_plan(ask)
    args = {"unit": unit_id(ask, 3, 3), "name": "新名"}
    assert ask("planner", "POST", f"/v1/plans/{second}/operations", {"op": "rename", "args": args})["ok"]
    approve(ask, second)
    assert ask("approver", "POST", f"/v1/plans/{second}/publish", {})["seq"] == 3
    clock.now += timedelta(days=2)
    restoring = ask("planner", "POST", "/v1/editions/governance/1/restore", {"name": "back"})
    assert [each["op"] for each in restoring["operations"]] == ["restore"]


def test_a_stale_plan_is_rebased_and_what_clashes_is_told(ask: Ask, clock: Clock) -> None:
    first, second = open_plan(ask), open_plan(ask)
    assert [each["id"] for each in ask("planner", "GET", f"/v1/plans/{second}")["overlaps"]] == [first]
    split(ask, first)
    split(ask, second)
    approve(ask, first)
    assert ask("approver", "POST", f"/v1/plans/{first}/publish", {})["ok"]
    stale = ask("planner", "POST", f"/v1/plans/{second}/undo")
    assert (stale["status"], "rebase" in stale["detail"]) == (409, True)
    rebased = ask("planner", "POST", f"/v1/plans/{second}/rebase", {})
    clash = rebased["clash"]
    assert (clash["seq"], clash["text"].startswith(clash["said"]["template"].partition("{")[0])) == (1, True)
    assert ask("planner", "POST", f"/v1/plans/{second}/rebase", {"skip": [1]})["clash"] is None


def test_nobody_approves_their_own_and_a_planner_of_a_part_plans_only_there(ask: Ask, engine: Engine) -> None:
    with engine.begin() as conn:
        own = dict(accounts(conn))["planner"]
        add_grant(conn, own, "approver", unit_id=None, now=FOUNDED)
    plan = open_plan(ask)
    split(ask, plan)
    for step in ("check", "submit"):
        assert ask("planner", "POST", f"/v1/plans/{plan}/steps", {"step": step})["ok"]
    refused = ask("planner", "POST", f"/v1/plans/{plan}/steps", {"step": "approve"})
    assert (refused["status"], "their own" in refused["detail"]) == (403, True)
    assert "approve" not in ask("planner", "GET", f"/v1/plans/{plan}")["steps_open"]
    assert ask("street", "POST", "/v1/plans", {"name": "x"})["status"] == 403
    assert ask("street", "POST", "/v1/plans", {"name": "x", "unit_id": unit_id(ask, 7, 7)})["status"] == 403


def test_the_past_is_changed_with_a_reason_and_by_approvers_of_everything_alone(
    ask: Ask, clock: Clock
) -> None:
    plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "street"))
    split(ask, plan)
    approve(ask, plan)
    past = (clock.now - timedelta(days=1)).isoformat()
    wanted = {"effective_from": past, "reason": "the decision was of yesterday"}
    assert ask("streetApprover", "POST", f"/v1/plans/{plan}/publish", wanted)["status"] == 403
    assert ask("approver", "POST", f"/v1/plans/{plan}/publish", {"effective_from": past})["status"] == 422
    assert ask("approver", "POST", f"/v1/plans/{plan}/publish", wanted)["ok"]


def test_what_stands_above_has_the_sums_of_the_micro_grids_below_it_as_the_plan_has_them(ask: Ask) -> None:
    plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "community"))
    split(ask, plan)
    args = {"units": [unit_id(ask, 0, 1)], "parent": unit_id(ask, 0, 2, "grid")}
    assert ask("planner", "POST", f"/v1/plans/{plan}/operations", {"op": "reparent", "args": args})["ok"]
    units = ask("planner", "GET", f"/v1/plans/{plan}/units?which=all&limit=1000")["units"]
    lowest = [each for each in units if each["lowest"] and each["kind"] == "territorial"]
    grids = [each for each in units if each["level"] == "grid"]
    (community,) = (each for each in units if each["level"] == "community")
    for each, below in [
        *((grid, [unit for unit in lowest if unit["parent_id"] == grid["unit_id"]]) for grid in grids),
        (community, lowest),
    ]:
        assert each["households"] == sum(unit["households"] for unit in below) > 0
        assert each["area_m2"] == pytest.approx(sum(unit["area_m2"] for unit in below), abs=1)
    assert len(grids) == 2
    assert {each["code"] for each in lowest} >= {code_at(0, 0, "grid") + "05"}
