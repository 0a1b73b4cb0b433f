"""Docker does not run where the tests do: what can be known without it is checked."""

import re
from pathlib import Path

import yaml

from cli.__main__ import VERBS
from core.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text("utf-8")
KNOWN = {PREFIX + name.upper() for name in Settings.model_fields}


def test_compose_has_the_service_and_a_postgis_it_waits_for() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"postgis", "wangge"}
    assert services["wangge"]["depends_on"]["postgis"]["condition"] == "service_healthy"
    named = {line.split(":")[0] for service in services.values() for line in service["volumes"]}
    assert named == set(COMPOSE["volumes"])


def test_every_variable_given_to_the_program_is_a_setting_it_knows() -> None:
    given = set(COMPOSE["services"]["wangge"]["environment"]) | set(re.findall(r"WANGGE_[A-Z_]+", DOCKERFILE))
    assert given <= KNOWN


def test_every_command_is_a_verb_of_the_launcher_that_is_there() -> None:
    commands = [COMPOSE["services"]["wangge"]["command"][1], *re.findall(r"\./wangge (\w+)", DOCKERFILE)]
    commands += re.findall(r'"\./wangge", "(\w+)"', DOCKERFILE)
    assert set(commands) <= set(VERBS)
    assert (ROOT / "wangge").stat().st_mode & 0o111


def test_what_the_dockerfile_builds_from_is_there() -> None:
    build = COMPOSE["services"]["wangge"]["build"]
    assert (
        ROOT / "docker" / build["context"] / build["dockerfile"]
    ).resolve() == ROOT / "docker" / "Dockerfile"
