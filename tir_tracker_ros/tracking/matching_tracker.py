# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A matching network at run time: search region, peak, scale, template update and score."""

from __future__ import annotations

from collections.abc import Mapping
import math
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from ..geometry import Box
from ..imaging.subwindow import crop
from ..models.box_refiner import BoxRefiner
from ..models.embeddings import Taps
from ..models.matching import MatchingNet
from .redetection import Redetection
from .refinement import Refinement
from .scale_filter import ScaleFilter
from .score import FEATURES, probability, score_features, UNCALIBRATED
from .settings import TrackingSettings
from .tracker import Estimate

_SURE_OF_CLASS = 0.9
"""Probability from which the class head names the target."""
# A side of more than this many times the image would only look at padding.
_SMALLEST_SIDE = 2.0
_USUAL_MOVE = 0.2
"""Displacement that the window hardly holds back, as a share of the largest that can be seen."""
_STEADY_ABOVE = 0.7
"""Score from which a slow target is expected to be near in the next image, too."""
_STEADY_WITHIN = 0.5
"""Largest pace of a slow one, as a share of the largest move that is seen nearby."""
_PACE_KEPT = 0.9
"""How much of its pace a target that rests is thought to keep from image to image."""


class MatchingTracker:
    """
    Follow a target with a matching network (MMNet's `tracker.m`; section 1.8 of our notes).

    The networks are taken as they are: in evaluation mode, on their device, in their precision.
    `facts` are those of the model's weight file; `score` among them calibrates the score,
    `classes` name the outputs of the class head. `features` holds what the newest score was made
    of, `score_weights` how. Raises ValueError for a calibration of another length, and where the
    settings ask for a box refiner and there is none.
    """

    def __init__(
        self,
        model: MatchingNet,
        settings: TrackingSettings | None = None,
        facts: Mapping[str, Any] | None = None,
        refiner: BoxRefiner | None = None,
    ) -> None:
        self.model = model
        self.facts = dict(facts or {})
        self.settings = settings or TrackingSettings()
        self.name = model.preset.name
        self.device = next(model.parameters()).device
        preset = model.preset
        self._template_size = preset.template_size
        self._search_size = self.settings.search_size or preset.search_size
        self.scale_filter = ScaleFilter() if self.settings.scale == 'filter' else None
        self.redetection = Redetection() if self.settings.redetection else None
        self.refinement = None
        if self.settings.scale == 'refiner':
            if refiner is None:
                raise ValueError("tracking setting scale 'refiner' needs a box refiner")
            self.refinement = Refinement(refiner, self.settings.refiner_interval)
        count = self.settings.scale_count if self.settings.scale == 'pyramid' else 1
        exponents = np.arange(count) - count // 2
        self._factors = self.settings.scale_step ** exponents.astype(float)
        self._penalties = np.where(exponents == 0, 1.0, self.settings.scale_penalty)
        self.score_weights = self.facts.get('score', UNCALIBRATED)
        if len(self.score_weights) != len(UNCALIBRATED):
            raise ValueError(
                f'the weights bring {len(self.score_weights)} numbers to calibrate the score, '
                f'{len(UNCALIBRATED)} are needed: train them again with this version'
            )
        # Raw maps are no logarithms of anything.
        self._adjusted = preset.adjusted or self.settings.window == 'product'
        self._box: Box | None = None
        self.class_name = ''

    def warm_up(self) -> None:
        """Run an init and two updates on noise, so that the first image is not slower."""
        noise = np.random.default_rng(0).random((240, 320), dtype=np.float32)
        self.init(noise, Box(140, 100, 40, 40))
        for _ in range(2):
            self.update(noise)
        self._box = None

    def place(self, box: Box) -> None:
        """Put the search region around `box`, as if the target had been found there."""
        self._box = box

    @torch.inference_mode()
    def init(self, image: np.ndarray, box: Box) -> None:
        """
        Start to follow what `box` surrounds in a gray image `H x W`, 0..1.

        Raises ValueError for a box that is not finite or has no size.
        """
        if not box.is_finite() or box.w <= 0 or box.h <= 0:
            raise ValueError(f'box {tuple(box)} is not finite and of positive size')
        self._box = self._first_box = box
        self._fill = self._padding(image)
        taps = self._template_taps(image, box)
        self.class_name = self._classify(taps)
        self._statistics = self.model.statistics(taps)
        self._templates = self.model.solve(self._statistics)
        if self.scale_filter:
            self.scale_filter.init(image, box)
        if self.refinement:
            self.refinement.init(image, box)
        if self.redetection:
            self.redetection.init(box)
        self._images = 0
        response = self._respond(image, box, [1.0], self._search_size)[0]
        self._window = self._make_window(len(response))
        self._choose_near_size(len(response) // self.settings.upsample)
        # What a perfect match looks like to this template: the unit of the score. Nearby it may be
        # twice as high, where an embedding looks at the whole crop, as MMNet's holistic gate does.
        self._self_peaks = {self._search_size: max(float(response.max()), 1e-6)}
        if self._near_size < self._search_size:
            near = self._respond(image, box, [1.0], self._near_size)
            self._self_peaks[self._near_size] = max(float(near.max()), 1e-6)
        # How fast it is will be known after the first image.
        self._steady, self._pace = False, 0.0
        self.features = np.ones(len(FEATURES))

    @torch.inference_mode()
    def update(self, image: np.ndarray) -> Estimate:
        """
        Find the target in the next gray image `H x W`, 0..1.

        Raises RuntimeError before the first `init`.
        """
        if self._box is None:
            raise RuntimeError('update before init: there is no target yet')
        self._images += 1
        self._fill = self._padding(image)
        before, settings = self._box, self.settings
        whole = self._search_size
        first = self._near_size if self._steady else whole
        estimate, self.features = self._look(image, before, first)
        self._note_pace(estimate, before)
        if first < whole and not self._steady:
            # Nearby is not tried again in the next image: it would soon cost more than it saves.
            estimate, self.features = self._look(image, before, whole)
        if self.redetection:
            self.redetection.judge(estimate)
            for place in self._other_places(image, self.redetection):
                other, features = self._look(image, place, whole, anywhere=True)
                if self.redetection.believes(other):
                    estimate, self.features = other, features
                    break
        self._box = box = estimate.box

        sure = estimate.score >= settings.learn_above
        if (
            settings.template != 'fixed'
            and sure
            and self._images % settings.template_interval == 0
        ):
            # The paper crops at the new centre with the old size.
            size = before if settings.scale == 'pyramid' else box
            self._update_template(image, Box.from_center(box.cx, box.cy, size.w, size.h))
        if self.refinement and sure:
            self.refinement.update(image, box)
        if self.scale_filter and sure:
            self.scale_filter.update(image, box)
        return estimate

    @torch.inference_mode()
    def look_around(self, image: np.ndarray, box: Box) -> list[tuple[Estimate, np.ndarray]]:
        """
        Find the target nearby and in the whole search region around `box`, and stay where it was.

        Returns each estimate with what its score is made of.
        """
        self._fill = self._padding(image)
        return [self._look(image, box, size) for size in (self._near_size, self._search_size)]

    def _choose_near_size(self, cells: int) -> None:
        """Fix what is looked at first, where the whole search region gives `cells` cells."""
        # The sum of a Hann window is one over the whole map only.
        share = 1.0 if self.settings.window == 'blend' else self.settings.near_share
        left_out = round((1 - share) * (cells - 1) / 2)
        self._near_size = self._search_size - 2 * self.model.stride * left_out
        self._near_reach = cells / 2 - left_out

    def _note_pace(self, estimate: Estimate, before: Box) -> None:
        """Learn of a find how fast the target is, and whether it can be looked for nearby next."""
        new, cell = estimate.box, self.model.stride * self._pixel(before)
        moved = max(abs(new.cx - before.cx), abs(new.cy - before.cy)) / cell
        self._pace = max(moved, _PACE_KEPT * self._pace)
        slow = self._pace <= _STEADY_WITHIN * self._near_reach
        self._steady = slow and estimate.score >= _STEADY_ABOVE

    def _look(
        self, image: np.ndarray, box: Box, size: int, anywhere: bool = False
    ) -> tuple[Estimate, np.ndarray]:
        """
        Find the target in the search region around `box`; returns what its score was made of, too.

        size: side of the search crop, pixels. anywhere: take a place far from the middle for as
        likely as a near one.
        """
        settings = self.settings
        responses = self._respond(image, box, self._factors, size)
        peaks = responses.max(axis=(1, 2))
        best = int((peaks * self._penalties).argmax())
        response = responses[best]
        row, column = self._peak(response, windowed=not anywhere)
        # The paper measures displacement with the old size, not the winning scale's; a cell of
        # the chosen crop, though, covers `factor` times as many pixels.
        pixels = self.model.stride * self._pixel(box) * self._factors[best]
        moved = _centred_within(
            image, Box(box.x + column * pixels, box.y + row * pixels, box.w, box.h)
        )
        if self.refinement:
            new = self._limited(_centred_within(image, self.refinement.refine(image, moved)))
        elif self.scale_filter:
            new = self._resized(moved, self.scale_filter.estimate(image, moved))
        else:
            growth = settings.scale_rate * (float(self._factors[best]) - 1)
            new = self._resized(moved, 1 + growth)

        features = score_features(
            float(peaks[best]),
            self._self_peaks[size],
            self.refinement.agreement if self.refinement else 1.0,
        )
        side = pixels * response.shape[0] / settings.upsample
        area = Box.from_center(box.cx, box.cy, side, side)
        score = probability(features, self.score_weights)
        return Estimate(new, score, response, area), features

    def _other_places(self, image: np.ndarray, redetection: Redetection) -> list[Box]:
        # The peak can be anywhere where the whole template fits into the search region.
        covered = max(self._search_size - self._template_size, 0.1 * self._search_size)
        return redetection.places(image.shape, covered * self._pixel(redetection.seen))

    def _update_template(self, image: np.ndarray, box: Box) -> None:
        new = self.model.statistics(self._template_taps(image, box))
        rate = 1.0 if self.settings.template == 'previous' else self.settings.template_rate
        if self.settings.template == 'average':
            self._templates = [
                old.lerp(one, rate) for old, one in zip(self._templates, self.model.solve(new))
            ]
            return
        self._statistics = [
            tuple(old.lerp(one, rate) for old, one in zip(*branch))
            for branch in zip(self._statistics, new)
        ]
        self._templates = self.model.solve(self._statistics)

    def _classify(self, taps: Taps) -> str:
        """Name the class of the target; '' where the head was not trained or is not sure."""
        names = self.facts.get('classes', ())
        if not (self.facts.get('class_head_trained') and names):
            return ''
        logits = self.model.classify(taps)
        if logits is None:
            return ''
        chances = logits[0, : len(names)].softmax(dim=0)
        best = int(chances.argmax())
        return names[best] if float(chances[best]) >= _SURE_OF_CLASS else ''

    def _template_taps(self, image: np.ndarray, box: Box) -> Taps:
        return self.model.taps(self._crops(image, box, [1.0], self._template_size))

    def _respond(self, image: np.ndarray, box: Box, factors, size: int) -> np.ndarray:
        """Compute the enlarged responses, `len(factors) x R x R` float32, around a box."""
        search = self._crops(image, box, factors, size)
        response = self.model.respond(search, self._templates, self._adjusted)
        maps = response[:, 0].float().cpu().numpy()
        times = self.settings.upsample
        if times == 1:
            return maps
        return np.stack(
            [cv2.resize(m, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC) for m in maps]
        )

    def _padding(self, image: np.ndarray) -> float | None:
        return float(cv2.mean(image)[0]) if self.settings.padding == 'mean' else None

    def _pixel(self, box: Box) -> float:
        """Compute how many pixels of the image a pixel of the crops around `box` covers."""
        return self.model.preset.context * context_side(box) / self._template_size

    def _crops(self, image: np.ndarray, box: Box, factors, size: int) -> Tensor:
        """Cut out `len(factors) x 1 x size x size`, each `factor` times as wide as usual."""
        sides = [max(factor * size * self._pixel(box), _SMALLEST_SIDE) for factor in factors]
        crops = [crop(image, box.cx, box.cy, side, side, size, size, self._fill) for side in sides]
        return torch.from_numpy(np.stack(crops)[:, None]).to(self.device)

    def _peak(self, response: np.ndarray, windowed: bool) -> tuple[float, float]:
        """Find row and column of the peak, in cells from the centre."""
        size = len(response)
        margin = (len(self._window) - size) // 2
        window = self._window[margin : margin + size, margin : margin + size]
        if not windowed:
            weighted = response
        elif self.settings.window == 'product':
            weighted = response + window
        else:
            share = self.settings.window_weight
            raised = response - response.min()
            total = max(float(raised.sum()), 1e-30)
            weighted = (1 - share) / total * raised + share * window
        row, column = np.unravel_index(int(weighted.argmax()), weighted.shape)
        centre = (size - 1) / 2
        return (
            (row - centre) / self.settings.upsample,
            (column - centre) / self.settings.upsample,
        )

    def _make_window(self, size: int) -> np.ndarray:
        """Compute what is laid over responses of `size x size`, float32."""
        if self.settings.window == 'blend':
            hann = np.hanning(size + 2)[1:-1].astype(np.float32)
            window = np.outer(hann, hann)
            return window / window.sum()
        offset = np.linspace(-1, 1, size, dtype=np.float32) / _USUAL_MOVE
        distance = offset[:, None] ** 2 + offset[None, :] ** 2
        return -self.settings.window_weight * np.log1p(distance)

    def _limited(self, box: Box) -> Box:
        """Keep each side of a corrected box within the limits of its size."""
        settings, first = self.settings, self._first_box
        sides = (
            max(min(max(side, settings.min_scale * start), settings.max_scale * start), 1.0)
            for side, start in ((box.w, first.w), (box.h, first.h))
        )
        return Box.from_center(box.cx, box.cy, *sides)

    def _resized(self, box: Box, factor: float) -> Box:
        first, settings = self._first_box, self.settings
        scale = box.w * factor / first.w
        scale = min(max(scale, settings.min_scale), settings.max_scale)
        # Never below one pixel: a box without size could not be followed any more.
        scale = max(scale, 1.0 / min(first.w, first.h) if min(first.w, first.h) > 1 else 1.0)
        return Box.from_center(box.cx, box.cy, first.w * scale, first.h * scale)


def context_side(box: Box) -> float:
    """Side `s_z` of the square around a box with half its mean side as context all around."""
    context = (box.w + box.h) / 2
    return math.sqrt((box.w + context) * (box.h + context))


def _centred_within(image: np.ndarray, box: Box) -> Box:
    """Move a box whose centre lies outside of the image to the image's border."""
    height, width = image.shape
    return Box.from_center(
        min(max(box.cx, 0.0), width), min(max(box.cy, 0.0), height), box.w, box.h
    )
