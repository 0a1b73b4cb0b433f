"""The OpenAPI document, with what every route may refuse written once: from its door, its method and its body."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.callers import door_of
from api.errors import refusals

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457: what went wrong, in words, and what to do.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "said": {
            "type": "object",
            "description": "the text's template and what fills its blanks, for pages in other languages",
            "required": ["template", "values"],
            "properties": {"template": {"type": "string"}, "values": {"type": "object"}},
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "reason"],
                "properties": {"where": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}
SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "a program's token"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "wangge",
        "description": "a browser signed in at /login",
    },
    "device": {
        "type": "http",
        "scheme": "basic",
        "description": "a device's token as the password, a bearer or in the path",
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once per app."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        components["securitySchemes"] = SECURITY_SCHEMES
        for route in app.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in route.methods or ():
                    _declare_refusals(document["paths"][route.path_format][method.lower()], route, method)
        app.openapi_schema = document
    return app.openapi_schema


def _declare_refusals(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    door = door_of(route)
    statuses = {404, 503}
    if door.kind != "public":
        statuses |= {401, 403}
        operation["security"] = (
            [{"device": []}, {"bearer": []}] if door.kind == "device" else [{"session": []}, {"bearer": []}]
        )
    if operation.get("parameters") or operation.get("requestBody"):
        statuses |= {400, 422}
    if method not in {"GET", "HEAD"}:
        statuses |= {400, 403, 409, 413, 415, 422}
    told: dict[int | str, dict[str, Any]] = refusals(*statuses)
    operation["responses"] |= {str(status): answer for status, answer in told.items()}
    operation["responses"] = dict(sorted(operation["responses"].items()))
