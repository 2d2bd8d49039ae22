# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Quality of service of every topic, each with overrides by parameters.

A fresh profile for every entity: rclpy writes overrides into the very object that it is given.
"""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.qos import (
    qos_check_compatible,
    QoSCompatibility,
    QoSDurabilityPolicy,
    QoSPolicyKind,
    QoSProfile,
    QoSReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription


def _profile(depth: int, reliable: bool, latched: bool = False) -> dict[str, Any]:
    policies = QoSReliabilityPolicy, QoSDurabilityPolicy
    return {
        'qos_profile': QoSProfile(
            depth=depth,
            reliability=policies[0].RELIABLE if reliable else policies[0].BEST_EFFORT,
            durability=policies[1].TRANSIENT_LOCAL if latched else policies[1].VOLATILE,
        ),
        'qos_overriding_options': QoSOverridingOptions(
            (
                QoSPolicyKind.HISTORY,
                QoSPolicyKind.DEPTH,
                QoSPolicyKind.RELIABILITY,
                QoSPolicyKind.DURABILITY,
            )
        ),
    }


def newest_image() -> dict[str, Any]:
    """For images that come in: best effort, one; what is older than the newest is not wanted."""
    return _profile(1, reliable=False)


def picture() -> dict[str, Any]:
    """For images that go out to be looked at: sensor data."""
    return _profile(5, reliable=False)


def init() -> dict[str, Any]:
    """For the init box: reliable; volatile, because that matches every publisher."""
    return _profile(1, reliable=True)


def detection() -> dict[str, Any]:
    """For detections: reliable."""
    return _profile(10, reliable=True)


def status() -> dict[str, Any]:
    """For the state: reliable, and the last one kept for those who come late."""
    return _profile(1, reliable=True, latched=True)


def diagnostics() -> dict[str, Any]:
    """For /diagnostics, as everybody publishes it."""
    return _profile(10, reliable=True)


def replayed(latched: bool) -> dict[str, Any]:
    """For a topic out of a bag: reliable, which matches every subscription."""
    return _profile(10, reliable=True, latched=latched)


def why_unheard(node: Node, subscription: Subscription) -> list[str]:
    """Say of each publisher on the topic of a subscription why it cannot be heard, if so."""
    wanted: Any = subscription.msg_type
    type_name = f'{wanted.__module__.split(".")[0]}/msg/{wanted.__name__}'
    reasons = []
    for publisher in node.get_publishers_info_by_topic(subscription.topic_name):
        compatible, reason = qos_check_compatible(publisher.qos_profile, subscription.qos_profile)
        if publisher.topic_type != type_name:
            reason = f'it sends {publisher.topic_type}, not {type_name}'
        elif compatible != QoSCompatibility.ERROR:
            continue
        reasons.append(f'{publisher.node_name}: {reason.strip()}')
    return reasons
