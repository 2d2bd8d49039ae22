# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""An annotated sequence: frames that are decoded when asked for, and the truth about them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..folders import read_image
from ..source import open_source
from .masks import Masks


class Frames(ABC):
    """
    The gray frames of a sequence, `H x W` uint8, uint16 or float32, decoded when asked for.

    Iterating decodes each frame once, in order. OSError or ValueError name the file that cannot be
    read.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of frames."""

    @abstractmethod
    def __iter__(self) -> Iterator[np.ndarray]:
        """Decode the frames in order."""

    @abstractmethod
    def __getitem__(self, index: int) -> np.ndarray:
        """Decode one frame, `0 <= index < len`."""

    @abstractmethod
    def part(self, first: int, count: int) -> Frames:
        """Return `count` frames from `first` on."""


@dataclass(frozen=True)
class ImageFrames(Frames):
    """Frames that are image files; 16-bit and float images keep their depth."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> np.ndarray:
        return read_image(self.paths[index]).pixels

    def part(self, first: int, count: int) -> ImageFrames:
        return ImageFrames(self.paths[first : first + count])


@dataclass(frozen=True)
class VideoFrames(Frames):
    """Frames `first` to `first + count - 1` of a video; all frames before are decoded, too."""

    path: Path
    first: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[np.ndarray]:
        found = 0
        for number, image in open_source(self.path).numbered():
            if number > self.first + found:  # boxes of later frames would be those of others
                raise OSError(f'{self.path}: frame {self.first + found} is damaged')
            if number == self.first + found:
                found += 1
                yield image.pixels
            if found == self.count:
                return
        raise OSError(
            f'{self.path}: ends {self.count - found} frames before frame '
            f'{self.first + self.count - 1}, the last one of the sequence'
        )

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < self.count:
            raise IndexError(f'frame {index} of {self.count}')
        return next(iter(self.part(index, 1)))

    def part(self, first: int, count: int) -> VideoFrames:
        count = max(0, min(count, self.count - first))
        return VideoFrames(self.path, self.first + first, count)


@dataclass(frozen=True, eq=False)
class Sequence:
    """One target in one video: frames, boxes, class, attributes and tags."""

    name: str
    frames: Frames
    boxes: np.ndarray
    """`N x 4` float, `x, y, w, h`, 0-based pixels; nan where the target is absent."""
    class_name: str = ''
    attributes: tuple[str, ...] = ()
    """Attributes of the sequence as a whole."""
    tags: dict[str, np.ndarray] = field(default_factory=dict)
    """Attributes of single frames: name and N booleans."""
    split: str = ''
    layout: str = ''
    """Which layout the set has: one of those of `readers`."""
    dataset: str = ''
    """The folder that the sequence was found in, from the root that was given."""
    video: str = ''
    """Sequences of one set with the same `video` show the same scene, perhaps at the same time."""
    other_boxes: np.ndarray | None = None
    """`N x 4` boxes of the same target in a colour camera's images, where a set has both."""
    polygons: np.ndarray | None = None
    """`N x 8` corners of the target, where a set has any that is no upright box; else nan."""
    masks: Masks | None = None
    """Which pixels are the target's; None where the set does not say."""
    labelled: np.ndarray | None = None
    """N booleans: frames of which the set tells something, if only absence; None: all of them."""
    origin: int = 0
    """Coordinate of the first pixel in the layout's own box files: 1 where MATLAB wrote them."""

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.frames), 4):
            raise ValueError(
                f'{self.name}: boxes of shape {self.boxes.shape} for {len(self.frames)} frames'
            )

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def key(self) -> str:
        """Name with its set, unique over several sets."""
        return f'{self.dataset}/{self.name}'

    def part(self, first: int, count: int) -> Sequence:
        """Return `count` frames from `first` on, with what belongs to them."""
        kept = slice(first, first + count)
        return replace(
            self,
            frames=self.frames.part(first, count),
            boxes=self.boxes[kept],
            tags={name: values[kept] for name, values in self.tags.items()},
            other_boxes=None if self.other_boxes is None else self.other_boxes[kept],
            polygons=None if self.polygons is None else self.polygons[kept],
            masks=None if self.masks is None else self.masks.part(first, count),
            labelled=None if self.labelled is None else self.labelled[kept],
        )
