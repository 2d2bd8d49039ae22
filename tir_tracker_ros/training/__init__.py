# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Data sets, pair sampling, augmentation, losses and the Lightning module."""
