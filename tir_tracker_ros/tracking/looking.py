# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Looks: searches for targets around boxes, and the box and score that come of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..geometry import Box
from .distractors import look_alikes
from .engine_track import EngineTrack
from .masks import placed
from .runtime import Response, Runtime
from .score import chance, probability, score_features
from .search_region import SearchRegion
from .settings import TrackingSettings
from .size import Found, Size, Sized, within
from .target_model import TargetModel
from .track import Estimate

NETWORK_WEIGHT, FILTER_WEIGHT = 1 / 6, 10.0
"""
Of the network's log-odds and of the target model's response, where there is one. Three times as
much of both would let noise in the filter's response outweigh the window during an occlusion.
"""
_OWN_REACH = 0.6
"""Responses within so many sides of the target belong to itself, not to a rival."""


@dataclass(frozen=True)
class Look:
    """One search for a target around a box, with search crops of a size."""

    track: EngineTrack
    box: Box
    size: int
    """Side of the search crop, pixels of the crop."""
    anywhere: bool = False
    """Whether a place far from the box is as likely as a near one."""


@dataclass(frozen=True)
class View:
    """What the target model saw in the search crop that won."""

    features: np.ndarray
    """`C x H x W`."""
    centre: Box
    """The box around which the crop was cut out."""
    cell: float
    """Pixels of the image in a cell."""
    cells: int
    """Along a side of the response."""
    peaks: tuple[float, float]
    """The filter's response to the target and its rival's, over that in the first image."""

    def place(self, box: Box) -> tuple[float, float]:
        """Compute where a box lies, x and y in cells from the middle of the crop."""
        return (box.cx - self.centre.cx) / self.cell, (box.cy - self.centre.cy) / self.cell


@dataclass(frozen=True)
class _Place:
    """A place of a response, and the crop that it belongs to."""

    window: int
    """Which of the windows of the response."""
    candidate: int
    """Which of the network's candidates in that cell."""
    row: float
    """In cells from the middle of the response, as the column is."""
    column: float
    crop: Box
    """The part of the image that the search crop shows."""
    pixels: float
    """Pixels of the image in a pixel of the crop."""

    def cell(self, side: int, times: int = 1) -> tuple[int, int]:
        """Return row and column in a map of `side` cells, each cell being `times` of them."""
        middle = (side - 1) / 2
        return round(middle + self.row * times), round(middle + self.column * times)

    def network_box(self, boxes: np.ndarray) -> Box:
        """Take its box of the network's, `N x K x 4 x R x R`, in pixels of the crop."""
        i, j = self.cell(boxes.shape[-1])
        return Box(*boxes[self.window, self.candidate, :, i, j].tolist())

    def in_image(self, box: Box) -> Box:
        """Convert a box from pixels of the crop to those of the image."""
        x, y, w, h = (value * self.pixels for value in box)
        return Box(self.crop.x + x, self.crop.y + y, w, h)


@dataclass(frozen=True)
class _Peak:
    """The place of the response that is taken for the target, before its size is known."""

    found: Found
    score: float
    """Log-odds of the network."""
    response: np.ndarray
    area: Box
    """The part of the image that the response covers."""
    view: View | None
    look_alikes: list[Box]


@dataclass(frozen=True)
class Finding:
    """What a look gave."""

    estimate: Estimate
    sized: Sized
    probability: float
    """What the network itself says of the place, 0..1."""
    mask: Callable[[], np.ndarray] | None
    """Draws the mask of the target, `H x W` bool; None without masks."""
    view: View | None
    """None without a target model."""
    look_alikes: list[Box]
    """Boxes of what looks like the target beside it, pixels of the image."""


class Looker:
    """
    Searches for targets with a network, and a target model beside it, and scores what is found.

    `score_weights` are those of `score.probability`; `calibrated` tells whether they were fitted.
    """

    def __init__(
        self,
        runtime: Runtime,
        size: Size,
        settings: TrackingSettings,
        target_model: TargetModel | None,
        calibration: tuple[Sequence[float], bool],
    ) -> None:
        self.runtime, self.size, self.settings = runtime, size, settings
        self.target_model = target_model
        self.region = SearchRegion(runtime, settings)
        self.score_weights, self.calibrated = calibration

    def first_peak(self, response: Response) -> float:
        """Compute the peak of the response to a new target, in the first of the crops."""
        return max(float(self._enlarged(response.scores[0]).max()), 1e-6)

    def look(self, image: np.ndarray, looks: Sequence[Look]) -> list[Finding]:
        """Search, in one pass through the network for all looks with crops of the same size."""
        factors = self.size.factors
        peaks: dict[int, _Peak] = {}
        for size in sorted({look.size for look in looks}):
            part = [index for index, look in enumerate(looks) if look.size == size]
            response = self.runtime.search(
                image,
                [
                    self.region.window(look.box, size, factor, look.track.fill)
                    for look in (looks[index] for index in part)
                    for factor in factors
                ],
                [looks[index].track.template for index in part for _ in factors],
                size,
            )
            for place, index in enumerate(part):
                crops = slice(place * len(factors), (place + 1) * len(factors))
                peaks[index] = self._find(image, looks[index], response, crops)
        if not looks:
            return []
        sized = self.size.measure(image, [peaks[index].found for index in range(len(looks))])
        return [self._scored(looks[index], peaks[index], one) for index, one in enumerate(sized)]

    def _find(self, image: np.ndarray, look: Look, response: Response, crops: slice) -> _Peak:
        """Take the peak of the maps of a look's crops."""
        scores, box = response.scores[crops], look.box
        boxes = None if response.boxes is None else response.boxes[crops]
        usual = self.region.pixel(box)
        penalties = self.size.penalties(boxes, box.w / usual, box.h / usual)
        network_maps = maps = self._enlarged(scores.reshape(-1, *scores.shape[2:]))
        filtered = self._filtered(look.track, response, crops)
        if filtered is not None:
            maps = NETWORK_WEIGHT * network_maps + FILTER_WEIGHT * filtered
        peaks = maps.max(axis=(1, 2))
        chosen = self.size.choose(peaks)
        if isinstance(penalties, np.ndarray):
            penalties = penalties.reshape(maps.shape)[chosen]
        first = crops.start or 0
        rivals = self._rivals(look.track, response, first)
        index, row, column = self.region.peak(maps[chosen], look.anywhere, penalties, rivals)
        index += chosen.start or 0
        crop, candidate = divmod(index, scores.shape[1])
        # The paper measures displacement with the old size, not the winning scale's; a cell of
        # the chosen crop, though, covers `factor` times as many pixels.
        factor = self.size.factors[crop]
        pixels = factor * usual
        cell = self.region.stride * pixels
        moved = Box(box.x + column * cell, box.y + row * cell, box.w, box.h)
        found = Found(look.track, within(image, moved), factor)
        seen = Box.from_center(box.cx, box.cy, look.size * pixels, look.size * pixels)
        place = _Place(first + crop, candidate, row, column, seen, pixels)
        score, view, others = float(peaks[index]), None, list[Box]()
        if response.boxes is not None:
            score = self._take_box(found, response, place, penalties, index)
            others = self._look_alikes(response, place)
        if response.mask is not None:
            found.mask = self._mask(image, response.mask, place, scores.shape[-1])
        if filtered is not None and response.features is not None:
            at = place.cell(maps.shape[-1], self.settings.upsample)
            score = float(network_maps[index][at])
            own = float(filtered[index][at]), self._rival(filtered[index], at, box, cell)
            of_first = look.track.target_filter.first_peak  # type: ignore[union-attr]
            peaks_over_first = own[0] / of_first, own[1] / of_first
            features = response.features[place.window]
            view = View(features, box, cell, scores.shape[-1], peaks_over_first)
        side = cell * maps.shape[-1] / self.settings.upsample
        area = Box.from_center(box.cx, box.cy, side, side)
        return _Peak(found, score, maps[index], area, view, others)

    def _take_box(
        self, found: Found, response: Response, place: _Place, penalties: Any, index: int
    ) -> float:
        """Note the box that the network gives for a place; returns its score there."""
        assert response.boxes is not None
        found.network_box = place.in_image(place.network_box(response.boxes))
        i, j = place.cell(response.scores.shape[-1])
        score = float(response.scores[place.window, place.candidate, i, j])
        if isinstance(penalties, np.ndarray):
            found.trust = float(chance(score) * np.exp(penalties[index, i, j]))
        return score

    def _look_alikes(self, response: Response, place: _Place) -> list[Box]:
        """Find what looks like the target in the crop of a place, if the settings ask for it."""
        if not self.settings.distractors or response.boxes is None:
            return []
        scores, boxes = response.scores[place.window], response.boxes[place.window]
        own = place.network_box(response.boxes)
        return [place.in_image(one) for one in look_alikes(boxes, chance(scores), own)]

    def _mask(
        self,
        image: np.ndarray,
        masks: Callable[[int, int, int], np.ndarray],
        place: _Place,
        cells: int,
    ) -> Callable[[], np.ndarray]:
        """Return what draws the mask of the target at a place, when it is wanted."""
        # Around the cell, from which the peak of enlarged maps may be half a cell away.
        i, j = place.cell(cells)
        cell, middle = self.region.stride * place.pixels, (cells - 1) / 2
        x, y = place.crop.cx + (j - middle) * cell, place.crop.cy + (i - middle) * cell
        side = self.runtime.template_size * place.pixels
        area = Box.from_center(x, y, side, side)

        def draw() -> np.ndarray:
            return placed(masks(place.window, i, j), area, image.shape, self.settings.mask_above)

        return draw

    def _rivals(self, track: EngineTrack, response: Response, window: int) -> np.ndarray | float:
        """Compute what look-alikes take off the probability of each place of a window."""
        if track.distractors is None:
            return 0.0
        if response.rescore is None:
            raise ValueError(
                f"the model '{self.runtime.name}' cannot tell look-alikes: distractors"
            )
        likeness = chance(response.rescore(window, track.distractors))
        return self.settings.distractors * likeness

    def _filtered(self, track: EngineTrack, response: Response, crops: slice) -> np.ndarray | None:
        """Compute the target model's responses, one for each map of the network; None without."""
        model, target = self.target_model, track.target_filter
        if model is None or target is None or response.features is None:
            return None
        count, cells = response.scores.shape[1], response.scores.shape[-1]
        seen = [model.respond(target, one, cells) for one in response.features[crops]]
        return self._enlarged(np.stack(seen)).repeat(count, axis=0)

    def _rival(self, response: np.ndarray, place: tuple[int, int], box: Box, cell: float) -> float:
        """Find the highest response outside of the target at `place`, row and column."""
        others, times = response.copy(), self.settings.upsample
        reach = [max(_OWN_REACH * side / cell, 2.0) for side in (box.h, box.w)]
        (top, bottom), (left, right) = (
            (max(at - round(one * times), 0), at + round(one * times) + 1)
            for at, one in zip(place, reach)
        )
        others[top:bottom, left:right] = 0.0
        return float(others.max())

    def _scored(self, look: Look, peak: _Peak, sized: Sized) -> Finding:
        first_peaks = look.track.first_peaks
        evidence = score_features(
            peak.score,
            first_peaks.get(look.size, first_peaks[self.region.size]),
            sized.agreement,
            peak.view.peaks if peak.view else (),
        )
        estimate = Estimate(
            sized.box,
            probability(evidence, self.score_weights),
            peak.response,
            peak.area,
            calibrated=self.calibrated,
            evidence=evidence,
        )
        return Finding(
            estimate,
            sized,
            float(chance(peak.score)),
            peak.found.mask,
            peak.view,
            peak.look_alikes,
        )

    def _enlarged(self, maps: np.ndarray) -> np.ndarray:
        """Enlarge maps `C x R x R`, by `upsample` along each side."""
        times = self.settings.upsample
        if times == 1:
            return maps
        return np.stack(
            [cv2.resize(m, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC) for m in maps]
        )
