"""The wall: frames a second with thousands of moving dots, beside the same page and units without any.

Both are forced to repaint: what is compared is what the dots cost, their feed, side table and all. A wall in use
repaints only while somebody glides, and only as often as a dot has a third of a pixel to go.
"""

from statistics import median
from typing import Any

from playwright.sync_api import Page

from bench.report import Report
from bench.wall_page import wall_page
from core.settings import Settings

ROUNDS = 5
SPELL_S = 20
AIM = 0.9
COUNTS = (3_390, 10_000)
TRIED = 50_000
UNGROUPED = "?layers=people,trail,cases,names"
STILL_SHARE = 0.05

START = """([grids, count]) => { bench.begin(grids, count); clearInterval(window.ticking); window.ticking = setInterval(bench.second, 1000); }"""
FORCE = """import("/static/wall/here.js").then(({ here: { map } }) => {
  window.frames_painted = 0;
  map.on("render", () => { window.frames_painted += 1; map.triggerRepaint(); });
  map.triggerRepaint();
})"""
DRAWN = """import("/static/map/dots.js").then((dots) => dots.drawnDots().map(({ id, x, y }) => [id, x, y]))"""


def run(report: Report, settings: Settings) -> None:
    """Headline: frames a second with 10,000 moving dots over frames a second with none."""
    spells: dict[int, list[float]] = {count: [] for count in (0, *COUNTS)}
    with wall_page(settings, UNGROUPED) as (page, grids):
        page.wait_for_timeout(5_000)
        page.evaluate(FORCE)
        for _ in range(ROUNDS):
            for count, rates in spells.items():
                rates.append(_rate(page, grids, count))
                report.check_equal(f"{count:,} dots move", _standing(page, count))
        tried = _rate(page, grids, TRIED)
    empty = median(spells[0])
    for count in reversed(COUNTS):
        rate = median(spells[count])
        name = f"wall, {count:,} moving dots, share of the frames without"
        report.tell(name, rate, "frames/s", baseline=f"{empty:.3g} frames/s, aim {AIM}", ratio=rate / empty)
    report.tell(f"wall, {TRIED:,} moving dots, one spell", tried, "frames/s", ratio=tried / empty)


def _rate(page: Page, grids: list[dict[str, Any]], count: int) -> float:
    """Frames a second over a spell, after a moment to settle."""
    page.evaluate(START, [grids, count])
    page.wait_for_timeout(3_000)
    before, began = page.evaluate("[frames_painted, performance.now()]")
    page.wait_for_timeout(SPELL_S * 1000)
    after, ended = page.evaluate("[frames_painted, performance.now()]")
    return float((after - before) / (ended - began) * 1000)


def _standing(page: Page, count: int) -> int:
    """How many dots are not drawn or did not move in two seconds, beyond the few whose way is shorter than a glance."""
    first = {one[0]: one for one in page.evaluate(DRAWN)}
    page.wait_for_timeout(2_000)
    second = {one[0]: one for one in page.evaluate(DRAWN)}
    moved = sum(1 for key, one in first.items() if key in second and one[1:] != second[key][1:])
    return max(0, count - moved - int(count * STILL_SHARE))
