# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node `player`: publishes the messages of a bag at their times, without rosbag2."""

from __future__ import annotations

from collections.abc import Callable
import functools
import importlib
import importlib.util
from pathlib import Path
import sys
import time
from typing import Any

from builtin_interfaces.msg import Time
import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock

from ..sequences.bags import BagReader, COMPRESSED_IMAGE, DETECTION, IMAGE, Message
from . import qos
from .lifecycle import spin_once, until_told_to_stop, USER_MISTAKES
from .parameters import PLAYER
from .ros_parameters import RosParameters

_CLOCK_PERIOD = 0.025


def message_class(name: str) -> type | None:
    """
    Return the class of `package/msg/Type`; None where no such message is installed.

    The name comes from a bag, so only what rosidl has generated is imported, whatever it says.
    """
    package, _, type_name = name.partition('/msg/')
    if not (package.isidentifier() and type_name.isidentifier()):
        return None
    spec = importlib.util.find_spec(package)
    folders = (spec and spec.submodule_search_locations) or ()
    if not any(list(Path(f).glob(f'{package}_s__rosidl_typesupport_*')) for f in folders):
        return None
    try:
        return getattr(importlib.import_module(f'{package}.msg'), type_name)
    except (ImportError, AttributeError):
        return None


class PlayerNode(Node):
    """
    See docs/node.md for the parameters.

    Messages go out as they were recorded, byte for byte. Raises ValueError or OSError for bad
    parameters or a bag that cannot be read.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('player', allow_undeclared_parameters=True, **kwargs)
        self._table = RosParameters(self, PLAYER, frozen=lambda: 'is read at the start only')
        if self._table.problems:
            raise ValueError('; '.join(self._table.problems))
        if not self._table['bag']:
            raise ValueError('parameter bag is not given; it names the bag to play')
        self._path = Path(str(self._table['bag'])).expanduser()
        self._rate = float(self._table['rate'])
        with BagReader(self._path) as bag:
            self._types = self._wanted(bag)
        self._publishers_by_topic = {
            topic: self.create_publisher(
                message_class(kind),
                topic,
                **qos.replayed(latched=kind not in (IMAGE, COMPRESSED_IMAGE)),
            )
            for topic, kind in self._types.items()
        }
        self._clock_out = None
        if self._table['clock']:
            self._clock_out = self.create_publisher(Clock, '/clock', **qos.replayed())
        self._next_tick = 0.0

    def _wanted(self, bag: BagReader) -> dict[str, str]:
        """Choose topics and their types."""
        asked = ['/' + name.strip('/') for name in str(self._table['topics']).split()]
        for topic in asked:
            if topic not in bag.types:
                raise ValueError(f'bag {bag.path} has no {topic}; it has: {", ".join(bag.types)}')
        types = {topic: bag.types[topic] for topic in asked or bag.types}
        if self._table['clock']:
            types.pop('/clock', None)
        for topic in [topic for topic, kind in types.items() if message_class(kind) is None]:
            self.get_logger().warning(f'{topic} is left out: {types.pop(topic)} is not installed')
        if not types:
            raise ValueError(f'bag {bag.path} has no topic that can be played')
        return types

    def play(self, spin: Callable[[float], None]) -> int:
        """
        Publish the bag, and return the number of messages.

        `spin(seconds)` lets the node's callbacks run for at most that long.
        """
        self._wait_for_subscriptions(spin)
        count = self._play_once(spin)
        if not count:
            raise ValueError(f'bag {self._path} has no message after its start')
        while self._table['loop']:
            self.get_logger().info('the bag starts again')
            count += self._play_once(spin)
        end = time.monotonic() + 1
        for publisher in self._publishers_by_topic.values():
            publisher.wait_for_all_acked(Duration(seconds=max(end - time.monotonic(), 0)))
        return count

    def _wait_for_subscriptions(self, spin: Callable[[float], None]) -> None:
        # A subscriber that matches late would miss the first images, or the init.
        wanted = int(self._table['wait_for'])
        for topic, kind in self._types.items():
            count = wanted if kind in (IMAGE, COMPRESSED_IMAGE) else 0
            if kind == DETECTION and topic.endswith('/init'):
                count = min(wanted, 1)
            publisher = self._publishers_by_topic[topic]
            if publisher.get_subscription_count() < count:
                self.get_logger().info(
                    f'waiting for {count} subscription{"s" * (count > 1)} of '
                    f'{publisher.topic_name}'
                )
            while publisher.get_subscription_count() < count:
                spin(0.02)

    def _play_once(self, spin: Callable[[float], None]) -> int:
        count, first, began = 0, None, 0.0
        skipped = int(float(self._table['start']) * 1e9)
        with BagReader(self._path) as bag:
            for message in bag.messages(list(self._types)):
                if first is None:
                    first, began = message.time + skipped, time.monotonic()
                if message.time < first:
                    continue
                self._wait_until(first, began, message, spin)
                self._publishers_by_topic[message.topic].publish(bytes(message.data))
                count += 1
        return count

    def _wait_until(
        self, first: int, began: float, message: Message, spin: Callable[[float], None]
    ) -> None:
        """Wait for the time of a message, and publish the clock meanwhile."""
        due = began + (message.time - first) / 1e9 / self._rate
        while (rest := due - time.monotonic()) > 0:
            self._tick(first + int((time.monotonic() - began) * self._rate * 1e9))
            spin(min(rest, _CLOCK_PERIOD))
        self._next_tick = 0.0
        self._tick(message.time)

    def _tick(self, bag_time: int) -> None:
        if self._clock_out is not None and time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + _CLOCK_PERIOD
            seconds, nanoseconds = divmod(bag_time, 10**9)
            self._clock_out.publish(Clock(clock=Time(sec=seconds, nanosec=nanoseconds)))


def main(args: list[str] | None = None) -> int:
    """Play a bag and return the exit status."""
    status = 0
    with until_told_to_stop(args):
        node = None
        try:
            node = PlayerNode()
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            count = node.play(functools.partial(spin_once, executor, node))
            node.get_logger().info(f'played {count} messages')
        except USER_MISTAKES as error:
            rclpy.logging.get_logger('player').error(str(error))
            status = 1
        finally:
            if node is not None:
                node.destroy_node()
    return status


if __name__ == '__main__':
    sys.exit(main())
