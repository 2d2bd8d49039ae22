# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The engine: follows any number of targets with one network, and keeps none of them itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from ..geometry import Box
from .distractors import remembered
from .engine_track import EngineTrack
from .looking import Finding, Look, Looker
from .masks import rotated_box
from .redetection import PLACES, Redetection
from .runtime import Runtime
from .score import calibration
from .settings import TrackingSettings
from .size import Size
from .target_model import TargetModel, VIEWS
from .track import Estimate, Mask

_SURE_OF_CLASS = 0.9
"""Probability from which the class head names the target."""
_FILTER_INTERVAL = 2
"""
Images from one that the target model may learn to the next. The whole region is searched in it:
what stands farther away than the nearby search reaches has to become a negative, too.
"""


class Engine:
    """
    Follow targets with a network at run time.

    `facts` are those of the weight file: `score` among them calibrates the score for each way
    to follow the size, `classes` name the outputs of the class head. Raises ValueError for a
    calibration that is none.
    """

    def __init__(
        self,
        runtime: Runtime,
        size: Size,
        settings: TrackingSettings,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.runtime, self.size, self.settings = runtime, size, settings
        self.facts = dict(facts or {})
        self.name, self.device = runtime.name, runtime.device
        self.target_model: TargetModel | None = None
        if settings.target_model:
            self.target_model = TargetModel.of_crops(
                runtime.template_size, runtime.context, runtime.stride
            )
        score = calibration(self.facts.get('score', {}), size.name, settings.target_model)
        self.looker = Looker(runtime, size, settings, self.target_model, score)
        self.region, self.calibrated = self.looker.region, self.looker.calibrated

    def warm_up(self) -> None:
        """Start on noise and update twice, so that the first image is not slower."""
        noise = np.random.default_rng(0).random((240, 320), dtype=np.float32)
        track = self.start(noise, Box(140, 100, 40, 40))
        for _ in range(2):
            self.update(noise, [track])

    def start(self, image: np.ndarray, box: Box) -> EngineTrack:
        """
        Make the track of what `box` surrounds in a gray image `H x W`, 0..1.

        Raises ValueError for a box that is not finite or has no size.
        """
        if not box.is_finite() or box.w <= 0 or box.h <= 0:
            raise ValueError(f'box {tuple(box)} is not finite and of positive size')
        fill = float(cv2.mean(image)[0]) if self.settings.padding == 'mean' else None
        track = EngineTrack(
            box=box,
            class_name=self._classify(image, box, fill),
            first_box=box,
            fill=fill,
            template=self.runtime.template(image, [self.region.template_window(box, fill)])[0],
            size_memory=self.size.start(image, box),
            redetection=Redetection(box),
            search_size=self.region.whole(box, image.shape),
        )
        if self.target_model:
            self._learn_first(image, track, self.target_model)
        # Peaks are divided by the first image's peak for the same crop size: in a smaller crop it
        # may be twice as high, where a network looks at the whole crop, as MMNet's gate does.
        sizes = {self.region.size, self.region.near_size, track.search_size}
        for size in sizes - set(track.first_peaks):
            window = self.region.window(box, size, 1.0, fill)
            response = self.runtime.search(image, [window], [track.template], size)
            track.first_peaks[size] = self.looker.first_peak(response)
        return track

    def _learn_first(self, image: np.ndarray, track: EngineTrack, model: TargetModel) -> None:
        box, size = track.box, self.region.size
        cell = self.region.stride * self.region.pixel(box)
        views = VIEWS * model.pooled
        windows = [
            self.region.window(
                Box.from_center(box.cx + x * cell, box.cy + y * cell, box.w, box.h),
                size,
                1.0,
                track.fill,
            )
            for x, y in views
        ]
        response = self.runtime.search(image, windows, [track.template] * len(views), size)
        assert response.features is not None  # the network was asked for them
        track.target_filter = model.start(response.features, views, self.runtime.cells(size))
        # The first view is the one around the target itself.
        track.first_peaks[size] = self.looker.first_peak(response)

    def update(self, image: np.ndarray, tracks: Sequence[EngineTrack]) -> list[Estimate]:
        """
        Find the targets in the next gray image `H x W`, 0..1, and learn how they look in it.

        The crops of all targets go through the network together.
        """
        looks = []
        for track in tracks:
            track.images += 1
            whole = track.search_size
            size = whole if self._model_due(track) else self.region.first_size(track.pace, whole)
            looks.append(Look(track, track.box, track.wide or size, track.wide > whole))
        findings = self.looker.look(image, looks)
        for track, finding in zip(tracks, findings):
            self.region.note(track.pace, track.box, finding.estimate.box, finding.estimate.score)
        # Nearby is not tried again in the next image: it would soon cost more than it saves.
        again = [
            index
            for index, (track, look) in enumerate(zip(tracks, looks))
            if look.size < track.search_size and not track.pace.steady
        ]
        again_looks = [Look(tracks[i], tracks[i].box, tracks[i].search_size) for i in again]
        second = self.looker.look(image, again_looks)
        for index, finding in zip(again, second):
            findings[index] = finding
        if self.settings.widest_search:
            findings = [self._held(*one) for one in zip(tracks, findings)]
        findings = [self._with_old_size(*one) for one in zip(tracks, findings)]
        if self.settings.redetection:
            self._look_elsewhere(image, tracks, findings)
        self._learn(image, tracks, findings)
        for track, finding in zip(tracks, findings):
            track.box = finding.estimate.box
        return [self._with_mask(finding) for finding in findings]

    def _held(self, track: EngineTrack, finding: Finding) -> Finding:
        """
        Widen the search for a target while it is not sure, and keep its box.

        (SiamRPN++'s long-term tracker; DaSiamRPN, section 3.4. Between the two thresholds the box
        is followed and the search stays as wide as it is.)
        """
        thresholds = self.settings.thresholds
        if finding.probability > thresholds.narrow_above:
            track.wide = 0
        elif finding.probability < thresholds.widen_below:
            track.wide = self.region.wider(max(track.wide, track.search_size))
            estimate = replace(finding.estimate, box=track.box)
            return replace(finding, estimate=estimate, mask=None)
        return finding

    def _with_old_size(self, track: EngineTrack, finding: Finding) -> Finding:
        """Keep the size of a target that is not sure: it would grow to what walks in front."""
        estimate, old = finding.estimate, track.box
        if estimate.score >= self.settings.thresholds.resize_above:
            return finding
        box = Box.from_center(estimate.box.cx, estimate.box.cy, old.w, old.h)
        return replace(finding, estimate=replace(estimate, box=box))

    def _with_mask(self, finding: Finding) -> Estimate:
        """Add the mask, and the box around it, which nothing but what is told depends on."""
        if finding.mask is None:
            return finding.estimate
        mask = Mask(finding.mask)
        rotated = rotated_box(mask.pixels) if self.settings.rotated_box else None
        box, theta = rotated or (finding.estimate.box, 0.0)
        return replace(finding.estimate, box=box, theta=theta, mask=mask)

    def look_around(self, image: np.ndarray, track: EngineTrack, box: Box) -> list[Estimate]:
        """Find a target nearby and in the whole search region around `box`; learns nothing."""
        sizes = (self.region.near_size, self.region.size)
        looks = [Look(track, box, size) for size in sizes]
        return [self.looker.look(image, [look])[0].estimate for look in looks]

    def _look_elsewhere(
        self, image: np.ndarray, tracks: Sequence[EngineTrack], findings: list[Finding]
    ) -> None:
        """Look for lost targets in other places, and take up those that are found there."""
        thresholds = self.settings.thresholds
        for track, finding in zip(tracks, findings):
            track.redetection.judge(finding.estimate, thresholds)
        for _ in range(PLACES):
            lost = [i for i, one in enumerate(tracks) if one.redetection.searching(thresholds)]
            looks = []
            for track in (tracks[i] for i in lost):
                search = track.redetection
                place = search.next_place(image.shape, self.region.step(search.seen))
                looks.append(Look(track, place, self.region.size, anywhere=True))
            for index, finding in zip(lost, self.looker.look(image, looks)):
                if tracks[index].redetection.believes(finding.estimate, thresholds):
                    findings[index] = finding

    def _learn(
        self, image: np.ndarray, tracks: Sequence[EngineTrack], findings: Sequence[Finding]
    ) -> None:
        """Learn how the targets look whose score is high enough."""
        settings = self.settings
        sure = [
            (track, finding)
            for track, finding in zip(tracks, findings)
            if finding.estimate.score >= settings.thresholds.learn_above
        ]
        due = [one for one in sure if one[0].images % settings.template_interval == 0]
        if settings.template != 'fixed' and due:
            windows = []
            for track, finding in due:
                # The papers crop at the new centre with the old size.
                new = finding.estimate.box
                size = track.box if self.size.name == 'pyramid' else new
                box = Box.from_center(new.cx, new.cy, size.w, size.h)
                windows.append(self.region.template_window(box, track.fill))
            for (track, _), template in zip(due, self.runtime.template(image, windows)):
                if settings.template == 'average':
                    template = self.runtime.blend(track.template, template, settings.template_rate)
                track.template = template
        for track, finding in sure:
            if finding.look_alikes:
                boxes = finding.look_alikes
                windows = [self.region.template_window(box, track.fill) for box in boxes]
                made = self.runtime.template(image, windows)
                track.distractors = remembered(self.runtime, track.distractors, made)
            self.size.learn(image, track, finding.sized)
            view, target = finding.view, track.target_filter
            if self.target_model and view and target and self._model_due(track):
                place = view.place(finding.estimate.box)
                self.target_model.learn(target, view.features, place, view.cells)

    def _model_due(self, track: EngineTrack) -> bool:
        """Tell whether the target model is to learn this image, if the target is sure in it."""
        return self.target_model is not None and track.images % _FILTER_INTERVAL == 0

    def _classify(self, image: np.ndarray, box: Box, fill: float | None) -> str:
        """Name the class of the target; '' where the head was not trained or is not sure."""
        names = self.facts.get('classes', ())
        if not (self.facts.get('class_head_trained') and names):
            return ''
        scores = self.runtime.classify(image, self.region.template_window(box, fill))
        if scores is None:
            return ''
        chances = np.exp(scores[: len(names)] - scores[: len(names)].max())
        best = int(chances.argmax())
        return names[best] if chances[best] >= _SURE_OF_CLASS * chances.sum() else ''
