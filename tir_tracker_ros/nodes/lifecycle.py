# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A lifecycle node that survives bad requests and failing transitions, and how to start one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
import math
import os
import signal
import sys
import threading
import time
import traceback
from typing import Any, TypeVar

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

Result = TypeVar('Result')

_CALL = 'long call'
"""Name of the threads of `unless_told_to_stop`."""

USER_MISTAKES = (ValueError, OSError, ImportError)
"""What a bad setting, file or installation raises; its message is logged without a trace back."""


class ManagedNode(LifecycleNode):
    """
    A LifecycleNode whose subclasses implement the transitions in methods that raise errors.

    The methods are `configure`, `activate`, `deactivate` and `release`. After a failed transition
    the node is back in the state before it; rclpy itself would go to the error state and log
    nothing.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        # A request for a transition that the present state does not have raises in rclpy's service
        # callback, which would end the spinning of any executor.
        for service in self.services:
            if service.srv_name.endswith('/change_state'):
                service.callback = _refusing(service.callback, self)

    def configure(self) -> None:
        """Make what is needed in order to be active."""

    def activate(self) -> None:
        """Start working."""

    def deactivate(self) -> None:
        """Stop working; also called after an `activate` that raised."""

    def release(self) -> None:
        """Undo `configure`, also one that failed half way."""

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
        """Release everything, from any state."""
        self._attempt('deactivate', self.deactivate)
        return self._attempt('shut down', self.release)

    def _attempt(self, what: str, method) -> TransitionCallbackReturn:
        try:
            method()
        except ExternalShutdownException:
            # The log would complain of each line that it cannot publish any more.
            print(f'{self.get_name()}: told to stop; did not {what}', file=sys.stderr)
            return TransitionCallbackReturn.FAILURE
        except USER_MISTAKES as error:
            self.get_logger().error(f'cannot {what}: {error}')
            return TransitionCallbackReturn.FAILURE
        except Exception:
            if not self.context.ok():  # then any call into rclpy may fail
                return TransitionCallbackReturn.FAILURE
            self.get_logger().error(f'cannot {what}:\n{traceback.format_exc()}')
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS


def _refusing(callback, node: Node):
    def change_state(request: ChangeState.Request, response: ChangeState.Response):
        try:
            return callback(request, response)
        except Exception as error:  # RCLError, which rclpy does not export
            if not node.context.ok():
                raise
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
    Initialise rclpy for a block and shut it down after it; a signal ends the block quietly.

    A signal may come at any moment. It shuts the context down, so that any call into rclpy that is
    in progress fails. The process is expected to end after the block: a terminal and ros2 launch
    both pass SIGINT on, and the second signal must not interrupt the clean-up after the first.
    """
    told: list[int] = []
    # Python's own handler would raise KeyboardInterrupt wherever the main thread happens to be.
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
        # Before it ends, the interpreter removes every handler except SIG_IGN.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if any(thread.name == _CALL for thread in threading.enumerate()):
        # The interpreter cannot be taken down under a thread that is about to load libraries.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def unless_told_to_stop(context: rclpy.Context, call: Callable[[], Result]) -> Result:
    """
    Call what takes long in a thread and wait for its result; raises what it raises.

    Raises ExternalShutdownException when told to stop; the call goes on then until
    `until_told_to_stop` ends the process.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    # The threads of a ThreadPoolExecutor are waited for at the end of the process.
    threading.Thread(target=run, name=_CALL, daemon=True).start()
    while not wait([future], timeout=0.1).done:
        if not context.ok():
            raise ExternalShutdownException
    return future.result()


def spin(node: Node) -> None:
    """Spin until the process is told to stop, which raises ExternalShutdownException."""
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    # rclpy.spin is not used: it sees a signal that comes between its check and its wait only with
    # the next event, and a node that has nothing to do has no events.
    while True:
        spin_once(executor, node, 1.0)


def spin_once(executor: Executor, node: Node, seconds: float) -> None:
    """Wait so long for an event; raises ExternalShutdownException when told to stop."""
    try:
        executor.spin_once(timeout_sec=seconds)
    except Exception:
        # After a signal, rclpy raises different errors, depending on what it was doing.
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


def bring_up(
    node: Node,
    name: str,
    timeout: float = 60.0,
    spun: bool = False,
    given_up: Callable[[], bool] = lambda: False,
) -> None:
    """
    Configure and activate the lifecycle node of the fully qualified `name`.

    This uses its services, which every ROS 2 has, and not its transition events, because a late
    subscriber misses the first of them. `node` makes the calls; `spun` tells whether another
    thread spins it. Raises TimeoutError or RuntimeError, naming node and transition, and
    InterruptedError once `given_up` tells so.
    """
    deadline = time.monotonic() + timeout

    def wait(done: Callable[[], bool], patience: float, complaint: str) -> bool:
        end = time.monotonic() + patience
        while not done() and time.monotonic() < end:
            if given_up():
                raise InterruptedError(f'{name} {complaint} so far')
            if time.monotonic() > deadline:
                raise TimeoutError(f'{name} {complaint} within {timeout:g} s')
            if spun:
                time.sleep(0.01)
            else:
                rclpy.spin_once(node, timeout_sec=0.02)
        return done()

    def state_id() -> int:
        # A response can be lost while two nodes are still discovering each other.
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
