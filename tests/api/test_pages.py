"""The pages' routes and files: who is led where, what is reachable, what is kept by the browser."""

import pytest

from maps.pages import STATIC
from tests.api.conftest import Browser

PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize("path", ["/", "/wall?network=police", "/m"])
def test_who_is_not_signed_in_is_led_to_the_form_and_back(browse: Browser, path: str) -> None:
    answer = browse(None).get(path, headers=PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=%2F")


@pytest.mark.parametrize(
    "path", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"]
)
def test_signing_in_leads_to_paths_of_our_own_alone(browse: Browser, path: str) -> None:
    answer = browse("w1").get("/login", params={"next": path})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert 'data-next="/"' in browse(None).get("/login", params={"next": path}).text


def test_pages_follow_the_browsers_language_and_keep_what_is_asked_for(browse: Browser) -> None:
    client = browse(None)
    assert 'lang="en"' in client.get("/login", headers={"Accept-Language": "en-GB,zh;q=0.5"}).text
    assert 'lang="zh-CN"' in client.get("/login").text
    client.get("/login?lang=en")
    assert 'lang="en"' in client.get("/login").text


def test_the_start_page_offers_what_there_is_to_see(browse: Browser) -> None:
    assert 'href="/wall"' in browse("command").get("/").text
    assert 'href="/m"' in browse("w1").get("/").text
    nothing = browse("plain").get("/").text
    assert 'href="/wall"' not in nothing
    assert 'href="/m"' not in nothing


def test_the_wall_is_told_what_its_caller_may_see(browse: Browser) -> None:
    assert 'data-movement="yes" data-cases="yes"' in browse("boss1").get("/wall").text
    assert 'data-movement="no" data-cases="no"' in browse("planner").get("/wall").text


@pytest.mark.parametrize(
    "path",
    [
        "../pages.py",
        "..%2fpages.py",
        "%2e%2e/pages.py",
        "words",
        "missing.css",
        "vendor/maplibre-gl/package.json",
        "vendor/../package.json",
        "vendor/noto-sans-sc/files/../../package.json",
        "vendor/noto-sans-sc/files/noto-sans-sc-4-400-normal.woff2/..",
        "%00",
        f"{'x' * 300}.css",
    ],
)
def test_only_listed_files_are_reachable(browse: Browser, path: str) -> None:
    assert browse(None).get(f"/static/{path}").status_code == 404


def test_a_file_is_sent_once_and_then_known(browse: Browser) -> None:
    first = browse(None).get("/static/tokens.css")
    assert first.text == (STATIC / "tokens.css").read_text("utf-8")
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    again = browse(None).get("/static/tokens.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_modules_come_as_javascript_and_fonts_as_fonts(browse: Browser) -> None:
    for path, kind in (
        ("vendor/maplibre-gl/maplibre-gl.mjs", "text/javascript"),
        ("wall/wall.js", "text/javascript"),
        ("vendor/noto-sans-sc/files/noto-sans-sc-4-400-normal.woff2", "font/woff2"),
    ):
        assert browse(None).get(f"/static/{path}").headers["content-type"].startswith(kind)


def test_a_browser_becomes_a_device_of_its_person_alone(browse: Browser) -> None:
    own = browse("w1")
    first = own.post("/v1/me/device").json()["token"]
    second = own.post("/v1/me/device").json()["token"]
    fix = {"fixes": [{"fixed_at": "2026-06-10T01:00:00Z", "lon": 121.005, "lat": 31.005}]}
    send = browse(None).post
    assert send("/v1/fixes", json=fix, headers={"Authorization": f"Bearer {first}"}).status_code == 401
    assert send("/v1/fixes", json=fix, headers={"Authorization": f"Bearer {second}"}).status_code == 200
    assert browse("boss1").post("/v1/me/device").status_code == 404
