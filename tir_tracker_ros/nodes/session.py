# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the tracker node holds from configure to cleanup: model, target, publishers, record."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
import threading
import time
import traceback
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D

from ..imaging.gain import GainControl
from ..imaging.overlay import draw_overlay
from ..imaging.thermal_image import ThermalImage
from ..tracking.follower import Answer, Follower, InitRefused, Status
from . import messages, qos
from .parameters import settings_of, Value
from .record import Record
from .worker import Worker

_REPEAT_AFTER = 5.0
"""Seconds until the same error is logged again; bad images come by the hundred."""


@dataclass(frozen=True, eq=False)
class Arrival:
    """An image message and when it came."""

    message: Image | CompressedImage
    wall: int
    """When the middleware had it, system time, ns."""
    monotonic: float
    """When the node had it, s."""
    epoch: int
    """Which target it belongs to; see `Session.forget`."""


class Session:
    """
    Answers images in a thread of its own; every public method returns at once.

    Raises OSError where the record cannot be written, ValueError for bad settings.
    """

    def __init__(self, node: Node, tracker: Any, values: Mapping[str, Value]) -> None:
        self._node, self._logger = node, node.get_logger()
        self._epoch = 0
        self._output = threading.Lock()
        self._last_error = '', 0.0
        self._buffer_size = int(values['buffer_size'])
        self._arrivals: OrderedDict[int, tuple[Header, int, float]] = OrderedDict()
        self._follower = Follower(
            tracker,
            settings_of(values),
            warn=self._logger.warning,
            on_status=self._publish_status,
        )
        self._idle_gain = GainControl(self._follower.settings.gain)
        self.figures = Figures(f'{tracker.name} on {getattr(tracker, "device", "cpu")}')
        self._publishers: list[Any] = []
        path = str(values['record_path'])
        self._record = Record(path) if path else None
        try:
            self._open(bool(values['diagnostics']))
        except BaseException:
            self._let_go()  # of what there is by now
            raise
        self._worker = Worker(self._process, self._skip, self.failed, self._buffer_size)
        self._publish_status(self._follower.status)

    def _open(self, with_diagnostics: bool) -> None:
        def create(*arguments: Any, **options: Any) -> Any:
            self._publishers.append(self._node.create_publisher(*arguments, **options))
            return self._publishers[-1]

        self._status_out = create(DiagnosticStatus, '~/status', **qos.status())
        self._detection_out = create(Detection2D, '~/detection', **qos.detection())
        self._debug_out = create(Image, '~/debug_image', **qos.picture())
        self._response_out = create(Image, '~/response_map', **qos.picture())
        self._diagnostics_out = None
        if with_diagnostics:
            self._diagnostics_out = create(DiagnosticArray, '/diagnostics', **qos.diagnostics())

    def close(self) -> None:
        """Let the image at hand be finished, and let go of everything; this one waits."""
        self._worker.stop()
        self._let_go()

    def _let_go(self) -> None:
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)
        if self._record is not None:
            self._record.close()

    def image(self, message: Image | CompressedImage, received: int) -> None:
        """Take an image; `received` is the system time, ns, at which the middleware had it."""
        self.figures.received += 1
        self._worker.post(Arrival(message, received, time.monotonic(), self._epoch))

    def init(self, message: Detection2D) -> None:
        """Take an init."""
        request, epoch = messages.init_request(message), self._epoch

        def init() -> None:
            try:
                answers = self._follower.init(request)
            except InitRefused as refusal:
                self._logger.warning(str(refusal))
            else:
                self._publish(answers, epoch)

        self._worker.call(init)

    def forget(self, reason: str) -> None:
        """Forget the target; from now on no answer about it goes out, not even one in making."""
        with self._output:
            self._epoch += 1
        self._worker.call(lambda: self._follower.reset(reason))

    def enable(self, on: bool) -> None:
        """Pause or resume; once paused, no answer goes out."""
        with self._output:
            self._epoch += not on
        self._worker.call(lambda: self._follower.enable(on))

    def change(self, values: Mapping[str, Value]) -> None:
        """Take other settings."""
        settings = settings_of(values)
        self._worker.call(lambda: self._follower.change(settings))

    def failed(self, error: BaseException) -> None:
        """Log what went wrong: in a line where the message tells all, else with its origin."""
        if not self._node.context.ok():
            return  # publishing fails while the process is told to stop
        text = str(error)
        if not isinstance(error, ValueError):
            text = ''.join(traceback.format_exception(error))
        last_text, last_time = self._last_error
        now = time.monotonic()
        if text != last_text or now - last_time > _REPEAT_AFTER:
            self._last_error = text, now
            self._logger.error(text)

    def publish_diagnostics(self) -> None:
        """Publish what happened since the last time, if that is asked for."""
        if self._diagnostics_out is None:
            return
        figures = self.figures.since_last() | {'dropped': self._worker.dropped}
        level, text = DiagnosticStatus.OK, self._follower.status.state
        if not figures['images per second']:
            level, text = DiagnosticStatus.WARN, 'no images'
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        name = f'{self._node.get_fully_qualified_name()}: tracker'
        message.status = [messages.diagnostic(name, level, text, figures)]
        self._diagnostics_out.publish(message)

    # In the thread of the worker -------------------------------------------------------------

    def _taken(self, arrival: Arrival) -> ThermalImage:
        try:
            image = messages.thermal_image(arrival.message)
        except ValueError as error:
            raise ValueError(f'image left out: {error}') from error
        wait_ms = max(self._worker.free_since - arrival.monotonic, 0.0) * 1e3
        self._arrivals[self._follower.images] = arrival.message.header, arrival.wall, wait_ms
        if len(self._arrivals) > self._buffer_size:
            self._arrivals.popitem(last=False)
        return image

    def _skip(self, arrival: Arrival) -> None:
        self._follower.remember(self._taken(arrival))

    def _process(self, arrival: Arrival) -> None:
        image = self._taken(arrival)
        answers = self._follower.image(image)
        if answers:
            self._publish(answers, arrival.epoch)
            return
        if self._record is not None:
            self._record.idle(image.stamp, arrival.wall, self._follower.status.state)
        if self._debug_out.get_subscription_count():
            picture = draw_overlay(self._idle_gain(image), state=self._follower.status.state)
            self._show(picture, arrival.message.header)

    def _publish(self, answers: list[Answer], epoch: int) -> None:
        for answer in answers:
            header, arrived, wait_ms = self._arrivals[answer.index]
            message = messages.detection(answer, header)
            with self._output:
                if epoch != self._epoch:
                    return
                self._detection_out.publish(message)
            published = time.time_ns()
            self.figures.answered(answer, (published - arrived) / 1e6)
            if self._record is not None:
                self._record.answered(answer, arrived, published, wait_ms)
            if self._debug_out.get_subscription_count():
                picture = draw_overlay(
                    answer.image01, answer.box, answer.state, answer.score, answer.id,
                    answer.response,
                )  # fmt: skip
                self._show(picture, header)
            if answer.response is not None and self._response_out.get_subscription_count():
                response = messages.image_message(answer.response, '32FC1', header)
                self._response_out.publish(response)

    def _show(self, picture: np.ndarray, header: Header) -> None:
        self._debug_out.publish(messages.image_message(picture, 'bgr8', header))

    def _publish_status(self, status: Status) -> None:
        self._logger.info(f'{status.state}: {status.reason}')
        name = f'{self._node.get_fully_qualified_name()}: target'
        self._status_out.publish(messages.state_message(status, name))


class Figures:
    """Rates and times since they were last asked for."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.received = 0
        self._latencies: list[float] = []
        self._model_ms: list[float] = []
        self._since = time.monotonic()

    def answered(self, answer: Answer, latency_ms: float) -> None:
        """Count an answer that came so many milliseconds after its image."""
        self._latencies.append(latency_ms)
        self._model_ms.append(answer.model_ms)

    def since_last(self) -> dict[str, float | str]:
        """Return the figures, and start anew."""
        latencies, model_ms, received = self._latencies, self._model_ms, self.received
        elapsed = time.monotonic() - self._since
        self.__init__(self.model)  # type: ignore[misc]
        return {
            'model': self.model,
            'images per second': received / elapsed,
            'answers per second': len(latencies) / elapsed,
            'latency mean ms': sum(latencies) / max(len(latencies), 1),
            'latency max ms': max(latencies, default=0.0),
            'model mean ms': sum(model_ms) / max(len(model_ms), 1),
        }
