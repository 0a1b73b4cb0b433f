"""Whether the service lives, and whether it can do its work."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from api.callers import Conn, public

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str


@router.get("/healthz", dependencies=[public])
async def tell_alive() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", dependencies=[public])
def tell_ready(conn: Conn) -> Health:
    """The database answers too; 503 otherwise."""
    conn.execute(select(1))
    return Health(status="ready")
