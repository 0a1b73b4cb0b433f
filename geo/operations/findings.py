"""What is wrong after an operation: the validator run on the neighbourhood of what changed."""

from collections.abc import Collection
from uuid import UUID

import numpy as np
import shapely

from geo.findings import Finding
from geo.operations.drawing import Drawing
from geo.plans import UnitDraft, geometry_column
from geo.validation import Surroundings, check_units


def check_neighbourhood(
    drawing: Drawing, changed: Collection[UUID], around: Surroundings | None = None
) -> list[Finding]:
    """The findings on the changed units: those that the whole network would give there."""
    drafts = drafts_of(drawing)
    units = [drawing.units[unit_id] for unit_id in changed if unit_id in drawing.units]
    shapes = geometry_column(unit.geom for unit in units if unit.geom is not None)
    names = {(unit.level, unit.code) for unit in units}
    found = check_units(
        drawing.network, drafts, window=drawing.window, around=around or Surroundings()
    ).findings
    return [each for each in found if _concerns(each, names, shapes)]


def _concerns(finding: Finding, names: Collection[tuple[str, str]], shapes: np.ndarray) -> bool:
    if any((finding.level, code) in names for code in finding.units):
        return True
    shape = finding.geometry
    return shape is not None and len(shapes) > 0 and bool(shapely.intersects(shapes, shape).any())


def drafts_of(drawing: Drawing) -> list[UnitDraft]:
    """The drawing's units as the validator reads them; official outlines as received, other parents derived."""
    return [
        UnitDraft(
            level=unit.level,
            code=unit.code,
            name=unit.name,
            geom=drawing.outlines.get(unit.id, unit.geom),
            parent_code=None if unit.parent is None else drawing.unit(unit.parent).code,
            kind=unit.kind,
            households=unit.households,
            attrs=unit.attrs,
            unit_id=unit.id,
        )
        for unit in drawing.units.values()
    ]
