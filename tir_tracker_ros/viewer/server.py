# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The web server of the page, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
import errno
from pathlib import Path
import socket
import threading
from typing import Any

from aiohttp import web

from .access import Access, Buckets, is_local
from .board import Board
from .commands import Commands
from .connection import Connection, LARGEST_REQUEST
from .pictures import Encoder
from .settings import ServerSettings

PAGE = Path(__file__).resolve().parent / 'page'
_FILES = sorted(path.name for path in PAGE.glob('*.[cj]s*'))
_VIEWERS = 16
_HEARTBEAT_SECONDS = 10.0
"""Between two questions whether a page is still there; it has half of that for its answer."""
_CLOSE_SECONDS = 2.0
_HEADERS = {
    'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',  # without any, a form has the origin null
    'Cache-Control': 'no-store',
}


class Server:
    """
    Serves the page from `start` to `stop`; `log` gets a line for whatever was refused.

    Raises ValueError for a bad token.
    """

    def __init__(
        self,
        board: Board,
        commands: Commands,
        settings: ServerSettings | None = None,
        log: Callable[[str], object] = print,
    ) -> None:
        self._settings = settings or ServerSettings()
        self._board, self._commands, self._log = board, commands, log
        self.access = Access(self._settings.host, self._settings.token)
        self.port = self._settings.port
        self._encoder = Encoder(self._settings.gain)
        self._connections: set[Connection] = set()
        self._requests = Buckets(30, 120)
        self._wrong_tokens = Buckets(0.5, 5)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()

    def start(self) -> None:
        """Listen; raises OSError, naming address and port, where that cannot be done."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name='viewer', daemon=True
        )
        self._thread.start()
        ready.result()

    def stop(self) -> None:
        """Close all pages, and end the thread."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(10)
        self._loop = None

    @property
    def address(self) -> str:
        """Where the page is, with the token where it was made here."""
        host = self._settings.host
        if host in ('0.0.0.0', '::', ''):
            host = _own_address()
        host = f'[{host}]' if ':' in host else host
        return f'http://{host}:{self.port}/' + (
            f'?token={self.access.token}' if self.access.made else ''
        )

    async def _serve(self, ready: Future[None]) -> None:
        host, port = self._settings.host, self._settings.port
        self._over = asyncio.Event()
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[self._checked])
        app.add_routes(
            [
                web.get('/', self._page),
                web.post('/', self._enter),
                web.get('/socket', self._socket),
                *(web.get(f'/{name}', self._file) for name in _FILES),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        try:
            await runner.setup()
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                raise _listening_error(error, host, port) from None
            self.port = runner.addresses[0][1]
            self._loop = asyncio.get_running_loop()
        except BaseException as error:
            await runner.cleanup()
            ready.set_exception(error)
            return
        self._board.listeners.append(self._tell)
        ready.set_result(None)
        with (
            ThreadPoolExecutor(1, 'viewer images') as self._pool,
            ThreadPoolExecutor(4, 'viewer commands') as self._workers,
        ):
            await self._over.wait()
            self._board.listeners.remove(self._tell)
            await asyncio.gather(*(one.leave() for one in self._connections))
            await runner.cleanup()

    def _tell(self) -> None:
        """Wake the connections; called in the threads of those who write on the board."""
        if self._connections and self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for connection in self._connections:
            connection.wake()

    # Requests --------------------------------------------------------------------------------

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Refuse what is not for this viewer; each refusal is one line, here and there."""
        try:
            if not self._requests.take(request.remote or ''):
                raise web.HTTPTooManyRequests(text='too many requests: wait a moment\n')
            foreign = self.access.foreign(request.host, request.headers.get('Origin'))
            if foreign:
                raise web.HTTPForbidden(text=f'refused: {foreign}\n')
            response = await handler(request)
        except web.HTTPRequestEntityTooLarge:
            response = web.Response(
                status=413, text=f'refused: a request of more than {LARGEST_REQUEST} bytes\n'
            )
        except web.HTTPException as error:
            response = error
        if response.status >= 400 and (why := _why(response)):
            self._refused(request, why)
        if not response.prepared:
            response.headers.update(_HEADERS)
        if isinstance(response, web.HTTPException):
            raise response
        return response

    def _refused(self, request: web.Request, why: str) -> None:
        self._log(f'viewer {request.remote}: {why}')

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / request.path.strip('/'))

    async def _page(self, request: web.Request) -> web.StreamResponse:
        given = request.query.get('token')
        if given is not None:
            return self._entered(request, given)
        if not self._may_see(request):
            return _door('')
        return web.FileResponse(PAGE / 'index.html')

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        return self._entered(request, str(form.get('token', '')).strip())

    def _entered(self, request: web.Request, token: str) -> web.StreamResponse:
        """Answer to a token: the right one becomes a cookie, and leaves the address."""
        if not self.access.fits(token):
            if not self._wrong_tokens.take(request.remote or ''):
                return _door('too many wrong tokens: wait a moment', 429)
            return _door('wrong token', 403)
        response = web.HTTPSeeOther('/')
        if self.access.token:
            response.set_cookie(self._cookie, token, httponly=True, samesite='Lax')
        return response

    @property
    def _cookie(self) -> str:
        return f'tir_tracker_viewer_{self.port}'  # cookies are the same for all ports

    def _may_see(self, request: web.Request) -> bool:
        return self.access.fits(request.cookies.get(self._cookie, ''))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not self._may_see(request):
            raise web.HTTPForbidden(text='wrong token\n')
        if len(self._connections) >= _VIEWERS:
            raise web.HTTPServiceUnavailable(text=f'{_VIEWERS} viewers watch already\n')
        page = web.WebSocketResponse(
            timeout=_CLOSE_SECONDS,
            heartbeat=_HEARTBEAT_SECONDS,
            max_msg_size=LARGEST_REQUEST,
            compress=False,
        )
        await page.prepare(request)
        connection = Connection(
            page, self._board, self._commands, self._encoder, self._pool, self._workers,
            self._settings.rate,
        )  # fmt: skip
        self._connections.add(connection)
        self._board.viewers = len(self._connections)
        self._board.tell()
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self._board.viewers = len(self._connections)
            self._board.tell()
            if connection.refused:
                self._refused(request, f'sent away: {connection.refused}')
        return page


class _Door(web.Response):
    """The page that asks for the token, and `why`, empty where it was not asked for before."""

    def __init__(self, why: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.why = why


def _door(problem: str, status: int = 401) -> web.Response:
    """Return the page that asks for the token."""
    html = (PAGE / 'token.html').read_text().replace('<!-- problem -->', problem)
    return _Door(problem, text=html, content_type='text/html', status=status)


def _why(response: web.StreamResponse) -> str:
    """Say in a line why a request was refused; empty where the page only asks for the token."""
    if isinstance(response, _Door):
        return response.why
    return str(getattr(response, 'text', '')).partition('\n')[0]


def _listening_error(error: OSError, host: str, port: int) -> OSError:
    """Say in one line why an address and port cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        why = 'the port is in use: choose another one'
    elif isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        why = "this is no address of this machine's"
    elif error.errno == errno.EACCES:
        why = 'ports below 1024 are reserved for root: choose another one'
    else:
        why = error.strerror or str(error)
    return OSError(f'the viewer cannot listen on {host}, port {port}: {why}')


def _own_address() -> str:
    """Return an address under which other machines may reach this one, or else its name."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        found = []
    addresses = [str(each[4][0]) for each in found]
    return next((one for one in addresses if not is_local(one)), socket.gethostname())
