"""A wall that is never reloaded: the feed of 10,000 workers at speed, and whether the page's memory grows with it."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import CDPSession
from scipy.stats import theilslopes

from bench.wall_page import grids_of
from tests.browser.city import City
from tests.browser.conftest import Visits, until

pytestmark = pytest.mark.browser

FEED = Path(__file__).parent.parent.parent / "bench" / "wall_feed.js"
WORKERS = 10_000
SPELLS = 16
WARM_UP = 4  # spells in which caches fill
PLAY = """async (frames) => {
  for (let frame = 1; frame <= frames; frame++) {
    bench.second();
    if (frame % 5 === 0) await new Promise(requestAnimationFrame);
  }
}"""


@pytest.mark.parametrize(
    ("frames", "most"),
    [(400, 2_000), pytest.param(7200, 100, marks=[pytest.mark.full, pytest.mark.timeout(1200)])],
    ids=["short", "full"],
)
def test_the_memory_of_a_wall_that_is_never_reloaded_stays_flat(
    visit: Visits, city: City, capsys: pytest.CaptureFixture[str], frames: int, most: int
) -> None:
    """A frame brings 1,000 dots, some 100 kB; `most` bytes of each, by the middle of all slopes between two of the later
    spells, may stay: one heap that was taken at a bad moment moves it little.
    """
    window = visit("command")
    window.page.add_init_script(path=FEED)
    page = window.page
    page.goto(f"{city.url}/wall")
    until(lambda: bool(page.evaluate("Boolean(window.feed)")))
    page.evaluate("([grids, count]) => bench.begin(grids, count)", [grids_of(city.engine), WORKERS])
    session = page.context.new_cdp_session(page)
    used = []
    for _ in range(SPELLS):
        page.evaluate(PLAY, frames // SPELLS)
        used.append(heap(session))
    assert window.module("map/glide.js", "m.held.size") == WORKERS
    later = used[WARM_UP:]
    slope = float(theilslopes(later, np.arange(len(later)) * (frames // SPELLS)).slope)
    with capsys.disabled():
        print(f"\nheap after {frames} frames {used[-1] / 1e6:.2f} MB, slope {slope:+.0f} bytes a frame")
    assert slope < most


def heap(session: CDPSession) -> int:
    """Bytes in use when everything that can be collected has been."""
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    return used
