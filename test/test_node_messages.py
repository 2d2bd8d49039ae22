# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Between ROS messages and our data, where it does not take two processes to see it."""

import sys
import types

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.nodes import messages
from tir_tracker_ros.tracking.target import Answer

HEADER = Header(frame_id='camera')
PIXELS = np.arange(24, dtype=np.uint16).reshape(4, 6)


def test_an_image_survives_the_way_out_and_back():
    message = messages.image_message(PIXELS, 'mono16', HEADER)
    assert message.header is HEADER
    assert np.array_equal(messages.thermal_image(message).pixels, PIXELS)


def test_pixels_that_are_a_part_of_an_image_are_written_whole():
    message = messages.image_message(PIXELS[:, ::2], 'mono16', HEADER)
    assert (message.width, message.height, message.step) == (3, 4, 6)
    assert np.array_equal(messages.thermal_image(message).pixels, PIXELS[:, ::2])


def test_where_cv_bridge_is_installed_it_makes_the_images(monkeypatch):
    class Bridge:
        def cv2_to_imgmsg(self, pixels, encoding, header):
            return Image(header=header, encoding=encoding, height=pixels.shape[0])

    monkeypatch.setattr(messages, 'BRIDGE', Bridge())
    message = messages.image_message(PIXELS, 'mono16', HEADER)
    assert (message.header, message.encoding, message.height) == (HEADER, 'mono16', 4)


@pytest.mark.parametrize('error', [KeyError(16), AttributeError('_ARRAY_API not found')])
def test_a_cv_bridge_for_another_opencv_or_numpy_is_not_used(monkeypatch, error):
    class Bridge:
        def cv2_to_imgmsg(self, pixels, encoding, header):
            raise error

    monkeypatch.setitem(sys.modules, 'cv_bridge', types.SimpleNamespace(CvBridge=Bridge))
    assert messages.working_bridge() is None
    monkeypatch.setattr(Bridge, 'cv2_to_imgmsg', lambda self, pixels, encoding, header: Image())
    assert isinstance(messages.working_bridge(), Bridge)


@pytest.mark.parametrize('score', [None, 0.0, 0.75])
def test_a_detection_has_one_result_or_none_and_reads_back_as_an_init(score):
    answer = Answer(
        stamp=0, index=0, box=Box(10, 20, 30, 40), score=score, state='lost', id='7',
        class_id='dog', image01=np.zeros((2, 2), np.float32),
    )  # fmt: skip
    message = messages.detection(answer, HEADER)
    assert isinstance(message, Detection2D)
    assert [result.hypothesis.score for result in message.results] == (
        [] if score is None else [score]
    )
    request = messages.init_request(message)
    assert (request.box, request.id) == (answer.box, '7')
    assert request.class_id == ('' if score is None else 'dog')


def test_a_turned_box_goes_out_as_it_came_in():
    answer = Answer(
        stamp=0, index=0, box=Box(10, 20, 30, 40), score=0.5, state='tracking', id='7',
        class_id='', image01=np.zeros((2, 2), np.float32), theta=0.25,
    )  # fmt: skip
    message = messages.detection(answer, HEADER)
    assert message.bbox.center.theta == 0.25
    request = messages.init_request(message)
    assert (request.box, request.theta) == (answer.box, 0.25)
