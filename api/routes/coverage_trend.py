"""How a unit's coverage went over weeks."""

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, Field

from analysis.coverage.views.trend import Week, read_trend
from api.callers import Conn, require
from api.routes.coverage import AskedDep, FigureOut, describe_figure
from people.access import MAY_SEE_COVERAGE

router = APIRouter(prefix="/v1", tags=["coverage"])


class WeekOut(BaseModel):
    monday: date
    days: int = Field(description="computed ones of it, 0 to 7")
    figures: dict[str, FigureOut] = Field(description="sums of its days; empty for a week without any")
    edition_changed: bool = Field(description="not all of its days on the same borders")


class TrendOut(BaseModel):
    weeks: list[WeekOut]


@router.get("/coverage/trend", dependencies=[require(*MAY_SEE_COVERAGE)])
def tell_trend(asked: AskedDep, conn: Conn) -> TrendOut:
    """The twelve weeks up to the end of the period, Monday to Sunday."""
    return TrendOut(weeks=[_week(week) for week in read_trend(conn, asked)])


def _week(week: Week) -> WeekOut:
    return WeekOut(
        monday=week.monday,
        days=week.days,
        figures={key: describe_figure(figure) for key, figure in week.figures.items()},
        edition_changed=week.edition_changed,
    )
