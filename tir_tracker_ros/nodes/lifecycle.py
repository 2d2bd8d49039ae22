# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A lifecycle node that outlives bad requests and failing transitions, and how to start one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import math
import signal
import time
import traceback
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

USER_MISTAKES = (ValueError, OSError, ImportError)
"""What a bad setting, file or installation raises; one line says enough about it."""


class ManagedNode(LifecycleNode):
    """
    A LifecycleNode whose subclasses say in plain methods what they do, and raise what goes wrong.

    `configure`, `activate`, `deactivate` and `release` are called in the transitions. After a
    failed transition the node is back in the state before it: rclpy would go on to the error
    state, without a word.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        # In rclpy, a request for a transition that the present state does not have raises in the
        # service's callback, and with that ends the spinning of any executor.
        for service in self.services:
            if service.srv_name.endswith('/change_state'):
                service.callback = _refusing(service.callback, self)

    def configure(self) -> None:
        """Make what is needed in order to be active."""

    def activate(self) -> None:
        """Start to work."""

    def deactivate(self) -> None:
        """Stop to work; also called after an `activate` that raised."""

    def release(self) -> None:
        """Undo `configure`, whole or half done."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; on failure stay unconfigured."""
        result = self._attempt('configure', self.configure)
        if result != TransitionCallbackReturn.SUCCESS:
            self._attempt('release', self.release)
        return result

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate; on failure stay inactive."""
        result = self._attempt('activate', self.activate)
        if result != TransitionCallbackReturn.SUCCESS:
            self._attempt('deactivate', self.deactivate)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate."""
        return self._attempt('deactivate', self.deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured."""
        return self._attempt('clean up', self.release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of everything, from whatever state."""
        self._attempt('deactivate', self.deactivate)
        return self._attempt('shut down', self.release)

    def _attempt(self, what: str, method) -> TransitionCallbackReturn:
        try:
            method()
        except USER_MISTAKES as error:
            self.get_logger().error(f'cannot {what}: {error}')
            return TransitionCallbackReturn.FAILURE
        except Exception:
            self.get_logger().error(f'cannot {what}:\n{traceback.format_exc()}')
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS


def _refusing(callback, node: Node):
    def change_state(request: ChangeState.Request, response: ChangeState.Response):
        try:
            return callback(request, response)
        except Exception as error:  # RCLError, which rclpy does not export
            transition = request.transition
            node.get_logger().warning(
                f'transition {transition.id} {transition.label} refused: {error}'
            )
            response.success = False
            return response

    return change_state


@contextmanager
def until_told_to_stop(args: list[str] | None) -> Iterator[None]:
    """
    Keep rclpy from init to shutdown; a signal ends what runs in between without a complaint.

    It may come at any moment: it shuts the context down, so that whatever is being made fails. The
    process is expected to end afterwards: a terminal and ros2 launch both pass SIGINT on, and the
    second one must not break into what the first one has set off.
    """
    told: list[int] = []
    # Python's own handler would raise KeyboardInterrupt wherever the main thread is just then.
    signal.signal(signal.SIGINT, lambda number, frame: told.append(number))
    rclpy.init(args=args)
    if told:
        rclpy.try_shutdown()
    try:
        yield
    except ExternalShutdownException:
        pass
    except Exception:
        if rclpy.ok():
            raise
    finally:
        rclpy.try_shutdown()
        # The interpreter takes every handler down but this one before it ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def spin(node: Node) -> None:
    """Spin until the process is told to stop, which raises ExternalShutdownException."""
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    # Not rclpy.spin: a signal that comes between its check and its wait is not seen until the next
    # event, and a node that has nothing to do has none.
    while True:
        spin_once(executor, node, 1.0)


def spin_once(executor: Executor, node: Node, seconds: float) -> None:
    """Wait so long for an event; raises ExternalShutdownException when told to stop."""
    try:
        executor.spin_once(timeout_sec=seconds)
    except Exception:
        # A signal in the middle of it makes rclpy raise what it happens to run into.
        if node.context.ok():
            raise
    if not node.context.ok():
        raise ExternalShutdownException


_STEPS = {
    State.PRIMARY_STATE_UNCONFIGURED: Transition(
        id=Transition.TRANSITION_CONFIGURE, label='configure'
    ),
    State.PRIMARY_STATE_INACTIVE: Transition(id=Transition.TRANSITION_ACTIVATE, label='activate'),
}


def bring_up(node: Node, name: str, timeout: float = 60.0, spun: bool = False) -> None:
    """
    Configure and activate the lifecycle node of the fully qualified `name`.

    Works by its services, which every ROS 2 has, and not by its transition events, of which a
    late subscriber misses the first. `node` makes the calls; `spun` tells whether somebody else
    spins it meanwhile. Raises TimeoutError or RuntimeError, naming node and transition.
    """
    deadline = time.monotonic() + timeout

    def wait(done: Callable[[], bool], patience: float, complaint: str) -> bool:
        end = time.monotonic() + patience
        while not done() and time.monotonic() < end:
            if time.monotonic() > deadline:
                raise TimeoutError(f'{name} {complaint} within {timeout:g} s')
            if spun:
                time.sleep(0.01)
            else:
                rclpy.spin_once(node, timeout_sec=0.02)
        return done()

    def state_id() -> int:
        # An answer can be lost while two nodes are still discovering each other.
        while True:
            future = get_state.call_async(GetState.Request())
            if wait(future.done, 0.5, 'does not tell its state'):
                return future.result().current_state.id

    get_state = node.create_client(GetState, f'{name}/get_state')
    change_state = node.create_client(ChangeState, f'{name}/change_state')
    try:
        for client in (get_state, change_state):
            wait(client.service_is_ready, math.inf, 'does not appear')
        while (state := state_id()) != State.PRIMARY_STATE_ACTIVE:
            if state not in _STEPS:
                raise RuntimeError(
                    f'{name} is in state {state}, from which it cannot be activated'
                )
            step = _STEPS[state]
            future = change_state.call_async(ChangeState.Request(transition=step))
            while not wait(future.done, 1.0, f'does not {step.label}'):
                if state_id() != state:
                    break
            if future.done() and not future.result().success:
                raise RuntimeError(f'{name} refused to {step.label}; its log says why')
    finally:
        node.destroy_client(get_state)
        node.destroy_client(change_state)
