# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bag player: what was recorded goes out in its time, once subscribers are there."""

import time

from moving_blob import at, scene, truth
from node_rig import BEST_EFFORT, Observer, RELIABLE, stamp_of
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D

from tir_tracker_ros.nodes.harness.process import node_command, Process
from tir_tracker_ros.nodes.player_node import message_class
from tir_tracker_ros.sequences.bags import (
    BagWriter,
    detection_message,
    header,
    image_message,
)

IMAGES = 6
PERIOD = 0.05


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Write a bag of an init and six images in a quarter of a second."""
    path = tmp_path_factory.mktemp('bags') / 'blob'
    writer = BagWriter(path)
    start = 10**9
    for number in range(IMAGES):
        when = start + int(number * PERIOD * 1e9)
        writer.write('/thermal', image_message(scene(number), 'optical'), when)
        if number == 0:
            init = detection_message(header(at(0)), truth(0), None)
            writer.write('/tracker/init', init, when)
    writer.close()
    return path


class Audience(Observer):
    """Subscribes to topics and notes what comes when."""

    def __init__(self):
        super().__init__()
        self.heard = {}
        self.hear(Image, '/thermal')

    def hear(self, kind, topic):
        heard = self.heard[topic] = []
        qos = RELIABLE if kind is Image else BEST_EFFORT
        self.node.create_subscription(
            kind, topic, lambda message: heard.append((time.monotonic(), message)), qos
        )


def player(**parameters):
    return Process('player', node_command('player', parameters))


@pytest.fixture
def audience():
    audience = Audience()
    yield audience
    audience.end()


def ended(audience, process, status=0):
    audience.log = lambda: process.log
    audience.until(lambda: not process.running, 'the end')
    assert process.wait() == status, process.log
    audience.spin(0.05)
    return audience.heard['/thermal']


def test_all_images_come_in_their_time_with_their_bytes(audience, bag):
    process = player(bag=bag, topics='thermal')
    heard = ended(audience, process)
    assert [stamp_of(message) for _, message in heard] == [at(n) for n in range(IMAGES)]
    assert heard[0][1].header.frame_id == 'optical'
    for number, (_, message) in enumerate(heard):
        assert np.array_equal(np.frombuffer(message.data, np.uint8), scene(number).pixels.ravel())
    elapsed = heard[-1][0] - heard[0][0]
    assert 0.8 * (IMAGES - 1) * PERIOD < elapsed < 3 * (IMAGES - 1) * PERIOD
    assert f'played {IMAGES} messages' in process.log


def test_rate_and_start(audience, bag):
    heard = ended(audience, player(bag=bag, topics='/thermal', rate=0.5, start=0.12))
    assert [stamp_of(message) for _, message in heard] == [at(n) for n in (3, 4, 5)]
    assert heard[-1][0] - heard[0][0] > 0.8 * 2 * PERIOD / 0.5


def test_it_waits_for_the_subscription_of_the_init_and_then_sends_it(audience, bag):
    process = player(bag=bag)
    line = 'waiting for 1 subscription of /tracker/init'
    audience.until(lambda: line in process.log, line)
    audience.spin(0.2)
    assert not audience.heard['/thermal']
    audience.hear(Detection2D, '/tracker/init')
    assert len(ended(audience, process)) == IMAGES
    assert len(audience.heard['/tracker/init']) == 1


def test_it_loops_until_it_is_stopped(audience, bag):
    process = player(bag=bag, topics='/thermal', loop=True, rate=4.0)
    audience.until(lambda: len(audience.heard['/thermal']) > 2 * IMAGES, 'two rounds')
    assert process.stop() == 0
    stamps = [stamp_of(message) for _, message in audience.heard['/thermal']]
    assert stamps[: IMAGES + 1] == [*(at(n) for n in range(IMAGES)), at(0)]


def test_the_clock_ticks_between_the_images(audience, bag):
    audience.hear(Clock, '/clock')
    ended(audience, player(bag=bag, topics='/thermal', clock=True, rate=0.5))
    ticks = [m.clock.sec * 10**9 + m.clock.nanosec for _, m in audience.heard['/clock']]
    assert ticks == sorted(ticks)
    assert len(ticks) > IMAGES
    assert ticks[-1] == 10**9 + int((IMAGES - 1) * PERIOD * 1e9)


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({}, 'parameter bag is not given'),
        ({'bag': '/no/such/bag'}, '/no/such/bag'),
        ({'topics': '/visible'}, 'has no /visible; it has: /thermal, /tracker/init'),
        ({'rate': 0.0}, 'parameter rate is 0.0, which is not in 0.01 to 100'),
        ({'speed': 2.0}, 'there is no parameter speed'),
        ({'start': 100.0, 'wait_for': 0}, 'has no message after its start'),
    ],
)
def test_what_cannot_be_played_is_told_and_the_exit_status_says_so(parameters, words, bag):
    given = parameters if not parameters or 'bag' in parameters else {'bag': bag, **parameters}
    process = player(**given)
    assert process.wait() == 1
    assert words in process.log
    assert 'Traceback' not in process.log


def test_a_damaged_bag_is_told(bag, tmp_path):
    damaged = tmp_path / 'damaged.mcap'
    damaged.write_bytes(next(bag.glob('*.mcap')).read_bytes()[:100])
    process = player(bag=damaged)
    assert process.wait() == 1
    assert f'{damaged}' in process.log


def test_a_type_in_a_bag_is_no_module_to_import(tmp_path, monkeypatch):
    (tmp_path / 'evil').mkdir()
    for name in ('evil/__init__.py', 'evil/msg.py', 'plain.py'):
        (tmp_path / name).write_text('raise SystemExit("imported")')
    monkeypatch.syspath_prepend(tmp_path)
    for name in ('this/msg/Zen', 'evil/msg/Type', 'plain/msg/Type', 'evil', '../x/msg/Y', '/msg/'):
        assert message_class(name) is None
    assert message_class('sensor_msgs/msg/Image') is Image
    assert message_class('sensor_msgs/msg/Gone') is None
