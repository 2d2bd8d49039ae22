# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A detector starts the node over DDS: on the image of its stamp, and with the stand-in."""

import math
import sys

from moving_blob import scene, truth
from node_rig import box_of, PYTHONPATH, RELIABLE, Rig
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.nodes.harness.process import Process
from tir_tracker_ros.nodes.messages import fill_box

STAND_IN = 'from tir_tracker_ros.nodes import start; start.warm_detector()'


def found(rig, stamp, *objects):
    """Make the message of a detector from class, score and box of its objects."""
    message = Detection2DArray()
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
    for class_id, score, box in objects:
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = class_id, score
        message.detections.append(Detection2D(results=[result]))
        fill_box(message.detections[-1], box)
    return message


def test_the_candidate_of_the_wanted_class_starts_on_its_own_image():
    rig = Rig(auto_init='idle', candidates__classes='person, dog', candidates__min_score=0.4)
    detector = rig.node.create_publisher(Detection2DArray, '/candidates', RELIABLE)
    rig.until(detector.get_subscription_count, 'a reader of the candidates')
    for number in range(4):
        rig.send(number)
        rig.spin(0.05)
    detector.publish(found(rig, rig.at(1), ('person', 0.9, Box(math.nan, 1, 9, 9))))
    rig.logged('left out: it is not finite')
    detector.publish(found(rig, 1, ('person', 0.9, truth(1))))
    rig.logged('candidate: init box 21,30,12,12 refused: stamp')
    detector.publish(
        found(rig, rig.at(1), ('car', 0.9, Box(1, 1, 9, 9)), ('dog', 0.3, Box(1, 1, 9, 9)),
              ('person', 0.5, truth(1)))
    )  # fmt: skip
    answer = rig.answered(rig.at(3))
    assert box_of(answer) == truth(3)
    assert answer.results[0].hypothesis.class_id == 'person'
    rig.close()


def test_without_being_asked_for_no_candidate_is_heard():
    rig = Rig()
    assert not rig.node.count_subscribers('/candidates')
    rig.close()


def test_the_stand_in_for_a_detector_starts_the_tracker_on_the_warmest_object():
    rig = Rig(auto_init='lost')
    variables = {'ROS_DOMAIN_ID': str(rig.domain), 'PYTHONPATH': PYTHONPATH}
    command = [sys.executable, '-c', STAND_IN]
    with Process('warm_detector', command, environment=variables) as detector:
        rig.until(lambda: rig.camera.get_subscription_count() == 2, 'the detector')
        for number in range(300):
            rig.send(number, pixels=scene(min(number, 30)).pixels)
            rig.spin(0.03)
            if rig.detections:
                break
        # The first answer may be of an image before the last one that was sent.
        answer = rig.answered(rig.at(number))
        assert box_of(answer).iou(truth(min(number, 30))) > 0.6
        assert answer.results[0].hypothesis.class_id == 'warm'
        assert detector.stop() == 0
    rig.close()
