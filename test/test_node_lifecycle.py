# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The life of the tracker node itself: transitions, good and bad, and its end."""

import signal
import time

from fake_node import load
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from node_rig import Rig
import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor

from tir_tracker_ros.nodes.harness.isolation import claim_domain
from tir_tracker_ros.nodes.tracker_node import TrackerNode

CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP


@pytest.fixture(scope='module')
def rig():
    rig = Rig()
    yield rig
    rig.close()


@pytest.fixture
def unconfigured(rig):
    """Return the rig with an unconfigured node, and bring it up again afterwards."""
    assert rig.transition(DEACTIVATE)
    assert rig.transition(CLEANUP)
    yield rig
    rig.set('weights', '')
    rig.set('model', 'auto')
    rig.set('record_path', '')
    rig.bring_up()


def test_transitions_that_the_state_does_not_have_are_refused_and_the_node_lives(rig):
    for transition in (CONFIGURE, ACTIVATE, CLEANUP, 0, 10, 30, 255):
        assert not rig.transition(transition)
        assert rig.lifecycle_state == 'active'
    assert not rig.transition(label='fly')
    rig.logged('transition 30')
    rig.start(0)


def test_while_unconfigured_activate_and_deactivate_are_refused(unconfigured):
    assert not unconfigured.transition(ACTIVATE)
    assert not unconfigured.transition(DEACTIVATE)
    assert unconfigured.lifecycle_state == 'unconfigured'


def test_a_manager_may_go_by_labels(rig):
    assert rig.transition(label='deactivate')
    assert rig.lifecycle_state == 'inactive'
    assert rig.transition(label='activate')
    rig.matched()
    rig.start(0)


def test_ids_are_not_used_again_after_cleanup_and_the_target_ends(rig):
    ids = set()
    for _ in range(3):
        rig.start(0)
        ids.add(rig.detections[0].id)
        for transition in (DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE):
            assert rig.transition(transition)
        rig.matched()
        rig.state('idle')
    assert len(ids) == 3


def test_transitions_while_images_stream_do_no_harm(rig):
    rig.start(0)
    for _ in range(3):
        for transition in (DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE):
            for number in range(3):
                rig.send(number)
            assert rig.transition(transition)
    rig.matched()
    rig.start(0)


def test_missing_weights_are_told_in_a_line_and_the_node_can_be_configured_later(unconfigured):
    unconfigured.set('weights', '/no/such.safetensors')
    assert not unconfigured.transition(CONFIGURE)
    unconfigured.logged('cannot configure: no weights at /no/such.safetensors')
    assert unconfigured.lifecycle_state == 'unconfigured'


def test_a_record_that_cannot_be_written_is_told(unconfigured):
    unconfigured.set('record_path', '/no/such/folder/record.csv')
    assert not unconfigured.transition(CONFIGURE)
    unconfigured.logged("No such file or directory: '/no/such/folder/record.csv'")


def test_what_nobody_expected_is_logged_with_its_origin_and_the_node_lives():
    rig = Rig(active=False, model='defective')
    assert not rig.transition(CONFIGURE)
    rig.logged("KeyError: 'defective'")
    assert 'fake_node.py' in rig.process.log
    assert rig.lifecycle_state == 'unconfigured'
    rig.close(traced=True)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('active', [True, False])
def test_a_signal_ends_the_process_well(number, active, tmp_path):
    record = tmp_path / 'record.csv'
    rig = Rig(active=active, record_path=record)
    if active:
        rig.start(0)
    assert rig.lifecycle_state == ('active' if active else 'unconfigured')
    assert rig.process.stop(number) == 0
    rig.close()
    if active:
        assert record.read_text().count('tracking') == 1


def test_a_second_interrupt_does_not_break_into_the_end():
    """ros2 launch sends one, and so does the terminal that it runs in."""
    rig = Rig()
    rig.start(0)
    for _ in range(20):
        rig.process.send()
        time.sleep(0.02)
    assert rig.process.wait() == 0
    rig.close()


def test_shutdown_lets_go_of_everything_and_the_process_still_answers():
    rig = Rig()
    rig.start(0)
    assert rig.transition(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert rig.lifecycle_state == 'finalized'
    assert not rig.transition(CONFIGURE)
    rig.close()


@pytest.mark.parametrize('kind', [SingleThreadedExecutor, MultiThreadedExecutor])
def test_a_refused_transition_does_not_end_the_spinning_of_any_executor(kind):
    context = rclpy.Context()
    context.init(domain_id=claim_domain())
    node = TrackerNode(load, context=context)
    caller = rclpy.create_node('caller', context=context)
    client = caller.create_client(ChangeState, '/tracker/change_state')
    executor = kind(context=context)
    for each in (node, caller):
        executor.add_node(each)
    for transition, success in ((ACTIVATE, False), (CONFIGURE, True), (CONFIGURE, False)):
        assert client.wait_for_service(10)
        request = ChangeState.Request(transition=Transition(id=transition))
        future = client.call_async(request)
        executor.spin_until_future_complete(future, 10)
        assert future.result().success is success
    node.release()
    executor.shutdown()
    context.try_shutdown()
