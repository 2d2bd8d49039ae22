# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start the tracker node and the bag player as processes of their own, and record the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data, QoSProfile
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, ObjectHypothesisWithPose

from ..geometry import Box
from .lifecycle import bring_up

START_SECONDS = 60.0
"""Enough for the first import of torch on a busy machine."""
QUIET_SECONDS = 1.0
"""After the last image, recording ends once no answer came for this long."""


@dataclass(frozen=True)
class Start:
    """What the tracker is told to follow."""

    box: Box
    """In pixels of the image with the stamp."""
    stamp: int
    """Nanoseconds."""
    class_id: str = ''


def play(
    bag: Path, topic: str, start: Start, parameters: dict[str, Any], logs: Path
) -> list[tuple[int, bytes]]:
    """
    Play the images of a bag from one process into a tracker node in another.

    Returns `(arrival in nanoseconds, CDR bytes)` of each Detection2D. The output of the two goes
    into `tracker.log` and `player.log` in the folder `logs`. Raises TimeoutError, or
    ChildProcessError with the end of the log of a process that failed.
    """
    # The tracker subscribes while it already knows the player, and so misses no image; the player
    # holds until the conductor listens, too, which it does once the init box is out.
    options = {'bag': str(bag), 'topics': topic, 'wait_for': 2}
    rclpy.init()
    conductor = Conductor()
    try:
        with (
            node_process('tracker', logs / 'tracker.log', parameters, {'image': topic}) as tracker,
            node_process('player', logs / 'player.log', options) as player,
        ):
            player.wait(conductor, lambda: conductor.count_publishers(topic) > 0, 'its images')
            conductor.activate(tracker)
            conductor.send(start)
            conductor.open_gate(topic)
            conductor.record_until_done(player)
            tracker.check()
        return conductor.answers
    finally:
        conductor.destroy_node()
        rclpy.shutdown()


class Conductor(Node):
    """
    Talks to a tracker node `tracker` in another process.

    `answers` collects `(arrival in nanoseconds, CDR bytes)` of each message on its `~/detection`.
    Waiting raises TimeoutError, or ChildProcessError with the end of the log when the process
    that it waits for has ended.
    """

    def __init__(self) -> None:
        super().__init__('conductor')
        self.answers: list[tuple[int, bytes]] = []
        qos = QoSProfile(depth=100)
        self.create_subscription(Detection2D, '/tracker/detection', self._record, qos, raw=True)
        self._init = self.create_publisher(Detection2D, '/tracker/init', 1)

    def activate(self, tracker: Process) -> None:
        """Bring the tracker node up to the active state and wait until it hears and is heard."""

        def appeared() -> bool:
            names = [name for name, _ in self.get_service_names_and_types()]
            return '/tracker/get_state' in names

        tracker.wait(self, appeared, 'its services')
        try:
            bring_up(self, '/tracker', START_SECONDS)
        except RuntimeError as error:
            raise ChildProcessError(f'{error}:\n{tracker.tail()}') from error
        tracker.wait(self, lambda: self._init.get_subscription_count() > 0, 'its init topic')
        topic = '/tracker/detection'
        tracker.wait(self, lambda: self.count_publishers(topic) > 0, 'its detection topic')

    def send(self, start: Start) -> None:
        """Name the target."""
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id = start.class_id
        message = Detection2D(results=[hypothesis])
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(start.stamp, 10**9)
        center = message.bbox.center.position
        center.x, center.y = start.box.cx, start.box.cy
        message.bbox.size_x, message.bbox.size_y = start.box.w, start.box.h
        self._init.publish(message)

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
        """Record while the player runs and until the answers stop."""
        player.wait_for_end(self)
        quiet_since = time.monotonic()
        count = len(self.answers)
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            rclpy.spin_once(self, timeout_sec=0.1)
            if len(self.answers) != count:
                count, quiet_since = len(self.answers), time.monotonic()

    def _record(self, data: bytes) -> None:
        self.answers.append((time.time_ns(), data))


class Process:
    """A node in a process of its own, with its output in a file."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open('w') as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    def tail(self) -> str:
        """Return the last lines that the process wrote."""
        return '\n'.join(self._log.read_text(errors='replace').splitlines()[-15:])

    def check(self) -> None:
        """Raise ChildProcessError when the process has ended."""
        if self._process.poll() is not None:
            raise ChildProcessError(
                f'{self.name} ended with status {self._process.returncode}:\n{self.tail()}'
            )

    def wait(self, node: Node, ready: Callable[[], bool], what: str) -> None:
        """Spin `node` until `ready`; see Conductor for the errors."""
        end = time.monotonic() + START_SECONDS
        while not ready():
            self.check()
            if time.monotonic() > end:
                raise TimeoutError(
                    f'{self.name}: {what} did not come within {START_SECONDS:.0f} s:\n'
                    f'{self.tail()}'
                )
            rclpy.spin_once(node, timeout_sec=0.02)

    def wait_for_end(self, node: Node) -> None:
        """Spin `node` until the process ends; raises ChildProcessError where it failed."""
        while self._process.poll() is None:
            rclpy.spin_once(node, timeout_sec=0.05)
        if self._process.returncode:
            self.check()

    def stop(self) -> None:
        """End the process as Ctrl-C does; kill it where that does not help."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def node_process(
    executable: str,
    log: Path,
    parameters: dict[str, Any],
    remappings: dict[str, str] | None = None,
) -> Iterator[Process]:
    """
    Run `tracker` or `player` until the end of the block.

    The environment is this process's. Its output goes into the file `log`.
    """
    command = [sys.executable, '-m', f'{__package__}.{executable}_node', '--ros-args']
    for name, value in parameters.items():
        command += ['-p', f'{name}:={_yaml(value)}']
    for name, target in (remappings or {}).items():
        command += ['-r', f'{name}:={target}']
    process = Process(executable, command, log)
    try:
        yield process
    finally:
        process.stop()


def _yaml(value: Any) -> str:
    """Write a parameter so that the command line reads it back as the same type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
