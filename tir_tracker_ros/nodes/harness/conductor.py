# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A node that brings a tracker in another process up, names its target and records detections."""

from __future__ import annotations

from collections.abc import Callable
import time

import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data, QoSProfile
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D

from ...tracking.inits import InitRequest
from ..lifecycle import bring_up
from ..messages import init_message
from .process import Process

START_SECONDS = 60.0
"""Enough for the first import of torch on a busy machine."""
QUIET_SECONDS = 1.0
"""Recording ends once no detection has come for this long."""


class Conductor(Node):
    """
    Talks to a tracker node `tracker` in another process.

    Waiting raises TimeoutError, or ChildProcessError with the end of the log when the process
    that it waits for has ended.
    """

    def __init__(self) -> None:
        super().__init__('conductor')
        self.detections: list[tuple[int, bytes]] = []
        """`(arrival in nanoseconds, CDR bytes)` of each message on the tracker's `~/detection`."""
        qos = QoSProfile(depth=100)
        self.create_subscription(Detection2D, '/tracker/detection', self._record, qos, raw=True)
        self._init = self.create_publisher(Detection2D, '/tracker/init', 1)

    def wait(self, process: Process, ready: Callable[[], bool], what: str) -> None:
        """Wait until `ready`, while the process runs; `what` is named if it does not come."""
        end = time.monotonic() + START_SECONDS
        while not ready():
            process.check()
            if time.monotonic() > end:
                raise TimeoutError(
                    f'{process.name}: {what} did not come within {START_SECONDS:.0f} s:\n'
                    f'{process.tail()}'
                )
            rclpy.spin_once(self, timeout_sec=0.02)

    def activate(self, tracker: Process) -> None:
        """Bring the tracker node up to the active state and wait until it hears and is heard."""

        def appeared() -> bool:
            names = [name for name, _ in self.get_service_names_and_types()]
            return '/tracker/get_state' in names

        self.wait(tracker, appeared, 'its services')
        try:
            bring_up(self, '/tracker', START_SECONDS)
        except RuntimeError as error:
            raise ChildProcessError(f'{error}:\n{tracker.tail()}') from error
        self.wait(tracker, lambda: self._init.get_subscription_count() > 0, 'its init topic')
        topic = '/tracker/detection'
        self.wait(tracker, lambda: self.count_publishers(topic) > 0, 'its detection topic')

    def send(self, request: InitRequest) -> None:
        """Name the target."""
        self._init.publish(init_message(request))

    def open_gate(self, topic: str) -> None:
        """Listen to the images until the first one has come."""
        gate: list[Subscription] = []

        def close(_: bytes) -> None:
            if gate:
                self.destroy_subscription(gate.pop())

        gate.append(
            self.create_subscription(Image, topic, close, qos_profile_sensor_data, raw=True)
        )

    def record_until_done(self, player: Process) -> None:
        """Record while the player runs and until no more detections come."""
        while player.running:
            rclpy.spin_once(self, timeout_sec=0.05)
        if player.wait():
            player.check()
        self.drain()

    def drain(self) -> None:
        """Record until no detection has come for a second."""
        count = -1
        while count != len(self.detections):
            count, end = len(self.detections), time.monotonic() + QUIET_SECONDS
            while time.monotonic() < end:
                rclpy.spin_once(self, timeout_sec=0.1)

    def _record(self, data: bytes) -> None:
        self.detections.append((time.time_ns(), data))
