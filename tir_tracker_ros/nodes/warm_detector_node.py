# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The node `warm_detector`: a stand-in for a detector, for examples and tests.

It publishes the warmest object of every image on `candidates`, as a network for people or
vehicles would publish what it finds.
"""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from ..imaging.gain import GainControl
from ..imaging.grow import propose_box
from . import qos
from .lifecycle import spin, until_told_to_stop
from .messages import fill_box, thermal_image


class WarmDetectorNode(Node):
    """Listens to `image` and publishes `candidates`; `class_id` is a parameter."""

    def __init__(self) -> None:
        super().__init__('warm_detector')
        self._class_id = str(self.declare_parameter('class_id', 'warm').value)
        self._gain = GainControl()
        self._out = self.create_publisher(Detection2DArray, 'candidates', **qos.detection())
        self.create_subscription(Image, 'image', self._on_image, **qos.newest_image())

    def _on_image(self, message: Image) -> None:
        try:
            image01 = self._gain(thermal_image(message))
        except ValueError as error:
            self.get_logger().warning(f'image left out: {error}')
            return
        found = Detection2DArray(header=message.header)
        row, column = np.unravel_index(int(image01.argmax()), image01.shape)
        box = propose_box(image01, float(column), float(row))
        if box is not None:
            result = ObjectHypothesisWithPose()
            result.hypothesis.class_id, result.hypothesis.score = self._class_id, 1.0
            found.detections = [Detection2D(header=message.header, results=[result])]
            fill_box(found.detections[0], box)
        self._out.publish(found)


def main(args: list[str] | None = None) -> None:
    """Run the node until it is told to stop."""
    with until_told_to_stop(args):
        node = WarmDetectorNode()
        try:
            spin(node)
        finally:
            node.destroy_node()
