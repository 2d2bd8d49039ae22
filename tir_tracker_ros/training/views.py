# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The pool of views that training draws pairs from.

A view is a generous square around one object in one image, cut once and kept in memory as bytes.
All further cropping and augmentation is then batched tensor work on the model's device, so that
an accelerator never waits for files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..geometry import Box, context_side
from ..imaging.subwindow import crop

VIEW_SIZE = 448
"""Side of a view, pixels."""
VIEW_CONTEXT = 4.5
"""Side of a view over `s_z` of its box: room for a search region of 3 that is moved and scaled."""
NO_CLASS = -1


@dataclass
class ViewPool:
    """V views: `pixels` V x VIEW_SIZE x VIEW_SIZE uint8, and one number each of the rest."""

    pixels: Tensor
    size: Tensor
    """V x 2 float: width and height of the box in pixels of the view; its centre is the view's."""
    track: Tensor
    """Which object: views of one track show the same object at different times."""
    video: Tensor
    """Which recording; two tracks of one video are two objects of one scene."""
    time: Tensor
    """Position in the recording, images."""
    label: Tensor
    """Class index, or NO_CLASS."""
    source: Tensor
    """Index into `sources`."""
    sources: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.track)


class PoolBuilder:
    """Collect views from several sources into one pool, with common class names."""

    def __init__(self) -> None:
        self._pixels: list[np.ndarray] = []
        self._rows: list[tuple[float, float, int, int, int, int, int]] = []
        self._sources: list[str] = []
        self._classes: list[str] = []
        self._tracks = self._videos = 0

    @property
    def tracks(self) -> int:
        """Count the tracks added so far."""
        return self._tracks

    def source(self, name: str) -> None:
        """Begin the source that all further views belong to."""
        self._sources.append(name)

    def video(self) -> None:
        """Begin a recording."""
        self._videos += 1

    def add_track(
        self, frames: Iterable[tuple[int, np.ndarray, Box]], class_name: str = ''
    ) -> int:
        """
        Add the views of one object of the current recording; returns how many were added.

        `frames` gives position, gray image `H x W` (uint8, or float 0..1) and box. Boxes under
        4 px, or with less than half inside of the image, are left out.
        """
        if class_name and class_name not in self._classes:
            self._classes.append(class_name)
        label = self._classes.index(class_name) if class_name else NO_CLASS
        before = len(self._rows)
        for time, image, box in frames:
            height, width = image.shape
            if (
                not box.is_finite()
                or min(box.w, box.h) < 4
                or box.clipped(width, height).area < 0.5 * box.area
            ):
                continue
            view, size = cut_view(image, box)
            self._pixels.append(view)
            self._rows.append(
                (*size, self._tracks, self._videos, time, label, len(self._sources) - 1)
            )
        added = len(self._rows) - before
        self._tracks += added > 0
        return added

    def build(self) -> ViewPool:
        """Make the pool; raises ValueError when there is no view at all."""
        if not self._rows:
            raise ValueError('no views: the training data hold no usable box')
        rows = torch.tensor(self._rows)
        track, video, time, label, source = rows[:, 2:].long().unbind(dim=1)
        return ViewPool(
            torch.from_numpy(np.stack(self._pixels)),
            rows[:, :2].clone(),
            track,
            video,
            time,
            label,
            source,
            tuple(self._sources),
            tuple(self._classes),
        )


def cut_view(image: np.ndarray, box: Box) -> tuple[np.ndarray, tuple[float, float]]:
    """Cut the view of a box from a gray image; returns it and the size of the box in it."""
    side = VIEW_CONTEXT * context_side(box)
    view = crop(image, box.cx, box.cy, side, side, VIEW_SIZE, VIEW_SIZE)
    if image.dtype != np.uint8:
        view = view * 255
    scale = VIEW_SIZE / side
    return np.clip(np.rint(view), 0, 255).astype(np.uint8), (box.w * scale, box.h * scale)


def split_tracks(pool: ViewPool) -> list[Sequence[int]]:
    """List, per track, the indices of its views in the order of time."""
    order = torch.argsort(pool.track * (int(pool.time.max()) + 1) + pool.time)
    counts = torch.unique_consecutive(pool.track[order], return_counts=True)[1]
    return [part.tolist() for part in torch.split(order, counts.tolist())]
