# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fill the pools of views from the simulator and from annotated recordings and stills."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ..geometry import Box
from ..sequences.benchmarks import read_benchmark, Sequence
from ..simulation import render
from .config import SourceConfig, TrainConfig
from .views import PoolBuilder, ViewPool

_VALIDATION_SHARE = 10
"""Of every ten recordings, one is kept for validation."""
_UNLABELLED = ('DontCare',)
"""Classes of boxes that mark no object."""
_SCENE_FRAMES = 60
"""Length of a scene that views are taken of."""
_STILL_RANGE = (24, 160)
"""Sides, in pixels, of a textured square that is taken as a target."""


def build_pools(config: TrainConfig) -> tuple[ViewPool, ViewPool]:
    """
    Read all sources of a run; returns the pools for training and for validation.

    They share no recording. Raises ValueError for a source without a usable box.
    """
    random = np.random.default_rng(config.seed)
    builders = PoolBuilder(), PoolBuilder()
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
        reader(source, Path(config.data), builders, random)
        if builders[0].tracks == before:
            raise ValueError(f"source '{name}' of the training data holds no usable track")
    return builders[0].build(), builders[1].build()


def source_name(source: SourceConfig) -> str:
    """Name a source in figures and in the weights' facts."""
    only = '' if source.only == '*' else f'/{source.only}'
    return f'{source.kind}:{source.root or source.category}{only}'


def _simulator(source: SourceConfig, data: Path, builders, random) -> None:
    count = source.tracks or 500
    base = int(random.integers(2**31))
    for index in tqdm(range(count), desc='scenes', unit='scene'):
        builder = builders[index % _VALIDATION_SHARE == 0]
        # Few images of each scene, far apart: rendering is what costs.
        scene = render(source.category, seed=base + index, frames=_SCENE_FRAMES)
        chosen = np.linspace(0, _SCENE_FRAMES - 1, min(source.views_per_track, _SCENE_FRAMES))
        frames = ((int(number), *scene[int(number)]) for number in chosen)
        builder.video()
        builder.add_track(
            ((number, image.pixels, box) for number, image, box in frames if box is not None),
            scene.target_class,
        )


def _sequences(source: SourceConfig, data: Path, builders, random) -> None:
    split = source.split if source.kind == 'sequences' else None
    sequences = [
        one
        for one in _read(source, data, split)
        if (len(one) == 1) == (source.kind == 'stills')
        and one.class_name not in _UNLABELLED
        and fnmatch(one.name, source.only.lstrip('!')) != source.only.startswith('!')
    ]
    if source.tracks and len(sequences) > source.tracks:
        chosen = random.choice(len(sequences), source.tracks, replace=False)
        sequences = [sequences[index] for index in sorted(chosen)]
    videos: dict[str, int] = {}
    sequences.sort(key=lambda one: one.video)
    last = None
    for sequence in tqdm(sequences, desc=source.root, unit='track'):
        number = videos.setdefault(sequence.video, len(videos))
        builder = builders[number % _VALIDATION_SHARE == 0]
        if sequence.video != last:
            for one in builders:
                one.video()
            last = sequence.video
        builder.add_track(_spread(sequence, source.views_per_track), sequence.class_name.lower())


def _textures(source: SourceConfig, data: Path, builders, random) -> None:
    """Take squares of stills that hold some structure as targets: the world is full of them."""
    seen: dict[str, Sequence] = {}
    for sequence in _read(source, data, None):
        if len(sequence) == 1:
            # The objects of one still come one after the other, named after it.
            seen.setdefault(sequence.name.rpartition('.')[0], sequence)
    stills = list(seen.values())
    for index in tqdm(range(source.tracks or 1000), desc='textures', unit='track'):
        builder = builders[index % _VALIDATION_SHARE == 0]
        image = _gray(stills[int(random.integers(len(stills)))].frames[0])
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


def _read(source: SourceConfig, data: Path, split: str | None) -> Iterator[Sequence]:
    return read_benchmark(data / source.root, split=split)


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
