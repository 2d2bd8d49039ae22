# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""OpenCV's trackers with the same interface as ours, for comparison."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ..geometry import Box
from ..tracking.tracker import Estimate

PEERS = ('csrt', 'kcf', 'mil', 'nanotrack')
INSTALL = "pip install 'tir_tracker_ros[eval]' brings opencv-contrib-python-headless"


class OpenCvTracker:
    """One of OpenCV's trackers, on the 8-bit colour copy of a gray image that they expect."""

    class_name = ''

    def __init__(self, name: str, create: Callable[[], object]) -> None:
        self.name = name
        self._create = create
        self._tracker = create()
        self._box = Box(0, 0, 1, 1)

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start on `box`; raises ValueError where OpenCV refuses it."""
        cv2.setRNGSeed(0)  # MIL draws at random
        self._tracker, self._box = self._create(), box
        pixels = _colour(image)
        # A rectangle of whole pixels, which all but OpenCV's old interface insist on.
        x, y, w, h = round(box.x), round(box.y), max(round(box.w), 1), max(round(box.h), 1)
        try:
            self._tracker.init(pixels, (x, y, w, h))  # type: ignore[attr-defined]
        except cv2.error as error:
            raise ValueError(f'{self.name} refuses the box {x},{y},{w},{h}: {error}') from error

    def update(self, image: np.ndarray) -> Estimate:
        """Find the target; where OpenCV finds none, the last box with a score of 0."""
        try:
            found, rectangle = self._tracker.update(_colour(image))  # type: ignore[attr-defined]
        except cv2.error:
            found, rectangle = False, ()
        if found:
            box = Box(*(float(value) for value in rectangle))
            if box.is_finite() and box.area > 0:
                self._box = box
                return Estimate(box, self._score())
        return Estimate(self._box, 0.0)

    def _score(self) -> float:
        score = getattr(self._tracker, 'getTrackingScore', None)
        return min(max(float(score()), 0.0), 1.0) if score else 1.0


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


def _creator(kind: str) -> Callable[..., object]:
    """Find what makes a tracker: a function up to OpenCV 4, in some versions a class method."""
    for module in (cv2, getattr(cv2, 'legacy', None)):
        create = getattr(module, f'{kind}_create', None)
        create = create or getattr(getattr(module, kind, None), 'create', None)
        if create:
            return create
    raise ImportError(f'OpenCV {cv2.__version__} has no {kind}; {INSTALL}')
