"""Live dots: where the people on duty are by their newest accepted fix, and how far that can be believed."""

from tracking.live.dots import (
    EVERYWHERE,
    Dot,
    Figures,
    Position,
    Sign,
    Standing,
    figures_of,
    make_dot,
    subtrees_of,
)
from tracking.live.held import Change, LiveMap
from tracking.live.reading import dots_of, mark_of_calls, snapshot_dots
from tracking.live.states import Reason, Rhythm, State, reason_of, state_of

__all__ = [
    "EVERYWHERE",
    "Change",
    "Dot",
    "Figures",
    "LiveMap",
    "Position",
    "Reason",
    "Rhythm",
    "Sign",
    "Standing",
    "State",
    "dots_of",
    "figures_of",
    "make_dot",
    "mark_of_calls",
    "reason_of",
    "snapshot_dots",
    "state_of",
    "subtrees_of",
]
