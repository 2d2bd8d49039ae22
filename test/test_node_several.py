# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Several targets over DDS: bursts of inits, one message for all, states, the end of one."""

import csv

from diagnostic_msgs.msg import DiagnosticStatus
from moving_blob import second, truth, two
from node_rig import BEST_EFFORT, box_of, reason, RELIABLE, Rig, stamp_of
import numpy as np
import pytest
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray

from tir_tracker_ros.imaging.overlay import TARGET_COLORS

STATES = QoSProfile(depth=10, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture(scope='module')
def record(tmp_path_factory):
    return tmp_path_factory.mktemp('record') / 'record.csv'


@pytest.fixture(scope='module')
def rig(record):
    rig = Rig(max_targets=2, record_path=str(record))
    rig.together, rig.told = [], []
    rig.listen(DiagnosticStatus, '/tracker/status', rig.told, STATES)
    rig.listen(Detection2DArray, '/tracker/detections', rig.together)
    rig.canceller = rig.node.create_publisher(String, '/tracker/cancel', RELIABLE)
    rig.until(rig.canceller.get_subscription_count, 'a reader of what is cancelled')
    rig.until(lambda: rig.node.count_subscribers('/tracker/detections'), 'a reader of the array')
    yield rig
    rig.close()


def array(rig, number, count):
    """Send an image and return the boxes of its array by id, once it holds so many."""
    rig.send(number, pixels=two(number).pixels)
    message = rig.until(
        lambda: next((m for m in rig.together if stamp_of(m) == rig.at(number)), None),
        f'the array of image {number}',
    )
    assert len(message.detections) == count
    assert all(stamp_of(one) == rig.at(number) for one in message.detections)
    return {one.id: box_of(one) for one in message.detections}


def told(rig, wanted):
    """Wait for a status and return it."""
    return rig.until(lambda: next((s for s in rig.told if wanted(s)), None), 'the status')


def begin(rig):
    """Start on both blobs by a burst of inits, and wait until both are followed."""
    rig.fresh()
    rig.together.clear()
    rig.told.clear()
    for id, box in (('a', truth(0)), ('b', second(0))):
        rig.init(box, rig.at(0), id=id)
    for box in ('init box 20,30', 'init box 50,10'):
        told(rig, lambda status, box=box: f'{box},12,12 waits' in reason(status))
    assert array(rig, 0, 2) == {'a': truth(0), 'b': second(0)}


def test_a_burst_of_inits_loses_none_and_each_image_has_one_message_for_all(rig):
    begin(rig)
    for number in range(1, 4):
        assert array(rig, number, 2) == {'a': truth(number), 'b': second(number)}
    rig.spin(0.1)
    assert [stamp_of(message) for message in rig.together] == [rig.at(n) for n in range(4)]
    alone = [(stamp_of(one), one.id) for one in rig.detections]
    assert alone == [(rig.at(n), id) for n in range(4) for id in 'ab']


def test_a_late_subscriber_gets_the_state_of_every_target(rig):
    begin(rig)
    late: list[DiagnosticStatus] = []
    subscription = rig.listen(DiagnosticStatus, '/tracker/status', late, STATES)
    rig.until(lambda: {'a', 'b'} <= {s.hardware_id for s in late}, 'both states')
    last = {status.hardware_id: status.message for status in late}
    assert last['a'] == last['b'] == 'tracking'
    rig.node.destroy_subscription(subscription)


def test_beyond_the_room_an_init_is_refused_and_a_cancelled_target_makes_room(rig):
    begin(rig)
    rig.init(truth(0), id='c')
    rig.logged('refused: max_targets 2 are followed, a, b, or wait')
    rig.canceller.publish(String(data='nobody'))
    rig.logged("cancel of target 'nobody' refused: there are only a, b")
    rig.canceller.publish(String(data='a'))
    end = told(rig, lambda one: (one.hardware_id, reason(one)) == ('a', 'cancelled'))
    assert end.message == 'idle'
    assert array(rig, 1, 1) == {'b': second(1)}
    rig.init(truth(1), id='c')
    told(rig, lambda status: status.hardware_id == 'c')
    assert array(rig, 2, 2) == {'b': second(2), 'c': truth(2)}


def test_without_targets_the_message_for_all_is_empty(rig):
    begin(rig)
    rig.canceller.publish(String())
    told(rig, lambda status: (status.hardware_id, reason(status)) == ('', 'cancelled'))
    assert array(rig, 1, 0) == {}


def test_both_targets_are_drawn_in_colours_of_their_own(rig):
    begin(rig)
    drawn: list[Image] = []
    subscription = rig.listen(Image, '/tracker/debug_image', drawn, BEST_EFFORT)
    for number in range(1, 100):
        rig.send(number, pixels=two(min(number, 20)).pixels)
        rig.spin(0.02)
        if drawn:
            break
    picture = np.frombuffer(drawn[-1].data, np.uint8).reshape(-1, 3)
    for color in TARGET_COLORS[:2]:
        assert (picture == color).all(axis=1).sum() > 20
    rig.node.destroy_subscription(subscription)


def test_the_record_has_a_line_for_each_target(rig, record):
    begin(rig)
    with record.open() as file:
        rows = [row for row in csv.DictReader(file) if row['stamp'] == str(rig.at(0))]
    assert {row['id'] for row in rows if row['score']} == {'a', 'b'}


def test_one_target_has_its_array_and_the_id_in_the_status_too():
    rig = Rig()
    together: list[Detection2DArray] = []
    rig.listen(Detection2DArray, '/tracker/detections', together)
    rig.start(0)
    rig.until(lambda: together and together[-1].detections, 'the array')
    status = rig.state('tracking')
    assert status.hardware_id == together[-1].detections[0].id
    assert len([s for s in rig.statuses if s.message == 'tracking']) == 1
    rig.close()
