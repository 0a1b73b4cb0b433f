"""The house's stops: sizes, names, and what may stand where. Import contracts are import-linter's (`./wangge check`)."""

import subprocess
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = (
    "core",
    "geo",
    "people",
    "tracking",
    "cases",
    "analysis",
    "maps",
    "reports",
    "api",
    "cli",
    "demo",
    "bench",
)
JUNK = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "service",
    "services",
    "crud",
    "repository",
}
FILE_LINES, FUNCTION_LINES, MODULES = 400, 50, 12
DOORS = {"api/routes", "cli"}
"""One module a subject, as many as there are: docs/decisions/0004."""


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def functions() -> Iterator[tuple[str, int]]:
    """Each function and its lines, decorators included, from the compiled code (Debian's 3.11.2 has a fault in `ast`)."""
    for path in tracked("*.py"):
        if path.relative_to(ROOT).parts[0] in ROOMS:
            for code in codes_below(compile(path.read_bytes(), path, "exec")):
                if code.co_flags & CO_OPTIMIZED and not code.co_name.startswith("<"):
                    yield (
                        f"{path.relative_to(ROOT)}:{code.co_firstlineno} {code.co_name}",
                        last_line(code) - code.co_firstlineno + 1,
                    )


def codes_below(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from codes_below(constant)


def last_line(code: CodeType) -> int:
    own = (line for _, line, _, _ in code.co_positions() if line is not None)
    return max(
        [*own, *map(last_line, (c for c in code.co_consts if isinstance(c, CodeType)))],
        default=code.co_firstlineno,
    )


def test_no_file_of_the_house_is_longer_than_its_stop() -> None:
    files = [
        p
        for p in tracked("*.py", "*.js", "*.css", "*.html", "*.sql", "wangge")
        if "tests" not in p.relative_to(ROOT).parts
    ]
    lengths = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in files}
    assert {
        name: n
        for name, n in lengths.items()
        if n > FILE_LINES and not name.startswith("migrations/versions")
    } == {}


def test_no_function_is_longer_than_its_stop_and_half_of_them_are_short() -> None:
    lengths = dict(functions())
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 10


def test_a_package_holds_at_most_a_dozen_modules_and_the_ground_half_of_that() -> None:
    counts: dict[str, int] = {}
    for path in tracked("*.py"):
        folder = path.relative_to(ROOT).parent
        if folder.parts and folder.parts[0] in ROOMS and path.name != "__init__.py":
            counts[str(folder)] = counts.get(str(folder), 0) + 1
    assert {
        name: n for name, n in counts.items() if name not in DOORS and n > (6 if name == "core" else MODULES)
    } == {}


def test_no_file_has_a_junk_drawer_name() -> None:
    assert [str(p) for p in tracked("*.py") if p.stem in JUNK] == []


@pytest.mark.parametrize("forbidden", ["../shared", "/work/"])
def test_the_project_speaks_of_itself_alone(forbidden: str) -> None:
    allowed = {ROOT / "tests" / "conftest.py", Path(__file__), ROOT / ".ci" / "run"}
    named = [str(p) for p in tracked() if p not in allowed and forbidden.encode() in p.read_bytes()]
    assert named == []
