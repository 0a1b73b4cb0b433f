"""The launcher, as a person at a shell meets it."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LAUNCHER = ROOT / "wangge"


def run(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    return subprocess.run(
        [LAUNCHER, *arguments], cwd=cwd, env=kept | environ, capture_output=True, text=True, check=False
    )


def test_help_lists_every_verb() -> None:
    done = run("--help")
    assert done.returncode == 0
    for verb in (
        "demo",
        "serve",
        "test",
        "check",
        "bench",
        "db",
        "boundaries",
        "place",
        "fixes",
        "cases",
        "map",
        "report",
    ):
        assert f"\n  {verb} " in done.stdout


def test_an_unknown_verb_says_so_and_exits_2() -> None:
    done = run("fly")
    assert done.returncode == 2
    assert "fly" in done.stderr


def test_an_unknown_setting_stops_it_and_names_the_known_ones() -> None:
    done = run("db", "status", WANGGE_COLOUR="red")
    assert done.returncode == 2
    assert "WANGGE_COLOUR" in done.stderr
    assert "WANGGE_VAR_DIR" in done.stderr


def test_it_works_from_any_folder_and_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "w"
    link.symlink_to(LAUNCHER)
    done = subprocess.run([link, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_off_loopback_it_wants_tls_and_says_how(host: str, tmp_path: Path) -> None:
    done = run("serve", "--host", host, WANGGE_VAR_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "WANGGE_TLS_CERTIFICATE" in done.stderr
    assert "WANGGE_BEHIND_TLS_PROXY" in done.stderr


def test_without_root_and_sudo_it_prints_the_line_for_an_administrator(tmp_path: Path) -> None:
    """On a machine without Chromium, run by somebody who may not install it."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in (
        "sh",
        "readlink",
        "dirname",
        "ls",
        "cat",
        "cksum",
        "apt-get",
        "npm",
        "python3",
        "mktemp",
        "tail",
    ):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    (tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (tools / "id").chmod(0o755)
    done = run("test", PATH=str(tools))
    assert done.returncode == 2
    assert "chromium: the browser that the tests drive" in done.stderr
    assert "apt-get install -y --no-install-recommends" in done.stderr
    assert "python3-qgis" not in done.stderr
    full = run("test", "--full", PATH=str(tools))
    there = Path("/usr/lib/python3/dist-packages/qgis/core").exists()
    assert (full.returncode, "python3-qgis: the desktop program" in full.stderr) == (2, not there)


def test_a_port_that_is_taken_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run("serve", "--port", str(other.getsockname()[1]), WANGGE_VAR_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "choose another --port" in done.stderr
    assert not (tmp_path / "cluster").exists()


def test_whoever_stops_reading_hears_no_traceback() -> None:
    done = subprocess.run(
        ["sh", "-c", f"'{LAUNCHER}' --help | true"], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
