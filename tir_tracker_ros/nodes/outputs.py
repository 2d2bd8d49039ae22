# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the tracker node publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image, Temperature
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray

from ..imaging.overlay import draw_overlay, TargetColors
from ..tracking.masks import labelled
from ..tracking.target import Answer, Status, Target
from . import messages, qos


class Outputs:
    """The publishers of the tracker node; pictures are drawn only while somebody subscribes."""

    def __init__(self, node: Node, with_diagnostics: bool, max_targets: int = 1) -> None:
        self._max_targets, self._colors = max_targets, TargetColors()
        self._statuses: dict[str, DiagnosticStatus] = {}
        self._has_masks = False
        """Whether the model has drawn a mask so far."""
        self._node = node
        self._name = node.get_fully_qualified_name()
        self._publishers: list[Any] = []
        try:
            self._status_out = self._create(DiagnosticStatus, '~/status', qos.status(max_targets))
            self._detection_out = self._create(Detection2D, '~/detection', qos.detection())
            self._detections_out = self._create(Detection2DArray, '~/detections', qos.detection())
            self._debug_out = self._create(Image, '~/debug_image', qos.picture())
            self._response_out = self._create(Image, '~/response_map', qos.picture())
            self._mask_out = self._create(Image, '~/mask', qos.picture())
            self._temperature_out = self._create(Temperature, '~/temperature', qos.detection())
            self._diagnostics_out = None
            if with_diagnostics:
                topic = '/diagnostics'
                self._diagnostics_out = self._create(DiagnosticArray, topic, qos.diagnostics())
        except BaseException:
            self.close()  # of those that there are by now
            raise

    def _create(self, kind: type, topic: str, profile: Mapping[str, Any]) -> Any:
        self._publishers.append(self._node.create_publisher(kind, topic, **profile))
        return self._publishers[-1]

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    @property
    def pictures_wanted(self) -> bool:
        """Whether somebody subscribes to the debug image."""
        return self._debug_out.get_subscription_count() > 0

    def status(self, status: Status) -> None:
        """
        Publish a change of the state.

        Of several targets, the last status of the others is published before it, so that those
        kept for late subscribers hold one of each.
        """
        message = messages.state_message(status, f'{self._name}: target')
        if self._max_targets > 1:
            self._statuses.pop(status.id, None)
            for other in self._statuses.values():
                self._status_out.publish(other)
            if status.id and status.state != 'idle':
                self._statuses[status.id] = message
        self._status_out.publish(message)

    def detections(self, answers: Sequence[Answer], header: Header) -> None:
        """Publish the answers of all targets for an image; `header` is that of the image."""
        for answer in answers:
            self._detection_out.publish(messages.detection(answer, header))
        if self._detections_out.get_subscription_count():
            self._detections_out.publish(messages.detections(answers, header))
        if self._max_targets > 1 or not self._temperature_out.get_subscription_count():
            return
        for answer in answers:
            if answer.temperatures is not None:
                median = answer.temperatures.median
                self._temperature_out.publish(Temperature(header=header, temperature=median))

    def pictures(self, answers: Sequence[Answer], header: Header) -> None:
        """Draw the answers for an image, the response of the first target, and the masks."""
        if self.pictures_wanted:
            several = self._max_targets > 1
            colors = self._colors.of([answer.id for answer in answers]) if several else [None]
            picture = answers[0].image01
            for answer, color in zip(answers, colors):
                picture = draw_overlay(
                    picture,
                    answer.box,
                    answer.state,
                    answer.score,
                    answer.id,
                    answer.response if answer is answers[0] else None,
                    temperature=answer.temperatures.median if answer.temperatures else None,
                    color=color,
                    theta=answer.theta,
                    mask=answer.mask.pixels if answer.mask else None,
                )
            self._show(picture, header)
        response = answers[0].response
        if response is not None and self._response_out.get_subscription_count():
            self._response_out.publish(messages.image_message(response, '32FC1', header))
        self._has_masks |= any(answer.mask for answer in answers)
        if self._has_masks and self._mask_out.get_subscription_count():
            masks = [answer.mask.pixels if answer.mask else None for answer in answers]
            pixels = labelled(masks, answers[0].image01.shape, self._max_targets > 1)
            self._mask_out.publish(messages.image_message(pixels, 'mono8', header))

    def idle_picture(self, image01: np.ndarray, state: str, header: Header) -> None:
        """Draw an image, `H x W` float32 0..1, for which there is no answer."""
        self._show(draw_overlay(image01, state=state), header)

    def _show(self, picture: np.ndarray, header: Header) -> None:
        self._debug_out.publish(messages.image_message(picture, 'bgr8', header))

    def diagnostics(
        self,
        level: bytes,
        text: str,
        values: Mapping[str, float | str],
        device: str,
        targets: Sequence[Target],
    ) -> None:
        """
        Publish diagnostics, if they are asked for: a status of the node, and one of each target.

        Names are `NODE: PART`, as those of diagnostic_updater, by which diagnostic_aggregator
        groups them.
        """
        if self._diagnostics_out is None:
            return
        node = messages.diagnostic(f'{self._name}: tracker', level, text, values)
        node.hardware_id = device
        message = DiagnosticArray(status=[node])
        message.header.stamp = self._node.get_clock().now().to_msg()
        for target in targets:
            state = Status(target.state.name, target.state.reason, target.details(), id=target.id)
            status = messages.state_message(state, f'{self._name}: target {target.id}')
            if target.state.failing:
                status.level = DiagnosticStatus.ERROR
            message.status.append(status)
        self._diagnostics_out.publish(message)
