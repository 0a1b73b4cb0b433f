"""The supervisor's coverage page: it begins with the ground the caller's grants hold for."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from analysis.coverage.kept.reading import find_codes
from api.callers import CallerDep, Conn, Now, SettingsDep, require
from api.pages.pages import LanguageDep, give_page
from core.clock import day_of
from people.access import MAY_SEE_COVERAGE
from people.roles import list_roles

router = APIRouter(include_in_schema=False)


@router.get("/coverage", dependencies=[require(*MAY_SEE_COVERAGE)])
def show_coverage(
    request: Request, settings: SettingsDep, language: LanguageDep, caller: CallerDep, conn: Conn, now: Now
) -> Response:
    """Coverage of the city or of one's street."""
    grants = [grant for grant in caller.grants if grant.role in MAY_SEE_COVERAGE]
    bounded = [grant.unit_id for grant in grants if grant.unit_id is not None]
    roots = [] if len(bounded) < len(grants) else find_codes(conn, bounded)
    return give_page(
        request,
        settings,
        language,
        name="coverage",
        login=caller.login,
        root=roots[0] if roots else "",
        roles=[
            (one.code, one.name if language == "zh" else one.name_en)
            for one in list_roles(conn)
            if one.tracked
        ],
        yesterday=(day_of(now, settings.zone) - timedelta(days=1)).isoformat(),
    )
