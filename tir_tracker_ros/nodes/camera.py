# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera for benchmarks: publishes prepared images at a steady rate, stamped with the time."""

from __future__ import annotations

from collections.abc import Sequence
import itertools
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import Header

from ..imaging.thermal_image import ThermalImage
from .conductor import Conductor, Process, QUIET_SECONDS, Start
from .messages import image_message

TOPIC = '/camera/image'


class Camera(Conductor):
    """Publishes `images` to and fro, so that what moves in them never jumps."""

    def __init__(self, images: Sequence[ThermalImage], encoding: str) -> None:
        super().__init__()
        header = Header(frame_id='camera')
        # Made before: a camera driver does not spend the node's time.
        self._messages = [image_message(image.pixels, encoding, header) for image in images]
        last = len(images) - 1
        self._order = itertools.cycle([*range(1, last), *range(last, 0, -1)])
        self._images = self.create_publisher(
            type(self._messages[0]), TOPIC, qos_profile_sensor_data
        )

    def start(self, tracker: Process, target: Start) -> None:
        """Bring the tracker up, name the target on the image that comes next, and send that."""
        self.activate(tracker)
        tracker.wait(self, lambda: self._images.get_subscription_count() > 0, 'its image topic')
        stamp = time.time_ns()
        self.send(Start(target.box, stamp, target.class_id))
        self._publish(0, stamp)
        tracker.wait(self, lambda: bool(self.answers), 'its first detection')

    def stream(self, rate: float, seconds: float) -> list[int]:
        """Publish for so long at `rate` Hz; returns the stamps, nanoseconds."""
        stamps = []
        began = time.monotonic()
        for number in range(round(rate * seconds)):
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            stamps.append(time.time_ns())
            self._publish(next(self._order), stamps[-1])
        return stamps

    def drain(self) -> None:
        """Wait until no more answers come."""
        count = -1
        while count != len(self.answers):
            count, end = len(self.answers), time.monotonic() + QUIET_SECONDS
            while time.monotonic() < end:
                rclpy.spin_once(self, timeout_sec=0.1)

    def _publish(self, index: int, stamp: int) -> None:
        message = self._messages[index]
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
        self._images.publish(message)
