# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
One open page: news go to it, and what it asks for is carried out.

It answers each piece of news once it has drawn it. Only so many go out without an answer, so
that a page that is slow, far away or asleep gets fewer images, and never late ones, and nothing
is kept for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor
from contextlib import suppress
import json
import struct
from typing import Any

from aiohttp import web, WSCloseCode, WSMsgType

from ..geometry import Box
from ..tracking.inits import InitRequest
from .access import Bucket
from .board import Board, Mark
from .commands import BadRequest, Commands, numbers, parsed, proposal, text
from .pictures import Encoder, Shown

LARGEST_REQUEST = 4096
"""Bytes."""
_WINDOW = 2
"""News that may go out without an answer: one on its way, one being drawn."""
_LATEST = _WINDOW + 2
"""Images sent last, one of which the page may freeze."""
_REQUESTS = 120.0
"""Requests a second from one page, answers to news included."""
_QUIET_SECONDS = 0.1
"""Between two pieces of news without an image."""


class Connection:
    """
    Serves one page until it is closed.

    `pool` has one thread, in which images are encoded, `workers` those in which commands are
    carried out. `rate` limits images a second.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        board: Board,
        commands: Commands,
        encoder: Encoder,
        pool: Executor,
        workers: Executor,
        rate: float,
    ) -> None:
        self._socket, self._board, self._commands = socket, board, commands
        self._encoder, self._pool, self._workers = encoder, pool, workers
        self._period = 1 / rate
        self._news = asyncio.Event()
        self._news.set()
        self._unanswered = 0
        self._mark = Mark()
        self._sent: deque[Shown] = deque(maxlen=_LATEST)
        self._frozen: Shown | None = None
        self.refused = ''
        """Why the page was sent away; empty where it left by itself."""

    def wake(self) -> None:
        """Look for news."""
        self._news.set()

    async def serve(self) -> None:
        """Serve the page; returns when it has gone."""
        sender = asyncio.create_task(self._send_news())
        try:
            await self._receive()
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def leave(self) -> None:
        """Close the page, because the viewer ends."""
        await self._socket.close(code=1001, message=b'the viewer has ended')

    async def _send_news(self) -> None:
        clock = asyncio.get_running_loop().time
        quiet_until, delayed = 0.0, False
        while True:
            left = max(quiet_until - clock(), 0) if delayed else None
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
            if self._unanswered >= _WINDOW:
                self._news.clear()  # until the page answers
                delayed = False
                continue
            began = clock()
            self._news.clear()
            shown = await self._new_image()
            # An image that comes in the meantime does not wait for the end of the quiet.
            delayed = shown is None and clock() < quiet_until
            if delayed:
                continue
            head: dict[str, Any] = {'viewer': self._board.update(self._mark)}
            if shown is not None:
                self._sent.append(shown)
                head['image'] = _described(shown)
            self._unanswered += 1
            await self._socket.send_bytes(_packed(head, shown.jpeg if shown else b''))
            if shown is None:
                quiet_until = began + _QUIET_SECONDS
            else:
                await asyncio.sleep(max(began + self._period - clock(), 0))

    async def _new_image(self) -> Shown | None:
        """Return the newest image, unless it was sent before or the page holds one."""
        picture = self._board.picture
        if picture is None or self._frozen is not None:
            return None
        if self._sent and self._sent[-1].picture is picture:
            return None
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, self._encoder.shown, picture)
        except ValueError as error:
            self._board.problem(f'image left out: {error}')
            return None

    async def _receive(self) -> None:
        bucket = Bucket(_REQUESTS, 2 * _REQUESTS)
        async for message in self._socket:
            if message.type is WSMsgType.ERROR:
                break
            if message.type is not WSMsgType.TEXT:
                await self._send_away('a request that is not text')
                return
            if not bucket.take():
                await self._send_away(f'more than {_REQUESTS:g} requests a second')
                return
            try:
                request = parsed(message.data)
                if request['do'] == 'drawn':
                    self._unanswered = max(self._unanswered - 1, 0)
                    self.wake()
                    continue
                answer = await self._done(request)
            except BadRequest as error:
                await self._send_away(f'a request that no page sends: {error}')
                return
            except Exception as error:
                answer = {'error': str(error) or type(error).__name__}
            answer['n'] = request.get('n')
            await self._socket.send_str(json.dumps(answer))
        self.refused = _what_ended(self._socket.exception())

    async def _send_away(self, why: str) -> None:
        self.refused = why
        await self._socket.close(code=1008, message=why.encode()[:120])

    async def _done(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a request; returns what the page gets to know."""
        what, loop = request['do'], asyncio.get_running_loop()
        if what == 'live':
            self._frozen = None
            self.wake()
            return {'done': ''}
        if what == 'freeze':
            (number,) = numbers(request, 'image', 1)
            held = [shown for shown in self._sent if shown.picture.number == number]
            if not held:
                raise ValueError('this image is gone already: try again')
            self._frozen = held[0]
            return {'done': ''}
        if what == 'propose':
            x, y, reach = numbers(request, 'at', 3)
            image01 = self._held().image01
            box = await loop.run_in_executor(self._workers, proposal, image01, x, y, reach)
            return {'box': [round(value, 2) for value in box]}
        commands = self._commands
        if what == 'init':
            box = Box(*numbers(request, 'box', 4))
            stamp = 0 if request.get('newest') is True else self._stamp()
            init = InitRequest(box, stamp, text(request, 'id'))
            done = await loop.run_in_executor(self._workers, commands.init, init)
        elif what == 'cancel':
            id = text(request, 'id')
            if not id:
                raise BadRequest("'id' is missing")
            done = await loop.run_in_executor(self._workers, commands.cancel, id)
        elif what == 'reset':
            done = await loop.run_in_executor(self._workers, commands.reset)
        elif what == 'pause':
            on = request.get('on') is True
            done = await loop.run_in_executor(self._workers, commands.pause, on)
        else:
            raise BadRequest(f"there is no '{what[:20]}'")
        return {'done': done}

    def _stamp(self) -> int:
        """Return the stamp of the frozen image."""
        held, newest = self._held().picture, self._board.picture
        stamp = held.stamp
        if stamp == 0 and newest is not held:
            raise ValueError('images without a stamp can be named while they are the newest only')
        if newest is not None and newest.stamp < stamp:
            # A tracker would wait for that stamp to come again.
            raise ValueError('the stamps have jumped back since this image: choose a newer one')
        return stamp

    def _held(self) -> Shown:
        if self._frozen is None:
            raise ValueError('no image is frozen')
        return self._frozen


def _what_ended(error: BaseException | None) -> str:
    """Say why a connection was ended by this side; empty where it broke."""
    if getattr(error, 'code', None) == WSCloseCode.MESSAGE_TOO_BIG:
        return f'a request of more than {LARGEST_REQUEST} bytes'
    return 'it no longer answers' if isinstance(error, asyncio.TimeoutError) else ''


def _described(shown: Shown) -> dict[str, Any]:
    picture, (width, height) = shown.picture, shown.size
    return {
        'number': picture.number,
        'stamp': str(picture.stamp),  # JavaScript's numbers are too short for it
        'width': width,
        'height': height,
        'boxes': [[one.id, *(round(value, 2) for value in one.box)] for one in picture.seen],
    }


def _packed(head: dict[str, Any], jpeg: bytes) -> bytes:
    """Put length of the head (four bytes, the lowest first), head and image together."""
    text = json.dumps(head, separators=(',', ':')).encode()
    return struct.pack('<I', len(text)) + text + jpeg
