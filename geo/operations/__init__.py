"""Redrawing: each operation is a change of a drawing, worked out without a database and undone exactly."""

from geo.flows import Doors
from geo.operations.borders import MatchBorders, ReshapeVertex, ShiftBorder, Transfer
from geo.operations.drawing import Drawing, Impossible, NothingToDo, Unit
from geo.operations.effects import Applied, Measures, Operation, Restore, apply
from geo.operations.joining import Dissolve, Merge
from geo.operations.naming import CreateDedicated, Recode, Rename, Reparent
from geo.operations.partition import RedrawPartition
from geo.operations.returned import ReplaceFromFile
from geo.operations.splitting import SplitByLine, SplitEven

OPERATIONS: dict[str, type[Operation]] = {
    "split_by_line": SplitByLine,
    "split_even": SplitEven,
    "merge": Merge,
    "shift_border": ShiftBorder,
    "transfer": Transfer,
    "reshape_vertex": ReshapeVertex,
    "match_borders": MatchBorders,
    "redraw_partition": RedrawPartition,
    "reparent": Reparent,
    "rename": Rename,
    "recode": Recode,
    "create_dedicated": CreateDedicated,
    "dissolve": Dissolve,
    "replace_from_file": ReplaceFromFile,
}

__all__ = [
    "OPERATIONS",
    "Applied",
    "CreateDedicated",
    "Dissolve",
    "Doors",
    "Drawing",
    "Impossible",
    "MatchBorders",
    "Measures",
    "Merge",
    "NothingToDo",
    "Operation",
    "Recode",
    "RedrawPartition",
    "Rename",
    "Reparent",
    "ReplaceFromFile",
    "ReshapeVertex",
    "Restore",
    "ShiftBorder",
    "SplitByLine",
    "SplitEven",
    "Transfer",
    "Unit",
    "apply",
]
