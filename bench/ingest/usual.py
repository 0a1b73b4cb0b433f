"""The usual way, to compare with: a FastAPI route that inserts the fix and upserts the last one, a commit a request.

It is given every advantage but one: the async driver and its pool, our server's settings, and neither checks, nor placement,
nor a copy of the payload, nor a judgement whether the fix may be kept. The credential is asked for in the transaction, as
ours is, so that a phone revoked a moment ago is refused.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from api.wire import WanggeHttp
from core.db import read_url
from tracking.devices import token_hash

POOL_SIZE, URL = "USUAL_POOL_SIZE", "USUAL_DATABASE_URL"


class Fix(BaseModel):
    fixed_at: datetime
    lon: float
    lat: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    battery_pct: float | None = None


class Fixes(BaseModel):
    fixes: list[Fix]


class Counts(BaseModel):
    accepted: int
    flagged: int = 0
    known: int = 0
    dropped: int = 0


def make_usual_app() -> FastAPI:
    """What uvicorn serves as the baseline."""
    url = read_url(os.environ[URL]).set(drivername="postgresql").render_as_string(hide_password=False)
    size = int(os.environ[POOL_SIZE])
    pool = AsyncConnectionPool(
        url, min_size=size, max_size=size, open=False, kwargs={"options": "-c timezone=UTC"}
    )
    sender, insert, upsert = ((files("bench") / "sql" / f"usual_{name}.sql").read_bytes() for name in _FILES)

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncIterator[None]:
        await pool.open()
        yield
        await pool.close()

    app = FastAPI(lifespan=run)

    @app.post("/v1/fixes")
    async def post_fixes(body: Fixes, authorization: Annotated[str, Header()]) -> Counts:
        told = {"hash": token_hash(authorization.partition(" ")[2])}
        async with pool.connection() as conn:
            found = await (await conn.execute(sender, told)).fetchone()
            if found is None:
                raise HTTPException(401)
            for fix in body.fixes:
                values: dict[str, Any] = fix.model_dump() | {"device_id": found[0], "person_id": found[1]}
                await conn.execute(insert, values)
                await conn.execute(upsert, values)
        return Counts(accepted=len(body.fixes))

    return app


_FILES = ("sender", "insert", "upsert")


if __name__ == "__main__":
    uvicorn.run(
        make_usual_app(),
        port=int(sys.argv[sys.argv.index("--port") + 1]),
        http=WanggeHttp,
        access_log=False,
        log_config=None,
    )
