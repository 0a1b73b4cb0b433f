"""`./wangge people|shifts|notices|accounts|grants|tokens`: who serves, who may sign in, and what they may see."""

import argparse
import secrets
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from cli.frame import DONE, WITH_FINDINGS, open_engine, print_table, say
from core.clock import read_instant, utc_now
from core.errors import Invalid
from core.settings import Settings
from geo.findings import RowFinding
from geo.tabular import read_table
from people.access import GRANT_ROLES
from people.accounts import add_account, find_account, normal_login, set_active, set_password
from people.grants import add_grant, find_unit, list_grants, revoke_grant
from people.notices import Notice, accept_notice, publish_notice, withdraw_acceptance
from people.persons import Post, assign, end_assignments, find_person
from people.roles import Role, add_role, find_role, list_roles
from people.roster import Imported, import_people, import_shifts
from people.shifts import Shift, add_shift
from people.tokens import issue_bearer, list_tokens, revoke_token

SHOWN_FINDINGS = 50
Act = Callable[[Connection, argparse.Namespace, Settings], int]


def add_verbs(verbs: Any) -> None:
    _add_people(_actions(verbs, "people", "persons, roles, assignments"))
    _add_shifts(_actions(verbs, "shifts", "when people are on duty"))
    _add_notices(_actions(verbs, "notices", "the notice on what is recorded, and who accepted it"))
    _add_accounts(_actions(verbs, "accounts", "who may sign in"))
    _add_grants(_actions(verbs, "grants", "roles of accounts on a unit's subtree"))
    _add_tokens(_actions(verbs, "tokens", "bearer tokens of programs"))


def _actions(verbs: Any, name: str, text: str) -> Any:
    return verbs.add_parser(name, help=text).add_subparsers(dest="action", required=True)


def _action(actions: Any, name: str, act: Act, text: str) -> argparse.ArgumentParser:
    """An action that runs in one transaction: done whole, or not at all."""

    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        with open_engine(settings) as engine, engine.begin() as conn:
            return act(conn, arguments, settings)

    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _add_people(actions: Any) -> None:
    text = "enter people and assignments; columns code, name and, as there are, phone, role, unit, from, to"
    parser = _action(actions, "import", run_import, text)
    parser.add_argument("file", type=Path, help="CSV or XLSX")
    parser.add_argument("--network", default="governance", help="network the unit codes are of (governance)")
    _action(actions, "roles", run_roles, "the roles there are, and which are tracked on duty")
    parser = _action(actions, "add-role", run_add_role, "a role of the city's own")
    parser.add_argument("code", help="a word for files and programs, such as river_warden")
    parser.add_argument("--zh", required=True, help="its Chinese name")
    parser.add_argument("--en", required=True, help="its English name")
    parser.add_argument("--tracked", action="store_true", help="whoever serves in it is recorded on duty")
    parser = _action(actions, "assign", run_assign, "somebody serves in a unit from now on, or as told")
    parser.add_argument("person", help="the person's code")
    parser.add_argument("role", help="code or name of a role")
    parser.add_argument("unit", help="code of a unit")
    parser.add_argument("--from", dest="since", help="since when: 2026-06-10T08:00 (now)")
    parser.add_argument("--to", dest="until", help="until when (open)")
    parser.add_argument("--network", default="governance", help="network of the unit (governance)")
    parser = _action(actions, "end", run_end, "somebody serves no longer; what was stays known")
    parser.add_argument("person", help="the person's code")
    parser.add_argument("--unit", help="code of the unit (everywhere)")
    parser.add_argument("--at", help="since when: 2026-06-10T08:00 (now)")
    parser.add_argument("--network", default="governance", help="network of the unit (governance)")


def _add_shifts(actions: Any) -> None:
    parser = _action(actions, "import", run_import_shifts, "enter shifts; columns person, starts_at, ends_at")
    parser.add_argument("file", type=Path, help="CSV or XLSX")
    parser = _action(actions, "add", run_add_shift, "enter one shift, or one a day")
    parser.add_argument("person", help="the person's code")
    parser.add_argument("--from", dest="since", required=True, help="2026-06-10T08:00")
    parser.add_argument("--to", dest="until", required=True, help="2026-06-10T17:00")
    parser.add_argument("--days", type=int, default=1, help="the same hours on so many days in a row (1)")


def _add_notices(actions: Any) -> None:
    parser = _action(actions, "publish", run_publish, "put a notice in force")
    parser.add_argument("version")
    parser.add_argument("--zh", type=Path, required=True, help="file with the Chinese text, UTF-8")
    parser.add_argument("--en", type=Path, required=True, help="file with the English text, UTF-8")
    parser.add_argument(
        "--renews", action="store_true", help="everybody must accept anew; until then nothing is recorded"
    )
    parser = _action(actions, "accept", run_accept, "record an acceptance on paper")
    parser.add_argument("version")
    parser.add_argument("person", nargs="+", help="codes")
    parser.add_argument("--paper", required=True, metavar="REFERENCE", help="where the signed paper is kept")
    parser.add_argument("--at", help="when it was signed (now)")
    parser = _action(actions, "withdraw", run_withdraw, "record that a person takes the acceptance back")
    parser.add_argument("person", help="the person's code")


def _add_accounts(actions: Any) -> None:
    for name, act, text in (
        ("add", run_add_account, "a new account"),
        ("password", run_password, "set a new password; sessions and tokens end"),
    ):
        parser = _action(actions, name, act, text)
        parser.add_argument("login")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read it from stdin; else one is made and printed"
        )
        if name == "add":
            parser.add_argument("--person", help="code of the person whose account this is")
    _action(
        actions, "disable", run_set_active, "nobody signs in with it; sessions and tokens end"
    ).add_argument("login")
    _action(actions, "enable", run_set_active, "it works again").add_argument("login")


def _add_grants(actions: Any) -> None:
    parser = _action(actions, "add", run_add_grant, "give an account a role on a unit and all below it")
    parser.add_argument("login")
    parser.add_argument("role", choices=GRANT_ROLES)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--unit", help="the unit's code")
    where.add_argument("--everywhere", action="store_true")
    parser.add_argument("--network", default="governance", help="network of the unit (governance)")
    _action(actions, "revoke", run_revoke_grant, "end a grant").add_argument("id", type=int)
    _action(actions, "list", run_list_grants, "grants past and present").add_argument("login", nargs="?")


def _add_tokens(actions: Any) -> None:
    parser = _action(actions, "add", run_add_token, "a token with an account's grants; printed once")
    parser.add_argument("login")
    parser.add_argument("name", help="what it is for")
    parser.add_argument("--until", help="when it expires (never)")
    parser = _action(actions, "revoke", run_revoke_token, "end a token")
    parser.add_argument("login")
    parser.add_argument("id", type=int)
    _action(actions, "list", run_list_tokens, "an account's working tokens and sessions").add_argument(
        "login"
    )


def run_import(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    table = read_table(arguments.file)
    done = import_people(conn, table, zone=settings.zone, now=utc_now(), network_code=arguments.network)
    say(
        f"{done.rows:,} rows: {done.people:,} people and {done.assignments:,} assignments entered, "
        f"{done.changed:,} changed, {len(done.findings):,} rows not used"
    )
    return _tell_findings(done)


def run_import_shifts(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    done = import_shifts(conn, read_table(arguments.file), zone=settings.zone)
    say(f"{done.rows:,} rows: {done.shifts:,} shifts entered, {len(done.findings):,} rows not used")
    return _tell_findings(done)


def _tell_findings(done: Imported) -> int:
    findings: Sequence[RowFinding] = sorted(done.findings, key=lambda found: found.row)
    for found in findings[:SHOWN_FINDINGS]:
        say(str(found))
    if len(findings) > SHOWN_FINDINGS:
        say(f"… and {len(findings) - SHOWN_FINDINGS:,} more")
    return WITH_FINDINGS if findings else DONE


def run_roles(conn: Connection, _arguments: argparse.Namespace, _settings: Settings) -> int:
    rows = [(one.code, one.name, one.name_en, "yes" if one.tracked else "no") for one in list_roles(conn)]
    print_table(("code", "name", "English", "tracked on duty"), rows)
    return DONE


def run_add_role(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    add_role(conn, Role(arguments.code, arguments.zh, arguments.en, arguments.tracked))
    say(
        f"there is a role {arguments.code} {arguments.zh}, {'tracked' if arguments.tracked else 'not tracked'} on duty"
    )
    return DONE


def run_assign(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    now = utc_now()
    person, role = find_person(conn, arguments.person), find_role(conn, arguments.role)
    unit_id = find_unit(conn, arguments.unit, now, network_code=arguments.network)
    since = read_instant(arguments.since, zone=settings.zone) if arguments.since else now
    until = read_instant(arguments.until, zone=settings.zone) if arguments.until else None
    assign(conn, person.id, Post(unit_id, role.code, since, until))
    say(f"{person.code} {person.name} serves as {role.name} in {arguments.unit}")
    return DONE


def run_end(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    now = utc_now()
    person = find_person(conn, arguments.person)
    at = read_instant(arguments.at, zone=settings.zone) if arguments.at else now
    unit_id = find_unit(conn, arguments.unit, now, network_code=arguments.network) if arguments.unit else None
    ended = end_assignments(conn, person.id, at, unit_id=unit_id)
    if not ended:
        raise Invalid(f"{person.code} {person.name} serves nowhere {'there ' if unit_id else ''}at that time")
    say(f"{ended:,} assignments of {person.code} {person.name} have ended")
    return DONE


def run_add_shift(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    person = find_person(conn, arguments.person)
    since, until = (read_instant(text, zone=settings.zone) for text in (arguments.since, arguments.until))
    if not 1 <= arguments.days <= 366:
        raise Invalid("--days is 1 to 366")
    entered = 0
    for day in range(arguments.days):
        later = timedelta(days=day)
        entered += add_shift(conn, Shift(person.id, since + later, until + later))
    say(f"{entered:,} shifts entered for {person.code} {person.name}")
    return DONE


def run_publish(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    texts = [_read_text(path) for path in (arguments.zh, arguments.en)]
    publish_notice(conn, Notice(arguments.version, texts[0], texts[1], utc_now(), arguments.renews))
    say(f"notice {arguments.version} is in force")
    return DONE


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: cannot be read as UTF-8 text ({error})") from error


def run_accept(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    at = read_instant(arguments.at, zone=settings.zone) if arguments.at else utc_now()
    for code in arguments.person:
        accept_notice(
            conn, find_person(conn, code).id, arguments.version, at=at, how=f"paper: {arguments.paper}"
        )
    say(f"recorded for {len(arguments.person):,} people")
    return DONE


def run_withdraw(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    person = find_person(conn, arguments.person)
    taken = withdraw_acceptance(conn, person.id, utc_now())
    say(f"{person.code} {person.name}: {taken} acceptances taken back; nothing is recorded from now on")
    return DONE


def run_add_account(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    person_id = find_person(conn, arguments.person).id if arguments.person else None
    password = _read_password(arguments)
    add_account(conn, arguments.login, password, person_id=person_id)
    return _tell_password(arguments, password, "is made; give it a role: ./wangge grants add")


def run_password(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    password = _read_password(arguments)
    set_password(conn, find_account(conn, arguments.login), password, now=utc_now())
    return _tell_password(arguments, password, "has a new password; its sessions and tokens have ended")


def _read_password(arguments: argparse.Namespace) -> str:
    if not arguments.password_stdin:
        return secrets.token_urlsafe(12)
    return sys.stdin.readline().rstrip("\r\n")


def _tell_password(arguments: argparse.Namespace, password: str, done: str) -> int:
    say(f"account {normal_login(arguments.login)} {done}")
    if not arguments.password_stdin:
        say("its password, shown this once:")
        print(password)
    return DONE


def run_set_active(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    active = arguments.action == "enable"
    set_active(conn, find_account(conn, arguments.login), active=active, now=utc_now())
    say(f"account {arguments.login} {'works' if active else 'is disabled'}")
    return DONE


def run_add_grant(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    now = utc_now()
    account_id = find_account(conn, arguments.login)
    unit_id = find_unit(conn, arguments.unit, now, network_code=arguments.network) if arguments.unit else None
    grant_id = add_grant(conn, account_id, arguments.role, unit_id=unit_id, now=now)
    say(f"grant {grant_id}: {arguments.login} is {arguments.role} {_where(unit_id, arguments.unit)}")
    return DONE


def _where(unit_id: UUID | None, code: str | None) -> str:
    return "everywhere" if unit_id is None else f"in {code} and below"


def run_revoke_grant(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    revoke_grant(conn, arguments.id, utc_now())
    say(f"grant {arguments.id} has ended")
    return DONE


def run_list_grants(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    rows = [
        (
            one.id,
            one.login,
            one.role,
            one.unit_id or "everywhere",
            _when(one.since, settings),
            _when(one.until, settings),
        )
        for one in list_grants(conn, login=normal_login(arguments.login) if arguments.login else None)
    ]
    print_table(("grant", "login", "role", "unit", "from", "to"), rows)
    return DONE


def run_add_token(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    until = read_instant(arguments.until, zone=settings.zone) if arguments.until else None
    account_id = find_account(conn, arguments.login)
    secret = issue_bearer(conn, account_id, arguments.name, now=utc_now(), expires_at=until)
    say("the token, shown this once; send it as Authorization: Bearer …")
    print(secret)
    return DONE


def run_revoke_token(conn: Connection, arguments: argparse.Namespace, _settings: Settings) -> int:
    revoke_token(conn, find_account(conn, arguments.login), arguments.id, utc_now())
    say(f"token {arguments.id} has ended")
    return DONE


def run_list_tokens(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> int:
    rows = [
        (one.id, one.kind, one.name, _when(one.created_at, settings), _when(one.expires_at, settings))
        for one in list_tokens(conn, find_account(conn, arguments.login), utc_now())
    ]
    print_table(("token", "kind", "name", "since", "until"), rows)
    return DONE


def _when(at: datetime | None, settings: Settings) -> str:
    return "" if at is None else at.astimezone(settings.zone).strftime("%F %R")
