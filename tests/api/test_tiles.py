"""Tiles over HTTP: kept by edition, asked for again with If-None-Match."""

from tests.api.conftest import Browser

TILE = "/v1/tiles/governance.grid/10/856/419.mvt"


def test_a_tile_comes_once_and_then_304(browse: Browser) -> None:
    client = browse("plain")
    first = client.get(TILE)
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert first.headers["cache-control"] == "private, no-cache"
    assert b"units" in first.content
    etag = first.headers["etag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(TILE, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.get(TILE, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_description_names_an_edition_whose_tiles_may_be_kept(browse: Browser) -> None:
    client = browse("plain")
    described = client.get("/v1/tiles/governance.grid").json()
    assert described["tilejson"] == "3.0.0"
    address = described["tiles"][0]
    assert "edition=" in address
    for blank, value in (("{z}", "10"), ("{x}", "856"), ("{y}", "419")):
        address = address.replace(blank, value)
    pinned = client.get(address)
    assert pinned.status_code == 200
    assert "max-age" in pinned.headers["cache-control"]
    assert pinned.headers["etag"] == client.get(TILE).headers["etag"]


def test_what_is_not_there_is_a_problem_document(browse: Browser) -> None:
    client = browse("plain")
    for path in (
        "/v1/tiles/nothing",
        "/v1/tiles/governance.grid/3/9/0.mvt",
        "/v1/tiles/governance.grid/99/0/0.mvt",
        f"{TILE}?edition=999999",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
    for path in (f"{TILE}?edition=0", f"{TILE}?edition=x", "/v1/tiles/governance.grid/10/x/417.mvt"):
        assert client.get(path).status_code == 422, path
    assert browse(None).get(TILE).status_code == 401
