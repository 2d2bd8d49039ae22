# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder of numbered images as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from ..imaging.decode import to_gray
from ..imaging.thermal_image import ThermalImage
from .base import natural_key, Source

SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.tif', '.tiff')


class ImageFolder(Source):
    """The images of a folder in natural order (2 before 10); 8- and 16-bit, float32 tiff."""

    def __init__(self, folder: Path, rate: float = 30.0) -> None:
        """Raise ValueError when there is no image in the folder, or its first is broken."""
        self.name = folder.resolve().name
        self.rate = rate
        found = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        self.paths = sorted(found, key=natural_key)
        if not self.paths:
            raise ValueError(f'folder {folder} holds no image ({", ".join(SUFFIXES)})')
        self.length = len(self.paths)
        first = read_image(self.paths[0])
        self.size = first.width, first.height

    def __iter__(self) -> Iterator[ThermalImage]:
        """Iterate over the images; their stamps are their places at the rate of the folder."""
        for index, path in enumerate(self.paths):
            yield read_image(path, round(index * 1e9 / self.rate))


def read_image(path: Path, stamp: int = 0) -> ThermalImage:
    """Read one image file as gray; raises ValueError, naming the file, when it cannot be."""
    try:
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ValueError(f'image {path} cannot be read')
    try:
        pixels = to_gray(pixels)
    except ValueError as error:
        raise ValueError(f'image {path}: {error}') from None
    return ThermalImage(pixels, stamp, ENCODINGS[pixels.dtype.name])


ENCODINGS = {'uint8': 'mono8', 'uint16': 'mono16', 'float32': '32FC1'}
