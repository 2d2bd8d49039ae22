# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Thermal images: decoding, gain control, frozen-frame guard, sub-windows and overlay."""
