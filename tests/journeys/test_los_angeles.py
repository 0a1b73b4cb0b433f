"""Los Angeles: service requests of 2018 placed in council districts and neighbourhood councils, beside the city's own."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from cli.__main__ import main

pytestmark = pytest.mark.data


@pytest.fixture
def placed(
    real_data: Path, own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, str]]:
    """The rows as written after both networks were imported and published by their verbs."""
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    monkeypatch.setenv("WANGGE_VAR_DIR", str(tmp_path / "var"))
    folder, out = real_data / "la311", tmp_path / "placed.csv"
    for file, network, level, code in (
        ("council_districts_2012.geojson", "la", "council", "name"),
        ("nc_boundaries_2019_modified.geojson", "neighbourhood", "nc", "nc_id"),
    ):
        given = ["--network", network, "--level", level, "--code-field", code, "--name-field", "name"]
        assert main(["boundaries", "import", str(folder / file), *given, "--publish"]) in (0, 1)
    requests = folder / "requests_2018.csv"
    columns = ["--lon", "Longitude", "--lat", "Latitude"]
    assert main(["place", str(requests), *columns, "--out", str(out)]) == 0
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_placement_agrees_with_the_city(placed: list[dict[str, str]], real_data: Path) -> None:
    with (real_data / "la311" / "requests_2018.csv").open(encoding="utf-8", newline="") as file:
        received = list(csv.DictReader(file))
    assert [row["SRNumber"] for row in placed] == [row["SRNumber"] for row in received]
    assert len(placed) == 10_000
    council = Counter(row["la_status"] for row in placed)
    neighbourhood = Counter(row["neighbourhood_status"] for row in placed)
    assert council["no_coordinates"] == neighbourhood["no_coordinates"] == 1_102
    assert (neighbourhood["outside"], neighbourhood["several"]) == (134, 17)
    assert neighbourhood["inside"] == 8_898 - 134 - 17
    assert sum(bool(row["la_council"]) for row in placed) == 8_890
    assert sum(bool(row["la_council"]) and row["la_council"] == row["CD"] for row in placed) >= 8_876
    assert sum(bool(row["neighbourhood_nc"]) for row in placed) == 8_764
    assert (
        sum(bool(row["neighbourhood_nc"]) and row["neighbourhood_nc"] == row["NC"] for row in placed) >= 8_676
    )
    several = [row for row in placed if row["neighbourhood_status"] == "several"]
    assert all(row["neighbourhood_several"].split(";")[0] == row["neighbourhood_nc"] for row in several)
