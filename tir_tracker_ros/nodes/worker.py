# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The thread in which the model runs, so that the node can answer services at the same time.

The newest image wins: while one image is processed, images that arrive wait together with the
commands (init, change of settings), in order of arrival; then all images but the newest are
skipped. Urgent commands (reset, pause) do not wait for any of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
import threading
import time
from typing import Any, Generic, TypeVar

Item = TypeVar('Item')

KEYS = 4
"""Commands with a key that wait at most, unless told otherwise."""


@dataclass(eq=False)
class _Work:
    """An image or a command that waits."""

    image: Any = None
    number: int = 0
    """Of the image, in order of arrival."""
    command: Callable[[], None] | None = None
    key: Hashable = None


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
        keys: int = KEYS,
    ) -> None:
        self.dropped = 0
        """Images that were overtaken by a newer one."""
        self.free_since = time.monotonic()
        """When the thread had last finished a piece of work, s of the monotonic clock."""
        self._process, self._skip, self._failed = process, skip, failed
        self._capacity, self._keys = capacity, keys
        self._images = 0
        self._waiting: deque[_Work] = deque()
        self._urgent: deque[Callable[[], None]] = deque()
        self._change = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name='tracker model', daemon=True)
        self._thread.start()

    def post(self, image: Item) -> None:
        """Hand over an image; returns at once."""
        with self._change:
            images = [work for work in self._waiting if work.command is None]
            if len(images) >= self._capacity:
                self._waiting.remove(images[0])
                self.dropped += 1
            self._images += 1
            self._waiting.append(_Work(image, self._images))
            self._change.notify()

    def call(self, command: Callable[[], None], key: Hashable = None) -> int:
        """
        Hand over a command, which is called between two images; returns at once.

        It takes the place of one that waits under the same key, unless the key is None; of
        different keys, the newest `keys` wait. Returns how many commands were passed over.
        """
        with self._change:
            keyed = [work for work in self._waiting if work.key is not None]
            same = [work for work in keyed if work.key == key]
            passed_over = same or (
                keyed[:1] if key is not None and len(keyed) >= self._keys else []
            )
            for work in passed_over:
                self._waiting.remove(work)
            self._waiting.append(_Work(command=command, key=key))
            self._change.notify()
        return len(passed_over)

    def call_next(self, command: Callable[[], None]) -> None:
        """Hand over a command that is called before all that waits; returns at once."""
        with self._change:
            self._urgent.append(command)
            self._change.notify()

    def stop(self) -> None:
        """Let the present call finish, forget the rest, and end the thread."""
        with self._change:
            self._stopping = True
            self._change.notify()
        self._thread.join()

    def _run(self) -> None:
        newest = 0  # number of the image that is to be processed next, or was last
        while True:
            self.free_since = time.monotonic()
            with self._change:
                self._change.wait_for(lambda: self._urgent or self._waiting or self._stopping)
                if self._stopping:
                    return
                urgent = self._urgent.popleft() if self._urgent else None
                work = _Work(command=urgent) if urgent else self._waiting.popleft()
                # The choice stands until it was processed: a camera that is faster than images
                # can be skipped would let no image be processed, else.
                if work.number > newest:
                    newest = max((one.number for one in self._waiting), default=0) or work.number
            try:
                if work.command is not None:
                    work.command()
                elif work.number == newest:
                    self._process(work.image)
                else:
                    self.dropped += 1
                    self._skip(work.image)
            except Exception as error:
                self._failed(error)
