# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node `tracker`: images and an init box come in, a detection for each goes out."""

from __future__ import annotations

from collections.abc import Callable
import functools
import time
import traceback
from typing import Any

from geometry_msgs.msg import Point
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import Detection2D, Detection2DArray

from ..tracking.loading import load_tracker
from . import qos
from .lifecycle import ManagedNode, spin, unless_told_to_stop, until_told_to_stop
from .parameters import TRACKER, tracker_arguments, Value
from .ros_parameters import RosParameters
from .session import Session
from .silence import Silence


def logged(method: Callable) -> Callable:
    """Log the error of a callback that fails, so that the node keeps running."""

    @functools.wraps(method)
    def wrapper(self, *args):
        try:
            return method(self, *args)
        except Exception:
            self.get_logger().error(traceback.format_exc())

    return wrapper


class TrackerNode(ManagedNode):
    """
    See docs/node.md for topics, services and parameters.

    Takes messages and answers services; images and commands are processed in the session's thread,
    so that a slow model delays neither. `load` takes the arguments of `load_tracker`.
    """

    def __init__(self, load: Callable[..., Any] = load_tracker, **kwargs: Any) -> None:
        self._session: Session | None = None
        super().__init__('tracker', allow_undeclared_parameters=True, **kwargs)
        self._load = load
        self._inputs: list[Any] = []
        self._timer: Any = None
        self._made: list[Any] = []
        self._table = RosParameters(
            self, TRACKER, frozen=self._why_frozen, on_change=self._on_change
        )
        for problem in self._table.problems:
            self.get_logger().error(problem)

    @property
    def session(self) -> Session:
        """The session between configure and cleanup; raises RuntimeError in other states."""
        if self._session is None:
            raise RuntimeError('the node is not configured')
        return self._session

    def configure(self) -> None:
        """Load the model, create publishers and services; raises on a bad parameter or model."""
        if self._table.problems:
            raise ValueError('; '.join(self._table.problems))
        values = self._table.values

        def load() -> Any:
            tracker = self._load(**tracker_arguments(values))
            times.append(time.monotonic())
            tracker.warm_up()
            times.append(time.monotonic())
            return tracker

        times = [time.monotonic()]
        tracker = unless_told_to_stop(self.context, load)
        self._session = Session(self, tracker, values)
        self._made = [
            self.create_service(Trigger, '~/reset', self._on_reset),
            self.create_service(SetBool, '~/enable', self._on_enable),
        ]
        self.get_logger().info(
            f'model {self.session.model}: loaded in {times[1] - times[0]:.2f} s, '
            f'warmed up in {times[2] - times[1]:.2f} s'
        )

    def activate(self) -> None:
        """Subscribe, and say to what."""
        self.session.forget('no target yet')
        topic, kind = self.resolve_topic_name('image'), Image
        if self._table['image_transport'] == 'compressed':
            topic, kind = f'{topic}/compressed', CompressedImage
        room = int(self._table['max_targets'])
        for each in (
            (kind, topic, self._on_image, qos.newest_image()),
            (Detection2D, '~/init', self._on_init, qos.init(room)),
            (Point, '~/click', self._on_click, qos.init(room)),
            (String, '~/cancel', self._on_cancel, qos.cancel()),
        ):
            self._inputs.append(self.create_subscription(*each[:3], **each[3]))
        if self._table['auto_init'] != 'never':
            topic = self.resolve_topic_name('candidates')
            self._inputs.append(
                self.create_subscription(
                    Detection2DArray, topic, self._on_candidates, **qos.candidates()
                )
            )
        images, inits = (one.topic_name for one in self._inputs[:2])
        self.get_logger().info(f'listens to {images} ({kind.__name__}) and, for inits, {inits}')
        self._silence = Silence(self, self._inputs[0])
        # The node's clock is not used: simulated time may stand still, and the warnings with it.
        self._timer = self.create_timer(
            1.0, self._on_second, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def deactivate(self) -> None:
        """Unsubscribe, and forget the target, which will be elsewhere when images come again."""
        while self._inputs:
            self.destroy_subscription(self._inputs.pop())
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._timer = None
        if self._session is not None:
            self.session.forget('deactivated')

    def release(self) -> None:
        """Release model, publishers and services."""
        while self._made:
            self.destroy_service(self._made.pop())
        if self._session is not None:
            self.session.close()
        self._session = None

    @logged
    def _on_image(self, message: Image | CompressedImage, info: dict[str, int]) -> None:
        self._silence.image()
        self.session.image(message, info.get('received_timestamp') or time.time_ns())

    @logged
    def _on_init(self, message: Detection2D) -> None:
        self.session.init(message)

    @logged
    def _on_click(self, message: Point) -> None:
        self.session.click(message.x, message.y)

    @logged
    def _on_candidates(self, message: Detection2DArray) -> None:
        self.session.candidates(message)

    @logged
    def _on_cancel(self, message: String) -> None:
        self.session.cancel(message.data)

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.session.forget('reset')
        response.success, response.message = True, 'the target is forgotten'
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response):
        self.session.enable(request.data)
        response.success, response.message = True, 'resumed' if request.data else 'paused'
        return response

    def _why_frozen(self) -> str:
        configured = self._session is not None
        return 'may change only while the node is unconfigured' if configured else ''

    def _on_change(self, values: dict[str, Value]) -> None:
        if self._session is not None:
            self.session.change(values)

    @logged
    def _on_second(self) -> None:
        self._silence.check(float(self._table['no_image_warning']))
        self.session.publish_diagnostics()


def main(args: list[str] | None = None, load: Callable[..., Any] = load_tracker) -> None:
    """Run the node until it is told to stop."""
    with until_told_to_stop(args):
        node = TrackerNode(load)
        try:
            spin(node)
        finally:
            node.release()
            node.destroy_node()


if __name__ == '__main__':
    main()
