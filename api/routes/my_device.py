"""A browser as a device: the phone page sends its own position through the same door as every phone."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import Conn, Now, signed_in
from api.routes.me import OwnPerson
from core.errors import Conflict
from people.persons import get_person
from tracking.devices import add_device, renew_token

router = APIRouter(prefix="/v1/me", tags=["me"])


class OwnDevice(BaseModel):
    """What POST /v1/fixes asks for. It stands until the page is opened anew."""

    token: str = Field(description="bearer token of this browser as a device of the caller; shown this once")


@router.post("/device", dependencies=[signed_in], status_code=201)
def register_browser(person_id: OwnPerson, conn: Conn, now: Now) -> OwnDevice:
    """A credential for the caller's browser; the one given before ends."""
    person = get_person(conn, person_id)
    code = f"browser:{person.code}"
    try:
        return OwnDevice(token=add_device(conn, code, person.code, now=now))
    except Conflict:
        return OwnDevice(token=renew_token(conn, code))
