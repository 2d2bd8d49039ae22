# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the tracker node holds from configure to cleanup: model, target, outputs, record."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
import itertools
import time
import traceback
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray

from ..imaging.gain import GainControl
from ..imaging.thermal_image import ThermalImage
from ..tracking.candidates import start_on
from ..tracking.inits import InitRefused
from ..tracking.stream import Stream
from ..tracking.target import Answer, Status
from . import messages
from .counters import Counters, memory_mib
from .gate import Gate
from .outputs import Outputs
from .parameters import candidate_settings, settings_of, Value
from .quiet_log import QuietLog
from .record import Record
from .worker import KEYS, Worker

_FLOOD_ENDS = 60.0
"""Seconds without an init that is passed over, after which the next one is told again."""


@dataclass(frozen=True, eq=False)
class Arrival:
    """An image message and when it came."""

    message: Image | CompressedImage
    wall: int
    """When the middleware had it, system time, ns."""
    monotonic: float
    """When the node had it, s."""
    epoch: int
    """See `Gate`."""


class Session:
    """
    Answers images in a thread of its own; every public method but `close` returns at once.

    Raises OSError where the record cannot be written, ValueError for bad settings.
    """

    def __init__(self, node: Node, tracker: Any, values: Mapping[str, Value]) -> None:
        self._node, self._log = node, QuietLog(node.get_logger())
        self.model = f'{tracker.name} on {tracker.device}'
        self._device = tracker.device
        self._inits_passed_over = 0
        self._last_passed_over = -_FLOOD_ENDS
        self._resets = 0
        self._candidates = candidate_settings(values)
        self._buffer_size = int(values['buffer_size'])
        self._arrivals: OrderedDict[int, tuple[Header, int, float]] = OrderedDict()
        self._stream = Stream(
            tracker,
            settings_of(values),
            warn=self._log.warning,
            on_status=self._publish_status,
            on_image=self._answer,
        )
        self._idle_gain = GainControl(self._stream.settings.gain)
        self._counters, self._gate = Counters(), Gate()
        self._epoch = 0
        """Of what the thread works on."""
        path = str(values['record_path'])
        settings = self._stream.settings
        several = settings.max_targets > 1
        measured = settings.radiometry is not None
        rotated = bool(values['rotated_box'])
        self._record = Record(path, measured, several, rotated) if path else None
        try:
            self._outputs = Outputs(node, bool(values['diagnostics']), settings.max_targets)
        except BaseException:
            if self._record is not None:
                self._record.close()
            raise
        # Every init without an id adds a target where there is room for several, so none of a
        # burst may be passed over.
        keys = max(KEYS, 2 * settings.max_targets)
        self._worker = Worker(self._process, self._skip, self.failed, self._buffer_size, keys)
        self._unnamed = itertools.count() if several else itertools.repeat(0)
        self._publish_status(self._stream.status)

    def close(self) -> None:
        """Wait for the image at hand to be finished, and let go of everything."""
        self._worker.stop()
        self._outputs.close()
        if self._record is not None:
            self._record.close()

    def image(self, message: Image | CompressedImage, received: int) -> None:
        """Take an image; `received` is the system time, ns, at which the middleware had it."""
        self._counters.received()
        self._worker.post(Arrival(message, received, time.monotonic(), self._gate.epoch))

    def init(self, message: Detection2D) -> None:
        """Take an init; of those that wait, only the newest of each id is followed."""
        request = messages.init_request(message)
        self._begin(
            lambda: self._stream.init(request), ('init', request.id or next(self._unnamed))
        )

    def click(self, x: float, y: float) -> None:
        """Take a place, in pixels of the newest image, as an init of what stands out there."""
        self._begin(lambda: self._stream.click(x, y), ('init', next(self._unnamed)))

    def candidates(self, message: Detection2DArray) -> None:
        """Take what a detector has found in an image; of those that wait, only the newest."""
        found = messages.candidates(message)
        settings, warn = self._candidates, self._log.warning
        self._begin(lambda: start_on(found, self._stream, settings, warn), 'candidates')

    def _begin(self, start: Callable[[], None], key: Hashable) -> None:
        epoch, resets = self._gate.epoch, self._resets

        def init() -> None:
            if resets != self._resets:
                return
            self._epoch = epoch
            try:
                start()
            except InitRefused as refusal:
                self._log.warning(str(refusal))

        passed_over = self._worker.call(init, key=key)
        if passed_over and key != 'candidates':
            now, last = time.monotonic(), self._last_passed_over
            self._inits_passed_over += passed_over
            self._last_passed_over = now
            if now - last > _FLOOD_ENDS:
                self._log.warning(
                    'inits come faster than they can be followed: of those that wait, the newest '
                    'of each id is taken'
                )

    def cancel(self, id: str) -> None:
        """Forget one target after what came before, or with an empty id all of them at once."""
        if not id:
            self.forget('cancelled')
            return

        def cancel() -> None:
            try:
                self._stream.cancel(id)
            except LookupError as unknown:
                self._log.warning(unknown.args[0])

        self._worker.call(cancel, key=('cancel', id))

    def forget(self, reason: str) -> None:
        """Forget the target; from now on no answer about it goes out, not even one in making."""
        self._gate.close()
        self._resets += 1
        self._worker.call_next(lambda: self._stream.reset(reason))

    def enable(self, on: bool) -> None:
        """Pause or resume; once paused, no answer goes out."""
        if not on:
            self._gate.close()
        self._worker.call_next(lambda: self._stream.enable(on))

    def change(self, values: Mapping[str, Value]) -> None:
        """Take other settings."""
        settings, self._candidates = settings_of(values), candidate_settings(values)
        self._worker.call(lambda: self._stream.change(settings), key='settings')

    def failed(self, error: BaseException) -> None:
        """Log an error: in one line where its message tells all, else with its origin."""
        if not self._node.context.ok():
            return  # publishing fails while the process is told to stop
        text = str(error)
        if not isinstance(error, ValueError):
            text = ''.join(traceback.format_exception(error))
        self._log.error(text)

    def publish_diagnostics(self) -> None:
        """Publish what has happened since the last time, if that is asked for."""
        rates = self._counters.rates()
        level, text = DiagnosticStatus.OK, self._stream.state
        if not rates['images per second']:
            level, text = DiagnosticStatus.WARN, 'no images'
        values: dict[str, float | str] = {'model': self.model, **rates}
        values['dropped'] = self._worker.dropped
        values['inits passed over'] = self._inits_passed_over
        memory = memory_mib()
        if memory is not None:
            values['memory MiB'] = memory
        targets = list(self._stream.targets) if self._stream.enabled else []
        self._outputs.diagnostics(level, text, values, str(self._device), targets)

    # In the thread of the worker -------------------------------------------------------------

    def _taken(self, arrival: Arrival) -> ThermalImage:
        try:
            image = messages.thermal_image(arrival.message)
        except ValueError as error:
            raise ValueError(f'image left out: {error}') from error
        wait_ms = max(self._worker.free_since - arrival.monotonic, 0.0) * 1e3
        self._arrivals[self._stream.images] = arrival.message.header, arrival.wall, wait_ms
        if len(self._arrivals) > self._buffer_size:
            self._arrivals.popitem(last=False)
        return image

    def _skip(self, arrival: Arrival) -> None:
        self._stream.remember(self._taken(arrival))

    def _process(self, arrival: Arrival) -> None:
        image = self._taken(arrival)
        self._epoch = arrival.epoch
        if self._stream.image(image):
            return
        state = self._stream.state
        if self._stream.enabled and not self._stream.targets:
            header = arrival.message.header
            self._gate.pass_through(self._epoch, lambda: self._outputs.detections([], header))
        if self._record is not None:
            self._record.idle(image.stamp, arrival.wall, state)
        if self._outputs.pictures_wanted:
            self._outputs.idle_picture(self._idle_gain(image), state, arrival.message.header)

    def _answer(self, answers: Sequence[Answer]) -> None:
        header, arrived, wait_ms = self._arrivals[answers[0].index]
        if not self._gate.pass_through(
            self._epoch, lambda: self._outputs.detections(answers, header)
        ):
            return
        published = time.time_ns()
        self._counters.answered(answers[0], (published - arrived) / 1e6)
        if self._record is not None:
            for answer in answers:
                self._record.answered(answer, arrived, published, wait_ms)
        self._outputs.pictures(answers, header)

    def _publish_status(self, status: Status) -> None:
        if not status.refusal:  # which is logged as a warning
            whose = ''
            if self._stream.settings.max_targets > 1 and status.id:
                whose = f'target {status.id} '
            self._log.info(f'{whose}{status.state}: {status.reason}', kind=whose + status.state)
        self._outputs.status(status)
