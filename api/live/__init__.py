"""The live feed: what is read once a process and told to every open page."""

from api.live.board import REMEMBERED, Cursor, read_cursor, tell_who
from api.live.feed import LiveFeed
from api.live.viewers import Permit, Push, Viewer

__all__ = ["REMEMBERED", "Cursor", "LiveFeed", "Permit", "Push", "Viewer", "read_cursor", "tell_who"]
