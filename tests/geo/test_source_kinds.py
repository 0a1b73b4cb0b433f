"""The kinds of files beside the usual ones: tracks, drawings, columns; and files that would lead GDAL to open something else."""

import json
from pathlib import Path

import geopandas
import pytest
import shapely

from core.errors import Invalid
from geo.sources import read_source

ROAD = shapely.LineString([(116.30, 39.90), (116.31, 39.91), (116.32, 39.91)])


def roads() -> geopandas.GeoDataFrame:
    data = {"name": ["长安街", None], "lanes": [8, 2]}
    shapes = [ROAD, shapely.affinity.translate(ROAD, 0.01)]
    return geopandas.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326")


@pytest.mark.parametrize("suffix", [".parquet", ".geoparquet"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4547"])
def test_geoparquet_in_any_crs(tmp_path: Path, suffix: str, crs: str) -> None:
    path = tmp_path / f"roads{suffix}"
    frame = roads().to_crs(crs)
    frame["middle"] = frame.centroid if crs != "EPSG:4326" else frame.geometry
    frame.to_parquet(path)
    source = read_source(path)
    assert shapely.equals_exact(source.geometry[0], ROAD, 1e-8)
    assert source.texts("name") == ["长安街", ""]
    assert source.texts("lanes") == ["8", "2"]
    assert set(source.columns) == {"name", "lanes"}


def test_the_tracks_of_a_gpx_file_are_lines_with_their_names(tmp_path: Path) -> None:
    path = tmp_path / "roads.gpx"
    points = "".join(f'<trkpt lat="{lat}" lon="{lon}"/>' for lon, lat in ROAD.coords)
    path.write_text(
        '<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">'
        f"<trk><name>长安街</name><trkseg>{points}</trkseg></trk></gpx>",
        "utf-8",
    )
    source = read_source(path)
    assert (source.layer, source.texts("name")) == ("tracks", ["长安街"])
    assert shapely.equals_exact(shapely.line_merge(source.geometry[0]), ROAD, 1e-9)


def test_the_lines_of_a_drawing_need_a_crs(tmp_path: Path) -> None:
    path = tmp_path / "roads.dxf"
    roads()[["geometry"]].to_crs("EPSG:4547").to_file(path, driver="DXF", engine="pyogrio")
    with pytest.raises(Invalid, match="does not say its CRS"):
        read_source(path)
    source = read_source(path, crs="EPSG:4547")
    assert shapely.equals_exact(source.geometry[0], ROAD, 1e-7)


@pytest.mark.parametrize("suffix", [".mif", ".tab"])
def test_tables_of_mapinfo(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"roads{suffix}"
    roads().to_file(path, driver="MapInfo File", engine="pyogrio", encoding="UTF-8")
    source = read_source(path)
    assert shapely.equals_exact(source.geometry[0], ROAD, 1e-6)
    assert (source.texts("name"), source.texts("lanes")) == (["长安街", ""], ["8", "2"])


def test_topojson(tmp_path: Path) -> None:
    path = tmp_path / "roads.topojson"
    line = {"type": "LineString", "arcs": [0], "properties": {"name": "长安街"}}
    told = {
        "type": "Topology",
        "objects": {"roads": {"type": "GeometryCollection", "geometries": [line]}},
        "arcs": [[list(place) for place in ROAD.coords]],
    }
    path.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    source = read_source(path, crs="wgs84")
    assert shapely.equals_exact(source.geometry[0], ROAD, 1e-9)
    assert source.texts("name") == ["长安街"]


def test_the_streets_of_openstreetmap(tmp_path: Path) -> None:
    path = tmp_path / "roads.osm"
    nodes = "".join(
        f'<node id="{n}" version="1" lat="{lat}" lon="{lon}"/>' for n, (lon, lat) in enumerate(ROAD.coords, 1)
    )
    refs = "".join(f'<nd ref="{n}"/>' for n in range(1, 4))
    tags = '<tag k="highway" v="primary"/><tag k="name" v="长安街"/>'
    path.write_text(f'<osm version="0.6">{nodes}<way id="9" version="1">{refs}{tags}</way></osm>', "utf-8")
    source = read_source(path, layer="lines")
    assert shapely.equals_exact(source.geometry[0], ROAD, 1e-7)
    assert (source.texts("name"), source.texts("highway")) == (["长安街"], ["primary"])


POINTING = {
    "a view of another table": (".tab", b'!table\n!version 700\nOpen Table "secret" Hide\nType NATIVE\n'),
    "a table that points elsewhere": (
        ".tab",
        b'!table\nDefinition Table\n Type LINKED\n File "/etc/passwd"\n',
    ),
    "a virtual source": (".gml", b'<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>'),
    "a virtual source as a drawing": (".dxf", b"<OGRVRTDataSource/>"),
    "a database for tracks": (".gpx", b"SQLite format 3\x00"),
    "an archive for columns": (".parquet", b"PK\x03\x04"),
    "a server": (".geojsonl", b"WFS:http://example.org/"),
}


@pytest.mark.parametrize("case", POINTING)
def test_a_file_that_is_another_kind_than_its_name_is_refused_unopened(tmp_path: Path, case: str) -> None:
    suffix, content = POINTING[case]
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(Invalid, match="is not what the name"):
        read_source(path)


def test_a_gml_file_leaves_nothing_beside_it_and_asks_no_other_host(tmp_path: Path) -> None:
    path = tmp_path / "roads.gml"
    roads()[["name", "geometry"]].to_file(path, driver="GML", engine="pyogrio")
    path.with_suffix(".xsd").unlink(missing_ok=True)
    text = path.read_text("utf-8").replace("roads.xsd", "http://127.0.0.1:9/roads.xsd")
    path.write_text(text, "utf-8")
    assert read_source(path).texts("name") == ["长安街", ""]
    assert [each.name for each in tmp_path.iterdir()] == ["roads.gml"]


@pytest.mark.parametrize("suffix", [".vrt", ".sqlite", ".xml", ".gpkg.zip.exe"])
def test_what_points_at_other_files_or_databases_is_no_source(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(b"<OGRVRTDataSource/>")
    with pytest.raises(Invalid, match="unknown kind of file"):
        read_source(path)
