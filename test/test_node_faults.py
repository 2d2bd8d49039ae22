# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The tracker node where something is wrong: the model, the camera, who sends the inits."""

from pathlib import Path
import signal
import sys
import time

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from moving_blob import truth
from node_rig import box_of, reason, Rig, stamp_of
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.nodes.harness.process import Process
from tir_tracker_ros.nodes.tracker_node import main

ACTIVATE = Transition.TRANSITION_ACTIVATE
CONFIGURE = Transition.TRANSITION_CONFIGURE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
THRESHOLDS = {'lost_after': 3, 'lost_below': 0.4, 'uncertain_below': 0.5, 'found_above': 0.6}


def test_a_failing_model_is_seen_in_answers_and_state_until_it_works_again(tmp_path):
    failure = tmp_path / 'failure'
    rig = Rig(environment={'FAKE_FAILURE': str(failure)}, **THRESHOLDS)
    rig.start(0)
    failure.touch()
    for number, state in ((1, 'uncertain'), (2, 'uncertain'), (3, 'lost'), (4, 'lost')):
        rig.send(number)
        answer = rig.answered(rig.at(number))
        assert not answer.results and box_of(answer) == truth(0)
        assert reason(rig.state(state)) == 'the model failed: RuntimeError: out of memory'
    failure.unlink()
    rig.send(5)
    assert rig.answered(rig.at(5)).results
    rig.state('tracking')
    rig.spin(0.1)
    assert [stamp_of(message) for message in rig.detections] == [rig.at(n) for n in range(6)]
    assert rig.process.log.count('RuntimeError: out of memory\n') == 3  # an error, two states
    rig.close(traced=True)


@pytest.fixture(scope='module')
def flooded():
    """A node whose model takes 30 ms, to which inits come at 100 Hz."""
    rig = Rig(environment={'FAKE_MODEL_MS': '30'}, diagnostics=True, **THRESHOLDS)
    yield rig
    rig.close()


def flood(rig, seconds, id=lambda number: ''):
    """Send images at 50 Hz and inits at 100 Hz; return the ages of the answers, seconds."""
    rig.fresh()
    answers, ages = rig.detections, []
    begin, number = time.monotonic(), 0
    while time.monotonic() < begin + seconds:
        number += 1
        if number % 2:
            rig.send(number // 2, stamp=time.time_ns())
        rig.init(truth(number // 2), id=id(number))
        count = len(answers)
        rig.spin(max(0.0, begin + number * 0.01 - time.monotonic()))
        ages += [(time.time_ns() - stamp_of(answer)) / 1e9 for answer in answers[count:]]
    return ages


@pytest.mark.parametrize('id', [lambda number: '', lambda number: 'dog', str])
def test_with_inits_at_a_hundred_hertz_answers_stay_young_and_the_log_short(flooded, id):
    before = len(flooded.process.log.splitlines())
    ages = flood(flooded, 2.5, id)
    flooded.spin(0.3)
    assert len(ages) > 5
    assert max(ages) < 0.6, ages  # it was 1.6 s, and grew
    lines = flooded.process.log.splitlines()[before:]
    assert len(lines) < 25, lines
    assert flooded.process.log.count('inits come faster than they can be followed') == 1


def test_a_reset_is_not_behind_the_inits_that_wait(flooded):
    flood(flooded, 1.0)
    flooded.statuses.clear()
    begin = time.monotonic()
    flooded.reset()
    assert reason(flooded.state('idle')) == 'reset'
    assert time.monotonic() - begin < 0.5
    flooded.detections.clear()
    flooded.spin(0.3)
    assert not flooded.detections and flooded.statuses[-1].message == 'idle'


def test_a_refused_init_is_logged_once():
    rig = Rig()
    rig.send(0)
    rig.init(Box(500, 10, 20, 20))
    rig.until(lambda: rig.statuses and 'outside' in reason(rig.statuses[-1]), 'the reason')
    rig.spin(0.1)
    assert rig.process.log.count('lies outside of the image') == 1
    for _ in range(100):
        rig.init(Box(500, 10, 20, 20))
        rig.spin(0.005)
    assert rig.process.log.count('lies outside of the image') == 1
    rig.close()


def test_a_node_that_was_paused_says_so_after_it_was_deactivated_and_activated():
    rig = Rig()
    assert reason(rig.state('idle')) == 'no target yet'
    rig.start(0)
    rig.enable(False)
    rig.until(lambda: reason(rig.statuses[-1]) == 'paused', 'the pause')
    assert rig.transition(DEACTIVATE)
    rig.until(lambda: reason(rig.statuses[-1]) == 'deactivated; paused', 'the end')
    assert rig.transition(ACTIVATE)
    rig.until(lambda: reason(rig.statuses[-1]) == 'no target yet; paused', 'the truth')
    rig.matched()
    rig.enable(True)
    rig.until(lambda: reason(rig.statuses[-1]) == 'resumed', 'the end of the pause')
    rig.start(1)
    rig.close()


def test_it_logs_what_it_listens_to_and_once_that_no_image_comes_and_that_they_are_back():
    rig = Rig(no_image_warning=0.5, arguments=('-r', 'image:=/thermal/image_raw'),
              topic='/thermal/image_raw')  # fmt: skip
    rig.logged('listens to /thermal/image_raw (Image) and, for inits, /tracker/init')
    rig.logged('no image on /thermal/image_raw for ')
    rig.spin(3)
    # The camera may have been discovered only after the first of them.
    told = rig.process.log.count('no image on')
    assert told - rig.process.log.count('0 publishers') == 1
    rig.send(0)
    rig.logged('images on /thermal/image_raw again, after ')
    rig.spin(2)
    assert rig.process.log.count('no image on') == told + 1
    assert rig.process.log.count('images on') == 1
    rig.close()


@pytest.mark.parametrize('transport', ['raw', 'compressed'])
def test_a_camera_that_sends_images_the_other_way_only_is_named(transport):
    raw = transport == 'raw'
    rig = Rig(active=False, compressed=raw, image_transport=transport, no_image_warning=0.5)
    for transition in (CONFIGURE, ACTIVATE):
        assert rig.transition(transition)
    there, other = ('/image', '/image/compressed') if raw else ('/image/compressed', '/image')
    way = 'compressed' if raw else 'raw'
    rig.logged(f'no image on {there} for ')
    rig.logged(f'; {other} has 1 publisher, which image_transport: {way} listens to')
    rig.close()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_loading_of_a_model_at_once_and_in_one_line(number):
    rig = Rig(active=False, environment={'FAKE_LOAD_SECONDS': '30'})
    before = configured_until_it_loads(rig)
    ended_soon(rig, number, before)


def test_a_signal_ends_the_import_of_torch_at_once_and_in_one_line():
    rig = Rig(active=False, command=[sys.executable, '-m', main.__module__])
    before = configured_until_it_loads(rig, 0)
    maps = Path('/proc', str(rig.process._process.pid), 'maps')
    rig.until(lambda: 'libtorch' in maps.read_text(), 'the import of torch')
    ended_soon(rig, signal.SIGTERM, before)


@pytest.mark.parametrize('name', ['tracker', 'player'])
def test_an_interrupt_during_the_imports_of_a_node_ends_it_without_a_trace_back(name):
    run = f'from tir_tracker_ros.nodes import start; start.{name}()'
    with Process(name, [sys.executable, '-c', run]) as process:
        maps = Path('/proc', str(process._process.pid), 'maps')
        while 'numpy' not in maps.read_text():
            process.check()
        assert process.stop() == -signal.SIGINT
    assert not process.log


def configured_until_it_loads(rig, seconds=0.5):
    """Ask for the configuration, wait, and return the lines that were logged so far."""
    client = rig.node.create_client(ChangeState, '/tracker/change_state')
    rig.until(client.service_is_ready, 'the service')
    client.call_async(ChangeState.Request(transition=Transition(id=CONFIGURE)))
    rig.spin(seconds)
    assert rig.process.running
    return rig.process.log.splitlines()


def ended_soon(rig, number, before):
    """Send a signal, and check that the process ends well within two seconds, with one line."""
    begin = time.monotonic()
    rig.process.send(number)
    assert rig.process.wait() == 0
    assert time.monotonic() - begin < 2
    assert len(rig.process.log.splitlines()) == len(before) + 1, rig.process.log
    assert 'told to stop; did not configure' in rig.process.log
    rig.close()
