"""The case flow in one table: which step leads from where to where, and who may take it.

reported 上报 → accepted 受理 → assigned 派遣 → handled 处置 → verified 核查 → closed 结案
reported, accepted, assigned → rejected 不予受理 | duplicate 重复
assigned → accepted (sent back 退回, escalated 提级, transferred 转办), handled → assigned (rework 返工),
assigned stays assigned when the worker acknowledges it (接单),
an ended case → accepted (reopened 重新受理)
"""

from dataclasses import dataclass
from typing import Final

from core.errors import Conflict, Invalid, told

STATES: Final[dict[str, tuple[str, str]]] = {
    "reported": ("上报", "reported"),
    "accepted": ("受理", "accepted"),
    "assigned": ("派遣", "assigned"),
    "handled": ("处置", "handled"),
    "verified": ("核查", "verified"),
    "closed": ("结案", "closed"),
    "rejected": ("不予受理", "rejected"),
    "duplicate": ("重复", "duplicate"),
}
OPEN: Final = ("reported", "accepted", "assigned", "handled", "verified")
ENDED: Final = ("closed", "rejected", "duplicate")


@dataclass(frozen=True)
class Step:
    """A row of the table.

    `roles` may take the step within their subtree; with `by_assignee` also the worker the case is assigned to.
    `target` None: the state stays. `needs` are the fields the step cannot do without, `one_of` a choice of them.
    """

    sources: tuple[str, ...]
    target: str | None
    roles: tuple[str, ...]
    name: str
    by_assignee: bool = False
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    not_by_handler: bool = False


_OFFICE: Final = ("desk", "supervisor", "command")

STEPS: Final[dict[str, Step]] = {
    "accept": Step(("reported",), "accepted", _OFFICE, "受理"),
    "reject": Step(("reported", "accepted"), "rejected", _OFFICE, "不予受理", needs=("note",)),
    "duplicate": Step(
        ("reported", "accepted", "assigned"), "duplicate", _OFFICE, "标为重复", needs=("duplicate_of",)
    ),
    "assign": Step(("accepted", "assigned"), "assigned", _OFFICE, "派遣", one_of=("assignee", "unit")),
    "acknowledge": Step(("assigned",), None, (), "接单", by_assignee=True),
    "send_back": Step(
        ("assigned",), "accepted", ("desk", "supervisor"), "退回", by_assignee=True, needs=("note",)
    ),
    "handle": Step(("assigned",), "handled", ("supervisor",), "处置", by_assignee=True),
    "rework": Step(
        ("handled",), "assigned", (*_OFFICE, "worker"), "返工", needs=("note",), not_by_handler=True
    ),
    "verify": Step(("handled",), "verified", ("desk", "supervisor", "worker"), "核查", not_by_handler=True),
    "close": Step(("verified",), "closed", _OFFICE, "结案"),
    "escalate": Step(
        ("accepted", "assigned"),
        "accepted",
        ("desk", "supervisor"),
        "提级",
        by_assignee=True,
        needs=("note",),
    ),
    "transfer": Step(("accepted", "assigned"), "accepted", _OFFICE, "转办", needs=("unit", "note")),
    "reopen": Step(ENDED, "accepted", _OFFICE, "重新受理", needs=("note",)),
    "note": Step(OPEN, None, (*_OFFICE, "worker"), "加注", by_assignee=True, needs=("note",)),
}
"""Every step there is, by the name it has in an event. A case begins with the event "report"; one taken over from
another system in a later state has the event "import" after it."""


def find_step(kind: str) -> Step:
    """The row of a step; Invalid names those there are."""
    if kind not in STEPS:
        raise Invalid(
            told("there is no step “{step}”; there are: {steps}", step=kind, steps=", ".join(STEPS))
        )
    return STEPS[kind]


def check_source(kind: str, state: str) -> None:
    """Conflict when the step does not lead on from this state."""
    step = find_step(kind)
    if state not in step.sources:
        possible = [name for name, other in STEPS.items() if state in other.sources]
        raise Conflict(
            told(
                "the case is {case_state_1}: {case_step_1} leads on from {case_state_2}; possible now: {case_step_2}",
                case_state_1=state,
                case_step_1=kind,
                case_state_2=", ".join(step.sources),
                case_step_2=", ".join(possible),
            )
        )


def check_needs(kind: str, given: frozenset[str]) -> None:
    """Invalid when the step lacks a field; `given` are the names of the fields that were filled."""
    step = find_step(kind)
    missing = [field for field in step.needs if field not in given]
    if missing:
        raise Invalid(told("{case_step} needs {case_field}", case_step=kind, case_field=", ".join(missing)))
    if step.one_of and not given.intersection(step.one_of):
        raise Invalid(
            told("{case_step} needs one of {case_field}", case_step=kind, case_field=", ".join(step.one_of))
        )
