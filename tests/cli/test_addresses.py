"""The addresses verb as an operator runs it."""

from pathlib import Path

import pytest

from cli.__main__ import main


def test_the_day_that_is_taken_when_none_is_told_is_said(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    path = tmp_path / "doors.csv"
    path.write_text("code,address,lon,lat,households\na1,x,116.1,40.1,2\n", "utf-8")
    assert main(["addresses", "import", str(path)]) == 0
    told = capsys.readouterr().err
    assert "taken as the state of today" in told
    assert "--as-of" in told
    assert main(["addresses", "import", str(path), "--as-of", "2026-06-10"]) == 0
    assert "today" not in capsys.readouterr().err
