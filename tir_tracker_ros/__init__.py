# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Follow one object in thermal-infrared video: tracker, ROS 2 node, training and evaluation."""

__version__ = '0.1.0'
