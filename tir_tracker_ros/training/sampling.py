# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which view is matched with which: positive pairs and the kinds of negatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .config import SamplingConfig
from .views import NO_CLASS, split_tracks, ViewPool

KINDS = ('positive', 'easy', 'background', 'semantic')


@dataclass
class PairBatch:
    """N pairs, as indices into the pool."""

    template: Tensor
    search: Tensor
    kind: Tensor
    """Index into KINDS."""
    seed: int
    """Of the augmentation."""
    coupled: bool = False
    """
    Whether the second half shows the objects of the first half again, pair by pair; both pairs of
    such a couple are then flipped alike, and of one polarity.
    """


class PairSampler(Dataset):
    """
    Batches of pairs; item `i` depends on the seed and `i` alone, so a resumed run is exact.

    A positive pair shows one object at two times of a recording (a still: at one). An `easy`
    negative takes the search region from another recording; `background` takes the template from a
    corner beside the object; `semantic` matches an object of the same class, of another class, or
    another object of the same image (MMNet, section 3.3; `vid_get_random_batch.m`).

    In a coupled batch, which has an even number of pairs, the second half shows the objects of the
    first half again, in other views where there are any. The two pairs of a couple do not stand
    beside each other: the pair before shows something else, as in other batches.
    """

    def __init__(
        self,
        pool: ViewPool,
        config: SamplingConfig,
        weights: Mapping[str, float],
        batch: int,
        batches: int,
        first: int,
        seed: int,
        coupled: bool = False,
    ) -> None:
        """
        Prepare `batches` batches of `batch` pairs, numbered from `first`.

        `weights` are the shares of the pool's sources.
        """
        self.config, self.batch, self.batches = config, batch, batches
        self.coupled = coupled
        self.first, self.seed = first, seed
        self._tracks = split_tracks(pool)
        heads = [views[0] for views in self._tracks]
        self._source, self._video, self._label = (
            column.cpu()[heads].numpy() for column in (pool.source, pool.video, pool.label)
        )
        self._time = pool.time.cpu().numpy()
        shares = np.array([weights.get(name, 0.0) for name in pool.sources])
        present = np.bincount(self._source, minlength=len(shares)) > 0
        self._source_weights = np.where(present, shares, 0) / shares[present].sum()
        self._of_source = [np.flatnonzero(self._source == s) for s in range(len(shares))]
        self._of_video = _groups(self._video)
        self._of_label = _groups(self._label)
        self._kind_rates = np.array(
            [
                1 - config.easy - config.background - config.semantic,
                config.easy,
                config.background,
                config.semantic,
            ]
        )

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> PairBatch:
        """Draw batch `first + index`."""
        random = np.random.default_rng((self.seed, self.first + index))
        pairs, tracks = [], []
        track = None
        for _ in range(self.batch // 2 if self.coupled else self.batch):
            related = None
            if track is not None and random.random() < self.config.related:
                related = self._semantic(random, track)
            track = self._track(random) if related is None else related
            pairs.append(self._pair(random, track))
            tracks.append(track)
        if self.coupled:
            pairs += [self._fellow(random, *one) for one in zip(tracks, pairs)]
        template, search, kind = torch.tensor(pairs, dtype=torch.long).unbind(dim=1)
        return PairBatch(template, search, kind, int(random.integers(2**31)), self.coupled)

    def _track(self, random: np.random.Generator) -> int:
        source = random.choice(len(self._source_weights), p=self._source_weights)
        return int(random.choice(self._of_source[source]))

    def _pair(self, random: np.random.Generator, track: int) -> tuple[int, int, int]:
        template = int(random.choice(self._tracks[track]))
        kind = int(random.choice(len(KINDS), p=self._kind_rates))
        if KINDS[kind] == 'positive':
            return template, self._partner(random, track, template), kind
        if KINDS[kind] == 'background':
            return template, self._partner(random, track, template), kind
        other = (self._semantic if KINDS[kind] == 'semantic' else self._easy)(random, track)
        if other is None:
            return template, self._partner(random, track, template), 0
        return template, int(random.choice(self._tracks[other])), kind

    def _fellow(
        self, random: np.random.Generator, track: int, first: tuple[int, int, int]
    ) -> tuple[int, int, int]:
        """Draw the second pair of a couple: a positive one near in time to a positive first."""
        template, search, kind = self._pair(random, track)
        if kind == first[2] == 0:
            search = self._partner(random, track, first[1])
            template = self._partner(random, track, search)
        return template, search, kind

    def _partner(self, random: np.random.Generator, track: int, template: int) -> int:
        views = self._tracks[track]
        near = [
            view
            for view in views
            if view != template
            and abs(self._time[view] - self._time[template]) <= self.config.frame_range
        ]
        return int(random.choice(near)) if near else template

    def _easy(self, random: np.random.Generator, track: int) -> int | None:
        for _ in range(8):
            other = int(random.integers(len(self._tracks)))
            if self._video[other] != self._video[track]:
                return other
        return None

    def _semantic(self, random: np.random.Generator, track: int) -> int | None:
        groups = [self._of_video[self._video[track]]]
        if self._label[track] != NO_CLASS:
            groups.append(self._of_label[self._label[track]])
        group = groups[int(random.integers(len(groups)))]
        for _ in range(8):
            other = int(random.choice(group))
            if other != track:
                return other
        return self._easy(random, track)


def _groups(keys: np.ndarray) -> dict[int, np.ndarray]:
    return {int(key): np.flatnonzero(keys == key) for key in np.unique(keys)}
