"""/v1/cases: report one, list those one may see, read one with its places and log, move it along."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.callers import CallerDep, Conn, LookupDep, Now, require, signed_in
from cases.desk import report_case
from cases.events import LoggedEvent
from cases.flow import STATES
from cases.reports import LONGEST, CaseReport
from cases.steps import StepRequest, possible_steps, take_step
from cases.views import CaseDetail, CaseFilter, CaseView, Place, list_cases, read_case, visible
from core.errors import Invalid, told
from geo.coordinates import to_wgs84
from geo.tabular import position_trouble
from people.access import MAY_REPORT_CASES, Caller

router = APIRouter(prefix="/v1", tags=["cases"])

Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
State = Literal["reported", "accepted", "assigned", "handled", "verified", "closed", "rejected", "duplicate"]
StepName = Literal[
    "accept", "reject", "duplicate", "assign", "acknowledge", "send_back", "handle", "rework", "verify", "close", "escalate",
    "transfer", "reopen", "note",
]  # fmt: skip
Number = Annotated[str, Path(max_length=40)]


class CaseIn(BaseModel):
    """A report. The same channel and reference again is the same case."""

    model_config = ConfigDict(extra="forbid")

    channel: str = Field(min_length=1, max_length=LONGEST["channel"], description="12345, app, patrol, …")
    external_ref: str = Field(
        min_length=1, max_length=LONGEST["external_ref"], description="the channel's own reference"
    )
    category: str = Field(min_length=1, max_length=LONGEST["category"])
    level: int = Field(1, ge=1, le=5, description="from 3 on the street holds it")
    description: str = Field("", max_length=LONGEST["description"])
    lon: Lon | None = None
    lat: Lat | None = None
    crs: str = Field("wgs84", max_length=20, description="wgs84, gcj02, bd09, cgcs2000 or EPSG:n in degrees")
    accuracy_m: float | None = Field(None, ge=0, lt=1e7, allow_inf_nan=False)
    occurred_at: AwareDatetime | None = Field(None, description="none: when it was reported")
    reported_at: AwareDatetime | None = Field(None, description="none: now")


class CaseOut(BaseModel):
    """A case. `seq` is the number of its newest event: send it back as `after_seq` with a step."""

    number: str
    channel: str
    external_ref: str
    category: str
    level: int
    description: str
    lon: float | None
    lat: float | None
    accuracy_m: float | None
    occurred_at: datetime
    reported_at: datetime
    received_at: datetime
    state: State
    seq: int
    owner_code: str | None = Field(description="the unit that holds it; none once it ended")
    owner_name: str | None
    assignee_code: str | None
    assignee_name: str | None
    acknowledged_at: datetime | None = Field(description="when the assignee took it on; none: not yet")


class UnitOut(BaseModel):
    level: str
    code: str
    name: str


class PlaceOut(BaseModel):
    """Where it lies in one network, as that network was when the case occurred; units from the deepest up."""

    network: str
    edition_id: int
    status: str
    border_m: float | None
    units: list[UnitOut]


class EventOut(BaseModel):
    seq: int
    kind: str
    state: State
    actor: str
    actor_role: str
    at: datetime
    note: str
    lon: float | None
    lat: float | None
    evidence: dict[str, str | float | bool | None]
    intact: bool = Field(description="this entry and all before it are as they were written")


class CaseDetailOut(CaseOut):
    duplicate_of: str | None
    places: list[PlaceOut]
    events: list[EventOut]
    possible: list[StepName] = Field(description="the steps that are open to you now")


class CasesOut(BaseModel):
    """A page of cases, the latest to occur first; `after` asks for the next page, none on the last one."""

    cases: list[CaseOut]
    after: str | None


class CasesAsked(BaseModel):
    """Which cases are asked for."""

    unit: str | None = Field(None, max_length=200, description="code; with everything below it")
    network: str | None = Field(None, max_length=200, description="the network of `unit`")
    state: list[State] = Field(default_factory=list)
    category: str | None = Field(None, max_length=LONGEST["category"])
    since: AwareDatetime | None = Field(None, alias="from", description="occurred at or after")
    until: AwareDatetime | None = Field(None, alias="to", description="occurred before")
    bbox: str | None = Field(None, max_length=200, description="west,south,east,north")
    mine: bool = Field(False, description="only those assigned to me")
    limit: int = Field(100, ge=1, le=1000)
    after: str | None = Field(None, max_length=100, description="from the page before")
    form: Literal["json", "geojson"] = Field("json", alias="format")


class StepIn(BaseModel):
    """A step. What each kind needs: reject, send_back, rework, escalate, reopen and note a note; duplicate the number
    of the case it repeats; assign a person or a unit; transfer a unit and a note.
    """

    model_config = ConfigDict(extra="forbid")

    kind: StepName
    after_seq: int = Field(ge=1, lt=2**31, description="the newest event you know of")
    note: str = Field("", max_length=10_000)
    assignee: str | None = Field(None, max_length=200, description="code of a person")
    unit: str | None = Field(None, max_length=200, description="code of a unit")
    duplicate_of: str | None = Field(None, max_length=40)
    lon: Lon | None = None
    lat: Lat | None = None
    evidence: dict[
        Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=2000)] | float | bool | None
    ] = Field(default_factory=dict, max_length=50)


def show(view: CaseView) -> CaseOut:
    return CaseOut(**{name: getattr(view, name) for name in CaseOut.model_fields})


def show_place(place: Place) -> PlaceOut:
    units = [UnitOut(level=level, code=code, name=name) for level, code, name in place.units]
    return PlaceOut(
        network=place.network_code,
        edition_id=place.edition_id,
        status=place.status,
        border_m=place.border_m,
        units=units,
    )


def show_event(logged: LoggedEvent) -> EventOut:
    return EventOut(seq=logged.seq, intact=logged.intact, **asdict(logged.event))


def show_detail(conn: Connection, caller: Caller, detail: CaseDetail) -> CaseDetailOut:
    return CaseDetailOut(
        **show(detail.case).model_dump(),
        duplicate_of=detail.duplicate_of,
        places=[show_place(place) for place in detail.places],
        events=[show_event(event) for event in detail.events],
        possible=possible_steps(conn, caller, detail.case),
    )


@router.post(
    "/cases",
    status_code=201,
    dependencies=[require(*MAY_REPORT_CASES)],
    responses={200: {"model": CaseOut, "description": "Known already; nothing was changed"}},
)
def post_case(
    body: CaseIn, caller: CallerDep, conn: Conn, lookup: LookupDep, now: Now, response: Response
) -> CaseOut:
    """Take a report in. 409 when the reference is known with other contents, or is of a case that is not yours to
    see; nothing is changed then.
    """
    reported = report_case(conn, lookup, CaseReport(**_on_wgs84(body)), caller, now=now)
    response.status_code = 201 if reported.outcome == "new" else 200
    response.headers["Location"] = f"/v1/cases/{reported.view.number}"
    return show(reported.view)


def _on_wgs84(body: CaseIn) -> dict[str, Any]:
    fields = body.model_dump(exclude={"crs"})
    if body.crs != "wgs84" and body.lon is not None and body.lat is not None:
        lon, lat = to_wgs84(body.lon, body.lat, body.crs)
        fields["lon"], fields["lat"] = float(lon), float(lat)
        if position_trouble(fields["lon"], fields["lat"]) is not None:
            raise Invalid(
                told(
                    "{lon}, {lat} is no place on earth in {crs}",
                    lon=f"{body.lon:g}",
                    lat=f"{body.lat:g}",
                    crs=body.crs,
                )
            )
    return fields


@router.get(
    "/cases",
    dependencies=[signed_in],
    response_model=CasesOut,
    responses={200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}}},
)
def get_cases(asked: Annotated[CasesAsked, Query()], caller: CallerDep, conn: Conn) -> Any:
    """The cases within your subtree and those assigned to you; as GeoJSON only those with coordinates."""
    wanted = CaseFilter(
        unit_code=asked.unit,
        network_code=asked.network,
        states=tuple(asked.state),
        category=asked.category,
        since=asked.since,
        until=asked.until,
        bbox=None if asked.bbox is None else read_bbox(asked.bbox),
        assignee_id=(caller.person_id or -1) if asked.mine else None,
        with_point=asked.form == "geojson",
    )
    page = list_cases(conn, wanted, visible(conn, caller), limit=asked.limit, after=asked.after)
    if asked.form == "json":
        return CasesOut(cases=[show(view) for view in page.cases], after=page.after)
    features = [_feature(view) for view in page.cases]
    return JSONResponse(
        {"type": "FeatureCollection", "features": features, "after": page.after},
        media_type="application/geo+json",
    )


def _feature(view: CaseView) -> dict[str, Any]:
    properties = show(view).model_dump(mode="json", exclude={"lon", "lat", "description"})
    properties["state_zh"] = STATES[view.state][0]
    return {
        "type": "Feature",
        "id": view.number,
        "geometry": {"type": "Point", "coordinates": [view.lon, view.lat]},
        "properties": properties,
    }


def read_bbox(text: str) -> tuple[float, float, float, float]:
    """west, south, east, north in degrees; Invalid with the way to write it."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Invalid(
            told("bbox is written west,south,east,north in degrees, as 113.5,34.6,113.8,34.9")
        ) from error
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Invalid(told("bbox must lie within -180,-90,180,90, west before east and south before north"))
    return west, south, east, north


@router.get("/cases/{number}", dependencies=[signed_in])
def get_case(number: Number, caller: CallerDep, conn: Conn) -> CaseDetailOut:
    """One case with where it lies in every network, its log, and the steps open to you."""
    return show_detail(conn, caller, read_case(conn, number, visible(conn, caller)))


@router.post("/cases/{number}/events", dependencies=[signed_in])
def post_event(number: Number, body: StepIn, caller: CallerDep, conn: Conn, now: Now) -> CaseOut:
    """Move a case along. 409 when it has moved since `after_seq`, or when the step does not lead on from its state."""
    if (body.lon is None) != (body.lat is None):
        raise Invalid(told("lon and lat come together, or neither"))
    return show(take_step(conn, caller, number, StepRequest(**body.model_dump()), now=now))
