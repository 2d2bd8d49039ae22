# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Follow one object in thermal-infrared video: tracker, ROS 2 node, training and evaluation."""

import os

__version__ = '0.1.0'

# Read when numpy is loaded: its products here are small, so that more threads would wait for
# each other, on cores that belong to others (parameter `threads`).
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
