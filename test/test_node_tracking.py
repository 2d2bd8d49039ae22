# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The tracker node over DDS: images and inits in, detections and states out, and bad input."""

import math

from diagnostic_msgs.msg import DiagnosticStatus
from moving_blob import HEIGHT, scene, truth, WIDTH
from node_rig import BEST_EFFORT, box_of, LATCHED, reason, Rig, stamp_of
import numpy as np
import pytest
from sensor_msgs.msg import Image

from tir_tracker_ros.geometry import Box


@pytest.fixture(scope='module')
def rig():
    rig = Rig(lost_after=2, lost_below=0.4, uncertain_below=0.5, found_above=0.6)
    yield rig
    rig.close()


def follow(rig, first, last, **changes):
    """Send images one by one, each once the one before is answered."""
    for number in range(first, last):
        rig.send(number, **changes)
        rig.answered(changes.get('stamp', rig.at(number)))


def test_each_image_is_answered_once_with_its_header_and_box(rig):
    rig.start(0)
    follow(rig, 1, 8)
    rig.spin(0.1)
    assert [stamp_of(message) for message in rig.detections] == [rig.at(n) for n in range(8)]
    assert [box_of(message) for message in rig.detections] == [truth(n) for n in range(8)]
    assert {message.header.frame_id for message in rig.detections} == {'thermal_optical'}
    assert all(len(message.results) == 1 for message in rig.detections)
    assert all(0 < message.results[0].hypothesis.score <= 1 for message in rig.detections)
    assert len({message.id for message in rig.detections}) == 1
    assert rig.detections[0].id


def test_id_and_class_of_the_init_travel(rig):
    rig.fresh()
    rig.send(0)
    rig.init(truth(0), id='dog 7', class_id='dog')
    rig.state('tracking')
    follow(rig, 1, 3)
    last = rig.detections[-1]
    assert (last.id, last.results[0].hypothesis.class_id) == ('dog 7', 'dog')


def test_an_init_on_an_earlier_image_catches_up(rig):
    rig.fresh()
    for number in range(4):
        rig.send(number)
        rig.spin(0.02)
    rig.init(truth(1), rig.at(1))
    rig.answered(rig.at(3))
    assert [stamp_of(message) for message in rig.detections] == [rig.at(1), rig.at(2), rig.at(3)]
    assert box_of(rig.detections[-1]) == truth(3)


def test_a_stale_init_is_refused_with_a_warning_and_in_the_status(rig):
    rig.start(5)
    rig.init(truth(0), stamp=1)
    rig.logged('older than the oldest')
    follow(rig, 6, 7)
    assert box_of(rig.detections[-1]) == truth(6)


@pytest.mark.parametrize(
    ('box', 'words'),
    [
        (Box(10, 10, 0, 20), 'have to be positive'),
        (Box(math.nan, 10, 20, 20), 'not finite'),
        (Box(10, 10, 2, 2), '2 x 2 pixels are too few'),
        (Box(5, 10, 200, 20), 'larger than the image'),
        (Box(500, 10, 20, 20), 'outside of the image'),
    ],
)
def test_a_bad_init_box_is_refused_and_the_state_says_why(rig, box, words):
    rig.fresh()
    rig.send(0)
    rig.init(box)
    rig.until(lambda: rig.statuses and words in reason(rig.statuses[-1]), words)
    assert rig.statuses[-1].message == 'idle'


def test_two_inits_at_once_leave_one_target(rig):
    rig.start(0)
    rig.init(truth(0), id='first')
    rig.init(truth(0), id='second')
    # Reliable, but depth 1: at least the later one arrives.
    rig.until(lambda: 'second' in values_of(rig.statuses[-1], 'id'), 'the later init')
    follow(rig, 1, 3)
    assert rig.detections[-1].id == 'second'


def values_of(status: DiagnosticStatus, key: str) -> list[str]:
    return [value.value for value in status.values if value.key == key]


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'encoding': 'bayer_rggb8'}, "encoding 'bayer_rggb8' is not one of"),
        ({'width': 0}, 'no area'),
        ({'height': 5000}, 'too short'),
        ({'step': 3}, 'step of 3 bytes is shorter than a row'),
        ({'data': b'\1\2'}, 'data of 2 bytes is too short'),
    ],
)
def test_a_broken_image_is_told_and_the_target_stays(rig, changes, words):
    rig.start(0)
    rig.send(1, **changes)
    rig.logged(words)
    follow(rig, 2, 4)
    assert box_of(rig.detections[-1]) == truth(3)


def wide(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 7 + 8000


@pytest.mark.parametrize(
    ('convert', 'fields'),
    [
        (wide, {'encoding': 'mono16'}),
        (lambda pixels: wide(pixels).byteswap(), {'encoding': '16UC1', 'is_bigendian': 1}),
        (lambda pixels: pixels.astype(np.float32) / 9, {'encoding': '32FC1'}),
        (lambda pixels: np.dstack([pixels] * 3), {'encoding': 'bgr8'}),
        (lambda pixels: np.pad(pixels, ((0, 0), (0, 5))), {'width': WIDTH}),
    ],
    ids=['mono16', 'big-endian', 'float', 'colour', 'padded'],
)
def test_every_kind_of_image_is_followed(rig, convert, fields):
    rig.fresh()
    for number in range(3):
        rig.send(number, pixels=convert(scene(number).pixels), **fields)
        if number == 0:
            rig.init(truth(0), rig.at(0))
        rig.answered(rig.at(number))
    assert box_of(rig.detections[-1]) == truth(2)


def test_a_changed_resolution_ends_the_target_and_the_next_init_works_at_once(rig):
    rig.start(0)
    rig.send(1, pixels=scene(1, width=128).pixels)
    assert 'from 96 x 72 to 128 x 72' in reason(rig.state('idle'))
    rig.init(truth(1))
    rig.answered(rig.at(1))


def test_blank_images_are_answered_with_no_result_and_the_last_box(rig):
    rig.start(0)
    rig.send(1, pixels=np.full((72, WIDTH), 30, np.uint8))
    message = rig.answered(rig.at(1))
    assert not message.results
    assert box_of(message) == truth(0)
    follow(rig, 2, 3)
    assert rig.detections[-1].results


def test_a_lost_target_has_no_results_and_is_found_again(rig):
    rig.start(0)
    ground = scene(0).pixels.copy()
    ground[:] = np.random.default_rng(5).integers(0, 60, ground.shape)
    ground[0, 0] = 255
    for number in range(1, 4):
        rig.send(number, pixels=np.roll(ground, number, 0))
        rig.answered(rig.at(number))
    status = rig.state('lost')
    assert 'below lost_below 0.4' in reason(status)
    assert status.level == DiagnosticStatus.WARN
    assert not rig.detections[-1].results
    follow(rig, 4, 6)
    rig.state('tracking')
    assert rig.detections[-1].results


def test_stamps_that_jump_back_are_told_once_and_the_target_stays(rig):
    rig.start(10)
    follow(rig, 11, 13)
    told = rig.process.log.count('jump back')
    for number in range(3):
        rig.send(13 + number, stamp=rig.at(number))
        rig.answered(rig.at(number))
    assert box_of(rig.detections[-1]) == truth(15)
    rig.until(lambda: rig.process.log.count('jump back') == told + 1, 'told')


@pytest.mark.parametrize('stamp', [0, 7, 2**31 * 10**9 - 1])
def test_images_of_equal_zero_and_far_stamps_are_all_answered(rig, stamp):
    rig.fresh()
    rig.send(0, stamp=stamp)
    rig.init(truth(0))
    for number in range(1, 4):
        rig.until(lambda n=number: len(rig.detections) == n, f'answer {number}')
        rig.send(number, stamp=stamp)
    rig.until(lambda: len(rig.detections) == 4, 'all answers')
    assert {stamp_of(message) for message in rig.detections} == {stamp}
    assert box_of(rig.detections[-1]) == truth(3)


def test_after_reset_nothing_is_answered_until_the_next_init_with_a_new_id(rig):
    rig.start(0)
    assert rig.reset().success
    assert reason(rig.state('idle')) == 'reset'
    before = rig.detections[-1].id
    rig.detections.clear()
    rig.send(1)
    rig.spin(0.1)
    assert not rig.detections
    rig.init(truth(1))
    assert rig.answered(rig.at(1)).id != before


def test_pause_and_resume(rig):
    rig.start(0)
    assert rig.enable(False).message == 'paused'
    assert reason(rig.state('idle')) == 'paused'
    rig.send(1)
    rig.spin(0.1)
    assert len(rig.detections) == 1
    rig.enable(True)
    rig.state('tracking')
    follow(rig, 2, 3)
    assert rig.detections[-1].id == rig.detections[0].id


def test_a_latecomer_gets_the_present_state(rig):
    rig.start(0)
    late: list[DiagnosticStatus] = []
    subscription = rig.listen(DiagnosticStatus, '/tracker/status', late, LATCHED)
    rig.until(lambda: late, 'the latched status')
    assert late[0].message == 'tracking'
    assert values_of(late[0], 'id') == [rig.detections[0].id]
    rig.node.destroy_subscription(subscription)


@pytest.mark.parametrize(
    ('topic', 'encoding'), [('debug_image', 'bgr8'), ('response_map', '32FC1')]
)
def test_pictures_come_while_somebody_looks(rig, topic, encoding):
    rig.start(0)
    seen: list[Image] = []
    subscription = rig.listen(Image, f'/tracker/{topic}', seen, BEST_EFFORT)
    number = 0
    while not seen:
        number += 1
        rig.send(number)
        rig.answered(rig.at(number))
        rig.spin(0.05)
        assert number < 100
    rig.node.destroy_subscription(subscription)
    picture = seen[0]
    assert picture.encoding == encoding
    assert picture.header.frame_id == 'thermal_optical'
    assert len(picture.data) == picture.step * picture.height > 0


def test_without_a_target_the_debug_image_shows_what_comes(rig):
    rig.fresh()
    seen: list[Image] = []
    subscription = rig.listen(Image, '/tracker/debug_image', seen, BEST_EFFORT)
    rig.until(lambda: (rig.send(0), rig.spin(0.05), seen)[-1], 'the debug image')
    assert (seen[0].width, seen[0].height) == (WIDTH, HEIGHT)
    rig.node.destroy_subscription(subscription)


def test_nothing_is_drawn_while_nobody_looks():
    rig = Rig()
    rig.start(0)
    follow(rig, 1, 4)
    assert 'drawn' not in rig.process.log
    rig.close()
