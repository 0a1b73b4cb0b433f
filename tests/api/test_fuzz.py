"""schemathesis over the whole OpenAPI document: no server error, and no status, content type or body but those it tells."""

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from api.app import make_app
from core.clock import utc_now
from core.db import make_engine
from core.settings import read_settings
from people.access import GRANT_ROLES
from people.accounts import find_account
from people.grants import add_grant
from people.tokens import issue_bearer
from tests.people.town import EVER, Town


@schemathesis.serializer("application/geopackage+sqlite3")
def send_any_bytes(_ctx: object, value: object) -> bytes:
    """Whatever is generated for a file: hardly ever a GeoPackage."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDLESS = {"/v1/live"}  # has a test of its own
FEW, MANY = 5, 20
"""Drawn by chance for an operation, beside the edges of each parameter, which are always tried."""


def load_document(examples: int) -> schemathesis.BaseSchema:
    """The document of an application that has not been started."""
    app = make_app(read_settings({}), make_engine("postgresql:///never_connected"))
    config = SchemathesisConfig()
    config.projects.default.generation = GenerationConfig(
        max_examples=examples, deterministic=True, with_security_parameters=False
    )
    return schemathesis.openapi.from_dict(app.openapi(), config=config).exclude(path=sorted(ENDLESS))


SCHEMA, LONG = load_document(FEW), load_document(MANY)


def drawn(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )


@pytest.fixture(scope="module")
def holder_of_all(town_engine: Engine, town: Town) -> int:
    """The account of w2, who holds every role everywhere: nothing is hidden from the fuzzer behind a 403."""
    with town_engine.begin() as conn:
        account_id = find_account(conn, "w2")
        for role in GRANT_ROLES:
            add_grant(conn, account_id, role, unit_id=None, now=EVER)
        return account_id


def test_no_operation_is_left_out() -> None:
    operations = {result.ok().label for result in SCHEMA.get_all_operations()}
    assert len(operations) == SCHEMA.statistic.operations.selected
    assert SCHEMA.statistic.operations.total - len(operations) == len(ENDLESS)


@SCHEMA.parametrize()
@drawn(FEW)
def test_the_document_is_true(
    case: schemathesis.Case, app: FastAPI, town_engine: Engine, holder_of_all: int, phone: str
) -> None:
    ask(case, app, town_engine, holder_of_all, phone)


@pytest.mark.full
@LONG.parametrize()
@drawn(MANY)
def test_the_document_is_true_of_many(
    case: schemathesis.Case, app: FastAPI, town_engine: Engine, holder_of_all: int, phone: str
) -> None:
    ask(case, app, town_engine, holder_of_all, phone)


def ask(case: schemathesis.Case, app: FastAPI, engine: Engine, account_id: int, phone: str) -> None:
    """Send the request and hold the answer against the document."""
    credential = phone
    if {"device": []} not in case.operation.definition.raw.get("security", []):
        with engine.begin() as conn:  # of its own for each request: some of them end the caller's
            credential = issue_bearer(conn, account_id, "fuzz", now=utc_now())
    answer = case.call(app=app, headers={"Authorization": f"Bearer {credential}"})
    case.validate_response(answer, checks=CHECKS)
