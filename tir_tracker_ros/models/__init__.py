# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks as plain torch modules, presets and weights; no I/O but weight files."""
