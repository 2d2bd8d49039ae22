# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Typed and closed configuration of a training run; an unknown key is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
import yaml

DEFAULT_MODEL = 'mmnet_fast'


class Closed(BaseModel):
    """A part of a configuration: fixed once read, and an unknown key is an error."""

    model_config = ConfigDict(extra='forbid', frozen=True)


class SourceConfig(Closed):
    """One source of views."""

    kind: Literal['simulator', 'sequences', 'stills', 'textures']
    """
    `simulator`: seeded scenes; `sequences`: a benchmark layout, recognised by itself; `stills`:
    images with boxes, each object a track of one view; `textures`: textured squares of stills.
    """
    root: str = ''
    """Folder of the data, relative to `data` of the run; empty for the simulator."""
    split: str = 'train'
    only: str = '*'
    """Shell pattern that names of sequences must match; a leading `!` turns it round."""
    views_per_track: int = Field(default=12, ge=1)
    """Views kept of each track, spread over its length."""
    tracks: int = Field(default=0, ge=0)
    """Tracks at most, chosen at random; 0 is all. The number of scenes for the simulator."""
    category: str = 'random'
    """Of the simulator."""
    weight: float = Field(default=1.0, gt=0)
    """Share of the pairs, relative to the other sources."""


class ViewConfig(Closed):
    """How the squares around objects are kept in memory and in packs."""

    side: int = Field(default=320, ge=64)
    """
    Side of a view at most, pixels: 71 of them are `s_z` of its box. Views of small objects keep
    the pixels of their images.
    """
    quality: int = Field(default=62, ge=20, le=100)
    """Of their JPEGs."""


class SamplingConfig(Closed):
    """How pairs are drawn."""

    easy: float = Field(default=0.05, ge=0, le=1)
    background: float = Field(default=0.05, ge=0, le=1)
    semantic: float = Field(default=0.1, ge=0, le=1)
    related: float = Field(default=0.0, ge=0, le=1)
    """
    Rate of pairs of an object that is of the class, or in a recording, of the pair before: what
    `loss.strangers` tells apart.
    """
    frame_range: int = Field(default=100, ge=0)
    """Largest distance in time between the two views of a positive pair, images."""

    @model_validator(mode='after')
    def _rates(self) -> SamplingConfig:
        negatives = self.easy + self.background + self.semantic
        if negatives >= 1:
            raise ValueError(f'rates of negatives sum to {negatives}: nothing is left for pairs')
        return self


class AugmentationConfig(Closed):
    """Random changes of the crops; lengths in pixels of the search crop."""

    translation: float = Field(default=48.0, ge=0)
    scale: float = Field(default=0.25, ge=0, lt=1)
    """Largest change of size of the search crop, as a share."""
    aspect: float = Field(default=0.08, ge=0, lt=1)
    rotation: float = Field(default=8.0, ge=0)
    """Largest rotation between the two crops, degrees."""
    flip: float = Field(default=0.5, ge=0, le=1)
    polarity: float = Field(default=0.3, ge=0, le=1)
    """Rate of pairs shown black-hot."""
    gain: float = Field(default=0.3, ge=0)
    """Largest logarithm of a change of contrast, of either crop."""
    offset: float = Field(default=0.15, ge=0)
    blur: float = Field(default=0.3, ge=0, le=1)
    """Rate of blurred crops."""
    noise: float = Field(default=0.04, ge=0)
    """Largest standard deviation of pixel noise, in 0..1 of the range."""
    fixed_pattern: float = Field(default=0.02, ge=0)
    """Largest standard deviation of column noise."""
    occlusion: float = Field(default=0.1, ge=0, le=1)
    """Rate of search crops with a part of the target covered."""
    displaced: float = Field(default=0.0, ge=0, le=1)
    """Rate of search crops whose target lies on another part of its background."""
    neighbours: float = Field(default=0.0, ge=0, le=1)
    """
    Rate of search crops beside whose target the object of the pair before is laid, where that is
    of its class or recording (see `sampling.related`).
    """


class TrainConfig(Closed):
    """What the training of every family is told; a family adds keys of its own."""

    model: str = DEFAULT_MODEL
    """A preset of `tir-tracker models`, or `box_refiner`."""
    data: str = ''
    """Folder that the roots of the sources are relative to."""
    sources: list[SourceConfig] = Field(min_length=1)
    pack: str = ''
    """
    File of `tir-tracker pack` that the views are taken from, in place of `data`: of the sources
    that both name, with the weights given here.
    """
    views: ViewConfig = ViewConfig()
    sampling: SamplingConfig = SamplingConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    initial_weights: str = ''
    """
    Weight file to start from, or name of a model whose shipped weights it is; of weights of
    another model, the backbone alone.
    """
    freeze: list[str] = []
    """Prefixes of parameter names that are not trained, such as `backbone.convs.0`."""
    epochs: int = Field(default=20, ge=1)
    batches: int = Field(default=100, ge=1)
    """Batches in an epoch."""
    batch: int = Field(default=8, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    final_learning_rate: float = Field(default=1e-5, gt=0)
    number_rate: float = Field(default=30.0, gt=0)
    """
    Factor on the learning rate of the parameters that are single numbers: ridge, gain, bias.
    Adam moves every number by about the learning rate a step, which is much for a weight and next
    to nothing for a gain of 20.
    """
    weight_decay: float = Field(default=1e-4, ge=0)
    clip: float = Field(default=20.0, gt=0)
    precision: str = 'auto'
    """Lightning's precision; `auto` is bf16-mixed where that is native, else 32-true."""
    devices: int | str = 'auto'
    nodes: int = 1
    strategy: str = 'auto'
    seed: int = 0
    threads: int = 0


class TrackerConfig(TrainConfig):
    """What the training of every family of trackers is told."""

    calibration_scenes: int = Field(default=3, ge=0)
    """
    Scenes of each category of the simulator that the score is calibrated on; with 0 it is not, and
    a target is never told to be tracked.
    """


def read_values(path: Path) -> dict[str, Any]:
    """
    Read the values of a YAML file, laid over those of the file that its key `extends` names.

    That name is relative to the file. Raises ValueError for a file that is no mapping or extends
    itself, OSError for one that is not there.
    """
    return _read_values(path, ())


def _read_values(path: Path, below: tuple[Path, ...]) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8')) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is no YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ValueError(
            f"'{path}' holds a {type(values).__name__}; a configuration is a mapping, `key: value`"
        )
    below = (*below, path.resolve())
    parent = values.pop('extends', None)
    if parent is None:
        return values
    above = path.parent / str(parent)
    if above.resolve() in below:
        raise ValueError(f"'{path}' extends '{parent}', which extends it in turn")
    return _merged(_read_values(above, below), values)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another; mappings in both are merged, all else is replaced."""
    both = {
        key: _merged(below[key], above[key])
        for key in below.keys() & above.keys()
        if isinstance(below[key], dict) and isinstance(above[key], dict)
    }
    return below | above | both
