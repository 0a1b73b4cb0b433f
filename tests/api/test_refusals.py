"""What is refused on a page is said in the reader's language: each text stands in every catalogue, with the same blanks."""

import ast
import json
import string
from collections.abc import Iterator

import pytest

from core.errors import Refused, told
from tests.test_architecture import ROOT, tracked

ROOMS = (
    "geo/editions",
    "geo/operations",
    "geo/plans",
    "geo/units.py",
    "geo/validation",
    "people/planning",
    "cases/desk.py",
    "cases/flow.py",
    "cases/rehoming",
    "cases/steps.py",
    "cases/views.py",
    "tracking/sos.py",
    "analysis/alerts",
    "analysis/dispatch.py",
    "analysis/coverage/kept/asked.py",
    "analysis/coverage/kept/reading.py",
    "analysis/coverage/views",
    "analysis/handover.py",
    "analysis/redraw",
    "api/routes/alerts.py",
    "api/routes/cases.py",
    "api/routes/checkins.py",
    "api/routes/coverage",
    "api/routes/drawings.py",
    "api/routes/editions.py",
    "api/routes/handover.py",
    "api/routes/hotspots.py",
    "api/routes/impact.py",
    "api/routes/in_units.py",
    "api/routes/nearest.py",
    "api/routes/packages.py",
    "api/routes/painting.py",
    "api/routes/plans.py",
    "api/routes/responses.py",
    "api/routes/tiles.py",
)
"""What the planner's page, the one of coverage, the case flow and alerts ask: nothing is refused there in English alone."""
OTHERS = ("geo/networks.py", "api/callers.py", "people/grants.py")
"""Some of what is refused there stands on pages too, and is told; the rest is for operators."""
REFUSALS = {"Impossible", "Conflict", "Invalid", "NotFound", "Refused", "FindingsRefused"}
CATALOGUES = {
    language: json.loads((ROOT / f"maps/static/words/{language}.json").read_text("utf-8"))
    for language in ("en", "zh")
}


def calls(names: set[str], rooms: tuple[str, ...] = ROOMS) -> Iterator[tuple[str, ast.Call]]:
    for path in tracked("*.py"):
        room = path.relative_to(ROOT).as_posix()
        if room.startswith(rooms):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield f"{room}:{node.lineno}", node


def templates() -> set[str]:
    return {ast.literal_eval(call.args[0]) for _, call in calls({"told"}, ROOMS + OTHERS)}


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_refusal_stands_in_the_catalogue(language: str) -> None:
    words = CATALOGUES[language]
    used = templates()
    assert len(used) > 150
    assert {text for text in used if f"refusal.{text}" not in words} == set()
    assert {text for text in used if blanks(words[f"refusal.{text}"]) != blanks(text)} == set()
    kept = {key.removeprefix("refusal.") for key in words if key.startswith("refusal.") and " " in key}
    assert kept - used == set()


def test_nothing_is_refused_in_english_alone() -> None:
    plain = [
        place
        for place, call in calls(REFUSALS)
        if call.args and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert plain == []


def test_a_text_keeps_what_it_was_made_of() -> None:
    text = told("plan {plan} is {state}", plan=7, state="draft")
    assert (text, text.template, text.values) == (
        "plan 7 is draft",
        "plan {plan} is {state}",
        {"plan": "7", "state": "draft"},
    )
    assert Refused(text).said is text
    assert Refused("plain").said is None
