"""Every setting, its unit and its default, in one frozen class read from `WANGGE_*` variables.

Built at the entry points and handed down as values; an unknown `WANGGE_*` variable stops start-up.
"""

import os
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import Invalid

PREFIX = "WANGGE_"
TEST_VARIABLES = {"WANGGE_TEST_DATA", "WANGGE_TEST_DATABASE_URL"}
"""Read by the tests, not by the program."""


class Settings(BaseSettings):
    """The operator's choices. Field names are the variables without the prefix, in lower case."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    database_url: SecretStr | None = Field(
        None, description="PostGIS to use, postgresql://…; not set: a private cluster under var_dir"
    )
    var_dir: Path = Field(
        Path(__file__).resolve().parent.parent / "var",
        description="everything the program writes lives under this folder; by default var/ of the checkout",
    )
    time_zone: str = Field("Asia/Shanghai", description="zone of days and clocks shown to people")
    language: Literal["zh", "en"] = Field(
        "zh", description="language of pages for a browser that asks for none"
    )
    pool_size: int = Field(10, ge=2, le=100, description="database connections a process may hold")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severity logged"
    )

    tls_certificate: Path | None = Field(None, description="PEM certificate chain for serving off loopback")
    tls_key: Path | None = Field(None, description="PEM private key of tls_certificate")
    behind_tls_proxy: bool = Field(default=False, description="a proxy in front of the service does TLS")
    trusted_proxies: str = Field(
        "127.0.0.1", description="addresses whose X-Forwarded-* headers are believed"
    )

    session_hours: float = Field(12, gt=0, description="a sign-in lasts this long")
    sign_in_attempts: int = Field(
        10, ge=1, description="failed sign-ins an account or address may make in sign_in_window_s"
    )
    sign_in_window_s: int = Field(300, ge=1, description="window of sign_in_attempts")
    max_body_mb: float = Field(8, gt=0, description="largest request body")

    gap_s: float = Field(
        120, gt=0, description="a trail is broken after this long, or 3 median intervals if longer"
    )
    implausible_speed_mps: float = Field(
        50, gt=0, description="faster than this between two fixes is flagged"
    )
    low_accuracy_m: float = Field(100, gt=0, description="a fix with a wider accuracy is flagged")
    future_tolerance_s: float = Field(
        300, gt=0, description="a fix this far ahead of its receipt is flagged future"
    )
    too_old_days: float = Field(30, gt=0, description="a fix older than this at receipt is flagged too old")
    stay_radius_m: float = Field(50, gt=0, description="a stay keeps within this distance")
    stay_s: float = Field(180, gt=0, description="a stay lasts at least this long")
    shift_hours_max: float = Field(
        12, gt=0, description="duty switched on by a worker ends by itself after this long"
    )
    silent_s: float = Field(
        900, gt=0, description="on shift and unheard this long, a worker is asked whether all is well"
    )
    ask_first_s: float = Field(
        120, ge=0, description="a question unanswered this long is shown to those who lead the worker"
    )
    urgent_level: int = Field(
        3, ge=1, le=5, description="a new case of this level or above alerts until somebody takes it up"
    )
    sos_days: float = Field(
        30, gt=0, description="where a call for help came from is kept this long once it is acknowledged"
    )
    raw_report_days: float = Field(7, gt=0, description="payloads as received are kept this long")
    fix_days: float = Field(30, gt=0, description="fixes are kept this long")
    parquet_dir: Path | None = Field(
        None, description="days exported for coverage by many workers; not set: parquet/ under var_dir"
    )
    basemap_pmtiles: Path | None = Field(
        None, description="background of the maps: a PMTiles archive, raster or vector"
    )
    basemap_url: str | None = Field(
        None,
        description="background of the maps: a tile server's address with {z}, {x}, {y} and, if any, {key}",
    )
    basemap_key: SecretStr | None = Field(
        None, description="what {key} in basemap_url stands for; never leaves the server"
    )
    basemap_kind: Literal["raster", "vector"] = Field(
        "raster", description="what basemap_url gives: pictures, or vector tiles"
    )
    basemap_max_zoom: int = Field(18, ge=0, le=22, description="closest zoom that basemap_url has")
    basemap_attribution: str | None = Field(None, description="whose background it is, shown on the map")
    h3_resolution: int = Field(10, ge=5, le=13, description="cells of hotspots and coverage")
    work_begins: time = Field(
        time(8), description="working days begin, for how long nobody came in duty time"
    )
    work_ends: time = Field(time(18), description="working days end, after work_begins")

    @field_validator("work_ends")
    @classmethod
    def _after_the_beginning(cls, ends: time, told: ValidationInfo) -> time:
        begins = told.data.get("work_begins")
        if begins is not None and ends <= begins:
            raise ValueError(f"{ends:%H:%M} is not after work_begins, {begins:%H:%M}")
        return ends

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this environment; Invalid names each variable that is unknown or wrong."""
    environ = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields} | TEST_VARIABLES
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise Invalid(f"unknown setting {', '.join(unknown)}; the known ones are {', '.join(sorted(known))}")
    values = {
        name: environ[PREFIX + name.upper()]
        for name in Settings.model_fields
        if environ.get(PREFIX + name.upper(), "") != ""
    }
    try:
        settings = Settings(**values)  # type: ignore[arg-type]
        settings.zone  # noqa: B018  (an unknown zone is an error at start-up)
    except ValidationError as error:
        lines = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise Invalid("; ".join(lines)) from error
    except (KeyError, ValueError) as error:
        raise Invalid(f"WANGGE_TIME_ZONE: {error}") from error
    return settings
