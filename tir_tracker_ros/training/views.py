# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The pool of views that training draws pairs from.

A view is a generous square around one object in one image, cut once and kept as a JPEG in memory.
All further cropping and augmentation is batched tensor work on the model's device; an accelerator
gets all views and masks decoded, so that it never waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from ..geometry import Box, context_side
from ..imaging.subwindow import crop

VIEW_CONTEXT = 4.5
"""Side of a view over `s_z` of its box: room for a search region of 3 that is moved and scaled."""
NO_CLASS = -1
_SMALLEST_SIDE = 32
_COLUMNS = ('span', 'mask_span', 'size', 'track', 'video', 'time', 'label', 'source')


@dataclass
class ViewPool:
    """V views: JPEG codes one after the other, and one number each of the rest."""

    codes: Tensor
    """The codes of all views and masks, uint8, on the CPU."""
    span: Tensor
    """V x 2: where in `codes` each view begins and ends."""
    mask_span: Tensor
    """V x 2: the same of its mask, a PNG; as far apart as 0 for a view without one."""
    size: Tensor
    """V x 2 float: width and height of the box over the side of the view; it is centred there."""
    track: Tensor
    """V: which object; views of one track show the same object at different times."""
    video: Tensor
    """V: which recording; two tracks of one video are two objects of one scene."""
    time: Tensor
    """V: position in the recording, images."""
    label: Tensor
    """V: class index, or NO_CLASS."""
    source: Tensor
    """V: index into `sources`."""
    side: int
    """Side that views are brought to when they are decoded, pixels."""
    sources: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    _decoded: Tensor | None = field(default=None, repr=False)
    _masks: Tensor | None = field(default=None, repr=False)
    """Decoded masks."""
    _mask_place: Tensor | None = field(default=None, repr=False)
    """V, on the CPU: which of `_masks` is that of a view."""

    def __len__(self) -> int:
        return len(self.track)

    @property
    def device(self) -> torch.device:
        """Device that images and numbers are given on."""
        return self.size.device

    def to(self, device: torch.device, decoded: bool | None = None) -> None:
        """
        Move the pool to a device.

        decoded: whether all views and masks are decoded there, once; by default they are where the
        device is not the CPU.
        """
        if decoded is None:
            decoded = device.type != 'cpu'
        if decoded and self._decoded is None:
            self._decoded = self._decoded_on(device, torch.arange(len(self)), self.span)
            # All views without a mask share one, which is empty.
            masked = torch.nonzero(self._masked).flatten()
            shown = torch.cat([masked, torch.nonzero(~self._masked)[:1, 0]])
            self._masks = self._decoded_on(device, shown, self.mask_span)
            counted = self._masked.cumsum(0) - 1
            self._mask_place = torch.where(self._masked, counted, len(masked))
        for name in set(_COLUMNS) - {'span', 'mask_span'}:
            setattr(self, name, getattr(self, name).to(device))

    def images(self, index: Tensor) -> Tensor:
        """Return views as `N x 1 x side x side`, uint8, on the pool's device."""
        if self._decoded is not None:
            return self._decoded[index.to(self.device)][:, None]
        return self._decode(index, self.span)[:, None]

    def masks(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return the masks of views, and which of the views have one, on the pool's device.

        Masks are `N x 1 x side x side` uint8, 255 where the target is, and 0 all over where there
        is none; the other result is N bool.
        """
        index = index.cpu()
        known = self._masked[index].to(self.device)
        if self._masks is None or self._mask_place is None:
            return self._decode(index, self.mask_span)[:, None].to(self.device), known
        return self._masks[self._mask_place[index].to(self.device)][:, None], known

    @property
    def _masked(self) -> Tensor:
        """Tell which views have a mask, V bool on the CPU."""
        return self.mask_span.diff(dim=1)[:, 0] > 0

    def _decoded_on(self, device: torch.device, index: Tensor, spans: Tensor) -> Tensor:
        """Decode views or masks onto a device, on all cores: OpenCV lets go of Python's lock."""
        shape = (len(index), self.side, self.side)
        decoded = torch.empty(shape, dtype=torch.uint8, device=device)
        with ThreadPoolExecutor() as threads:
            parts = index.split(256)
            end = 0
            for images in threads.map(lambda part: self._decode(part, spans), parts):
                decoded[end : end + len(images)] = images.to(device)
                end += len(images)
        return decoded

    def _decode(self, index: Tensor, spans: Tensor) -> Tensor:
        codes = self.codes.numpy()
        images = np.zeros((len(index), self.side, self.side), np.uint8)
        for image, (start, end) in zip(images, spans[index.cpu()].tolist()):
            if end > start:
                decoded = cv2.imdecode(codes[start:end], cv2.IMREAD_GRAYSCALE)
                assert decoded is not None
                cv2.resize(decoded, (self.side, self.side), dst=image)
        return torch.from_numpy(images)

    def of_sources(self, names: Collection[str]) -> ViewPool:
        """Return a pool of the views of some of the sources alone."""
        wanted = torch.tensor([name in names for name in self.sources])
        chosen = wanted[self.source]
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return replace(self, **columns, _decoded=None, _masks=None, _mask_place=None)


class PoolBuilder:
    """Collect views from several sources into one pool."""

    def __init__(self, side: int, quality: int, classes: list[str] | None = None) -> None:
        """
        Prepare an empty pool.

        side: of a view at most, pixels; a smaller one keeps the pixels of its image. quality: of
        the JPEGs, 0..100. classes: the list that class names are added to, to be shared by pools
        whose labels have to mean the same.
        """
        self.side, self.quality = side, quality
        self._codes: list[np.ndarray] = []
        self._mask_codes: list[np.ndarray] = []
        self._rows: list[tuple[float, float, int, int, int, int, int]] = []
        self._sources: list[str] = []
        self._classes = [] if classes is None else classes
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
        self,
        frames: Iterable[
            tuple[int, np.ndarray, Box] | tuple[int, np.ndarray, Box, np.ndarray | None]
        ],
        class_name: str = '',
    ) -> int:
        """
        Add the views of one object of the current recording; returns how many were added.

        `frames` gives position, gray image `H x W` (uint8, or float 0..1), box and, where it is
        known, the mask `H x W` float, 0..1. Boxes under 4 px, or with less than half inside of the
        image, are left out.
        """
        if class_name and class_name not in self._classes:
            self._classes.append(class_name)
        label = self._classes.index(class_name) if class_name else NO_CLASS
        before = len(self._rows)
        for time, image, box, *masks in frames:
            height, width = image.shape
            if (
                not box.is_finite()
                or min(box.w, box.h) < 4
                or box.clipped(width, height).area < 0.5 * box.area
            ):
                continue
            view, size = cut_view(image, box, self.side)
            options = [cv2.IMWRITE_JPEG_QUALITY, self.quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
            self._codes.append(cv2.imencode('.jpg', view, options)[1].ravel())
            mask = masks[0] if masks else None
            self._mask_codes.append(
                np.zeros(0, np.uint8) if mask is None else _mask_code(mask, box, len(view))
            )
            self._rows.append(
                (*size, self._tracks, self._videos, time, label, len(self._sources) - 1)
            )
        added = len(self._rows) - before
        self._tracks += added > 0
        return added

    def build(self) -> ViewPool:
        """Make the pool."""
        rows = torch.tensor(self._rows, dtype=torch.float64).reshape(-1, 7)
        codes = [*self._codes, *self._mask_codes]
        ends = np.cumsum([len(code) for code in codes], dtype=np.int64)
        starts = np.concatenate([[0], ends])[: len(ends)]
        spans = torch.from_numpy(np.stack([starts, ends], axis=1).astype(np.int64))
        spans, mask_spans = spans.split(len(self._codes)) if codes else (spans, spans)
        numbers = rows[:, 2:].long().unbind(dim=1)
        track, video, time, label, source = (column.clone() for column in numbers)
        return ViewPool(
            torch.from_numpy(np.concatenate([np.zeros(0, np.uint8), *codes])),
            spans,
            mask_spans,
            rows[:, :2].float(),
            track,
            video,
            time,
            label,
            source,
            self.side,
            tuple(self._sources),
            tuple(self._classes),
        )


def cut_view(image: np.ndarray, box: Box, largest: int) -> tuple[np.ndarray, tuple[float, float]]:
    """
    Cut the view of a box from a gray image, with the pixels of the image where they are few.

    Returns the view, `S x S` uint8 with `S <= largest`, and width and height of the box over S.
    """
    side = VIEW_CONTEXT * context_side(box)
    pixels = int(np.clip(np.ceil(side), _SMALLEST_SIDE, largest))
    view = crop(image, box.cx, box.cy, side, side, pixels, pixels)
    if image.dtype != np.uint8:
        view = view * 255
    return np.clip(np.rint(view), 0, 255).astype(np.uint8), (box.w / side, box.h / side)


def _mask_code(mask: np.ndarray, box: Box, pixels: int) -> np.ndarray:
    """Cut the view of a box from its mask, `pixels` to a side; returns a PNG of 0 and 255."""
    side = VIEW_CONTEXT * context_side(box)
    view = crop(mask, box.cx, box.cy, side, side, pixels, pixels, fill=0.0)
    return cv2.imencode('.png', np.where(view > 0.5, 255, 0).astype(np.uint8))[1].ravel()


def split_tracks(pool: ViewPool) -> list[Sequence[int]]:
    """List, per track, the indices of its views in the order of time."""
    order = torch.argsort(pool.track * (int(pool.time.max()) + 1) + pool.time)
    counts = torch.unique_consecutive(pool.track[order], return_counts=True)[1]
    return [part.tolist() for part in torch.split(order, counts.tolist())]
