# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node `viewer`: a web page on which targets are chosen and watched, see docs/viewer.md."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image, Temperature
from vision_msgs.msg import Detection2D, Detection2DArray

from ..geometry import Box
from ..viewer.board import Board
from ..viewer.pictures import Picture, Seen
from ..viewer.server import Server
from ..viewer.settings import ServerSettings
from . import messages, qos
from .lifecycle import spin, until_told_to_stop, USER_MISTAKES
from .quiet_log import QuietLog
from .ros_parameters import RosParameters
from .silence import Silence
from .tracker_client import TrackerClient
from .viewer_parameters import VIEWER

_KEPT = 60
"""Images that wait for their answer, and answers that wait for their image."""
_UNANSWERED_SECONDS = 1.5
"""Without an answer for so long, images are shown as they come."""
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 5.0
_TARGETS = 65
"""States of targets that may come at once: those of the largest max_targets and one of all."""


@dataclass(frozen=True, eq=False)
class _Arrival:
    message: Image | CompressedImage
    number: int
    at: float


class ViewerNode(Node):
    """
    Shows the images of a camera with the answers of a tracker; listens only while somebody looks.

    Raises ValueError for bad parameters, and OSError where the port cannot be listened on.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('viewer', allow_undeclared_parameters=True, **kwargs)
        table = RosParameters(self, VIEWER, frozen=lambda: 'is read at the start only')
        if table.problems:
            raise ValueError('; '.join(table.problems))
        self._log = QuietLog(self.get_logger())
        tracker = str(table['tracker'])
        self._board = Board(self.resolve_topic_name(tracker))
        self._client = TrackerClient(self, tracker)
        self._transport = str(table['image_transport'])
        settings = ServerSettings(
            str(table['host']), int(table['port']), str(table['token']), float(table['rate'])
        )
        self._server = Server(self._board, self._client, settings, self._log.warning)
        self._arrivals: OrderedDict[int, _Arrival] = OrderedDict()
        self._early: OrderedDict[int, tuple[Seen, ...]] = OrderedDict()
        """Answers that came before their image, by stamp."""
        self._images: Any = None
        self._silence: Silence | None = None
        self._count, self._shown = 0, -1
        self._answered_at = 0.0
        self._single = ''
        """Id of the only target; empty where there are none, or several."""
        for each in (
            (DiagnosticStatus, 'status', self._on_status, qos.status(_TARGETS)),
            (Detection2DArray, 'detections', self._on_detections, qos.detection()),
            (Temperature, 'temperature', self._on_temperature, qos.detection()),
        ):
            self.create_subscription(each[0], f'{tracker}/{each[1]}', *each[2:3], **each[3])
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_LOOK_SECONDS, self._look, clock=clock)
        self._server.start()
        self.get_logger().info(f'the page is at {self._server.address}')

    def close(self) -> None:
        """Close the page."""
        self._server.stop()
        self.destroy_node()

    # The tracker and the camera --------------------------------------------------------------

    def _look(self) -> None:
        """Listen to the images while somebody looks, and ask the tracker how it is set."""
        watched = self._board.viewers > 0
        if watched and (limits := self._client.settings()):
            self._board.limits = {
                name: int(limits[name]) for name in ('buffer_size', 'max_targets')
            }
        transport = self._transport
        if transport == 'auto':
            transport = str(self._client.known.get('image_transport', 'raw'))
        topic, kind = self.resolve_topic_name('image'), Image
        if transport == 'compressed':
            topic, kind = f'{topic}/compressed', CompressedImage
        if self._images is not None and not (watched and self._images.msg_type is kind):
            self.destroy_subscription(self._images)
            self._images = None
            self._arrivals.clear()
            self._early.clear()
        if watched and self._images is None:
            profile = qos.newest_image()
            self._images = self.create_subscription(kind, topic, self._on_image, **profile)
            self._silence = Silence(self, self._images)
        if self._images is None or self._silence is None:
            return
        if problem := self._silence.check(_PATIENCE_SECONDS):
            self._board.notice(problem, warn=True)

    def _on_image(self, message: Image | CompressedImage) -> None:
        if self._silence is not None:
            self._silence.image()
        self._board.arrived()
        now = time.monotonic()
        stamp = messages.nanoseconds(message.header.stamp)
        arrival = _Arrival(message, self._count, now)
        self._count += 1
        _keep(self._arrivals, stamp, arrival)
        early = self._early.pop(stamp, None)
        if early is not None:
            self._show(arrival, early)
        elif self._board.paused or now - self._answered_at > _UNANSWERED_SECONDS:
            self._show(arrival, ())

    def _on_detections(self, message: Detection2DArray) -> None:
        now = time.monotonic()
        self._answered_at = now
        self._board.pause(False)
        seen = tuple(_seen(one) for one in message.detections)
        self._single = seen[0].id if len(seen) == 1 else ''
        stamp = messages.nanoseconds(message.header.stamp)
        arrival = self._arrivals.get(stamp)
        self._board.answered(seen, None if arrival is None else now - arrival.at)
        # Of answers that catch up with earlier images, only those are shown that are newer.
        if arrival is None:
            _keep(self._early, stamp, seen)
        elif arrival.number > self._shown:
            self._show(arrival, seen)

    def _show(self, arrival: _Arrival, seen: tuple[Seen, ...]) -> None:
        self._shown = arrival.number
        message = arrival.message
        stamp = messages.nanoseconds(message.header.stamp)
        self._board.show(
            Picture(arrival.number, stamp, lambda: messages.thermal_image(message), seen)
        )

    def _on_status(self, message: DiagnosticStatus) -> None:
        values = {pair.key: pair.value for pair in message.values}
        reason = values.get('reason', '')
        if reason == 'paused' or reason.endswith('; paused'):
            self._board.pause(True)
        elif reason == 'resumed':
            self._board.pause(False)
        median = values.get('temperature_median')
        self._board.state(
            message.hardware_id,
            message.message,
            reason,
            float(median) if median else None,
            warn=message.level != DiagnosticStatus.OK or ' refused' in reason,
        )

    def _on_temperature(self, message: Temperature) -> None:
        if self._single:
            self._board.temperature(self._single, message.temperature)


def _keep(kept: OrderedDict[int, Any], stamp: int, value: Any) -> None:
    """Keep a value as the newest one, and so many of those before it."""
    kept.pop(stamp, None)
    kept[stamp] = value
    if len(kept) > _KEPT:
        kept.popitem(last=False)


def _seen(message: Detection2D) -> Seen:
    """Read an answer."""
    center = message.bbox.center.position
    box = Box.from_center(center.x, center.y, message.bbox.size_x, message.bbox.size_y)
    if not message.results:
        return Seen(message.id, box, None)
    best = message.results[0].hypothesis
    return Seen(message.id, box, best.score, best.class_id)


def main(args: list[str] | None = None) -> int:
    """Serve the page until told to stop, and return the exit status."""
    status = 0
    with until_told_to_stop(args):
        node = None
        try:
            node = ViewerNode()
            spin(node)
        except USER_MISTAKES as error:
            rclpy.logging.get_logger('viewer').error(str(error))
            status = 1
        finally:
            if node is not None:
                node.close()
    return status


if __name__ == '__main__':
    sys.exit(main())
