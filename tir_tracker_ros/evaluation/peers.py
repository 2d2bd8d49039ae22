# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""OpenCV's trackers with the same interface as ours, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..geometry import Box
from ..tracking.track import Estimate, Track

PEERS = ('csrt', 'kcf', 'mil', 'nanotrack')
_SCORED = ('nanotrack',)
"""Those that say how sure they are, 0..1; of the others, a target is found or not."""
INSTALL = 'pip install opencv-contrib-python-headless brings it'


@dataclass
class PeerTrack(Track):
    """A target of one of OpenCV's trackers, each of which follows a single one."""

    opencv: Any = None
    """OpenCV's object, which was started on the target."""


class OpenCvTracker:
    """One of OpenCV's trackers, on the 8-bit colour copy of a gray image that they expect."""

    device = 'cpu'

    def __init__(self, name: str, create: Callable[[], Any]) -> None:
        self.name = name
        self._create = create
        create()  # so that files which are no such network are told at once

    def start(self, image: np.ndarray, box: Box) -> PeerTrack:
        """Start a track on `box`; raises ValueError where OpenCV refuses it."""
        if not box.is_finite() or box.area <= 0:
            raise ValueError(f'{self.name} cannot start on {box}, which is not finite or empty')
        cv2.setRNGSeed(0)  # MIL draws at random
        opencv = self._create()
        # A rectangle of whole pixels, which all but OpenCV's old interface insist on.
        x, y, w, h = round(box.x), round(box.y), max(round(box.w), 1), max(round(box.h), 1)
        try:
            opencv.init(_colour(image), (x, y, w, h))
        except cv2.error as error:
            raise ValueError(f'{self.name} refuses the box {x},{y},{w},{h}: {error}') from error
        return PeerTrack(box, opencv=opencv)

    def update(self, image: np.ndarray, tracks: Sequence[PeerTrack]) -> list[Estimate]:
        """
        Find the targets; where OpenCV finds none, the last box with a score of 0.

        The score of one that is found is 1 where OpenCV's tracker tells none.
        """
        pixels = _colour(image)
        return [self._updated(pixels, track) for track in tracks]

    def _updated(self, pixels: np.ndarray, track: PeerTrack) -> Estimate:
        try:
            found, rectangle = track.opencv.update(pixels)
        except cv2.error:
            found, rectangle = False, ()
        box = Box(*(float(value) for value in rectangle)) if found else track.box
        if not found or not box.is_finite() or box.area <= 0:
            return Estimate(track.box, 0.0)
        track.box = box
        # The classic ones know no score: from OpenCV 5 on they have the method, and it gives -1.
        score = float(track.opencv.getTrackingScore()) if self.name in _SCORED else 1.0
        return Estimate(box, min(max(score, 0.0), 1.0))


def _colour(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.convertScaleAbs(image, alpha=255), cv2.COLOR_GRAY2BGR)


def load_peer(name: str, nanotrack: tuple[Path, Path] | None = None) -> OpenCvTracker:
    """
    Make the peer of that name, one of `PEERS`.

    `nanotrack` are the ONNX files of NanoTrack's backbone and head. Raises ValueError for another
    name or files that are no such networks, ImportError for a tracker that this OpenCV lacks.
    """
    if name not in PEERS:
        raise ValueError(f"no peer '{name}'; there are {', '.join(PEERS)}")
    if name == 'nanotrack':
        return _load_nanotrack(nanotrack)
    return OpenCvTracker(name, _creator(f'Tracker{name.upper()}'))


def _load_nanotrack(files: tuple[Path, Path] | None) -> OpenCvTracker:
    if files is None:
        raise ValueError('nanotrack needs its two files: --nanotrack BACKBONE.onnx HEAD.onnx')
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f'{path} is not a file; nanotrack needs its backbone and head')
    create = _creator('TrackerNano')
    parameters = cv2.TrackerNano_Params()  # type: ignore[attr-defined]
    parameters.backbone, parameters.neckhead = (str(path) for path in files)
    try:
        return OpenCvTracker('nanotrack', lambda: create(parameters))
    except cv2.error as error:
        raise ValueError(f'{files[0]} and {files[1]} are not NanoTrack: {error}') from error


def _creator(kind: str) -> Callable[..., Any]:
    """Find what makes a tracker: a function up to OpenCV 4, in some versions a class method."""
    for module in (cv2, getattr(cv2, 'legacy', None)):
        create = getattr(module, f'{kind}_create', None)
        create = create or getattr(getattr(module, kind, None), 'create', None)
        if create:
            return create
    raise ImportError(f'OpenCV {cv2.__version__} has no {kind}; {INSTALL}')
