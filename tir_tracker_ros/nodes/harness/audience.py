# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The viewer node and an open page, without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
import re
import threading

import aiohttp

from .process import node_command, Process

_DRAWN = '{"do":"drawn"}'


class Audience:
    """Starts the viewer on the images of a topic, as a context, and reads one page of it."""

    def __init__(self, topic: str, log: Path) -> None:
        self.images = 0
        """That the page got so far."""
        command = node_command('viewer', {'port': 0}, {'image': topic})
        self.process = Process('viewer', command, log)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Audience:
        """Return the audience, which leaves at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(10)
        self.process.stop()

    def open(self, wait: Callable[[Process, Callable[[], bool], str], None]) -> None:
        """Open the page once it is there; `wait` is that of a `Conductor`."""

        def address() -> re.Match[str] | None:
            return re.search(r'the page is at (http://\S+)', self.process.log)

        wait(self.process, lambda: bool(address()), 'its page')
        found = address()
        assert found is not None
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._watch(found[1])), daemon=True
        )
        self._thread.start()

    async def _watch(self, address: str) -> None:
        async with aiohttp.ClientSession() as session:
            page = await session.ws_connect(f'{address}socket', max_msg_size=0)
            while not self._over.is_set():
                message = await page.receive()
                if message.type is not aiohttp.WSMsgType.BINARY:
                    return
                head = int.from_bytes(message.data[:4], 'little')
                self.images += len(message.data) > 4 + head
                await page.send_str(_DRAWN)
