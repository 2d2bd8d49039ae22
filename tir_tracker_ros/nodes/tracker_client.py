# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Asks a tracker node for what a person wants of it, from any thread."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
import time
from typing import Any

from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import Detection2D

from ..tracking.inits import InitRequest
from . import qos
from .messages import init_message

_ANSWER_SECONDS = 3.0
_AGAIN_SECONDS = 5.0
_ASKED = ('buffer_size', 'max_targets', 'image_transport')


class TrackerClient:
    """
    The commands of docs/node.md, each with a reply in words.

    `node` makes the calls and has to be spun by another thread than the caller's. Raises
    ValueError where nobody listens, and TimeoutError where nobody answers.
    """

    def __init__(self, node: Node, tracker: str) -> None:
        name = node.resolve_topic_name(tracker)
        self._node, self._name = node, name
        self._init = node.create_publisher(Detection2D, f'{name}/init', **qos.detection())
        self._cancel = node.create_publisher(String, f'{name}/cancel', **qos.cancel())
        self._reset = node.create_client(Trigger, f'{name}/reset')
        self._enable = node.create_client(SetBool, f'{name}/enable')
        self._parameters = node.create_client(GetParameters, f'{name}/get_parameters')
        self._asked_at = -_AGAIN_SECONDS
        self.known: dict[str, Any] = {}
        """Parameters of the tracker, by name, once it has told them."""

    def init(self, request: InitRequest) -> str:
        """Send an init."""
        self._publish(self._init, init_message(request))
        return 'the box is sent'

    def cancel(self, id: str) -> str:
        """Send the id of a target to forget."""
        self._publish(self._cancel, String(data=id))
        return f'cancel of target {id} is sent'

    def reset(self) -> str:
        """Forget all targets."""
        return self._called(self._reset, Trigger.Request())

    def pause(self, on: bool) -> str:
        """Pause the tracker, or let it go on."""
        return self._called(self._enable, SetBool.Request(data=not on))

    def settings(self) -> dict[str, Any]:
        """Return what is known of the parameters; asks for them now and then, but never waits."""
        now = time.monotonic()
        if now - self._asked_at > _AGAIN_SECONDS and self._parameters.service_is_ready():
            self._asked_at = now
            future = self._parameters.call_async(GetParameters.Request(names=list(_ASKED)))
            future.add_done_callback(self._learn)
        return self.known

    def _learn(self, future: Any) -> None:
        values = future.result().values if future.exception() is None else []
        if len(values) == len(_ASKED):
            self.known = dict(zip(_ASKED, map(parameter_value_to_python, values)))

    def _publish(self, publisher: Any, message: Any) -> None:
        if not publisher.get_subscription_count():
            raise ValueError(
                f'nobody listens on {publisher.topic_name}: is the tracker {self._name} active?'
            )
        publisher.publish(message)

    def _called(self, client: Any, request: Any) -> str:
        if not client.service_is_ready():
            raise ValueError(f'there is no {client.srv_name}: is the tracker {self._name} active?')
        answer: Future[Any] = Future()
        client.call_async(request).add_done_callback(lambda done: answer.set_result(done.result()))
        try:
            response = answer.result(_ANSWER_SECONDS)
        except FutureTimeout:
            raise TimeoutError(
                f'{client.srv_name} has not answered within {_ANSWER_SECONDS:g} s'
            ) from None
        if not response.success:
            raise ValueError(f'{client.srv_name}: {response.message}')
        return response.message
