# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A bag played from one process into a tracker node in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rclpy

from ...tracking.inits import InitRequest
from .conductor import Conductor
from .process import node_command, Process


def play(
    bag: Path, topic: str, request: InitRequest, parameters: dict[str, Any], logs: Path
) -> list[tuple[int, bytes]]:
    """
    Play the images of a bag from one process into a tracker node in another.

    Returns `(arrival in nanoseconds, CDR bytes)` of each Detection2D. The output of the two goes
    into `tracker.log` and `player.log` in the folder `logs`. Raises TimeoutError, or
    ChildProcessError with the end of the log of a process that failed.
    """
    # The tracker subscribes while it already knows the player, and so misses no image. The player
    # waits until the conductor listens, too, which it does once the init box is out.
    options = {'bag': str(bag), 'topics': topic, 'wait_for': 2}
    tracker_command = node_command('tracker', parameters, {'image': topic})
    rclpy.init()
    conductor = Conductor()
    try:
        with (
            Process('tracker', tracker_command, logs / 'tracker.log') as tracker,
            Process('player', node_command('player', options), logs / 'player.log') as player,
        ):
            conductor.wait(player, lambda: conductor.count_publishers(topic) > 0, 'its images')
            conductor.activate(tracker)
            conductor.send(request)
            conductor.open_gate(topic)
            conductor.record_until_done(player)
            tracker.check()
        return conductor.detections
    finally:
        conductor.destroy_node()
        rclpy.shutdown()
