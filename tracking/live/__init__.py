"""Live dots: where the people on duty are by their newest accepted fix, and how far that can be believed."""

from tracking.live.crowd import ROW, grown, nothing
from tracking.live.dots import EVERYWHERE, Dot, Figures, Position, Standing, figures_of, subtrees_of
from tracking.live.held import Changes, LiveMap, Places
from tracking.live.reading import dots_of, mark_of_calls, snapshot_dots
from tracking.live.states import REASONS, STATES, Reason, Rhythm, State, reason_of, states_of, turns_in_s

__all__ = [
    "EVERYWHERE",
    "REASONS",
    "ROW",
    "STATES",
    "Changes",
    "Dot",
    "Figures",
    "LiveMap",
    "Places",
    "Position",
    "Reason",
    "Rhythm",
    "Standing",
    "State",
    "dots_of",
    "figures_of",
    "grown",
    "mark_of_calls",
    "nothing",
    "reason_of",
    "snapshot_dots",
    "states_of",
    "subtrees_of",
    "turns_in_s",
]
