# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What all readers share: the stream of images that each of them is, and finding files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
import re

from ..imaging.thermal_image import ThermalImage

BAG_SUFFIXES = ('.mcap', '.db3')


class Source(ABC):
    """A stream of thermal images; can be iterated more than once, except for a camera."""

    name: str
    """Short name, for titles and folders."""
    size: tuple[int, int]
    """Width and height of the first image, pixels."""
    length: int | None = None
    """Number of images that the container claims, for progress; None when not known."""
    rate: float = 30.0
    """Images per second; 30 where it is not known."""

    @abstractmethod
    def __iter__(self) -> Iterator[ThermalImage]:
        """Iterate over the images; raises OSError or ValueError at what cannot be read."""


def is_bag(path: Path) -> bool:
    """Tell whether `path` is a ROS 2 bag: a storage file, or a folder with one in it."""
    if path.is_dir():
        return (path / 'metadata.yaml').exists() or bool(bag_files(path))
    return path.suffix in BAG_SUFFIXES


def bag_files(folder: Path) -> list[Path]:
    """Return the storage files in a folder, in natural order."""
    found = (path for path in folder.iterdir() if path.suffix in BAG_SUFFIXES)
    return sorted(found, key=natural_key)


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Key that sorts `frame2` before `frame10`."""
    parts = re.findall(r'\d+|\D+', path.name)
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]
