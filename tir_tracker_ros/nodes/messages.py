# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From ROS messages to the data classes of this package, and back."""

from __future__ import annotations

import array
from collections.abc import Mapping, Sequence
import sys
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from ..geometry import Box
from ..imaging.decode import decode_compressed, decode_image
from ..imaging.thermal_image import ThermalImage
from ..tracking.candidates import Candidate
from ..tracking.inits import InitRequest
from ..tracking.target import Answer, Status


def working_bridge() -> Any:
    """
    Return cv_bridge's converter, or None where it is not installed or does not work.

    One that was built for another numpy or OpenCV than pip brings raises any kind of error, on
    import or on the first image.
    """
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        for pixels, encoding in (
            (np.zeros((1, 1, 3), np.uint8), 'bgr8'),
            (np.zeros((1, 1), np.float32), '32FC1'),
        ):
            bridge.cv2_to_imgmsg(pixels, encoding, Header())
    except Exception:
        return None
    return bridge


BRIDGE = working_bridge()

_LEVELS = {'uncertain': DiagnosticStatus.WARN, 'lost': DiagnosticStatus.WARN}


def nanoseconds(stamp: Time) -> int:
    """Return a stamp in nanoseconds."""
    return stamp.sec * 10**9 + stamp.nanosec


def thermal_image(message: Image | CompressedImage) -> ThermalImage:
    """Decode an image message; raises ValueError that names what is wrong with it."""
    stamp = nanoseconds(message.header.stamp)
    if isinstance(message, CompressedImage):
        return ThermalImage(decode_compressed(message.data, message.format), stamp, message.format)
    big_endian = bool(message.is_bigendian)
    pixels = decode_image(
        message.data, message.height, message.width, message.encoding, message.step, big_endian
    )
    return ThermalImage(pixels, stamp, message.encoding, big_endian)


def init_request(message: Detection2D) -> InitRequest:
    """Read an init; the stream checks its numbers."""
    center = message.bbox.center
    box = Box.from_center(
        center.position.x, center.position.y, message.bbox.size_x, message.bbox.size_y
    )
    class_id = message.results[0].hypothesis.class_id if message.results else ''
    return InitRequest(box, nanoseconds(message.header.stamp), message.id, class_id, center.theta)


def candidates(message: Detection2DArray) -> list[Candidate]:
    """Read what a detector has found, each with its best class; a stamp of 0 is the array's."""
    found = []
    for one in message.detections:
        request = init_request(one)
        best = max((r.hypothesis for r in one.results), key=lambda h: h.score, default=None)
        score, class_id = (best.score, best.class_id) if best else (0.0, '')
        stamp = request.stamp or nanoseconds(message.header.stamp)
        found.append(Candidate(request.box, score, class_id, stamp))
    return found


def init_message(request: InitRequest) -> Detection2D:
    """Write an init."""
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id = request.class_id
    message = Detection2D(id=request.id, results=[result])
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(request.stamp, 10**9)
    fill_box(message, request.box, request.theta)
    return message


def detection(answer: Answer, header: Header) -> Detection2D:
    """Write an answer; `header` is that of its image."""
    message = Detection2D(header=header, id=answer.id)
    fill_box(message, answer.box, answer.theta)
    if answer.score is not None:
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = answer.class_id
        result.hypothesis.score = float(answer.score)
        message.results = [result]
    return message


def detections(answers: Sequence[Answer], header: Header) -> Detection2DArray:
    """Write the answers of all targets in the image of `header`."""
    return Detection2DArray(
        header=header, detections=[detection(answer, header) for answer in answers]
    )


def fill_box(message: Detection2D, box: Box, theta: float = 0.0) -> None:
    """Write a box in pixels, turned about its centre by `theta`, into a detection."""
    message.bbox.center.position.x = float(box.cx)
    message.bbox.center.position.y = float(box.cy)
    message.bbox.size_x = float(box.w)
    message.bbox.size_y = float(box.h)
    message.bbox.center.theta = float(theta)


def state_message(status: Status, name: str) -> DiagnosticStatus:
    """Write a status: the message is the state itself, the first value the reason."""
    message = diagnostic(
        name,
        _LEVELS.get(status.state, DiagnosticStatus.OK),
        status.state,
        {'reason': status.reason, **status.details},
    )
    message.hardware_id = status.id
    return message


def diagnostic(
    name: str, level: bytes, message: str, values: Mapping[str, float | str]
) -> DiagnosticStatus:
    """Write a diagnostic status of the node's part `name`."""
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        values=[
            KeyValue(key=key, value=f'{value:g}' if isinstance(value, float) else str(value))
            for key, value in values.items()
        ],
    )


def image_message(pixels: np.ndarray, encoding: str, header: Header) -> Image:
    """Write `H x W` or `H x W x C` pixels of native byte order that `encoding` describes."""
    if BRIDGE is not None:
        return BRIDGE.cv2_to_imgmsg(np.ascontiguousarray(pixels), encoding, header)
    message = Image(
        header=header,
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(sys.byteorder == 'big'),
        step=pixels.nbytes // pixels.shape[0],
    )
    # rclpy takes an array.array as it is, and would check anything else number by number.
    message.data = array.array('B', np.ascontiguousarray(pixels).tobytes())
    return message
