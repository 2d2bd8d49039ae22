# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The engine: follows any number of targets with one network, and keeps none of them itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import cv2
import numpy as np

from ..geometry import Box
from .masks import placed, rotated_box
from .redetection import PLACES, Redetection
from .runtime import Response, Runtime
from .score import calibration, chance, probability, score_features
from .search_region import Pace, SearchRegion
from .settings import TrackingSettings
from .size import Found, Size, Sized, within
from .track import Estimate, Track

_SURE_OF_CLASS = 0.9
"""Probability from which the class head names the target."""


@dataclass(kw_only=True)
class EngineTrack(Track):
    """All that the engine knows of one target."""

    first_box: Box
    """Its box in the first image."""
    fill: float | None
    """What lies outside of the image; None for the nearest pixel."""
    template: Any
    """What the runtime compares search crops with."""
    size_memory: Any
    """What the way to follow the size remembers."""
    first_peaks: dict[int, float] = field(default_factory=dict)
    """Peak of the response in the first image, by the size of the search crop."""
    pace: Pace = field(default_factory=Pace)
    redetection: Redetection
    images: int = 0
    """Images since the first one."""
    wide: int = 0
    """Size of the search crop while the network has lost the target, see `widest_search`; or 0."""


@dataclass(frozen=True)
class _Look:
    """One search for a target around a box, with search crops of a size."""

    track: EngineTrack
    box: Box
    size: int
    anywhere: bool = False
    """Whether a place far from the box is as likely as a near one."""


@dataclass(frozen=True)
class _Finding:
    """What a look gave."""

    estimate: Estimate
    sized: Sized
    probability: float
    """What the network itself says of the place, 0..1."""
    mask: Callable[[], np.ndarray] | None


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
        self.region = SearchRegion(runtime, settings)
        self.score_weights, self.calibrated = calibration(self.facts.get('score', {}), size.name)

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
        )
        # Peaks are divided by the first image's peak for the same crop size: in a smaller crop it
        # may be twice as high, where a network looks at the whole crop, as MMNet's gate does.
        for size in {self.region.size, self.region.near_size}:
            window = self.region.window(box, size, 1.0, fill)
            response = self.runtime.search(image, [window], [track.template], size)
            peak = float(self._enlarged(response.scores[0]).max())
            track.first_peaks[size] = max(peak, 1e-6)
        return track

    def update(self, image: np.ndarray, tracks: Sequence[EngineTrack]) -> list[Estimate]:
        """
        Find the targets in the next gray image `H x W`, 0..1, and learn how they look in it.

        The crops of all targets go through the network together.
        """
        whole = self.region.size
        looks = [
            _Look(one, one.box, one.wide or self.region.first_size(one.pace), one.wide > whole)
            for one in tracks
        ]
        findings = self._look(image, looks)
        for track, finding in zip(tracks, findings):
            track.images += 1
            self.region.note(track.pace, track.box, finding.estimate.box, finding.estimate.score)
        # Nearby is not tried again in the next image: it would soon cost more than it saves.
        again = [
            index
            for index, (track, look) in enumerate(zip(tracks, looks))
            if look.size < whole and not track.pace.steady
        ]
        second = self._look(image, [_Look(tracks[i], tracks[i].box, whole) for i in again])
        for index, finding in zip(again, second):
            findings[index] = finding
        if self.settings.widest_search:
            findings = [self._held(*one) for one in zip(tracks, findings)]
        if self.settings.redetection:
            self._look_elsewhere(image, tracks, findings)
        self._learn(image, tracks, findings)
        for track, finding in zip(tracks, findings):
            track.box = finding.estimate.box
        return [self._with_mask(finding) for finding in findings]

    def _held(self, track: EngineTrack, finding: _Finding) -> _Finding:
        """
        Widen the search for a target while it is not sure, and keep its box.

        (SiamRPN++'s long-term tracker; DaSiamRPN, section 3.4. Between the two thresholds the box
        is followed and the search stays as wide as it is.)
        """
        thresholds = self.settings.thresholds
        if finding.probability > thresholds.narrow_above:
            track.wide = 0
        elif finding.probability < thresholds.widen_below:
            track.wide = self.region.wider(track.wide)
            estimate = replace(finding.estimate, box=track.box)
            return replace(finding, estimate=estimate, mask=None)
        return finding

    def _with_mask(self, finding: _Finding) -> Estimate:
        """Draw the mask, which only what is told depends on."""
        if finding.mask is None:
            return finding.estimate
        mask = finding.mask()
        rotated = rotated_box(mask) if self.settings.rotated_box else None
        box, theta = rotated or (finding.estimate.box, 0.0)
        return replace(finding.estimate, box=box, theta=theta, mask=mask)

    def look_around(self, image: np.ndarray, track: EngineTrack, box: Box) -> list[Estimate]:
        """Find a target nearby and in the whole search region around `box`; learns nothing."""
        sizes = (self.region.near_size, self.region.size)
        looks = [_Look(track, box, size) for size in sizes]
        return [self._look(image, [look])[0].estimate for look in looks]

    def _look_elsewhere(
        self, image: np.ndarray, tracks: Sequence[EngineTrack], findings: list[_Finding]
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
                looks.append(_Look(track, place, self.region.size, anywhere=True))
            for index, finding in zip(lost, self._look(image, looks)):
                if tracks[index].redetection.believes(finding.estimate, thresholds):
                    findings[index] = finding

    def _look(self, image: np.ndarray, looks: Sequence[_Look]) -> list[_Finding]:
        """Search, in one pass through the network for all looks with crops of the same size."""
        factors = self.size.factors
        found: dict[int, tuple[Found, Estimate]] = {}
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
                found[index] = self._find(image, looks[index], response, crops)
        if not looks:
            return []
        sized = self.size.measure(image, [found[index][0] for index in range(len(looks))])
        return [self._scored(looks[index], *found[index], one) for index, one in enumerate(sized)]

    def _find(
        self, image: np.ndarray, look: _Look, response: Response, crops: slice
    ) -> tuple[Found, Estimate]:
        """Take the peak of the maps of a look's crops; the score of the estimate is the peak."""
        scores, box = response.scores[crops], look.box
        boxes = None if response.boxes is None else response.boxes[crops]
        pixels = self.region.pixel(box)
        penalties = self.size.penalties(boxes, box.w / pixels, box.h / pixels)
        maps = self._enlarged(scores.reshape(-1, *scores.shape[2:]))
        peaks = maps.max(axis=(1, 2))
        chosen = self.size.choose(peaks)
        if isinstance(penalties, np.ndarray):
            penalties = penalties.reshape(maps.shape)[chosen]
        index, row, column = self.region.peak(maps[chosen], look.anywhere, penalties)
        index += chosen.start or 0
        crop, candidate = divmod(index, scores.shape[1])
        # The paper measures displacement with the old size, not the winning scale's; a cell of
        # the chosen crop, though, covers `factor` times as many pixels.
        factor = self.size.factors[crop]
        pixels *= factor
        cell = self.region.stride * pixels
        moved = Box(box.x + column * cell, box.y + row * cell, box.w, box.h)
        found = Found(look.track, within(image, moved), factor)
        peak = float(peaks[index])
        if boxes is not None:
            i, j = (round(one + (scores.shape[-1] - 1) / 2) for one in (row, column))
            x, y, w, h = boxes[crop, candidate, :, i, j].tolist()
            left, top = box.cx - look.size / 2 * pixels, box.cy - look.size / 2 * pixels
            found.network_box = Box(left + x * pixels, top + y * pixels, w * pixels, h * pixels)
            peak = float(scores[crop, candidate, i, j])
            if isinstance(penalties, np.ndarray):
                found.trust = float(chance(peak) * np.exp(penalties[index, i, j]))
            if response.mask is not None and self.settings.masks:
                side = self.runtime.template_size * pixels
                found.mask = partial(
                    self._draw,
                    image,
                    partial(response.mask, (crops.start or 0) + crop, i, j),
                    Box.from_center(moved.cx, moved.cy, side, side),
                )
        side = cell * maps.shape[-1] / self.settings.upsample
        area = Box.from_center(box.cx, box.cy, side, side)
        return found, Estimate(found.box, peak, maps[index], area)

    def _draw(self, image: np.ndarray, mask: Callable[[], np.ndarray], area: Box) -> np.ndarray:
        """Draw a mask that covers a square of the image; `H x W` bool."""
        return placed(mask(), area, image.shape, self.settings.mask_above)

    def _scored(self, look: _Look, found: Found, at_peak: Estimate, sized: Sized) -> _Finding:
        peaks = look.track.first_peaks
        first_peak = peaks.get(look.size, peaks[self.region.size])
        evidence = score_features(at_peak.score, first_peak, sized.agreement)
        estimate = Estimate(
            sized.box,
            probability(evidence, self.score_weights),
            at_peak.response,
            at_peak.response_area,
            calibrated=self.calibrated,
            evidence=evidence,
        )
        return _Finding(estimate, sized, float(chance(at_peak.score)), found.mask)

    def _learn(
        self, image: np.ndarray, tracks: Sequence[EngineTrack], findings: Sequence[_Finding]
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
            self.size.learn(image, track, finding.sized)

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

    def _enlarged(self, maps: np.ndarray) -> np.ndarray:
        """Enlarge maps `C x R x R`, by `upsample` along each side."""
        times = self.settings.upsample
        if times == 1:
            return maps
        return np.stack(
            [cv2.resize(m, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC) for m in maps]
        )
