"""Many requests at once: connections are waited for where it costs no thread, so all of them are answered."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine

from api import turns
from api.app import make_app
from core.clock import utc_now
from core.db import make_engine
from core.errors import Unavailable
from core.settings import read_settings
from people.tokens import issue_bearer
from tests.people.town import Town

AT_ONCE = 200
POOL = 5


def test_more_requests_at_once_than_threads_are_all_answered_soon(town_engine: Engine, town: Town) -> None:
    engine = make_engine(town_engine.url.render_as_string(hide_password=False), pool_size=POOL)
    app = make_app(read_settings({"WANGGE_POOL_SIZE": str(POOL)}), engine)
    until = utc_now() + timedelta(hours=1)
    with town_engine.begin() as conn:
        secret = issue_bearer(conn, town.accounts["boss1"], "test", now=utc_now(), expires_at=until)

    async def ask_all() -> list[int]:
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers=headers
        ) as client:
            answers = await asyncio.gather(*(client.get("/v1/me") for _ in range(AT_ONCE)))
        return [answer.status_code for answer in answers]

    try:
        assert set(asyncio.run(ask_all())) == {200}
    finally:
        engine.dispose()


def test_a_turn_that_does_not_come_is_a_clear_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST_S", 0.02)

    async def ask() -> None:
        taken = turns.Turns(1)
        async with taken.turn():
            with pytest.raises(Unavailable, match="too many requests"):
                async with taken.turn():
                    pass
        async with taken.turn():
            pass

    asyncio.run(ask())
