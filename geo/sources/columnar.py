"""GeoParquet, as geopandas reads it."""

import warnings
from pathlib import Path

import geopandas
import numpy as np

from core.errors import Invalid
from geo.sources.frame import RawFrame

SUFFIXES = (".parquet", ".geoparquet")


def read_parquet(path: Path, name: Path) -> RawFrame:
    """The rows of the file's own geometry column; its other columns of shapes are left out."""
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            raise Invalid(f"{name}: its content is not what the name {path.suffix} says")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            frame = geopandas.read_parquet(path)
        except Exception as error:
            words = str(error).split("\n")[0].replace(str(path), name.name)
            raise Invalid(f"{name}: cannot be read: {words[:300]}") from error
    shapes = set(frame.columns[frame.dtypes == "geometry"])
    columns: dict[str, list[object]] = {}
    for column in frame.columns:
        if column not in shapes:
            told = zip(frame[column].tolist(), frame[column].isna().tolist(), strict=True)
            columns[str(column)] = [None if missing else value for value, missing in told]
    geometry = np.asarray(frame.geometry.to_numpy(), dtype=object).reshape(len(frame))
    crs = None if frame.crs is None else frame.crs.to_string()
    return RawFrame(None, crs, columns, geometry, list(range(1, len(frame) + 1)))
