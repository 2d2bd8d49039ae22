# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether an answer in the making may still go out."""

from __future__ import annotations

from collections.abc import Callable
import threading


class Gate:
    """
    Lets answers out until their target is no longer wanted.

    Each image is taken in an `epoch`; `close` begins the next one, and what belongs to an earlier
    one is held back. Safe for use by several threads.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Hold back everything of the present epoch: once this returns, nothing of it goes out."""
        with self._lock:
            self.epoch += 1

    def pass_through(self, epoch: int, send: Callable[[], None]) -> bool:
        """Call `send` and return True, unless `epoch` is over."""
        with self._lock:
            if epoch == self.epoch:
                send()
                return True
        return False
