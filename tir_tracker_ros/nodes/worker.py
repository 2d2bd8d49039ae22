# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The thread in which the model runs, so that the node can answer services at the same time.

The newest image wins: while one image is processed, images that arrive wait together with the
commands (init, reset ...), in order of arrival; then all images but the newest are skipped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
import threading
import time
from typing import Any, Generic, TypeVar

Item = TypeVar('Item')


class Worker(Generic[Item]):
    """
    Calls `process` with the newest image, and `skip` with those that came before it.

    All calls happen in one thread, in order of arrival. `failed` gets what they raise, and the
    thread goes on. At most `capacity` images wait; when there are more, the oldest is dropped.
    """

    def __init__(
        self,
        process: Callable[[Item], None],
        skip: Callable[[Item], None],
        failed: Callable[[BaseException], None],
        capacity: int,
    ) -> None:
        self.dropped = 0
        """Images that were overtaken by a newer one."""
        self.free_since = time.monotonic()
        """When the thread had last finished all its work, s of the monotonic clock."""
        self._process, self._skip, self._failed = process, skip, failed
        self._capacity = capacity
        # An image, or None and a command.
        self._waiting: deque[tuple[Any, Callable[[], None] | None]] = deque()
        self._change = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name='tracker model', daemon=True)
        self._thread.start()

    def post(self, image: Item) -> None:
        """Hand over an image; returns at once."""
        with self._change:
            images = [i for i, (_, command) in enumerate(self._waiting) if command is None]
            if len(images) >= self._capacity:
                del self._waiting[images[0]]
                self.dropped += 1
            self._waiting.append((image, None))
            self._change.notify()

    def call(self, command: Callable[[], None]) -> None:
        """Hand over a command, which is called between two images; returns at once."""
        with self._change:
            self._waiting.append((None, command))
            self._change.notify()

    def stop(self) -> None:
        """Let the present call finish, forget the rest, and end the thread."""
        with self._change:
            self._stopping = True
            self._waiting.clear()
            self._change.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.free_since = time.monotonic()
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                batch, self._waiting = self._waiting, deque()
            newest = max((i for i, (_, command) in enumerate(batch) if command is None), default=0)
            for number, (image, command) in enumerate(batch):
                try:
                    if command is not None:
                        command()
                    elif number == newest:
                        self._process(image)
                    else:
                        self.dropped += 1
                        self._skip(image)
                except Exception as error:
                    self._failed(error)
