# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Seeded synthetic thermal scenes with ground truth."""

from .recipes import CATEGORIES, CHALLENGES, TARGETS
from .scene import render, Scene, SceneFrame

__all__ = ['CATEGORIES', 'CHALLENGES', 'render', 'Scene', 'SceneFrame', 'TARGETS']
