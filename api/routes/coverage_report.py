"""GET /v1/coverage/report: the figures of a period to take away. Each is recorded and says who took it and when."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from analysis.coverage.measures.duty_time import working_hours_of
from api.callers import CallerDep, Conn, Now, SettingsDep, require
from api.routes.coverage import AskedDep, CoverageQuery
from people.access import MAY_SEE_COVERAGE
from people.looks import Look, record_look
from reports.coverage import gather_report, write_csv, write_geojson, write_pdf, write_xlsx

router = APIRouter(prefix="/v1", tags=["coverage"])

Kind = Literal["xlsx", "pdf", "csv", "geojson"]
TYPES: Final[dict[Kind, str]] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "the file",
        "content": {
            kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for kind in TYPES.values()
        },
    }
}


@router.get(
    "/coverage/report",
    dependencies=[require(*MAY_SEE_COVERAGE)],
    response_class=Response,
    responses=_ANSWER,
)
def give_report(
    query: Annotated[CoverageQuery, Query()],
    wanted: AskedDep,
    caller: CallerDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
    kind: Annotated[Kind, Query(description="xlsx, pdf, csv or geojson")] = "xlsx",
) -> Response:
    """A workbook, a printed report, rows or shapes; the same figures as the page."""
    report = gather_report(
        conn, wanted, network=query.network, who=caller.login, now=now, hours=working_hours_of(settings)
    )
    writers = {
        "xlsx": lambda: write_xlsx(report),
        "pdf": lambda: write_pdf(conn, report),
        "csv": lambda: write_csv(report),
        "geojson": lambda: write_geojson(conn, report),
    }
    why = f"coverage {kind} {wanted.first} – {wanted.last}"
    record_look(
        conn, Look(now, caller.login, "export", why, account_id=caller.account_id, unit_id=wanted.unit_id)
    )
    name = f"coverage-{wanted.first}-{wanted.last}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(writers[kind](), media_type=TYPES[kind], headers=headers)
