# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Readers of benchmark and training sets; each layout is recognised by itself."""

from .layout import LeftOut
from .readers import read_benchmark
from .sequence import Frames, ImageFrames, Sequence, VideoFrames

__all__ = ['Frames', 'ImageFrames', 'LeftOut', 'Sequence', 'VideoFrames', 'read_benchmark']
