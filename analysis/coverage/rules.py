"""The rules of coverage, one place: limits, and which cells a sampling supports. The texts are in docs/coverage.md."""

from dataclasses import dataclass, field
from typing import Final

from core.errors import Invalid
from core.settings import Settings
from geo.cells import cell_inradius_m
from tracking.trails import TrailRules, trail_rules_of

WALK_MPS: Final = 1.4
"""An ordinary walk; what lies between two fixes of a walker is up to half a step of it away from one."""
USUAL_ACCURACY_M: Final = 10.0
FINEST: Final = 12
COARSEST: Final = 5


@dataclass(frozen=True, slots=True)
class CoverageRules:
    """When something was visited, walked or passed. Distances in metres, times in seconds."""

    trail: TrailRules = field(default_factory=TrailRules)
    resolution: int = 10
    proving_s: float = 60
    proving_widths: float = 1.5
    crossing_m: float = 10
    ride_mps: float = 2.5
    vehicle_mps: float = 8
    window_s: float = 30
    valid_accuracy_m: float = 30
    trail_buffer_m: float = 15
    passing_m: float = 25
    visit_gap_s: float = 300
    sliver_share: float = 0.1
    own_margin_m: float = 30

    @property
    def inradius_m(self) -> float:
        return cell_inradius_m(self.resolution)

    @property
    def proving_m(self) -> float:
        """A longer leg proves nothing but its two ends."""
        return self.proving_widths * 2 * self.inradius_m


def coverage_rules_of(settings: Settings) -> CoverageRules:
    return CoverageRules(trail_rules_of(settings), settings.h3_resolution)


def supports(resolution: int, interval_s: float, accuracy_m: float = USUAL_ACCURACY_M) -> bool:
    """Whether cells of this resolution may be claimed: half a walking step and the accuracy stay inside a cell."""
    return WALK_MPS * interval_s / 2 + accuracy_m <= cell_inradius_m(resolution)


def finest_resolution(interval_s: float, accuracy_m: float = USUAL_ACCURACY_M) -> int | None:
    """The finest cells that may be claimed; None where not even the coarsest."""
    for resolution in range(FINEST, COARSEST - 1, -1):
        if supports(resolution, interval_s, accuracy_m):
            return resolution
    return None


def refuse_too_fine(resolution: int, interval_s: float) -> None:
    """Invalid when phones that report every `interval_s` cannot support cells of this resolution."""
    if supports(resolution, interval_s):
        return
    finest = finest_resolution(interval_s)
    raise Invalid(
        f"cells of resolution {resolution} are finer than a fix every {interval_s:g} s supports; "
        + (
            f"set WANGGE_H3_RESOLUTION to {finest} or lower"
            if finest is not None
            else "no cells are coarse enough"
        )
    )
