# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Quality of service of every topic, each with overrides by parameters.

Every call makes a new profile, because rclpy writes overrides into the object that it is given.
"""

from __future__ import annotations

from functools import partial
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


newest_image = partial(_profile, 1, reliable=False)
"""For images that come in: best effort, depth 1, because only the newest image is wanted."""
picture = partial(_profile, 5, reliable=False)
"""For images that are published to be looked at: sensor data."""


def init(max_targets: int = 1) -> dict[str, Any]:
    """For init boxes and clicks: reliable, and volatile, which matches every publisher."""
    return _profile(max_targets, reliable=True)


candidates = partial(_profile, 1, reliable=False)
"""For what a detector finds: best effort, which matches every publisher, and the newest only."""
cancel = partial(_profile, 10, reliable=True)
"""For ids that are cancelled: reliable."""
detection = partial(_profile, 10, reliable=True)
"""For detections: reliable."""


def status(max_targets: int = 1) -> dict[str, Any]:
    """
    For the states: reliable, and the last of every target is kept for late subscribers.

    With several targets, there is one more place, for what concerns none of them.
    """
    depth = 1 if max_targets == 1 else max_targets + 1
    return _profile(depth, reliable=True, latched=True)


diagnostics = partial(_profile, 10, reliable=True)
"""For /diagnostics: reliable, as other nodes publish it."""
replayed = partial(_profile, 10, reliable=True)
"""For a topic of a bag: reliable, which matches every subscription."""


def why_unheard(node: Node, subscription: Subscription) -> list[str]:
    """Say why each publisher that a subscription cannot hear cannot be heard."""
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
