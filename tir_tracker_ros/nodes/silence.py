# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether images come; and why not, as far as it can be seen from here."""

from __future__ import annotations

import time

from rclpy.node import Node
from rclpy.subscription import Subscription

from . import qos

_SUFFIX = '/compressed'


class Silence:
    """Logs when no image comes, once for each cause, and when images are back."""

    def __init__(self, node: Node, images: Subscription) -> None:
        self._node, self._images = node, images
        self._last_image = time.monotonic()
        self._told = ''

    def image(self) -> None:
        """Take note that an image has come."""
        before, self._last_image = self._last_image, time.monotonic()
        if self._told:
            self._told = ''
            self._node.get_logger().info(
                f'images on {self._images.topic_name} again, '
                f'after {self._last_image - before:.1f} s without'
            )

    def check(self, patience: float) -> str:
        """Warn of no image for so many seconds, 0 for never; returns a new warning, or ''."""
        silent = time.monotonic() - self._last_image
        if patience and silent > patience and (cause := self._cause()) != self._told:
            self._told = cause
            text = f'no image on {self._images.topic_name} for {silent:.1f} s; {cause}'
            self._node.get_logger().warning(text)
            return text
        return ''

    def _cause(self) -> str:
        topic = self._images.topic_name
        cause = f'it has {self._publishers(topic)}'
        cause += ''.join(
            f'; cannot hear {why}' for why in qos.why_unheard(self._node, self._images)
        )
        compressed = topic.endswith(_SUFFIX)
        other = topic.removesuffix(_SUFFIX) if compressed else topic + _SUFFIX
        if not self._node.count_publishers(topic) and self._node.count_publishers(other):
            cause += f'; {other} has {self._publishers(other)}, which image_transport: '
            cause += f'{"raw" if compressed else "compressed"} listens to'
        return cause

    def _publishers(self, topic: str) -> str:
        count = self._node.count_publishers(topic)
        return f'{count} publisher{"" if count == 1 else "s"}'
