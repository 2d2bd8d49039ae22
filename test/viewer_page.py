# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The page of the viewer without a browser: its WebSocket, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
import json
import struct
import threading
import time
from typing import Any

import aiohttp

TIMEOUT = 20.0


class Page:
    """
    An open page; keeps what it gets, and answers it unless `answering` is False.

    `reading` False stops it from reading at all.
    """

    def __init__(self, address: str, cookies: dict[str, str] | None = None) -> None:
        self.news: list[dict[str, Any]] = []
        self.images: list[tuple[dict[str, Any], bytes]] = []
        self.notices: list[str] = []
        self.scores: list[list[Any]] = []
        self.answering = self.reading = True
        self.closed: tuple[int | None, str] | None = None
        """Code and reason, once the viewer has closed it."""
        self._answers: dict[int, dict[str, Any]] = {}
        self._asked = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._socket = self._run(self._open(address, cookies))
        self._reader = asyncio.run_coroutine_threadsafe(self._read(), self._loop)
        self.until(lambda: self.news, 'the first news')

    async def _open(self, address: str, cookies: dict[str, str] | None) -> Any:
        jar = aiohttp.CookieJar(unsafe=True)
        self._session = aiohttp.ClientSession(cookies=cookies, cookie_jar=jar)
        try:
            return await self._session.ws_connect(f'{address}socket', max_msg_size=0)
        except BaseException:
            await self._session.close()
            raise

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(TIMEOUT)

    async def _read(self) -> None:
        while True:
            while not self.reading:
                await asyncio.sleep(0.01)
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                answer = json.loads(message.data)
                self._answers[answer['n']] = answer
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._take(message.data)
                if self.answering:
                    await self._socket.send_str('{"do":"drawn"}')
            else:
                self.closed = self._socket.close_code, str(message.extra or '')
                return

    def _take(self, data: bytes) -> None:
        (length,) = struct.unpack_from('<I', data)
        head = json.loads(data[4 : 4 + length])
        if 'image' in head:
            self.images.append((head['image'], data[4 + length :]))
        self.notices += [text for _, text, _ in head['viewer']['notices']]
        self.scores += head['viewer']['scores']
        self.news.append(head['viewer'])

    def send(self, data: str | bytes) -> None:
        """Send anything."""
        text = isinstance(data, str)
        self._run(self._socket.send_str(data) if text else self._socket.send_bytes(data))

    def ask(self, what: str, **more: Any) -> str | list[float]:
        """Ask for something and return what is answered; raises ValueError for an error."""
        self._asked += 1
        number = self._asked
        self.send(json.dumps({'do': what, 'n': number, **more}))
        self.until(lambda: number in self._answers or self.closed, f'answer to {what}')
        answer = self._answers.pop(number)
        if 'error' in answer:
            raise ValueError(answer['error'])
        return answer.get('box', answer.get('done'))

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until a condition holds, and return its value."""
        end = time.monotonic() + TIMEOUT
        while not (value := condition()):
            assert time.monotonic() < end, f'not seen: {what}; last news: {self.news[-1:]}'
            time.sleep(0.005)
        return value

    def freeze(self) -> dict[str, Any]:
        """Freeze the newest image and return what is known of it."""
        image, _ = self.until(lambda: self.images[-1:], 'an image')[0]
        self.ask('freeze', image=[image['number']])
        return image

    def target(self, id: str) -> dict[str, Any] | None:
        """Return what is known of a target now."""
        targets = self.news[-1]['targets'] if self.news else []
        return next((one for one in targets if one['id'] == id), None)

    def close(self) -> None:
        """Close the page."""
        self._run(self._socket.close())
        self._reader.cancel()
        self._run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
