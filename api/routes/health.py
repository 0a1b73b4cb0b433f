"""Whether the service lives, whether it can do its work, and how it is doing."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.callers import Conn, SettingsDep, public, require_unless_near
from api.coverage_chore import tell_refusal
from api.metrics import MEDIA_TYPE, tell_metrics

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str


class Ready(Health):
    coverage: str | None = Field(
        None, description="why coverage is not computed by these settings; absent where it is"
    )


@router.get("/healthz", dependencies=[public])
async def tell_alive() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", dependencies=[public], response_model_exclude_none=True)
def tell_ready(conn: Conn, settings: SettingsDep) -> Ready:
    """The database answers too; 503 otherwise."""
    return Ready(status="ready", coverage=tell_refusal(conn, settings))


@router.get(
    "/metrics",
    dependencies=[require_unless_near("administrator", "auditor")],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def give_metrics() -> Response:
    """Counters for Prometheus, of all processes on this port. Whoever asks from the machine itself needs no account."""
    return Response(tell_metrics(), media_type=MEDIA_TYPE)
