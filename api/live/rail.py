"""The rail of alerts in the live stream: all that stand in a scope, told after the snapshot and whenever one changes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import Connection

from analysis.alerts import Alert, alerts_within, open_alerts, tell_alert
from people.access import Scope
from tracking.live import mark_of_calls

SHARE: Final = 0.005
"""Reading many alerts takes its time and then comes less often; a call for help, new or acknowledged, is read at once."""
LONGEST_S: Final = 10.0
"""One reading that was held up by a busy machine must not keep everybody from the alerts for minutes."""


@dataclass
class Rail:
    """The alerts as read last, encoded once a scope."""

    alerts: list[Alert] = field(default_factory=list)
    at: datetime | None = None
    timer: Callable[[], float] = time.monotonic
    _mark: object = None
    _due: float = 0.0
    _told: dict[Scope, bytes] = field(default_factory=dict)

    def read(self, conn: Connection, now: datetime) -> list[Alert] | None:
        """The alerts when it is time to read them, or when somebody called for help or was answered; else None."""
        started = self.timer()
        mark = mark_of_calls(conn)
        if started < self._due and mark == self._mark:
            return None
        found = open_alerts(conn, now)
        ended = self.timer()
        self._mark, self._due = mark, ended + min((ended - started) / SHARE, LONGEST_S)
        return found

    def take(self, found: list[Alert] | None, now: datetime) -> bool:
        """Whether what was read is other than before."""
        if found is None or (found == self.alerts and self.at is not None):
            return False
        self.alerts, self.at, self._told = found, now, {}
        return True

    def tell(self, scope: Scope) -> bytes:
        """All that stand in the scope, as one event. It has no id: it moves no cursor."""
        if scope not in self._told:
            body = {
                "as_of": self.at,
                "alerts": [tell_alert(one) for one in alerts_within(self.alerts, scope)],
            }
            data = orjson.dumps(body, option=orjson.OPT_UTC_Z)
            self._told[scope] = b"event: alerts\ndata: " + data + b"\n\n"
        return self._told[scope]
