"""Columns to Parquet files and back, exactly; the one place that knows pyarrow.

A file with geometry is GeoParquet 1.1 (WKB; its CRS is in its metadata), so that geopandas, QGIS and GDAL read it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, Integer, Table, Text

from analysis.coverage.beyond.folder import write_whole

Columns = Mapping[str, NDArray[Any]]
_ZSTD: Final = {"compression": "zstd"}
_AT_ONCE: Final = 20_000
"""Rows of figures written together: bounds the memory."""


def write_columns(
    path: Path, columns: Columns, *, geometry: Mapping[str, pyproj.CRS] | None = None, rows_a_group: int = 0
) -> None:
    """Numpy columns as a file. `geometry`: which columns hold shapes, the first of them the one that readers draw."""
    table = _table(columns, geometry or {})
    size = {"row_group_size": rows_a_group} if rows_a_group else {}
    write_whole(path, lambda part: pq.write_table(table, part, **_ZSTD, **size))


def write_groups(path: Path, groups: Iterable[Columns]) -> list[int]:
    """Each group of rows as one row group, one after the other, so that only one is in memory; how many rows each has."""
    counts: list[int] = []

    def write(part: Path) -> None:
        writer = None
        try:
            for columns in groups:
                table = _table(columns, {})
                writer = writer or pq.ParquetWriter(part, table.schema, **_ZSTD)
                writer.write_table(table, row_group_size=max(len(table), 1))
                counts.append(len(table))
        finally:
            if writer is not None:
                writer.close()

    write_whole(path, write)
    return counts


def read_columns(path: Path, *, group: int | None = None) -> dict[str, NDArray[Any]]:
    """All columns of a file, or of one of its row groups; shapes as shapes, instants as datetime64[us]."""
    with pq.ParquetFile(path) as file:
        table = file.read() if group is None else file.read_row_group(group)
    shapes = json.loads((table.schema.metadata or {}).get(b"geo", b"{}")).get("columns", {})
    found = {}
    for name in table.column_names:
        values = table[name].to_numpy()
        found[name] = shapely.from_wkb(values) if name in shapes else values
    return found


def _table(columns: Columns, geometry: Mapping[str, pyproj.CRS]) -> pa.Table:
    arrays = {}
    for name, values in columns.items():
        if name in geometry:
            arrays[name] = pa.array(shapely.to_wkb(values), pa.binary())
        elif values.dtype.kind == "M":
            arrays[name] = pa.array(values.astype("datetime64[us]"), pa.timestamp("us", "UTC"))
        else:
            arrays[name] = (
                pa.array(values.tolist(), pa.string()) if values.dtype.kind in "OU" else pa.array(values)
            )
    table = pa.table(arrays)
    if not geometry:
        return table
    told = {
        "version": "1.1.0",
        "primary_column": next(iter(geometry)),
        "columns": {
            name: {"encoding": "WKB", "geometry_types": _kinds(columns[name]), "crs": crs.to_json_dict()}
            for name, crs in geometry.items()
        },
    }
    return table.replace_schema_metadata({"geo": json.dumps(told)})


def _kinds(shapes: NDArray[np.object_]) -> list[str]:
    kinds = np.unique(shapely.get_type_id(shapes))
    return sorted(
        shapely.GeometryType(kind).name.title().replace("string", "String") for kind in kinds.tolist()
    )


def write_rows(path: Path, table: Table, rows: Iterable[Sequence[object]]) -> int:
    """Rows of a kept table but its first column (the day's id) as a file; how many."""
    schema = _schema_of(table)
    total = 0

    def write(part: Path) -> None:
        nonlocal total
        with pq.ParquetWriter(part, schema, **_ZSTD) as writer:
            for some in _batches(rows):
                columns = [
                    pa.array(column, field.type)
                    for column, field in zip(zip(*some, strict=True), schema, strict=True)
                ]
                writer.write_table(pa.table(columns, schema=schema))
                total += len(some)

    write_whole(path, write)
    return total


def read_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    """What write_rows wrote."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_AT_ONCE):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _batches(rows: Iterable[Sequence[object]]) -> Iterator[list[Sequence[object]]]:
    some: list[Sequence[object]] = []
    for row in rows:
        some.append(row)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


_TYPES: Final = (
    (Boolean, pa.bool_()),
    (BigInteger, pa.int64()),
    (Integer, pa.int32()),
    (DateTime, pa.timestamp("us", "UTC")),
    (Text, pa.string()),
)


def _schema_of(table: Table) -> pa.Schema:
    return pa.schema([(column.name, _type_of(column.type)) for column in list(table.columns)[1:]])


def _type_of(kind: Any) -> pa.DataType:
    if isinstance(kind, ARRAY):
        return pa.list_(_type_of(kind.item_type))
    return next(ours for theirs, ours in _TYPES if isinstance(kind, theirs))
