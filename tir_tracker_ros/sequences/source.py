# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Opens any recording or camera as one stream of thermal images.

Each reader is imported only when it is needed, since its packages may not be installed.
"""

from __future__ import annotations

from pathlib import Path
import re

from .base import is_bag, Source


def open_source(source: str | Path, topic: str | None = None) -> Source:
    """
    Open a recording or a camera.

    That is a video file, an image folder, an image file (of many pages), a ROS 2 bag (folder,
    .mcap, .db3), an address (rtsp://, http:// ...) or a camera (its index or /dev/video0).
    `topic` chooses among the image topics of a bag. Raises OSError or ValueError, naming the
    source, when it is none of these or cannot be read, and ImportError when a package is missing.
    """
    text, path = str(source), Path(source)
    if re.match(r'[a-z]+://', text):
        from .videos import StreamSource

        return StreamSource(text)
    device = re.fullmatch(r'/dev/video(\d+)', str(path.resolve()))  # links have telling names
    if device or (not path.exists() and text.isdecimal()):
        from .videos import CameraSource

        return CameraSource(int(device[1] if device else text))
    if not path.exists():
        raise FileNotFoundError(f'source {text} does not exist')
    if is_bag(path):
        from .bags import BagSource

        return BagSource(path, topic)
    if topic is not None:
        raise ValueError(f'source {text} is not a bag, so topic {topic} cannot be chosen')
    from .folders import open_images, SUFFIXES

    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return open_images(path)
    from .videos import VideoSource

    return VideoSource(path)
