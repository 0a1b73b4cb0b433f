"""The validator: located findings on a network's units, never a silent repair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapely.geometry.base import BaseGeometry

from geo.findings import Finding
from geo.networks import Network
from geo.plans import UnitDraft
from geo.validation.coverage import check_coverage
from geo.validation.ground import Ground
from geo.validation.hierarchy import check_derived, resolve_parents
from geo.validation.looks import Surroundings, check_looks
from geo.validation.shapes import check_codes, usable_shapes

__all__ = ["Checked", "Ground", "Surroundings", "check_units"]


@dataclass(frozen=True)
class Checked:
    """The units with their parents, and every finding on them."""

    ground: Ground
    findings: list[Finding]


def check_units(
    network: Network,
    drafts: Sequence[UnitDraft],
    *,
    window: BaseGeometry | None = None,
    around: Surroundings | None = None,
) -> Checked:
    """Judge what an edition would hold. Errors keep a full network from being published.

    `window`: the box in which no unit is missing; None: none is missing anywhere. `around`: also judge the units'
    looks and sizes by it.
    """
    shapes, findings = usable_shapes(network, drafts)
    findings = findings + check_codes(network, drafts, shapes)
    ground, tree = resolve_parents(network, drafts, shapes)
    ground = replace(ground, window=window)
    findings += tree + check_derived(ground)
    if ground.has_shape.any():
        findings += check_coverage(ground)
        findings += [] if around is None else check_looks(ground, around)
    return Checked(ground, findings)
