# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera, a user and an observer in the test's process, and the node in another, over DDS."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from moving_blob import scene, truth
import numpy as np
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import Detection2D, ObjectHypothesisWithPose

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.nodes.harness.isolation import claim_domain
from tir_tracker_ros.nodes.harness.process import Process, ros_arguments
from tir_tracker_ros.nodes.lifecycle import bring_up
from tir_tracker_ros.nodes.messages import fill_box, nanoseconds

HERE = Path(__file__).resolve().parent
FAKE_NODE = [sys.executable, str(HERE / 'fake_node.py')]
TIMEOUT = 20.0
LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
RELIABLE = QoSProfile(depth=50)
BEST_EFFORT = QoSProfile(depth=50, reliability=QoSReliabilityPolicy.BEST_EFFORT)
PYTHONPATH = os.pathsep.join([str(HERE.parent), os.environ.get('PYTHONPATH', '')])


class Observer:
    """A node in the test's process that listens, calls services and waits."""

    def __init__(self, domain: int | None = None) -> None:
        self.context = rclpy.Context()
        self.context.init(domain_id=domain)
        self.node = rclpy.create_node('rig', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.log: Callable[[], str] = str
        """What is shown where waiting is in vain."""

    def listen(self, kind: type, topic: str, into: list, qos: QoSProfile = RELIABLE) -> Any:
        """Collect the messages of a topic."""
        return self.node.create_subscription(kind, topic, into.append, qos)

    def spin(self, seconds: float) -> None:
        """Let the node work for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.005)

    def until(self, condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> Any:
        """Wait until a condition holds, and return its value."""
        end = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < end, f'not seen: {what}; log:\n{self.log()}'
            self.executor.spin_once(timeout_sec=0.005)
        return value

    def call(self, kind: type, name: str, request: Any, again: float = 3.0) -> Any:
        """
        Call a service and return its response.

        While two nodes are still discovering each other, Fast DDS may lose a response. So what
        can be asked twice is asked again after some seconds.
        """
        client = self.node.create_client(kind, name)
        try:
            self.until(client.service_is_ready, name)
            end = time.monotonic() + TIMEOUT
            while time.monotonic() < end:
                future, asked = client.call_async(request), time.monotonic()
                self.until(
                    lambda f=future, t=asked: f.done() or time.monotonic() > t + again, name
                )
                if future.done():
                    return future.result()
            raise AssertionError(f'no response of {name}; log:\n{self.log()}')
        finally:
            self.node.destroy_client(client)

    def state_of(self, name: str) -> str:
        """Return the state of a lifecycle node."""
        return self.call(GetState, f'{name}/get_state', GetState.Request()).current_state.label

    def end(self) -> None:
        """Leave the graph."""
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


class Rig(Observer):
    """
    Starts `fake_node.py`, and talks to it as its surroundings do.

    `parameters` are given on its command line, `environment` are variables.
    """

    def __init__(
        self, *, topic: str = '/image', compressed: bool = False, qos: QoSProfile = RELIABLE,
        arguments: tuple[str, ...] = (), environment: dict[str, str] | None = None,
        active: bool = True, command: list[str] | None = None, **parameters: Any,
    ) -> None:  # fmt: skip
        given = {name.replace('__', '.'): value for name, value in parameters.items()}
        self.domain = claim_domain()  # its own, as a test may have two rigs
        variables = {'ROS_DOMAIN_ID': str(self.domain), 'PYTHONPATH': PYTHONPATH}
        self.process = Process(
            'tracker',
            [*(command or FAKE_NODE), *ros_arguments(given), *arguments],
            environment=variables | (environment or {}),
        )
        super().__init__(self.domain)
        self.log = lambda: self.process.log
        self.detections: list[Detection2D] = []
        self.statuses: list[DiagnosticStatus] = []
        self._base = time.time_ns()
        self.camera = self.node.create_publisher(
            CompressedImage if compressed else Image,
            f'{topic}/compressed' if compressed else topic,
            qos,
        )
        self.user = self.node.create_publisher(Detection2D, '/tracker/init', RELIABLE)
        self.listen(Detection2D, '/tracker/detection', self.detections)
        self.listen(DiagnosticStatus, '/tracker/status', self.statuses, LATCHED)
        if active:
            self.bring_up()

    def bring_up(self) -> None:
        """Bring the node to the active state, and wait until it hears and is heard."""
        with ThreadPoolExecutor() as pool:
            future = pool.submit(bring_up, self.node, '/tracker', TIMEOUT, spun=True)
            self.until(future.done, 'the node becomes active')
        assert not future.exception(), f'{future.exception()}; log:\n{self.process.log}'
        self.matched()

    def matched(self) -> None:
        """Wait until images and inits have a reader, and detections a writer."""
        self.until(
            lambda: (
                self.camera.get_subscription_count()
                and self.user.get_subscription_count()
                and self.node.count_publishers('/tracker/detection')
            ),
            'the topics match',
        )

    def close(self, traced: bool = False) -> None:
        """End the node, and check that it ends well; `traced`: a trace back was wanted."""
        status = self.process.stop()
        self.end()
        assert status == 0, self.process.log
        assert ('Traceback' in self.process.log) is traced

    def logged(self, text: str) -> None:
        """Wait for a text in the node's log."""
        self.until(lambda: text in self.process.log, f'log line with {text!r}')

    def send(self, number: int, **changes: Any) -> None:
        """Send image `number` of the blob scene as mono8, or with other fields."""
        self.camera.publish(image(number, **{'stamp': self.at(number), **changes}))

    def init(self, box: Box, stamp: int = 0, **changes: Any) -> None:
        """Send an init box."""
        message = Detection2D(id=changes.get('id', ''))
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
        fill_box(message, box)
        if 'class_id' in changes:
            result = ObjectHypothesisWithPose()
            result.hypothesis.class_id = changes['class_id']
            message.results = [result]
        self.user.publish(message)

    def answered(self, stamp: int) -> Detection2D:
        """Wait for the detection of an image and return it."""
        return self.until(
            lambda: next((d for d in self.detections if stamp_of(d) == stamp), None),
            f'detection of {stamp}',
        )

    def state(self, state: str) -> DiagnosticStatus:
        """Wait until the newest status is a certain state and return it."""
        self.until(lambda: self.statuses and self.statuses[-1].message == state, f'state {state}')
        return self.statuses[-1]

    def at(self, number: int) -> int:
        """Return the stamp of image `number`, later than all before the last `fresh`."""
        return self._base + number * 1000

    def fresh(self) -> None:
        """Forget the target, and go on with later stamps."""
        self.reset()
        self.state('idle')
        self._base = time.time_ns()
        self.detections.clear()

    def start(self, first: int = 0) -> None:
        """Begin afresh with an init on image `first`, and wait until it is answered."""
        self.fresh()
        self.init(truth(first), self.at(first))
        self.send(first)
        self.answered(self.at(first))
        self.state('tracking')

    def reset(self) -> Any:
        """Call ~/reset."""
        return self.call(Trigger, '/tracker/reset', Trigger.Request())

    def enable(self, on: bool) -> Any:
        """Call ~/enable."""
        return self.call(SetBool, '/tracker/enable', SetBool.Request(data=on))

    def set(self, name: str, value: Any) -> Any:
        """Set a parameter and return the result."""
        parameter: ParameterMessage = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[parameter])
        return self.call(SetParameters, '/tracker/set_parameters', request).results[0]

    def transition(self, id: int = 0, label: str = '') -> bool:
        """Ask for a transition, and return whether it succeeded."""
        before = self.lifecycle_state
        request = ChangeState.Request(transition=Transition(id=id, label=label))
        client = self.node.create_client(ChangeState, '/tracker/change_state')
        self.until(client.service_is_ready, 'change_state')
        future, end = client.call_async(request), time.monotonic() + 5
        self.until(lambda: future.done() or time.monotonic() > end, 'the transition')
        self.node.destroy_client(client)
        # For want of a response (see `call`), the state tells.
        return future.result().success if future.done() else self.lifecycle_state != before

    @property
    def lifecycle_state(self) -> str:
        """The node's present state."""
        return self.state_of('/tracker')


def image(number: int, **changes: Any) -> Image:
    """Make image `number` of the blob scene, mono8 unless changed; `pixels` sets data and size."""
    pixels = changes.pop('pixels', None)
    if pixels is None:
        pixels = scene(number).pixels
    stamp = changes.pop('stamp')
    message = Image(height=pixels.shape[0], width=pixels.shape[1], encoding='mono8')
    message.header.frame_id = 'thermal_optical'
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
    message.step = pixels.strides[0]
    message.data = np.ascontiguousarray(pixels).tobytes()
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def stamp_of(message: Any) -> int:
    """Return the stamp of a message with a header, ns."""
    return nanoseconds(message.header.stamp)


def box_of(message: Detection2D) -> Box:
    """Return the box of a detection."""
    center = message.bbox.center.position
    return Box.from_center(center.x, center.y, message.bbox.size_x, message.bbox.size_y)


def reason(status: DiagnosticStatus) -> str:
    """Return why a status is what it is."""
    return next(value.value for value in status.values if value.key == 'reason')
