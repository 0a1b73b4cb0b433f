"""A plain fan-out: the same service, whose stream tells every viewer every position in a frame of its own.

The usual way. Nothing is put together, nothing given up; each position is encoded once, which is more than many do.
`python -m bench.live.plain PORT`, with the environment of `./wangge serve`.
"""

import sys

import orjson
import uvicorn
from fastapi import FastAPI

from api.app import make_app_from_environment
from api.live.board import News
from api.live.columns import tell_columns
from api.live.feed import LiveFeed
from api.live.viewers import Frame, Viewer
from bench.screen import unfold


class PlainFeed(LiveFeed):
    """Reads as ours does."""

    def _tell(self, news: News, started: float, *, tick: bool) -> None:
        del tick
        rows = unfold(orjson.loads(tell_columns(news.rows, news.board.units)))
        for who, row in zip(news.board.whos(news.places), rows, strict=True):
            position = orjson.loads(who) | row
            frame = Frame(b"event: position\ndata: " + orjson.dumps(position) + b"\n\n", started)
            for viewer in self.viewers:
                push(viewer, frame)


def push(viewer: Viewer, frame: Frame) -> None:
    """Without an end to what may wait."""
    viewer.waiting.append(frame)
    viewer.wake.set()


def make_plain_app() -> FastAPI:
    app = make_app_from_environment()
    app.state.feed = PlainFeed(app.state.engine, app.state.clock)
    return app


if __name__ == "__main__":
    uvicorn.run(
        "bench.live.plain:make_plain_app",
        factory=True,
        port=int(sys.argv[1]),
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
