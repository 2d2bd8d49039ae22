# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`track --view`: the page of the viewer for a recording or a camera that is tracked here."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from queue import Empty, SimpleQueue
import time

from ..imaging.thermal_image import ThermalImage
from ..sequences.base import Source
from ..tracking.inits import InitRequest
from ..tracking.stream import Stream
from ..tracking.stream_settings import StreamSettings
from ..tracking.target import Answer, Status
from ..viewer.board import Board
from ..viewer.pictures import Picture, Seen
from ..viewer.settings import ServerSettings
from .following import tell

_BUFFER = 300
"""Images that a box may name: ten seconds to draw it, at 30 Hz."""
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 20.0
"""For a command, which waits for the image at hand and catches up with those since its own."""


def add_view_arguments(parser: ArgumentParser) -> None:
    """Add the options of the page."""
    group = parser.add_argument_group('a page to choose and watch')
    group.add_argument(
        '--view',
        action='store_true',
        help='serve a page on which targets are chosen and watched, at the pace of the recording',
    )
    settings = ServerSettings()
    group.add_argument(
        '--host',
        default=settings.host,
        help=f'address to listen on; default {settings.host}; others than local ones ask for a '
        'token',
    )
    group.add_argument(
        '--port',
        type=int,
        default=settings.port,
        help=f'default {settings.port}; 0 takes a free one',
    )
    group.add_argument(
        '--max-targets',
        type=int,
        default=1,
        help='targets followed at once; default: as many as --init, or 1: each box replaces the '
        'target',
    )


def view_settings(settings: StreamSettings) -> StreamSettings:
    """Return the settings with a frame buffer that leaves time to draw."""
    return replace(settings, buffer_size=max(settings.buffer_size, _BUFFER))


class Viewing:
    """
    Serves the page, lets images come at their pace, and carries out commands in between.

    All is called by the thread of the stream, but for the commands of the page. Raises OSError
    where the port cannot be listened on.
    """

    def __init__(
        self, arguments: Namespace, name: str, settings: StreamSettings, source: Source
    ) -> None:
        from ..viewer.server import Server  # aiohttp is for who wants a page

        self._board, self._live, self._period = Board(name), source.live, 1 / source.rate
        self._board.limits = {
            'buffer_size': settings.buffer_size,
            'max_targets': settings.max_targets,
        }
        self._work: SimpleQueue[tuple[Callable[[], str], Future[str]]] = SimpleQueue()
        self._held = self._over = False
        self._waits = False
        """Whether the first box lets the recording begin."""
        self._shown = -1
        self._image: ThermalImage
        self._stream: Stream
        page = ServerSettings(arguments.host, arguments.port, gain=settings.gain)
        self._server = Server(self._board, self, page, tell)
        self._server.start()
        tell(f'the page is at {self._server.address}')

    def close(self) -> None:
        """Close the page."""
        self._server.stop()

    # Of the stream ---------------------------------------------------------------------------

    def played(
        self,
        stream: Stream,
        first: ThermalImage,
        images: Iterable[tuple[int, ThermalImage]],
        requests: Sequence[InitRequest],
    ) -> Iterator[tuple[int, ThermalImage]]:
        """
        Iterate over the numbers and images after the first one, none of them before its time.

        The stream has to have the first image already. A recording begins once a page is open,
        or where there are no requests to follow, once a box was drawn.
        """
        self._stream = stream
        self._take(first)
        self._show_unanswered()
        if requests:
            while not self._live and not self._board.viewers:
                self._carry_out(_LOOK_SECONDS)
            stream.init_together(requests)
        elif not self._live:
            self._waits = True
            self._hold(True)
            self._board.notice('draw a box, or resume to go on without')
        self._carry_out(0.0)
        due = time.monotonic()
        for number, image in images:
            now = time.monotonic()
            due = now if self._live else max(due + self._period, now)
            self._carry_out(due - now)
            self._take(image)
            yield number, image
            self._show_unanswered()

    def answers(self, answers: Sequence[Answer]) -> None:
        """Take the answers of all targets in an image."""
        seen = tuple(
            Seen(
                one.id,
                one.box,
                one.score,
                one.class_id,
                one.temperatures.median if one.temperatures else None,
            )
            for one in answers
        )
        self._board.answered(seen, answers[0].model_ms / 1e3)
        # Of answers that catch up with earlier images only the last one is of the newest.
        if answers[0].index == self._stream.images - 1:
            self._show(seen)

    def status(self, status: Status) -> None:
        """Take a change of state."""
        warn = status.refusal or status.state in ('uncertain', 'lost')
        self._board.state(status.id, status.state, status.reason, warn=warn)

    def end(self, results: str) -> None:
        """Leave the page open after the last image, until Ctrl-C."""
        self._over = self._held = True
        text = f'the recording is over; results in {results}'
        self._board.notice(text)
        tell(f'{text}; Ctrl-C closes the page')
        try:
            self._carry_out(0.0)
        except KeyboardInterrupt:
            return

    def _take(self, image: ThermalImage) -> None:
        self._image = image
        self._board.arrived()

    def _show_unanswered(self) -> None:
        """Show the newest image, unless it was shown with its answers."""
        if self._shown < self._stream.images - 1:
            self._show(())

    def _show(self, seen: tuple[Seen, ...]) -> None:
        image, self._shown = self._image, self._stream.images - 1
        self._board.show(Picture(self._shown, image.stamp, lambda: image, seen))

    def _hold(self, on: bool) -> None:
        self._held = on
        self._board.pause(on)

    def _carry_out(self, seconds: float) -> None:
        """Carry out commands for so long, and as long as the recording is held."""
        end = time.monotonic() + seconds
        while True:
            try:
                left = None if self._held else max(end - time.monotonic(), 0)
                command, future = self._work.get(timeout=left)
            except Empty:
                return
            try:
                if self._over:
                    raise ValueError('the recording is over')
                done = command()
            except Exception as error:
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(done)

    # Of the page, in its threads -------------------------------------------------------------

    def init(self, request: InitRequest) -> str:
        """Follow a box."""
        return self._asked(lambda: self._init(request))

    def cancel(self, id: str) -> str:
        """Forget a target."""
        return self._asked(lambda: self._cancel(id))

    def reset(self) -> str:
        """Forget all targets."""
        return self._asked(self._reset)

    def pause(self, on: bool) -> str:
        """Hold the recording, or let it go on; images of a camera are left unanswered."""
        return self._asked(lambda: self._pause(on))

    def _asked(self, command: Callable[[], str]) -> str:
        future: Future[str] = Future()
        self._work.put((command, future))
        try:
            return future.result(_PATIENCE_SECONDS)
        except FutureTimeout:
            raise TimeoutError(f'the tracker is busy for {_PATIENCE_SECONDS:g} s') from None

    def _init(self, request: InitRequest) -> str:
        self._stream.init(request)
        if self._waits:
            self._waits = False
            self._hold(False)
        return 'the box is followed'

    def _cancel(self, id: str) -> str:
        try:
            self._stream.cancel(id)
        except LookupError as unknown:
            raise ValueError(unknown.args[0]) from None
        return f'target {id} is cancelled'

    def _reset(self) -> str:
        self._stream.reset()
        return 'all targets are forgotten'

    def _pause(self, on: bool) -> str:
        if self._live:
            self._stream.enable(not on)
            self._board.pause(on)
        else:
            self._waits = False
            self._hold(on)
        return 'paused' if on else 'resumed'
