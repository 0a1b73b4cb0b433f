"""Small people and phones for the tests of tracking."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, select

from people.tables import notice, notice_acceptance, person, shift
from tracking.devices import Device, add_device, find_devices
from tracking.formats import Profile

NOW = datetime(2026, 6, 10, 0, 10, tzinfo=UTC)
PLAIN = Profile()
EVER = datetime(2000, 1, 1, tzinfo=UTC)


def make_person(
    conn: Connection,
    code: str = "W1",
    *,
    notice_at: datetime | None = EVER,
    shifts: list[tuple[datetime, datetime]] | None = None,
) -> int:
    """A person on shift for two days around NOW (or as told) who accepted the notice long ago (or as told)."""
    person_id = conn.execute(
        insert(person).values(code=code, name=f"{code} 李四").returning(person.c.id)
    ).scalar_one()
    if conn.execute(select(notice.c.version).where(notice.c.version == "1")).scalar() is None:
        conn.execute(
            insert(notice).values(
                version="1", text_zh="告知", text_en="Notice", published_at=EVER, renews=False
            )
        )
    if notice_at is not None:
        conn.execute(
            insert(notice_acceptance).values(
                person_id=person_id, version="1", accepted_at=notice_at, how="paper 1"
            )
        )
    for start, end in [(NOW - timedelta(days=1), NOW + timedelta(days=1))] if shifts is None else shifts:
        conn.execute(insert(shift).values(person_id=person_id, starts_at=start, ends_at=end))
    return int(person_id)


def make_device(
    conn: Connection, code: str = "P1", person_code: str = "W1", *, profile: Profile = PLAIN
) -> Device:
    """A phone held since long ago."""
    token = add_device(conn, code, person_code, now=EVER, profile=profile)
    return find_devices(conn, [token])[token]


def make_worker(conn: Connection, code: str = "W1") -> tuple[int, Device]:
    return make_person(conn, code), make_device(conn, f"P-{code}", code)
