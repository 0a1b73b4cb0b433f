"""A viewer's screen as a page would hold it: the events of a live stream put together again."""

from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass
class Screen:
    """Who and where by person id. `cursor`: the last event's id."""

    who: dict[int, dict[str, Any]] = field(default_factory=dict)
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    cursor: str | None = None
    frames: int = 0

    def take(self, event: bytes) -> dict[str, Any]:
        """One event, without the empty line that ends it; returns what it said, `moved` as a row a person."""
        fields = dict(line.split(b": ", 1) for line in event.strip().split(b"\n") if b": " in line)
        if b"event" not in fields:
            return {}
        told: dict[str, Any] = {"event": fields[b"event"].decode(), **orjson.loads(fields[b"data"])}
        if told["event"] not in {"snapshot", "frame"}:
            return told
        self.frames += 1
        self.cursor = told["id"] = fields[b"id"].decode()
        if told["event"] == "snapshot":
            self.who, self.rows = {}, {}
        self.who |= {one["id"]: one for one in told["dots"]}
        told["moved"] = unfold(told["moved"])
        self.rows |= {row["id"]: row for row in told["moved"]}
        for one in told.get("gone", ()):
            self.who.pop(one, None)
            self.rows.pop(one, None)
        return told

    @property
    def state(self) -> dict[int, dict[str, Any]]:
        """Everybody on the screen: whoever was named."""
        return {one: self.who[one] | row for one, row in self.rows.items() if one in self.who}


def unfold(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a person from columns in the order of `id`, or one value of all."""
    rows = [
        {name: column[n] if isinstance(column, list) else column for name, column in columns.items()}
        for n in range(len(columns["id"]))
    ]
    for row in rows:
        if row["heard_at"] is None:
            row["heard_at"] = row["fixed_at"]
    return rows
