# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fill the pools of views from the simulator and from annotated recordings and stills."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
import logging
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ..geometry import Box
from ..sequences.benchmarks import read_benchmark, Sequence
from ..simulation import render, Scene
from .config import SourceConfig, TrainConfig
from .pack import read_pack
from .views import PoolBuilder, ViewPool

logger = logging.getLogger(__name__)

_VALIDATION_SHARE = 10
"""Of every ten recordings, one is kept for validation."""
_UNLABELLED = ('DontCare',)
"""Classes of boxes that mark no object."""
_SCENE_FRAMES = 60
"""Length of a scene that views are taken of."""
_VISIBLE = 0.95
"""Part of a simulated target that has to be seen for its mask to be learned of."""
_STILL_RANGE = (24, 160)
"""Sides, in pixels, of a textured square that is taken as a target."""


def load_pools(config: TrainConfig) -> tuple[ViewPool, ViewPool]:
    """
    Return the pools for training and for validation, of the run's pack or of its sources.

    Raises ValueError for a source that the pack does not hold, and what `read_pack` and
    `build_pools` raise.
    """
    if not config.pack:
        return build_pools(config)
    training, validation = read_pack(config.pack)
    names = [source_name(source) for source in config.sources]
    if missing := [name for name in names if name not in training.sources]:
        raise ValueError(
            f"the pack '{config.pack}' does not hold the source '{missing[0]}', but "
            f'{", ".join(training.sources)}'
        )
    return training.of_sources(names), validation.of_sources(names)


def build_pools(config: TrainConfig) -> tuple[ViewPool, ViewPool]:
    """
    Read all sources of a run; returns the pools for training and for validation.

    They share no recording. Raises ValueError for a source without a usable box.
    """
    random = np.random.default_rng(config.seed)
    classes: list[str] = []
    builders = tuple(
        PoolBuilder(config.views.side, config.views.quality, classes) for _ in range(2)
    )
    for source in config.sources:
        name = source_name(source)
        for builder in builders:
            builder.source(name)
        before = builders[0].tracks
        reader = {
            'simulator': _simulator,
            'sequences': _sequences,
            'stills': _sequences,
            'textures': _textures,
        }[source.kind]
        reader(source, config, builders, random)
        if builders[0].tracks == before:
            raise ValueError(f"source '{name}' of the training data holds no usable track")
    training, validation = (builder.build() for builder in builders)
    return training, validation


def source_name(source: SourceConfig) -> str:
    """Name a source in a pack and in the weights' facts."""
    only = '' if source.only == '*' else f'/{source.only}'
    return f'{source.kind}:{source.root or source.category}{only}'


def _simulator(source: SourceConfig, config: TrainConfig, builders, random) -> None:
    count = source.tracks or 500
    base = int(random.integers(2**31))
    for index in tqdm(range(count), desc='scenes', unit='scene'):
        builder = builders[_is_validation(index, count)]
        # Few images of each scene, far apart: rendering is what costs.
        scene = render(source.category, seed=base + index, frames=_SCENE_FRAMES)
        chosen = np.linspace(0, _SCENE_FRAMES - 1, min(source.views_per_track, _SCENE_FRAMES))
        builder.video()
        builder.add_track(_scene_frames(scene, chosen), scene.target_class)


def _scene_frames(
    scene: Scene, chosen: np.ndarray
) -> Iterator[tuple[int, np.ndarray, Box, np.ndarray | None]]:
    """Yield the images of a scene that show the target, with its mask where nothing hides it."""
    for number in chosen.tolist():
        frame = scene.frame(int(number))
        if frame.box is not None:
            hidden = frame.visibility < _VISIBLE
            mask = None if hidden else scene.target_mask(int(number))
            yield int(number), frame.image.pixels, frame.box, mask


def _sequences(source: SourceConfig, config: TrainConfig, builders, random) -> None:
    everything, validation = _read(source, config)
    sequences = [
        one
        for one in everything
        if (len(one) == 1) == (source.kind == 'stills') and one.class_name not in _UNLABELLED
    ]
    if source.tracks and len(sequences) > source.tracks:
        chosen = random.choice(len(sequences), source.tracks, replace=False)
        sequences = [sequences[index] for index in sorted(chosen)]
    sequences.sort(key=lambda one: one.video)
    last = None
    for sequence in tqdm(sequences, desc=source.root, unit='track'):
        if sequence.video != last:
            for one in builders:
                one.video()
            last = sequence.video
        builders[sequence.video in validation].add_track(
            _spread(sequence, source.views_per_track), sequence.class_name.lower()
        )


def _textures(source: SourceConfig, config: TrainConfig, builders, random) -> None:
    """Take squares of stills that hold some structure as targets: the world is full of them."""
    everything, validation = _read(source, config)
    seen: dict[str, Sequence] = {}
    for sequence in everything:
        if len(sequence) == 1:
            # The objects of one still come one after the other, named after it.
            seen.setdefault(sequence.name.rpartition('.')[0], sequence)
    stills = list(seen.values())
    for _ in tqdm(range(source.tracks or 1000), desc='textures', unit='track'):
        still = stills[int(random.integers(len(stills)))]
        builder = builders[still.video in validation]
        image = _gray(still.frames[0])
        height, width = image.shape
        builder.video()
        for _ in range(20):
            low, high = np.log(_STILL_RANGE)
            w, h = np.exp(random.uniform(low, high) + random.uniform(-0.3, 0.3, 2))
            if w >= width or h >= height:
                continue
            x, y = random.uniform(0, width - w), random.uniform(0, height - h)
            patch = image[int(y) : int(y + h), int(x) : int(x + w)]
            if cv2.meanStdDev(patch)[1][0, 0] > 12:
                builder.add_track([(0, image, Box(x, y, w, h))])
                break


def _read(source: SourceConfig, config: TrainConfig) -> tuple[list[Sequence], set[str]]:
    """
    Read the sequences of a source's folder, and which of its videos are for validation.

    Stills, tracks and textures of one folder show the same recordings, so they have to agree.
    """
    name, root = source_name(source), Path(config.data) / source.root
    split = source.split if source.kind == 'sequences' else ''
    found = [
        one
        for one in read_benchmark(root)
        if fnmatch(one.name, source.only.lstrip('!')) != source.only.startswith('!')
    ]
    # A set that knows no splits is all for training.
    sequences = [one for one in found if not split or one.split in ('', split)]
    if not sequences:
        splits = ', '.join(sorted({one.split for one in found})) or 'none'
        raise ValueError(
            f"source '{name}': {root} has no sequence of the split '{split}' and of a name like "
            f"'{source.only}' (splits: {splits})"
        )
    videos = sorted({one.video for one in sequences})
    validation = {
        video
        for index, video in enumerate(videos)
        if _is_validation(index + config.seed, len(videos))
    }
    if split and not any(one.split for one in sequences):
        logger.warning(
            '%s: %s knows no splits; %d of its %d recordings are kept for validation',
            name,
            root,
            len(validation),
            len(videos),
        )
    return sequences, validation


def _is_validation(index: int, count: int) -> bool:
    """Keep one of ten of `count` recordings for validation, one if there are less."""
    share = min(count, _VALIDATION_SHARE)
    return count > 1 and index % share == share - 1


def _spread(sequence: Sequence, count: int) -> Iterator[tuple[int, np.ndarray, Box]]:
    """Yield `count` annotated frames, spread over a sequence, decoding it once."""
    valid = np.flatnonzero(np.isfinite(sequence.boxes).all(axis=1))
    wanted = set(
        valid[np.linspace(0, len(valid) - 1, min(count, len(valid))).astype(int)]
        if len(valid)
        else []
    )
    for index, frame in enumerate(sequence.frames):
        if index in wanted:
            yield index, _gray(frame), Box(*sequence.boxes[index])
        if index >= max(wanted, default=-1):
            return


def _gray(frame: np.ndarray) -> np.ndarray:
    if frame.dtype == np.uint8:
        return frame
    low, high = np.percentile(frame, (0.5, 99.5))
    return np.clip((frame - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)
