"""Fill an empty installation with the fictional city, through the functions behind the import verbs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, select

from cases.events import Actor
from cases.intake import take_in_cases
from cases.tables import case
from core.clock import day_bounds, day_of
from core.errors import Conflict, NotFound
from core.settings import Settings
from demo.city.files import FOLDER, POLICE_FOLDER, read_packed
from demo.city.make import SEED
from demo.city.names import CITY, CITY_CODE
from demo.incidents import Scenery, past_cases
from demo.keys import Keys, new_password, write_keys
from demo.patrols import STEP_S, STILL_S
from demo.roster import Worker, make_roster, people_table, shifts_table
from geo.addresses import AddressPoint, write_addresses
from geo.editions import publish_plan
from geo.lookup import Lookup
from geo.networks import find_network
from geo.plans import newest_edition_id
from geo.received import import_received
from geo.received.folder import read_boundary_folder
from geo.tables import address_point
from people.accounts import add_account, find_account, set_password
from people.grants import add_grant, find_unit
from people.notices import Notice, accept_notice, publish_notice
from people.persons import find_person
from people.roster import import_people, import_shifts
from people.shifts import Shift, add_shift, shifts_covering
from people.tables import person
from people.tokens import issue_bearer
from tracking.devices import add_device, list_devices, renew_token

Tell = Callable[[str], None]
ACTOR: Final = Actor("demo", "operator")
SERVED_DAYS: Final = 400
"""How long everybody of the city has served already."""
NOTICE: Final = "demo-1"
NOTICE_ZH: Final = (
    "在岗期间,系统记录你的手机位置,用于巡查、派单和安全求助;离岗不记录。原始定位保留 30 天。"
    "你可以在“我的”页面查看记录了什么、谁看过。(演示城市的告知书)"
)
NOTICE_EN: Final = (
    "While you are on duty the position of your phone is recorded, for patrols, dispatch and calls for help; "
    "off duty nothing is. Fixes are kept for 30 days. Your own page shows what is recorded and who looked. "
    "(The notice of the fictional city.)"
)


@dataclass(frozen=True)
class Login:
    """A demo account: what it may do, on which unit (None: everywhere), and whose it is."""

    login: str
    role: str
    unit: str | None
    title: str
    person: str | None = None


def demo_logins(people: Sequence[Worker]) -> tuple[Login, ...]:
    """One account of every kind; the supervisor's street and the worker's grids belong together."""
    worker = next(one for one in people if one.role == "grid_worker")
    return (
        Login("command", "command", None, "指挥长 · command"),
        Login("supervisor", "supervisor", worker.units[0][:9], "街道督导 · supervisor of a street"),
        Login("desk", "desk", None, "座席员 · desk"),
        Login("worker", "worker", worker.units[0], "网格员 · grid worker", worker.code),
        Login("planner", "planner", None, "规划员 · planner"),
        Login("approver", "approver", None, "审批员 · approver"),
        Login("admin", "administrator", None, "管理员 · administrator"),
        Login("auditor", "auditor", None, "审计员 · auditor"),
    )


def load_city(
    engine: Engine, settings: Settings, keys: Keys, *, now: datetime, tell: Tell
) -> tuple[Worker, ...]:
    """Bring in what is missing, each part in a transaction of its own; returns the people of the city."""
    people = make_roster(SEED)
    with engine.begin() as conn:
        _refuse_others(conn)
        for folder in (FOLDER, POLICE_FOLDER):
            _load_ground(conn, folder, now=now, tell=tell)
    with engine.begin() as conn:
        _load_addresses(conn, tell)
    with engine.begin() as conn:
        _load_people(conn, people, settings, now=now, tell=tell)
    with engine.begin() as conn:
        _load_cases(conn, settings, now=now, tell=tell)
    with engine.begin() as conn:
        _load_phones(conn, people, keys, now=now)
        _load_accounts(conn, people, keys, now=now)
        write_keys(
            settings.var_dir / "demo", keys
        )  # before the commit: what is lost here is made anew next time
    return people


def enter_shifts(engine: Engine, settings: Settings, people: Sequence[Worker], on: date) -> None:
    """The roster of one day, once."""
    with engine.begin() as conn:
        import_shifts(conn, shifts_table(people, on), zone=settings.zone)


def put_on_duty(
    engine: Engine, people: Sequence[Worker], wanted: int, *, now: datetime, until: datetime
) -> dict[int, datetime]:
    """Places in the roster of `wanted` patrolling people and when their shift ends: those the roster has on duty for
    the next hour, and others on an extra shift up to `until`, so that the demo is alive at any hour.
    """
    patrolling = [one for one in people if one.patrols]
    since = now - timedelta(minutes=25)
    with engine.begin() as conn:
        ids = {row.code: row.id for row in conn.execute(select(person.c.code, person.c.id))}
        of_place = [ids[one.code] for one in patrolling]
        planned = shifts_covering(conn, of_place, since, until)
        duty = {}
        for place, known in enumerate(of_place):
            ends = [one.ends_at for one in planned.get(known, []) if one.starts_at <= now]
            if ends and max(ends) >= min(until, now + timedelta(hours=1)):
                duty[place] = max(ends)
        duty = {place: duty[place] for place in _spread(list(duty), wanted)}
        free = [place for place, known in enumerate(of_place) if known not in planned]
        for place in _spread(free, wanted - len(duty)):
            add_shift(conn, Shift(of_place[place], since, until))
            duty[place] = until
    return duty


def _spread(places: list[int], wanted: int) -> list[int]:
    """At most `wanted` of them, from all over the roster."""
    if wanted >= len(places):
        return places
    return [places[len(places) * number // wanted] for number in range(max(0, wanted))]


def _refuse_others(conn: Connection) -> None:
    """Conflict where this installation holds another city already."""
    found = find_network(conn, "governance")
    if found is not None and found.rules.get("code_prefix") != CITY_CODE:
        raise Conflict(
            "this installation holds boundaries of its own, and the demo would mix a fictional city into them; "
            "give the demo a folder of its own: WANGGE_VAR_DIR=var-demo ./wangge demo"
        )


def _load_ground(conn: Connection, folder: Path, *, now: datetime, tell: Tell) -> None:
    """The network of one boundary folder, published, unless it stands."""
    received = read_boundary_folder(folder)
    found = find_network(conn, received.network)
    if found is not None and newest_edition_id(conn, found) is not None:
        return
    imported = import_received(conn, received, author="demo")
    if imported.rows or imported.findings:
        raise Conflict(f"{folder} does not go in as it is: {[*imported.rows, *imported.findings][0]}")
    published = publish_plan(
        conn, received.network, effective_from=received.effective_from, by="demo", now=now
    )
    counts = ", ".join(f"{count:,} {level}" for level, count in published.counts.items() if count)
    tell(f"network {received.network}: {counts}")


def _load_addresses(conn: Connection, tell: Tell) -> None:
    if conn.scalar(select(address_point.c.id).where(address_point.c.source == CITY).limit(1)) is not None:
        return
    doors = [
        AddressPoint(
            row["code"], row["address"], float(row["lon"]), float(row["lat"]), int(row["households"])
        )
        for row in read_packed(FOLDER / "addresses.csv.gz")
    ]
    write_addresses(conn, doors, source=CITY, as_of=date(2026, 1, 1))
    tell(f"{len(doors):,} addresses")


def _load_people(
    conn: Connection, people: Sequence[Worker], settings: Settings, *, now: datetime, tell: Tell
) -> None:
    """Persons with their posts, and the notice accepted on paper by those who are tracked."""
    if conn.scalar(select(person.c.id).where(person.c.code == people[-1].code)) is not None:
        return
    since = day_of(now, settings.zone) - timedelta(days=SERVED_DAYS)
    done = import_people(conn, people_table(people, since), zone=settings.zone, now=now)
    if done.findings:
        raise Conflict(f"the demo's roster does not fit this installation: {done.findings[0]}")
    at = day_bounds(since, settings.zone)[0]
    publish_notice(conn, Notice(NOTICE, NOTICE_ZH, NOTICE_EN, at, renews=False))
    for one in people:
        if one.patrols:
            accept_notice(conn, find_person(conn, one.code).id, NOTICE, at=at, how="paper: demo")
    tell(f"{len(people):,} people, {done.assignments:,} posts")


def _load_cases(conn: Connection, settings: Settings, *, now: datetime, tell: Tell) -> None:
    """A year of cases up to last midnight."""
    first = case.c.external_ref == "Y000001"
    if conn.scalar(select(case.c.id).where(first).limit(1)) is not None:
        return
    until = day_bounds(day_of(now, settings.zone), settings.zone)[0]
    reports = past_cases(SEED, until, Scenery())
    taken = take_in_cases(conn, Lookup(conn), reports, actor=ACTOR, now=now)
    tell(f"{len(taken):,} cases of a year, with hotspots planted in it")


def _load_phones(conn: Connection, people: Sequence[Worker], keys: Keys, *, now: datetime) -> None:
    """A phone for everybody who patrols; a credential that was lost is renewed."""
    known = {row.code for row in list_devices(conn, now=now)}
    held_since = now - timedelta(days=SERVED_DAYS)
    for one in people:
        code = phone_code(one)
        if not one.patrols or (code in known and code in keys.phones):
            continue
        keys.phones[code] = (
            renew_token(conn, code)
            if code in known
            else add_device(conn, code, one.code, now=held_since, interval_s=STEP_S, heartbeat_s=STILL_S)
        )


def phone_code(one: Worker) -> str:
    return f"phone-{one.code}"


def _load_accounts(conn: Connection, people: Sequence[Worker], keys: Keys, *, now: datetime) -> None:
    """An account of every kind; a password that was lost is set anew."""
    for one in demo_logins(people):
        try:
            account_id = find_account(conn, one.login)
        except NotFound:
            keys.accounts[one.login] = new_password()
            holder = find_person(conn, one.person).id if one.person else None
            account_id = add_account(conn, one.login, keys.accounts[one.login], person_id=holder)
            unit = find_unit(conn, one.unit, now) if one.unit else None
            add_grant(conn, account_id, one.role, unit_id=unit, now=now)
        if one.login not in keys.accounts:
            keys.accounts[one.login] = new_password()
            set_password(conn, account_id, keys.accounts[one.login], now=now)
            keys.desk = ""
    if not keys.desk:
        keys.desk = issue_bearer(conn, find_account(conn, "desk"), "demo desk", now=now)
