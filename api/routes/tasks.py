"""What the phone page asks for: the caller's cases, whether all is well, and whether a call for help was answered."""

from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import true

from analysis.alerts import Question, answer_question, open_question
from api.callers import Conn, Now, signed_in
from api.routes.cases import CaseOut, show
from api.routes.me import OwnPerson
from cases.flow import OPEN
from cases.views import CaseFilter, list_cases
from tracking.sos import newest_call

router = APIRouter(prefix="/v1/me", tags=["me"])

CALL_TOLD: Final = timedelta(hours=1)
"""Who answered a call for help is told for so long."""


class QuestionOut(BaseModel):
    """On shift and unheard: is all well?"""

    asked_at: datetime
    answer: str | None = Field(description="none: not answered yet")
    answered_at: datetime | None


class CallOut(BaseModel):
    """The caller's call for help."""

    raised_at: datetime
    acknowledged_by: str | None = Field(description="who takes care of it; none: nobody yet")
    acknowledged_at: datetime | None


class Tasks(BaseModel):
    as_of: datetime
    cases: list[CaseOut] = Field(description="open ones assigned to the caller, the latest to occur first")
    question: QuestionOut | None
    sos: CallOut | None


class AnswerIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answer: str = Field(min_length=1, max_length=200)


@router.get("/tasks", dependencies=[signed_in])
def read_tasks(person_id: OwnPerson, conn: Conn, now: Now) -> Tasks:
    """What is to be done, what is asked, and who answered a call for help."""
    mine = list_cases(conn, CaseFilter(states=OPEN, assignee_id=person_id), true())
    question = open_question(conn, person_id)
    call = newest_call(conn, person_id, now - CALL_TOLD)
    return Tasks(
        as_of=now,
        cases=[show(view) for view in mine.cases],
        question=None if question is None else _show(question),
        sos=None if call is None else CallOut(**vars(call)),
    )


@router.post("/answer", dependencies=[signed_in])
def give_answer(person_id: OwnPerson, wanted: AnswerIn, conn: Conn, now: Now) -> QuestionOut:
    """Answer the question; 404 when nothing is asked. Given soon enough, nobody else is told of the silence."""
    return _show(answer_question(conn, person_id, wanted.answer, now))


def _show(question: Question) -> QuestionOut:
    return QuestionOut(**vars(question))
