"""The rail: calls for help, urgent cases, empty units, silent phones. See docs/alerts.md."""

from analysis.alerts.question import Question, answer_question, open_question
from analysis.alerts.standing import (
    Alert,
    acknowledge_alert,
    alerts_within,
    is_within,
    open_alerts,
    tell_alert,
)
from analysis.alerts.watch import WatchRules, forget_alerts, watch, watch_rules_of

__all__ = [
    "Alert",
    "Question",
    "WatchRules",
    "acknowledge_alert",
    "alerts_within",
    "answer_question",
    "forget_alerts",
    "is_within",
    "open_alerts",
    "open_question",
    "tell_alert",
    "watch",
    "watch_rules_of",
]
