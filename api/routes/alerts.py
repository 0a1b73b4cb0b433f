"""/v1/alerts: what stands in the rail of those one leads, and acknowledging it by name."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from analysis.alerts import acknowledge_alert, alerts_within, open_alerts, tell_alert
from api.callers import CallerDep, Conn, Now, require
from api.routes.live import record_view
from people.access import MAY_SEE_MOVEMENT, visible_units

router = APIRouter(prefix="/v1", tags=["alerts"])


class AlertPerson(BaseModel):
    code: str
    name: str
    phone: str | None


class AlertUnit(BaseModel):
    code: str
    name: str
    level: str


class AlertOut(BaseModel):
    """Something that somebody should look at. Once acknowledged it is told until it is over."""

    id: str
    kind: Literal["sos", "urgent_case", "unit_empty", "silent"]
    raised_at: datetime
    person: AlertPerson | None
    unit: AlertUnit | None = Field(
        description="where the person serves, that stands empty, or that holds the case"
    )
    case: str | None = Field(description="its number")
    lon: float | None
    lat: float | None
    asked_at: datetime | None = Field(description="silent: when the worker was asked whether all is well")
    answered_at: datetime | None
    answered: str | None = Field(description="what the worker answered")
    reason: Literal["battery", "permission", "power_saving", "network", "unknown"] | None = Field(
        description="silent: the likely one, by what the phone told last"
    )
    acknowledged_by: str | None = Field(description="who acknowledged it first")
    acknowledged_at: datetime | None
    note: str


class AlertsOut(BaseModel):
    as_of: datetime
    alerts: list[AlertOut] = Field(description="what waits for a name first, calls for help before the rest")


class Acknowledgement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=2000)


@router.get("/alerts", dependencies=[require(*MAY_SEE_MOVEMENT)])
def read_alerts(caller: CallerDep, conn: Conn, now: Now) -> AlertsOut:
    """What stands now in the caller's subtrees."""
    record_view(conn, caller, now, again=True)
    standing = alerts_within(open_alerts(conn, now), visible_units(conn, caller, MAY_SEE_MOVEMENT))
    return AlertsOut(as_of=now, alerts=[_show(tell_alert(one)) for one in standing])


@router.post("/alerts/{alert_id}/acknowledge", dependencies=[require(*MAY_SEE_MOVEMENT)])
def acknowledge(
    alert_id: Annotated[str, Path(max_length=40)],
    wanted: Acknowledgement,
    caller: CallerDep,
    conn: Conn,
    now: Now,
) -> AlertOut:
    """Take an alert on in one's own name. Whoever was first stays written; doing it again changes nothing."""
    scope = visible_units(conn, caller, MAY_SEE_MOVEMENT)
    return _show(tell_alert(acknowledge_alert(conn, caller, scope, alert_id, note=wanted.note, now=now)))


def _show(told: dict[str, Any]) -> AlertOut:
    return AlertOut(**told)
