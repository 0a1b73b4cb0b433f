"""What the ground refuses, told with its place: operations that cannot be, and drafts whose findings hold them up."""

from fastapi import FastAPI, Request
from fastapi.responses import Response

from api.errors import Problem
from geo.editions import FindingsRefused
from geo.findings import findings_geojson
from geo.operations import Impossible


def tell_impossible(_request: Request, error: Exception) -> Response:
    """422 with `where`, lon and lat of the place that does not allow it."""
    return Problem(422, str(error), where=getattr(error, "where", None))


def tell_findings(_request: Request, error: Exception) -> Response:
    """409 with every finding as GeoJSON."""
    return Problem(409, str(error), findings=findings_geojson(getattr(error, "findings", [])))


def add_ground_errors(app: FastAPI) -> None:
    app.add_exception_handler(Impossible, tell_impossible)
    app.add_exception_handler(FindingsRefused, tell_findings)
