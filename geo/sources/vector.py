"""Files of the kinds of `geo.sources.kinds`, read by GDAL."""

import shutil
import struct
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.raw import read

from core.errors import Invalid
from geo.sources.frame import RawFrame
from geo.sources.kinds import Kind, check_beginning

pyogrio.set_gdal_config_options({"GML_DOWNLOAD_SCHEMA": False})  # a file sends nobody to another host

_KML_FURNITURE = {
    *("timestamp", "begin", "end", "altitudeMode", "tessellate"),
    *("extrude", "visibility", "drawOrder", "icon", "description"),
}


def read_vector(path: Path, layer: str | None, name: Path) -> RawFrame:
    """One layer of the file at `path`, called `name` in messages; Invalid with the list where the layer is unclear."""
    kind = check_beginning(path, name)
    if not kind.alone:
        return _read_kind(path, layer, name, kind)
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        copy = Path(folder) / f"source{path.suffix.lower()}"
        shutil.copyfile(path, copy)
        return _read_kind(copy, layer, name, kind)


def _read_kind(path: Path, layer: str | None, name: Path, kind: Kind) -> RawFrame:
    suffix = path.suffix.lower()
    if suffix == ".shp":
        _check_length(path, name)
    layer = _choose_layer(_layers_of(path, kind, name), layer, name)
    info = _ask(name, pyogrio.read_info, path, layer=layer, force_feature_count=True)
    if info["driver"] not in kind.drivers:
        raise Invalid(f"{name}: its content is not what the name {suffix} says")
    bare = suffix == ".shp" and not _declares_encoding(path)
    encoding = {"encoding": "ISO-8859-1"} if bare else {}
    meta, _, shapes, fields = _ask(name, read, path, layer=layer, **encoding)
    if len(shapes) != info["features"]:
        raise Invalid(
            f"{name}: holds {info['features']:,} rows, of which {len(shapes):,} can be read; it is damaged"
        )
    columns = {str(key): _python_values(values) for key, values in zip(meta["fields"], fields, strict=True)}
    if bare:
        columns = _decoded(columns)
    if suffix in (".kml", ".kmz"):
        columns = {key: values for key, values in columns.items() if key not in _KML_FURNITURE}
    geometry = np.array(shapely.from_wkb(shapes, on_invalid="ignore"), dtype=object).reshape(len(shapes))
    return RawFrame(layer, meta["crs"], columns, geometry, list(range(1, len(shapes) + 1)))


def _ask(name: Path, function: Any, path: Path, **options: object) -> Any:
    """A call of GDAL; whatever goes wrong in it is the file's fault, said as Invalid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(path, **options)
        except Exception as error:
            words = str(error).split("\n")[0].replace(str(path), name.name)
            raise Invalid(f"{name}: cannot be read: {words[:300]}") from error


def _check_length(path: Path, name: Path) -> None:
    """Invalid for a Shapefile that is cut off: its header says how long it is."""
    with path.open("rb") as file:
        start = file.read(100)
    words = struct.unpack(">i", start[24:28])[0] if len(start) >= 100 else 0
    if 2 * words != path.stat().st_size:
        raise Invalid(f"{name}: is cut off: {path.stat().st_size:,} bytes of {max(2 * words, 100):,}")


def _layers_of(path: Path, kind: Kind, name: Path) -> list[str]:
    """The layers with shapes; of a kind that always has the same ones, those with rows that repeat no other."""
    layers = [str(layer) for layer, geometry in _ask(name, pyogrio.list_layers, path) if geometry is not None]
    if not kind.points_of:
        return layers
    filled = [
        layer
        for layer in layers
        if _ask(name, pyogrio.read_info, path, layer=layer, force_feature_count=True)["features"]
    ]
    return [layer for layer in filled if kind.points_of.get(layer) not in filled]


def _choose_layer(names: Sequence[str], wanted: str | None, name: Path) -> str:
    if wanted is not None and wanted in names:
        return wanted
    if wanted is None and len(names) == 1:
        return names[0]
    if not names:
        raise Invalid(f"{name}: holds no layer with shapes")
    trouble = f"there is no layer “{wanted}”" if wanted is not None else "it is unclear which layer is meant"
    raise Invalid(f"{name}: {trouble}; say one with --layer: {', '.join(names)}")


def _declares_encoding(path: Path) -> bool:
    """Whether a .cpg or the table's language byte says the encoding of a Shapefile's attributes."""
    if any(path.with_suffix(suffix).exists() for suffix in (".cpg", ".CPG", ".cst")):
        return True
    for table in (path.with_suffix(".dbf"), path.with_suffix(".DBF")):
        if table.exists():
            with table.open("rb") as file:
                header = file.read(32)
            return len(header) == 32 and header[29] not in (0x00, 0x57)
    return True


def _decoded(columns: dict[str, list[object]]) -> dict[str, list[object]]:
    """Attributes read as Latin-1, in the encoding they seem to be in: UTF-8 when all of it is, else GB18030."""
    texts = [*columns, *(value for values in columns.values() for value in values if isinstance(value, str))]
    encoding = "utf-8" if all(map(_is_utf8, texts)) else "gb18030"

    def decode(value: object) -> object:
        # a field's width may cut the last character in half: that half is left out
        return value.encode("latin-1").decode(encoding, errors="ignore") if isinstance(value, str) else value

    return {str(decode(name)): [decode(value) for value in values] for name, values in columns.items()}


def _is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and len(text) >= 10  # a cut last character
    return True


def _python_values(values: NDArray[Any]) -> list[object]:
    if values.dtype.kind == "M":
        return [None if np.isnat(value) else str(value) for value in values]
    if values.dtype.kind == "f":
        return [None if np.isnan(value) else float(value) for value in values]
    return [value.tolist() if isinstance(value, np.ndarray) else value for value in values.tolist()]
