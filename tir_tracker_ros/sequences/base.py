# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What all readers share: the stream of images that each of them is, and finding files."""

from __future__ import annotations

from abc import ABC, abstractmethod
import codecs
from collections.abc import Iterator
import logging
from pathlib import Path
import re

from ..imaging.thermal_image import ThermalImage

logger = logging.getLogger(__name__)

BAG_SUFFIXES = ('.mcap', '.db3')
_ROS1_MAGIC = b'#ROSBAG V'


class Source(ABC):
    """
    A stream of thermal images; can be iterated more than once, except for a live one.

    An image that cannot be read (a damaged packet, an empty message) is left out with a warning;
    the others keep their numbers.
    """

    name: str
    """Short name, for titles and folders."""
    size: tuple[int, int]
    """Width and height of the first image, pixels."""
    length: int | None = None
    """Number of images that the container claims, for progress; None when not known."""
    rate: float = 30.0
    """Images per second; 30 where it is not known."""
    live: bool = False
    """Whether images come at their own pace, and only once."""

    def numbered(self) -> Iterator[tuple[int, ThermalImage]]:
        """Iterate over number (from 0) and image; raises OSError or ValueError as `__iter__`."""
        for number, image in enumerate(self._read()):
            if isinstance(image, ValueError):
                logger.warning('image %d of %s is left out: %s', number, self.name, image)
            else:
                yield number, image

    def __iter__(self) -> Iterator[ThermalImage]:
        """Iterate over the images; raises OSError or ValueError where no more can be read."""
        return (image for _, image in self.numbered())

    @abstractmethod
    def _read(self) -> Iterator[ThermalImage | ValueError]:
        """Iterate over the images; the error where an image cannot be read but later ones may."""

    def _first(self) -> ThermalImage:
        """Return the first image that can be read; raises ValueError when there is none."""
        broken = None
        for image in self._read():
            if not isinstance(image, ValueError):
                return image
            broken = broken or image
        raise broken or ValueError('no image')


def is_bag(path: Path) -> bool:
    """
    Tell whether `path` is a ROS 2 bag: a storage file, or a folder with one in it.

    Raises ValueError for a bag of ROS 1, which cannot be read.
    """
    if path.is_dir():
        return (path / 'metadata.yaml').exists() or bool(bag_files(path))
    if path.is_file():
        with path.open('rb') as file:
            if file.read(len(_ROS1_MAGIC)) == _ROS1_MAGIC:
                raise ValueError(
                    f'{path} is a bag of ROS 1; convert it first: '
                    f'rosbags-convert --src {path} --dst {path.stem}_ros2'
                )
    return path.suffix in BAG_SUFFIXES


def bag_files(folder: Path) -> list[Path]:
    """Return the storage files in a folder, in natural order."""
    return [path for path in listed(folder) if path.suffix in BAG_SUFFIXES]


def listed(folder: Path) -> list[Path]:
    """
    Return what is in a folder, in natural order (2 before 10), without hidden files.

    Those have names that begin with a dot; macOS leaves a `._name` beside every file of a copy.
    """
    found = (path for path in folder.iterdir() if not path.name.startswith('.'))
    return sorted(found, key=natural_key)


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Key that sorts `frame2` before `frame10`."""
    parts = re.findall(r'\d+|\D+', path.name)
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, or in UTF-16 with a byte order mark; a mark is left out."""
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode('utf-16', errors='replace')
    return content.decode('utf-8-sig', errors='replace')
