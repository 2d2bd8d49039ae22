# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image files as a stream: those of a folder, or the pages of one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ..imaging.decode import to_gray
from ..imaging.thermal_image import ThermalImage
from .base import listed, Source

_STACKS = ('.npy', '.tif', '.tiff')
"""Files that may hold several images, called pages."""
SUFFIXES = ('.bmp', '.jp2', '.jpeg', '.jpg', '.pgm', '.png', '.webp', *_STACKS)
ENCODINGS = {'uint8': 'mono8', 'uint16': 'mono16', 'float32': '32FC1'}
# The orientation that a jpeg names (EXIF) is applied, which IMREAD_UNCHANGED does not do.
_FLAGS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
_PAGES_AT_ONCE = 16
"""To reach a page of a tiff file, OpenCV goes through all pages before it."""


class ImageFiles(Source):
    """Image files, all pages of each; 8- and 16-bit counts are kept, others become float32."""

    def __init__(self, paths: list[Path], name: str, rate: float = 30.0) -> None:
        """Raise ValueError when no image can be read."""
        self.paths, self.name, self.rate = paths, name, rate
        self.length = sum(max(page_count(path), 1) for path in paths)
        first = self._first()
        self.size = first.width, first.height

    def _read(self) -> Iterator[ThermalImage]:
        """Iterate over the images; their stamps are their places at the rate of the folder."""
        pages = (page for path in self.paths for page in _pages(path))
        for place, pixels in enumerate(pages):
            stamp = round(place * 1e9 / self.rate)
            yield ThermalImage(pixels, stamp, ENCODINGS[pixels.dtype.name])


def image_files(folder: Path) -> list[Path]:
    """Return the image files in a folder in natural order."""
    return [path for path in listed(folder) if path.suffix.lower() in SUFFIXES]


def open_images(path: Path) -> ImageFiles:
    """Open a folder of images, or one image file; raises ValueError that names the path."""
    if path.is_file():
        return ImageFiles([path], path.stem)
    paths = image_files(path)
    if not paths:
        raise ValueError(f'folder {path} holds no image ({", ".join(SUFFIXES)})')
    return ImageFiles(paths, path.resolve().name)


def read_image(path: Path) -> ThermalImage:
    """Read a file with one image as gray; raises ValueError that names any other file."""
    count = page_count(path)
    if count > 1:
        raise ValueError(f'image {path} holds {count} images, where one is expected')
    (pixels,) = _pages(path)
    return ThermalImage(pixels, 0, ENCODINGS[pixels.dtype.name])


def page_count(path: Path) -> int:
    """Return how many images a file holds; 0 or 1 for one that cannot be read."""
    if path.suffix.lower() not in _STACKS:
        return 1
    if path.suffix.lower() == '.npy':
        try:
            return len(_numpy_stack(path))
        except ValueError:
            return 0
    return cv2.imcount(str(path), _FLAGS)


def _pages(path: Path) -> Iterator[np.ndarray]:
    """Iterate over the images of a file as gray; raises ValueError that names the file."""
    count = max(page_count(path), 1)
    for start in range(0, count, _PAGES_AT_ONCE):
        wanted = min(_PAGES_AT_ONCE, count - start)
        try:
            pages = _read_pages(path, start, wanted)
            if len(pages) < wanted:
                raise ValueError(f'it ends after {start + len(pages)} of {count} images')
            yield from map(to_gray, pages)
        except cv2.error:
            raise ValueError(f'image {path} cannot be read') from None
        except ValueError as error:
            raise ValueError(f'image {path} cannot be read: {error}') from None


def _read_pages(path: Path, start: int, count: int) -> list[np.ndarray]:
    if path.suffix.lower() == '.npy':
        return list(_numpy_stack(path)[start : start + count])
    if path.suffix.lower() in _STACKS:
        return list(cv2.imreadmulti(str(path), start, count, flags=_FLAGS)[1])
    page = cv2.imread(str(path), _FLAGS)
    if page is None:
        raise ValueError('it is damaged, or of no format that OpenCV reads')
    return [page]


def _numpy_stack(path: Path) -> np.ndarray:
    """Map an array `H x W`, `N x H x W`, or with a last axis of 3 or 4 colours, as a stack."""
    array = np.load(path, mmap_mode='r', allow_pickle=False)
    colours = array.ndim > 2 and array.shape[-1] in (3, 4)
    if array.ndim not in ((3, 4) if colours else (2, 3)):
        raise ValueError(f'array of shape {array.shape} is neither an image nor a stack of images')
    return array if array.ndim == (4 if colours else 3) else array[None]
