"""A plan goes out as a GeoPackage by the page, is changed by another program, and each of its differences is answered there."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import geopandas
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame
from playwright.sync_api import expect

from core.clock import utc_now
from tests.browser.conftest import Visits, until
from tests.browser.planning import Ground, ask, expect_said, is_still, picture, planned_city
from tests.city import SOUTH, STEP, WEST, code_at, square

pytestmark = pytest.mark.browser


@pytest.fixture
def ground(server_url: str, template_name: str) -> Iterator[Ground]:
    with planned_city(server_url, template_name) as made:
        yield made


def change_file(path: Path) -> None:
    """As at a desk: a strip goes over, a unit is renamed, one divided, one deleted, one spoilt, and one copied by mistake."""
    frame = geopandas.read_file(path, layer="units")
    row = {code: place for place, code in frame["code"].items()}
    strip = shapely.box(WEST + 0.9 * STEP, SOUTH, WEST + STEP, SOUTH + STEP)
    frame.loc[row[code_at(0, 0)], "geometry"] = square(0, 0).difference(strip)
    frame.loc[row[code_at(1, 0)], "geometry"] = square(1, 0).union(strip)
    frame.loc[row[code_at(0, 1)], "name"] = "改过的名"
    frame.loc[row[code_at(3, 1)], "name"] = "另一个名"
    half = frame.loc[[row[code_at(1, 2)]]].assign(geometry=[square(1.5, 2, 0.5)])
    frame.loc[row[code_at(1, 2)], "geometry"] = square(1, 2, 0.5)
    spoilt = shapely.Polygon(square(0, 3).exterior.coords[i] for i in (0, 2, 1, 3))
    frame.loc[row[code_at(0, 3)], "geometry"] = spoilt
    copied = GeoDataFrame([{"level": "microgrid", "geometry": square(5, 5, 0.5)}], crs=frame.crs)
    frame = pd.concat([frame, half, copied], ignore_index=True).drop(index=row[code_at(1, 3)])
    frame.to_file(path, driver="GPKG", layer="units")


def test_a_file_goes_out_comes_back_changed_and_each_difference_is_accepted_or_refused(
    ground: Ground, visit: Visits, tmp_path: Path
) -> None:
    window = visit("planner", place=ground)
    page = window.open("/planner")
    page.fill('#open-plan input[name="name"]', "桌面调整")
    page.click("#open-plan button.main")
    until(lambda: is_still(page))
    page.click("#tab-log")
    with page.expect_download() as download:
        page.click("text=下载 GeoPackage")
    path = tmp_path / "plan.gpkg"
    download.value.save_as(path)
    change_file(path)
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.method) if each.url.endswith("/file") else None)
    page.set_input_files('#tab-body input[type="file"]', path)
    expect_said(page, "文件与方案有 9 处不同")
    lines = page.locator("#differences li")
    expect(lines).to_have_count(9)
    missing = page.locator('#differences [data-kind="missing"]')
    expect(missing).to_contain_text(f"文件没有说 微网格 {code_at(1, 3)} 的土地归谁")
    expect(page.locator('#differences [data-kind="unreadable"]')).to_contain_text("边界自相交")
    expect(page.locator('#differences [data-kind="overlap"]')).to_contain_text("重叠")
    divided = page.locator('#differences [data-kind="repeated"]')
    expect(divided).to_contain_text(f"{code_at(1, 2)} → {code_at(0, 2, 'grid')}05")
    lost = page.locator('#differences [data-kind="border"]', has_text=code_at(0, 0))
    lost.locator(".go").click()
    until(lambda: is_still(page))
    picture(page, "planner-file")
    assert window.find_serious() == []
    lost.get_by_text("采用", exact=True).click()
    expect(page.locator('#differences [data-kind="border"]')).to_have_count(
        0
    )  # the neighbour got what it lost
    divided.get_by_text("采用", exact=True).click()
    expect(divided).to_have_count(0)
    names = page.locator('#differences [data-kind="name"]')
    names.filter(has_text="改过的名").get_by_text("不采用").click()
    expect(names).to_have_count(1)
    expect(page.locator(".log li")).to_have_count(2)
    page.click("#undo")
    expect(divided).to_have_count(1)  # what is undone is a difference again
    expect(page.locator("#accept-all")).to_have_text("全部采用（2）")
    page.click("#accept-all")  # as one step
    expect_said(page, "采用文件中的边界：")
    expect(names).to_have_count(0)
    expect(divided).to_have_count(0)
    expect(page.locator(".log li")).to_have_count(2)
    assert sent == ["POST"]
    missing.get_by_text("知道了").click()
    expect(missing).to_have_count(0)
    called = page.evaluate("planner.units.getSource().getFeatures().map((each) => each.get('name'))")
    assert ("改过的名" in called, "另一个名" in called) == (False, True)
    unit = ask(ground, f"/v1/units/{code_at(0, 1)}?level=microgrid")["id"]
    page.goto(f"{ground.url}/units/{unit}?{urlencode({'known_at': utc_now().isoformat()})}")
    expect(page.locator("#called")).to_contain_text("时所知")
