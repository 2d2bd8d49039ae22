# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Clicks over DDS, as rqt_image_view sends them."""

from geometry_msgs.msg import Point
from moving_blob import truth
from node_rig import box_of, reason, RELIABLE, Rig


def test_a_click_is_followed_and_one_that_cannot_be_is_told_in_one_line():
    rig = Rig()
    mouse = rig.node.create_publisher(Point, '/tracker/click', RELIABLE)
    rig.until(mouse.get_subscription_count, 'a reader of the clicks')
    mouse.publish(Point(x=25.0, y=36.0))
    rig.logged('click at 25,36 refused: there is no image yet')
    rig.send(0)
    rig.spin(0.2)
    mouse.publish(Point(x=25.0, y=500.0))
    rig.logged('click at 25,500 refused: 25,500 is outside of the image of 96 x 72 pixels')
    rig.until(lambda: '25,500' in reason(rig.statuses[-1]), 'the reason in the status')
    assert rig.statuses[-1].message == 'idle'
    mouse.publish(Point(x=25.0, y=36.0))
    rig.state('tracking')
    rig.send(1)
    assert box_of(rig.answered(rig.at(1))).iou(truth(1)) > 0.7
    assert rig.process.log.count('refused') == 2
    rig.close()
