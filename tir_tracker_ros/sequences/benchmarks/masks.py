# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Masks of targets in the files of sets and results: images, and lines of VOT."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
import struct

import cv2
import numpy as np

from .annotations import parse_numbers

EMPTY = 'm0,0,0,0'
"""Line of a mask without pixels."""
VOID = 255
"""Label of the pixels that belong to no object but do not count as background, in DAVIS."""


class Masks(ABC):
    """The true masks of a target in N frames, decoded when asked for."""

    @abstractmethod
    def __getitem__(self, index: int) -> np.ndarray | None:
        """
        Return the mask in a frame, `H x W` bool, or None where the set says nothing about it.

        Raises ValueError that names what cannot be read.
        """

    @abstractmethod
    def part(self, first: int, count: int) -> Masks:
        """Return those of `count` frames from `first` on."""


@dataclass(frozen=True)
class MaskImages(Masks):
    """Masks that are images, a file for each frame."""

    paths: tuple[Path | None, ...]
    """None for frames without a mask."""
    label: int | None = None
    """The pixels of this label are the target's; None: all that are not 0."""

    def __getitem__(self, index: int) -> np.ndarray | None:
        path = self.paths[index]
        if path is None:
            return None
        labels = read_labels(path)
        return labels > 0 if self.label is None else labels == self.label

    def part(self, first: int, count: int) -> MaskImages:
        return MaskImages(self.paths[first : first + count], self.label)


@dataclass(frozen=True)
class MaskLines(Masks):
    """Masks as VOT writes them, a line for each frame; an empty line where nothing is known."""

    lines: tuple[str, ...]
    shape: tuple[int, int]
    """Height and width of the frames."""

    def __getitem__(self, index: int) -> np.ndarray | None:
        line = self.lines[index]
        return decoded(line, self.shape) if line else None

    def part(self, first: int, count: int) -> MaskLines:
        return MaskLines(self.lines[first : first + count], self.shape)


def read_labels(path: Path) -> np.ndarray:
    """
    Read the labels of an image, `H x W` uint8: gray values, or places in the palette of a png.

    Raises ValueError that names a file that cannot be read.
    """
    # OpenCV shows the colours of a palette; which place each has, it does not tell.
    content = path.read_bytes()
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError(f'mask {path} cannot be read')
    palette = _palette(content)
    if palette is None or image.ndim == 2:
        gray = image if image.ndim == 2 else image[..., :3].max(axis=2)
        return np.minimum(gray, 255).astype(np.uint8)
    codes = _code(image[..., 2::-1])
    labels = np.zeros(codes.shape, np.uint8)
    for label in range(len(palette) - 1, -1, -1):  # of several places with a colour, the first
        labels[codes == _code(palette[label])] = label
    return labels


def _code(colors: np.ndarray) -> np.ndarray:
    """Make one number of red, green and blue along the last axis."""
    return colors.astype(np.int32) @ np.array([65536, 256, 1], np.int32)


def _palette(content: bytes) -> np.ndarray | None:
    """Return the colours of a png's palette, `n x 3` red, green, blue; None without one."""
    place = 8
    while place + 8 <= len(content):
        size, kind = struct.unpack('>I4s', content[place : place + 8])
        if kind == b'PLTE':
            return np.frombuffer(content[place + 8 : place + 8 + size], np.uint8).reshape(-1, 3)
        if kind == b'IDAT':
            break
        place += size + 12
    return None


def box_of(mask: np.ndarray) -> tuple[float, float, float, float] | None:
    """Return the box around a mask, `x, y, w, h`; None around an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    left, top = float(columns[0]), float(rows[0])
    return left, top, float(columns[-1]) + 1 - left, float(rows[-1]) + 1 - top


def encoded(mask: np.ndarray) -> str:
    """
    Write a mask `H x W` bool as VOT2020 and later do: `mLEFT,TOP,WIDTH,HEIGHT,RUN,RUN...`.

    Runs go row by row through the box around the mask, in turn of pixels outside and inside; the
    first of them is outside, perhaps of none. An empty mask is `m0,0,0,0`.
    """
    box = box_of(mask)
    if box is None:
        return EMPTY
    left, top, width, height = map(int, box)
    inside = mask[top : top + height, left : left + width].ravel()
    changes = np.flatnonzero(np.diff(inside)) + 1
    ends = np.concatenate([[0], [0] if inside[0] else [], changes, [len(inside)]]).astype(int)
    return f'm{left},{top},{width},{height},{",".join(map(str, np.diff(ends)))}'


def box_of_line(line: str) -> tuple[float, ...]:
    """Return the box `x, y, w, h` that a line of a mask begins with; raises as `decoded`."""
    return tuple(float(value) for value in _numbers(line)[:4])


def decoded(line: str, shape: tuple[int, ...]) -> np.ndarray:
    """
    Read a mask that `encoded` wrote, into an image of `shape` (H, W); pixels outside are dropped.

    Raises ValueError, naming the beginning of the line, for what is no mask.
    """
    left, top, width, height, *runs = _numbers(line)
    if sum(runs) > width * height:
        raise ValueError(f"'{line[:40]}' has more pixels than its box of {width} x {height}")
    inside = np.arange(len(runs)) % 2 == 1
    flat = np.zeros(width * height, bool)
    flat[: sum(runs)] = np.repeat(inside, runs)
    mask = np.zeros(shape[:2], bool)
    part = flat.reshape(height, width)[max(-top, 0) :, max(-left, 0) :]
    area = mask[max(top, 0) :, max(left, 0) :][: part.shape[0], : part.shape[1]]
    area[:] = part[: area.shape[0], : area.shape[1]]
    return mask


def is_mask(line: str) -> bool:
    """Tell whether a line is that of a mask."""
    return line.lstrip().startswith('m')


def _numbers(line: str) -> list[int]:
    try:
        values = parse_numbers(line.strip().removeprefix('m'))
    except ValueError:
        values = []
    whole = [int(value) for value in values if value == round(value)]
    usable = len(whole) == len(values) >= 4 and min(whole[2:]) >= 0
    if not (usable and is_mask(line)):
        raise ValueError(f"'{line[:40]}' is no mask mLEFT,TOP,WIDTH,HEIGHT,RUN,RUN...")
    return whole
