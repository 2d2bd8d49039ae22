# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Thermal image decoding, gain, sub-windows and drawing (numpy and OpenCV only)."""
