# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Make the score of a trained model a probability, on scenes of the simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ..geometry import Box
from ..imaging.gain import GainControl
from ..models import zoo
from ..models.inference import find_precision, prepare
from ..models.network import Network
from ..simulation import CATEGORIES, render
from ..tracking.engine import Engine
from ..tracking.loading import build_engine
from ..tracking.score import calibrate, calibration_name
from ..tracking.settings import MODES, TrackingSettings

_ON_TARGET = 0.3
"""Overlap from which a box counts as being on the target."""
_ELSEWHERE_EVERY = 8
"""Images from one look at another place to the next."""
_FIRST_SEED = 700_000
"""Far from the seeds that scenes are trained and judged on."""


def calibrated_scores(network: Network, scenes: int = 3) -> dict[str, list[float]]:
    """
    Calibrate the score of a trained network for each mode of tracking, and with a target model.

    scenes: of each category of the simulator. Returns the weights by the name of the way in which
    the mode follows the size: what belongs in the facts of the weight file as `score`. Where both
    modes follow it in one way, the default one is calibrated. The network runs on the CPU, in the
    precision that most will run it in.
    """
    device = torch.device('cpu')
    fast = prepare(network, device, find_precision('auto', device))
    scores: dict[str, list[float]] = {}
    ways = [(mode, False) for mode in MODES] + [('default', True)] * fast.has_features
    for mode, model in ways:
        settings = TrackingSettings.of(fast.preset, mode, target_model=model)
        engine = build_engine(fast, settings)
        name = calibration_name(engine.size.name, model)
        if name not in scores:
            scores[name] = calibrate_score(engine, scenes)
    return scores


def recalibrate(path: Path) -> dict[str, list[float]]:
    """
    Calibrate the score of a weight file for this version's tracking; the file is written anew.

    Returns what `calibrated_scores` does; raises what `read_weights` raises.
    """
    name, facts, tensors = zoo.read_weights(path)
    network, _ = zoo.load_model(name, path)
    scores = calibrated_scores(network)
    stored = next(value.dtype for value in tensors.values() if value.is_floating_point())
    zoo.save_weights(network, path, {**facts, 'score': scores}, stored)
    return scores


def calibrate_score(engine: Engine, scenes: int = 3, frames: int = 80) -> list[float]:
    """
    Follow targets of every category of scene, and fit the score to whether the box was right.

    Runs `scenes` scenes of `frames` images of each category; returns the weights for the engine's
    way to follow the size, and leaves them in the engine. Images without the target count as
    wrong, whatever the box. So do looks at other places of the same images, unless they find the
    target: that is what a target leaves behind that goes away.
    Where the score decides what is learned, and so the next scores, half as many scenes come
    first in which everything is learned. They count as well: a score has to stay low where
    something else has been learned by mistake, and matches.
    """
    settings = engine.settings
    learns = settings.template != 'fixed' or settings.target_model or engine.size.name == 'refiner'
    seen = []
    if learns and settings.thresholds.learn_above > 0:
        engine.settings = replace(
            settings, thresholds=replace(settings.thresholds, learn_above=0.0)
        )
        seen.append(_followed(engine, (scenes + 1) // 2, frames))
        engine.looker.score_weights = calibrate(*seen[0])
        engine.settings = settings
    seen.append(_followed(engine, scenes, frames))
    evidence, right = (np.concatenate(one) for one in zip(*seen))
    engine.looker.score_weights = calibrate(evidence, right)
    return list(engine.looker.score_weights)


def _followed(engine: Engine, scenes: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Follow targets; returns what the scores were made of and whether the boxes were right."""
    random = np.random.default_rng(0)
    evidence, right = [], []
    for category in tqdm(CATEGORIES, desc='calibration', unit='category'):
        for index in range(scenes):
            gain, track = GainControl(), None
            scene = render(category, seed=_FIRST_SEED + index, frames=frames)
            for number, (image, box) in enumerate(scene):
                image01 = gain(image)
                if track is None:
                    track = None if box is None else engine.start(image01, box)
                    continue
                looks = engine.update(image01, [track])
                if number % _ELSEWHERE_EVERY == 0:
                    x, y = random.random(2) * image01.shape[::-1]
                    place = Box.from_center(x, y, track.box.w, track.box.h)
                    looks += engine.look_around(image01, track, place)
                for found in looks:
                    evidence.append(found.evidence)
                    right.append(box is not None and found.box.iou(box) > _ON_TARGET)
    return np.array(evidence), np.array(right)
