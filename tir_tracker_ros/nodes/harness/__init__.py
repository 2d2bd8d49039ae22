# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Starts nodes in processes of their own and drives them, for the demo, benchmarks and tests."""
