"""The demo as a whole: load what is missing, start the service, let the city live; or one day of it, then maps."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from core.clock import day_bounds, day_of, utc_now
from core.settings import Settings
from demo.keys import Keys, read_keys
from demo.load import Tell, demo_logins, enter_shifts, load_city, put_on_duty
from demo.maps import write_maps
from demo.phones import Door
from demo.play import LIVE_PATROLS, Day, Live, Walkers, block_of, play_day
from demo.roster import Worker
from demo.serving import HOST, free_port, running_service


def run_once(engine: Engine, settings: Settings, tell: Tell) -> list[Path]:
    """One simulated day through the service's own doors, then maps of it; returns the files written."""
    now = utc_now()
    folder = settings.var_dir / "demo"
    keys = read_keys(folder)
    people = load_city(engine, settings, keys, now=now, tell=tell)
    on = last_whole_day(now, settings)
    enter_shifts(engine, settings, people, on)
    port, begun = free_port(), time.monotonic()
    with (
        running_service(port, settings.var_dir / "log" / "demo-service.log"),
        closing(Door(HOST, port)) as door,
    ):
        tell(f"the patrols of {on} set out")
        day = play_day(door, Walkers(people, keys), on, settings.zone, _say_often(tell))
    took = time.monotonic() - begun
    tell(f"{day.fixes:,} fixes in {day.requests:,} requests and {day.cases} cases over HTTP in {took:.0f} s")
    return write_maps(engine, settings, on, folder, tell)


def run_live(engine: Engine, settings: Settings, port: int, tell: Tell) -> None:
    """The city with everything moving, until interrupted."""
    folder = settings.var_dir / "demo"
    keys = read_keys(folder)
    people = load_city(engine, settings, keys, now=utc_now(), tell=tell)
    for day in (0, 1):
        enter_shifts(engine, settings, people, day_of(utc_now(), settings.zone) + timedelta(days=day))
    walkers = Walkers(people, keys)
    with (
        running_service(port, settings.var_dir / "log" / "demo-service.log"),
        closing(Door(HOST, port)) as door,
    ):
        while True:
            now = utc_now()
            duty = put_on_duty(engine, people, LIVE_PATROLS, now=now, until=block_of(now)[1])
            live = Live(door, walkers, duty, now)
            tell(
                f"{live.catch_up(utc_now()):,} fixes of the last twenty minutes sent; {len(live.phones)} people on duty"
            )
            for line in where_to_look(port, people, keys):
                tell(line)
            live.run(utc_now)


def last_whole_day(now: datetime, settings: Settings) -> date:
    """The newest day whose last shift is over."""
    today = day_of(now, settings.zone)
    evening = day_bounds(today, settings.zone)[0] + timedelta(hours=22)
    return today if now >= evening else today - timedelta(days=1)


def where_to_look(port: int, people: Sequence[Worker], keys: Keys) -> list[str]:
    """The pages, and the accounts that open them."""
    address = f"http://{HOST}:{port}"
    rows = [
        f"  {one.login:<11} {keys.accounts[one.login]:<16} {one.title}{f' · {one.unit}' if one.unit else ''}"
        for one in demo_logins(people)
    ]
    return [
        "",
        f"  {address}/wall    指挥大屏 · the wall: red dots move, click a unit to drill down",
        f"  {address}/        首页 · start page          {address}/m    手机页 · a grid worker's phone",
        f"  {address}/docs    the interface, to try out",
        "",
        "  login       password         (of this demo installation alone)",
        *rows,
        "",
        "  Ctrl-C stops everything.",
    ]


def _say_often(tell: Tell) -> Callable[[Day], None]:
    """Progress of the day, every few seconds."""
    said = time.monotonic()

    def step(day: Day) -> None:
        nonlocal said
        if time.monotonic() - said > 5:
            said = time.monotonic()
            tell(f"  {day.fixes:,} fixes")

    return step
