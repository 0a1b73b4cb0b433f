"""Files of shapes in every format and state in which offices hand them over."""

import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely

from core.errors import Invalid
from geo.coordinates import from_wgs84
from geo.metric import distance_m
from geo.sources import SourceFrame, read_source

WEST = shapely.box(116.30, 39.90, 116.35, 39.95)
EAST = shapely.box(116.35, 39.90, 116.40, 39.95)
NAMES = ["东城区", "西城区"]
DRIVERS = {
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".kml": "LIBKML",
    ".fgb": "FlatGeobuf",
    ".geojson": "GeoJSON",
    ".geojsonl": "GeoJSONSeq",
    ".gml": "GML",
}


def frame(crs: str = "EPSG:4326") -> geopandas.GeoDataFrame:
    data = {"code": ["007", "110102"], "label": NAMES, "households": [12.0, None]}
    return geopandas.GeoDataFrame(data, geometry=[WEST, EAST], crs="EPSG:4326").to_crs(crs)


def written(path: Path, crs: str = "EPSG:4326", **options: Any) -> Path:
    pyogrio.write_dataframe(frame(crs), path, driver=DRIVERS[path.suffix], **options)
    return path


def geojson(path: Path, *features: Any, **members: Any) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": list(features)}), "utf-8")
    return path


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    if isinstance(geometry, shapely.Geometry):
        geometry = shapely.geometry.mapping(geometry)
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def assert_same_ground(source: SourceFrame) -> None:
    order = [source.texts("label").index(name) for name in NAMES]
    for shape, expected in zip(source.geometry[order], (WEST, EAST), strict=True):
        assert shapely.equals_exact(shapely.normalize(shape), shapely.normalize(expected), 2e-9)


@pytest.mark.parametrize("suffix", DRIVERS)
def test_each_format_says_the_same(tmp_path: Path, suffix: str) -> None:
    source = read_source(written(tmp_path / f"districts{suffix}"))
    assert_same_ground(source)
    assert sorted(source.texts("code")) == ["007", "110102"]
    assert sorted(source.texts("households")) == ["", "12"]
    assert source.crs == "wgs84"
    assert source.rows == [1, 2]
    assert not source.findings


def test_csv_with_wkt(tmp_path: Path) -> None:
    path = tmp_path / "districts.csv"
    path.write_bytes(
        f'code,label,WKT\n007,东城区,"{WEST.wkt}"\n8,西城区,"{EAST.wkt}"\n9,,POLYGON 7\n'.encode("gb18030")
    )
    with pytest.raises(Invalid, match="does not say its CRS; say it with --crs wgs84, gcj02"):
        read_source(path)
    source = read_source(path, crs="wgs84")
    assert_same_ground(source)
    assert source.rows == [2, 3]
    assert [(f.row, f.column, f.value, f.reason) for f in source.findings] == [
        (4, "WKT", "POLYGON 7", "is no WKT")
    ]


def test_ewkt_says_its_crs(tmp_path: Path) -> None:
    path = tmp_path / "districts.csv"
    plane = frame("EPSG:4548").geometry
    path.write_text(
        "label,geom\n" + "".join(f'{n},"SRID=4548;{g.wkt}"\n' for n, g in zip(NAMES, plane, strict=True))
    )
    source = read_source(path)
    assert source.crs == "EPSG:4548"
    assert_same_ground(source)
    path.write_text("label,geom\na,SRID=4548;POINT(1 1)\nb,SRID=4326;POINT(1 1)\n")
    with pytest.raises(Invalid, match="several SRIDs"):
        read_source(path)


def test_a_column_of_wkt_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("code,label\n1,2\n")
    with pytest.raises(Invalid, match=r"name the column of WKT “wkt”.*the columns there are: code, label"):
        read_source(tmp_path / "a.csv", crs="wgs84")


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb"])
def test_the_files_own_plane_is_used(tmp_path: Path, suffix: str) -> None:
    source = read_source(written(tmp_path / f"districts{suffix}", "EPSG:4548"))
    assert_same_ground(source)
    assert source.crs == "EPSG:4548"


def test_what_is_said_overrules_what_the_file_claims(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "amap.geojson", feature(WEST, label=1), crs={"properties": {"name": "EPSG:4326"}}
    )
    source = read_source(path, crs="gcj02")
    assert source.crs == "gcj02"
    back = from_wgs84(*shapely.get_coordinates(source.geometry).T, "gcj02")
    assert distance_m(*back, *shapely.get_coordinates(WEST).T).max() < 0.01
    assert distance_m(*shapely.get_coordinates(source.geometry)[0], *shapely.get_coordinates(WEST)[0]) > 400


def test_geojson_without_a_crs_is_wgs84_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    assert read_source(geojson(tmp_path / "a.geojson", feature(WEST))).crs == "wgs84"
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    assert read_source(geojson(tmp_path / "b.geojson", feature(WEST), crs=named)).crs == "cgcs2000"
    unknown = geojson(tmp_path / "c.geojson", feature(WEST), crs={"properties": {"name": "EPSG:999999"}})
    with pytest.raises(Invalid, match=r"EPSG:999999.*or say the CRS with --crs"):
        read_source(unknown)
    nameless = geojson(tmp_path / "d.geojson", feature(WEST), crs={"type": "link"})
    with pytest.raises(Invalid, match="does not say its CRS"):
        read_source(nameless)
    assert len(read_source(nameless, crs="wgs84")) == 1


def test_a_shapefile_without_a_projection_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "districts.shp")
    path.with_suffix(".prj").unlink()
    with pytest.raises(Invalid, match="does not say its CRS"):
        read_source(path)
    assert_same_ground(read_source(path, crs="wgs84"))


@pytest.mark.parametrize("encoding", ["GBK", "GB18030", "UTF-8"])
@pytest.mark.parametrize("declared", [True, False])
def test_attribute_tables_of_shapefiles_are_read_in_their_encoding(
    tmp_path: Path, encoding: str, declared: bool
) -> None:
    path = tmp_path / "districts.shp"
    data = {"代码": ["1", "2"], "label": NAMES, "备注": ["长" * 84, "短"]}
    pyogrio.write_dataframe(
        geopandas.GeoDataFrame(data, geometry=[WEST, EAST], crs="EPSG:4326"), path, encoding=encoding
    )
    if not declared:
        path.with_suffix(".cpg").unlink()
        table = bytearray(path.with_suffix(".dbf").read_bytes())
        table[29] = 0
        path.with_suffix(".dbf").write_bytes(table)
    source = read_source(path)
    assert list(source.columns) == ["代码", "label", "备注"]
    assert source.texts("label") == NAMES
    assert source.texts("备注") == ["长" * 84, "短"]


def test_a_character_cut_in_half_by_the_fields_width_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "districts.shp"
    data = {"label": [*NAMES], "note": ["x" * 9, "y"]}
    pyogrio.write_dataframe(
        geopandas.GeoDataFrame(data, geometry=[WEST, EAST], crs=4326), path, encoding="GBK"
    )
    path.with_suffix(".cpg").unlink()
    table = path.with_suffix(".dbf").read_bytes().replace(b"x" * 9, "街道办事".encode("gbk") + b"\xb4")
    path.with_suffix(".dbf").write_bytes(table[:29] + b"\0" + table[30:])
    assert read_source(path).texts("note") == ["街道办事", "y"]


def test_the_layer_is_chosen_by_name_and_a_list_offered(tmp_path: Path) -> None:
    path = tmp_path / "city.gpkg"
    pyogrio.write_dataframe(frame(), path, layer="区县")
    pyogrio.write_dataframe(frame().iloc[:1], path, layer="streets", append=False)
    pyogrio.write_dataframe(frame().drop(columns="geometry"), path, layer="notes")
    with pytest.raises(Invalid, match=r"unclear which layer is meant; say one with --layer: 区县, streets$"):
        read_source(path)
    with pytest.raises(Invalid, match=r"there is no layer “社区”; say one with --layer: 区县, streets$"):
        read_source(path, layer="社区")
    assert len(read_source(path, layer="区县")) == 2
    with pytest.raises(Invalid, match="has no layers"):
        read_source(geojson(tmp_path / "a.geojson", feature(WEST)), layer="x")


def test_zipped_sources_also_with_hostile_names(tmp_path: Path) -> None:
    written(tmp_path / "districts.shp", encoding="GBK")
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for part in sorted(tmp_path.glob("districts.*")):
            made.write(part, f"../../区县'; drop/{part.name}")
    assert_same_ground(read_source(archive))
    with zipfile.ZipFile(archive, "a") as made:
        made.write(geojson(tmp_path / "x.geojson", feature(WEST)), "other.geojson")
    with pytest.raises(
        Invalid, match=r"unclear which of its files is meant; say one with --layer: .*other.geojson"
    ):
        read_source(archive)
    assert len(read_source(archive, layer="other")) == 1
    assert not list(tmp_path.parent.parent.glob("区县*"))


def test_bad_features_are_findings_and_the_others_are_in(tmp_path: Path) -> None:
    ring = [[116.3, 39.9], [116.4, 39.9], [116.4, 40.0], [116.3, 39.9]]
    swapped = [[lat, lon] for lon, lat in ring]
    path = geojson(
        tmp_path / "mixed.geojson",
        feature(WEST, code="1"),
        feature(None, code="2"),
        feature({"type": "Polygon", "coordinates": [swapped]}, code="3"),
        feature({"type": "Polygon", "coordinates": [[[116.3, "39.9"], *ring[1:]]]}, code="4"),
        feature({"type": "Polygon", "coordinates": [[[116.3, float("nan")], *ring[1:]]]}, code="5"),
        feature({"type": "Polygon", "coordinates": []}, code="6"),
        feature(
            {"type": "Polygon", "coordinates": [[[1e9, 4e6], [2e9, 4e6], [2e9, 5e6], [1e9, 4e6]]]}, code="7"
        ),
        feature(EAST, code="8\x00"),
        feature({"type": "Blob", "coordinates": 1}, code="9"),
        "no feature",
        feature(EAST, code=11, note=[1, {"a": None}]),
    )
    source = read_source(path)
    assert source.texts("code") == ["1", "11"]
    assert source.rows == [1, 11]
    reasons = {finding.row: finding.reason for finding in source.findings}
    assert reasons == {
        2: "has no geometry",
        3: "latitude 116.4 is out of range; lon and lat seem swapped",
        4: "the geometry is no GeoJSON geometry of finite numbers",
        5: "the geometry is no GeoJSON geometry of finite numbers",
        6: "has no geometry",
        7: "2e+09, 5e+06 are no degrees; say the CRS (EPSG:n)",
        8: "holds control characters",
        9: "the geometry is no GeoJSON geometry of finite numbers",
        10: "is no GeoJSON Feature",
    }
    assert str(source.findings[0]) == "mixed.geojson, row 2: has no geometry"


def test_swapped_coordinates_that_stay_on_the_globe_are_suspected(tmp_path: Path) -> None:
    urumqi = shapely.box(87.5, 43.7, 87.7, 43.9)
    swapped = shapely.transform(urumqi, lambda xy: xy[:, ::-1])
    source = read_source(geojson(tmp_path / "a.geojson", feature(swapped)))
    assert [(f.row, "are lon and lat swapped?" in f.reason) for f in source.findings] == [(0, True)]
    assert not read_source(geojson(tmp_path / "b.geojson", feature(urumqi))).findings


def test_a_file_in_another_crs_than_was_said_is_refused(tmp_path: Path) -> None:
    path = geojson(tmp_path / "plane.geojson", feature(frame("EPSG:4548").geometry[0]))
    with pytest.raises(
        Invalid, match=r"none of its 1 rows can be used: .* are no degrees; say the CRS \(EPSG:n\)"
    ):
        read_source(path)
    with pytest.raises(
        Invalid, match=r"read as EPSG:2263 it lies around .*, but that CRS is for United States"
    ):
        read_source(geojson(tmp_path / "degrees.geojson", feature(WEST)), crs="EPSG:2263")


def test_gb18030_geojson_is_read(tmp_path: Path) -> None:
    text = json.dumps(feature(WEST, label="东城区"), ensure_ascii=False)
    (tmp_path / "a.json").write_bytes(text.encode("gb18030"))
    assert read_source(tmp_path / "a.json").texts("label") == ["东城区"]


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return path


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda folder: folder / "none.gpkg", "no such file"),
    "a folder": (lambda folder: folder, "no such file"),
    "empty": (lambda folder: _file(folder / "a.geojson", b""), "is empty"),
    "half a GeoJSON": (
        lambda folder: cut(geojson(folder / "a.geojson", feature(WEST))),
        "line 1, column .*: no JSON",
    ),
    "no object": (lambda folder: _file(folder / "a.geojson", b"[1]"), "no GeoJSON object"),
    "TopoJSON": (lambda folder: _file(folder / "a.json", b'{"type":"Topology"}'), "its type is 'Topology'"),
    "deep": (lambda folder: _file(folder / "a.json", b'{"a":' * 100_000), "nested too deeply|no JSON"),
    "long number": (
        lambda folder: _file(folder / "a.json", b'{"a":' + b"9" * 9_999 + b"}"),
        "too long|no GeoJSON",
    ),
    "not text": (lambda folder: _file(folder / "a.json", b"\xff\xff\xff"), "neither UTF-8 nor GB18030"),
    "no features": (lambda folder: geojson(folder / "a.geojson"), "holds no rows"),
    "only bad features": (lambda folder: geojson(folder / "a.geojson", feature(None)), "none of its 1 rows"),
    "half a GeoPackage": (lambda folder: cut(written(folder / "a.gpkg")), "cannot be read"),
    "half a Shapefile": (lambda folder: cut(written(folder / "a.shp")), "is cut off"),
    "half a FlatGeobuf": (
        lambda folder: cut(written(folder / "a.fgb")),
        "cannot be read|is damaged|holds no layer",
    ),
    "half a KML": (lambda folder: cut(written(folder / "a.kml")), "cannot be read"),
    "a wolf": (
        lambda folder: _file(folder / "a.gpkg", b"<OGRVRTDataSource/>"),
        "is not what the name .gpkg says",
    ),
    "no KML": (lambda folder: _file(folder / "a.kml", b"<html/>"), "is not what the name .kml says"),
    "unknown kind": (
        lambda folder: _file(folder / "a.docx", b"PK"),
        "unknown kind of file; known are .geojson",
    ),
    "broken zip": (lambda folder: _file(folder / "a.zip", b"PK\x03\x04broken"), "cannot be unpacked"),
    "hostile name": (lambda _folder: Path("a\x00.gpkg"), "no such file|cannot be read"),
    "long name": (lambda _folder: Path("a" * 5000), "no such file|cannot be read"),
}


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", BROKEN)
def test_an_unreadable_file_is_refused_with_the_reason(tmp_path: Path, case: str) -> None:
    make, reason = BROKEN[case]
    with pytest.raises(Invalid, match=reason):
        read_source(make(tmp_path))


def test_damaged_archives_and_shapefiles_without_their_parts(tmp_path: Path) -> None:
    path = written(tmp_path / "a.shp")
    shutil.copy(path, tmp_path / "alone.shp")
    with pytest.raises(Invalid, match=r"cannot be read.*shx"):
        read_source(tmp_path / "alone.shp", crs="wgs84")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as made:
        made.writestr("readme.md", "nothing")
    with pytest.raises(Invalid, match="holds no source"):
        read_source(tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as made:
        made.writestr("a.geojson", "{")
    with pytest.raises(Invalid, match=r"bad.zip, a.geojson, line 1"):
        read_source(tmp_path / "bad.zip")
    content = bytearray((tmp_path / "bad.zip").read_bytes())
    struct.pack_into("<I", content, 14, 12345)  # a wrong checksum
    (tmp_path / "bad.zip").write_bytes(content.replace(struct.pack("<I", zipfile.crc32(b"{")), b"\1\2\3\4"))
    with pytest.raises(Invalid, match="cannot be unpacked"):
        read_source(tmp_path / "bad.zip")


def test_missing_columns_are_listed(tmp_path: Path) -> None:
    source = read_source(geojson(tmp_path / "a.geojson", feature(WEST, code=1, name="x")))
    with pytest.raises(Invalid, match="missing column CODE; the columns there are: code, name"):
        source.texts("CODE")


def test_new_york_in_feet_lands_in_new_york(real_data: Path) -> None:
    source = read_source(real_data / "nyc" / "nyc_boundaries_2263.gpkg", layer="tract_sf")
    assert (len(source), source.crs) == (2166, "EPSG:2263")
    west, south, east, north = shapely.total_bounds(source.geometry)
    assert np.allclose([west, south, east, north], [-74.26, 40.50, -73.70, 40.92], atol=0.01)
    with pytest.raises(Invalid, match="--layer: cd_sf, police_sf, council_sf, tract_sf, nta_sf, borough_sf"):
        read_source(real_data / "nyc" / "nyc_boundaries_2263.gpkg")


def test_amaps_zhuzhou_reads_as_gcj02(real_data: Path) -> None:
    source = read_source(real_data / "cn" / "cnmaps_amap_4302.geojson", crs="gcj02")
    assert (len(source), source.crs, source.findings) == (11, "gcj02", [])
