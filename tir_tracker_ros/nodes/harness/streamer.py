# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The images of a benchmark: prepared before, sent at a steady rate, stamped with the time."""

from __future__ import annotations

from collections.abc import Sequence
import itertools
import time

from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import Header

from ...geometry import Box
from ...imaging.thermal_image import ThermalImage
from ...tracking.inits import InitRequest
from ..messages import image_message
from .conductor import Conductor
from .process import Process

TOPIC = '/camera/image'


class Streamer(Conductor):
    """Publishes `images` forwards and backwards in turn, so that the target never jumps."""

    def __init__(self, images: Sequence[ThermalImage], encoding: str) -> None:
        super().__init__()
        header = Header(frame_id='camera')
        # The messages are made before the start: a camera driver takes no time from the node.
        self._messages = [image_message(image.pixels, encoding, header) for image in images]
        last = len(images) - 1
        self._order = itertools.cycle([*range(1, last), *range(last, 0, -1)])
        self._images = self.create_publisher(
            type(self._messages[0]), TOPIC, qos_profile_sensor_data
        )

    def start(self, tracker: Process, box: Box) -> None:
        """Bring the tracker up, name the target in the first image, and send that image."""
        self.activate(tracker)
        self.wait(tracker, lambda: self._images.get_subscription_count() > 0, 'its image topic')
        stamp = time.time_ns()
        self.send(InitRequest(box, stamp))
        self._publish(0, stamp)
        self.wait(tracker, lambda: bool(self.detections), 'its first detection')

    def stream(self, rate: float, seconds: float) -> list[int]:
        """Publish for so long at `rate` Hz; returns the stamps, nanoseconds."""
        stamps = []
        began = time.monotonic()
        for number in range(round(rate * seconds)):
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            stamps.append(time.time_ns())
            self._publish(next(self._order), stamps[-1])
        return stamps

    def _publish(self, index: int, stamp: int) -> None:
        message = self._messages[index]
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
        self._images.publish(message)
