"""The validator: located findings on a network's units, never a silent repair."""

from collections.abc import Sequence
from dataclasses import dataclass

from geo.findings import Finding
from geo.networks import Network
from geo.plans import UnitDraft
from geo.validation.coverage import check_coverage
from geo.validation.ground import Ground
from geo.validation.hierarchy import check_derived, resolve_parents
from geo.validation.shapes import check_codes, usable_shapes

__all__ = ["Checked", "Ground", "check_units"]


@dataclass(frozen=True)
class Checked:
    """The units with their parents, and every finding on them."""

    ground: Ground
    findings: list[Finding]


def check_units(network: Network, drafts: Sequence[UnitDraft]) -> Checked:
    """Judge what an edition would hold. Errors keep a full network from being published."""
    shapes, findings = usable_shapes(network, drafts)
    findings = findings + check_codes(network, drafts, shapes)
    ground, tree = resolve_parents(network, drafts, shapes)
    findings += tree + check_derived(ground)
    if ground.has_shape.any():
        findings += check_coverage(ground)
    return Checked(ground, findings)
