"""Whether the service lives, whether it can do its work, and how it is doing."""

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from api.callers import Conn, public, require_unless_near
from api.metrics import MEDIA_TYPE, tell_metrics

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


@router.get(
    "/metrics",
    dependencies=[require_unless_near("administrator", "auditor")],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def give_metrics() -> Response:
    """Counters for Prometheus, of all processes on this port. Whoever asks from the machine itself needs no account."""
    return Response(tell_metrics(), media_type=MEDIA_TYPE)
