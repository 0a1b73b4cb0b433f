"""GET /v1/coverage/report: the figures of a period to take away. Each is recorded and says who took it and when."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from analysis.coverage.measures.duty_time import working_hours_of
from api.callers import CallerDep, Conn, Now, SettingsDep, require
from api.routes.coverage import AskedDep, CoverageQuery
from maps.pages import Language
from people.access import MAY_SEE_COVERAGE
from people.looks import Look, record_look
from reports.coverage import Kind, Reader, gather_report, write_report

router = APIRouter(prefix="/v1", tags=["coverage"])

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
    lang: Annotated[
        Language | None, Query(description="zh or en; none: as WANGGE_LANGUAGE, which is zh")
    ] = None,
) -> Response:
    """A workbook, a printed report, rows or shapes; the same figures as the page. Names of columns of csv and geojson are
    the same in both languages.
    """
    reader = Reader(caller.login, lang or settings.language)
    report = gather_report(
        conn, wanted, network=query.network, reader=reader, now=now, hours=working_hours_of(settings)
    )
    why = f"coverage {kind} {wanted.first} – {wanted.last}"
    record_look(
        conn, Look(now, caller.login, "export", why, account_id=caller.account_id, unit_id=wanted.unit_id)
    )
    name = f"coverage-{wanted.first}-{wanted.last}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write_report(conn, report, kind), media_type=TYPES[kind], headers=headers)
