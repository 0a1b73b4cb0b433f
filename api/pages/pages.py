"""The pages for people; each is a template and modules that ask /v1."""

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from api.callers import CallerDep, Conn, MaybeCallerDep, Now, SettingsDep, public, signed_in
from api.pages.sign_in import own_path
from core.settings import Settings
from geo.units import list_published_networks
from maps.pages import Language, choose_language, render_page
from people.access import (
    MAY_PLAN,
    MAY_SEE_CASES,
    MAY_SEE_COVERAGE,
    MAY_SEE_HOTSPOTS,
    MAY_SEE_MOVEMENT,
    MAY_SEE_PLANS,
    Caller,
    may,
    may_everywhere,
)

router = APIRouter(include_in_schema=False)

LANGUAGE_COOKIE: Final = "wangge-language"
YEAR_S: Final = 365 * 86400


def read_language(
    request: Request, settings: SettingsDep, lang: Annotated[str | None, Query(max_length=8)] = None
) -> Language:
    """The language of the page asked for."""
    accepted = request.headers.get("accept-language", "")
    return choose_language(lang, request.cookies.get(LANGUAGE_COOKIE), accepted, settings.language)


LanguageDep = Annotated[Language, Depends(read_language)]


def give_page(
    request: Request, settings: Settings, language: Language, *, name: str, **values: Any
) -> Response:
    """A page in the language; a language asked for in the address is kept for the next pages."""
    other: Language = "en" if language == "zh" else "zh"
    query = [(key, value) for key, value in parse_qsl(request.url.query) if key != "lang"]
    other_url = f"{request.url.path}?{urlencode([*query, ('lang', other)])}"
    page = render_page(name, language, zone=settings.time_zone, other_url=other_url, **values)
    answer = HTMLResponse(page, headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"})
    if request.query_params.get("lang") == language:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="lax", path="/")
    return answer


@router.get("/login", dependencies=[public])
def show_sign_in(
    request: Request,
    settings: SettingsDep,
    language: LanguageDep,
    caller: MaybeCallerDep,
    next_path: Annotated[str, Query(alias="next", max_length=2000)] = "/",
    problem: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """The form; somebody who is signed in already goes on."""
    if caller is not None:
        return RedirectResponse(own_path(next_path), status_code=303)
    told = problem if problem in ("wrong", "throttled") else None
    return give_page(
        request, settings, language, name="login", next=own_path(next_path), problem=told, login=None
    )


@router.get("/", dependencies=[signed_in])
def show_start(
    request: Request, settings: SettingsDep, language: LanguageDep, caller: CallerDep, conn: Conn, now: Now
) -> Response:
    """Which pages there are for this caller, and which networks are published."""
    return give_page(
        request,
        settings,
        language,
        name="start",
        login=caller.login,
        granted=bool(caller.grants) or caller.person_id is not None,
        doors=doors_for(caller),
        networks=published_networks(conn, now, language),
    )


def published_networks(conn: Connection, now: datetime, language: Language) -> list[dict[str, Any]]:
    """Networks with an edition in force, and how many units each level has in it."""
    shown = []
    for found in list_published_networks(conn, at=now):
        if found.edition is None:
            continue
        levels = [
            {
                "name": level.name_en if language == "en" and level.name_en else level.name,
                "units": found.edition.count_of(level.code),
            }
            for level in found.network.levels
        ]
        shown.append(
            {
                "code": found.network.code,
                "name": found.network.name,
                "coverage": found.network.coverage,
                "levels": levels,
            }
        )
    return shown


def doors_for(caller: Caller) -> list[dict[str, str]]:
    """The pages a caller has something to see on."""
    doors = [("/wall", "start.wall")] if caller.grants else []
    doors += [("/planner", "start.planner")] if caller.grants else []
    doors += [("/coverage", "start.coverage_page")] if may(caller, *MAY_SEE_COVERAGE) else []
    doors += [("/m", "start.m")] if caller.person_id is not None else []
    doors += [("/docs", "start.docs")]
    return [{"href": href, "name": key, "text": f"{key}.text"} for href, key in doors]


@router.get("/wall", dependencies=[signed_in])
def show_wall(request: Request, settings: SettingsDep, language: LanguageDep, caller: CallerDep) -> Response:
    """The command wall; what the caller may not see is not asked for by its modules."""
    return give_page(
        request,
        settings,
        language,
        name="wall",
        login=caller.login,
        sees_movement=may(caller, *MAY_SEE_MOVEMENT),
        sees_cases=may(caller, *MAY_SEE_CASES),
        sees_hotspots=may(caller, *MAY_SEE_HOTSPOTS),
    )


@router.get("/planner", dependencies=[signed_in])
def show_planner(
    request: Request, settings: SettingsDep, language: LanguageDep, caller: CallerDep
) -> Response:
    """Plans for those who draw or approve them; the history of the ground for everybody."""
    return give_page(
        request,
        settings,
        language,
        name="planner",
        login=caller.login,
        plans=may(caller, *MAY_SEE_PLANS),
        plans_all=may_everywhere(caller, *MAY_PLAN),
    )


@router.get("/units/{unit_id}", dependencies=[signed_in])
def show_unit(
    unit_id: UUID, request: Request, settings: SettingsDep, language: LanguageDep, caller: CallerDep
) -> Response:
    """The life of a unit: borders, names and codes are for everybody who is signed in."""
    return give_page(request, settings, language, name="unit", login=caller.login, unit_id=str(unit_id))


@router.get("/m", dependencies=[signed_in])
def show_phone_page(
    request: Request, settings: SettingsDep, language: LanguageDep, caller: CallerDep
) -> Response:
    """A person's own page."""
    return give_page(
        request, settings, language, name="phone", login=caller.login, fix_days=f"{settings.fix_days:g}"
    )
