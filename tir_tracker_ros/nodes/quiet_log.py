# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A log in which nothing that repeats itself drowns the rest, or fills a disk in a month."""

from __future__ import annotations

from dataclasses import dataclass
import re
import threading
import time
from typing import Any

_EVERY = 5.0
"""Seconds until the same line is logged again."""
_BURST = 5
"""Lines of a kind that are logged at once; from then on it is one in that time."""
_KINDS = 100
"""Kinds of lines that are remembered."""


@dataclass
class _Kind:
    """What was logged of one kind."""

    tokens: float
    """Lines that may be logged now."""
    since: float
    """When that was so, s of the monotonic clock."""
    last: str = ''
    """The last line that was logged."""
    last_at: float = -_EVERY
    left_out: int = 0
    """Lines since then that were not."""


class QuietLog:
    """
    Logs the first few lines of a kind, then one in five seconds and how many were left out.

    Lines that differ in nothing but numbers are of one kind. The very same line is not logged
    twice in five seconds. Safe for use by several threads.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._kinds: dict[str, _Kind] = {}
        self._lock = threading.Lock()

    def info(self, text: str, kind: str = '') -> None:
        """Log what happens; `kind` is what it has in common with other lines."""
        if line := self._line(text, kind):
            self._logger.info(line)

    def warning(self, text: str) -> None:
        """Log what the user should know."""
        if line := self._line(text):
            self._logger.warning(line)

    def error(self, text: str) -> None:
        """Log what went wrong."""
        if line := self._line(text):
            self._logger.error(line)

    def _line(self, text: str, kind: str = '') -> str:
        """Return what is to be logged; empty for nothing."""
        name, now = kind or re.sub(r'[-+.\d]+|nan|inf', '#', text), time.monotonic()
        with self._lock:
            seen = self._kinds[name] = self._kinds.pop(name, _Kind(_BURST, now))
            if len(self._kinds) > _KINDS:
                del self._kinds[next(iter(self._kinds))]
            seen.tokens = min(seen.tokens + (now - seen.since) / _EVERY, _BURST)
            seen.since = now
            if seen.tokens < 1 or (text == seen.last and now - seen.last_at < _EVERY):
                seen.left_out += 1
                return ''
            left_out, seen.left_out = seen.left_out, 0
            seen.tokens, seen.last, seen.last_at = seen.tokens - 1, text, now
        return f'{text} ({left_out} more like it were not logged)' if left_out else text
