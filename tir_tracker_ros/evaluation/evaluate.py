# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trackers, one after the other, over sequences, and the report on all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
import sys

import cv2
from tqdm import tqdm

from ..sequences.benchmarks import Sequence
from .report import Report
from .runner import Store
from .supervised import ProtocolSettings, typical_lengths
from .tracker_metrics import Metrics, one_pass_metrics, sequence_names, supervised_metrics

PROTOCOLS = ('one-pass', 'supervised')


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured, and by which rules."""

    protocols: tuple[str, ...] = ('one-pass',)
    """Of `PROTOCOLS`."""
    toolkit_rules: bool = False
    """See `metrics.one_pass_curves`."""
    supervised: ProtocolSettings = field(default_factory=ProtocolSettings)
    """Of the supervised protocol."""
    repetitions: int = 1
    """Runs over a sequence in the supervised protocol."""
    eao_interval: tuple[int, int] | None = None
    """Lengths that EAO averages over; None computes them from those of the sequences."""


def evaluate(
    sequences: list[Sequence], stores: list[Store], settings: EvaluationSettings
) -> Report:
    """Run or read every tracker on every sequence, with a progress bar; returns the report."""
    sequence_names(sequences)  # a name that occurs twice is told before anything runs
    interval = settings.eao_interval
    if interval is None:
        low, _, high = typical_lengths([len(sequence) for sequence in sequences])
        interval = low, high
    sizes = _sizes(sequences) if 'supervised' in settings.protocols else []
    trackers: dict[str, Metrics] = {}
    # What others have left is read first, so that a file that is wrong or missing is told at once.
    for store in sorted(stores, key=lambda store: store.load is not None):
        metrics: Metrics = {}
        if 'supervised' in settings.protocols:
            metrics = _supervised(sequences, store, settings, sizes, interval)
        if 'one-pass' in settings.protocols:
            metrics = _merged(metrics, _one_pass(sequences, store, settings))
        trackers[store.name] = metrics
        store.unload()
    sets: dict[str, dict[str, int]] = {}
    for sequence in sequences:
        of_set = sets.setdefault(sequence.dataset, {'sequences': 0, 'frames': 0})
        of_set['sequences'] += 1
        of_set['frames'] += len(sequence)
    return {
        'sets': sets,
        'protocols': list(settings.protocols),
        'rules': 'toolkit' if settings.toolkit_rules else 'plain',
        'eao_interval': list(interval) if 'supervised' in settings.protocols else None,
        'threads': cv2.getNumThreads(),
        'opencv': cv2.__version__,
        'trackers': {store.name: trackers[store.name] for store in stores},
    }


def _bar(sequences: list[Sequence], store: Store, protocol: str) -> tqdm:
    total = sum(len(sequence) for sequence in sequences)
    title = f'{store.name}, {protocol}'
    return tqdm(total=total, desc=title, unit=' frames', mininterval=0.5, file=sys.stderr)


def _one_pass(sequences: list[Sequence], store: Store, settings: EvaluationSettings) -> Metrics:
    with _bar(sequences, store, 'one-pass') as bar:
        runs = [store.one_pass(sequence, bar.update) for sequence in sequences]
    return one_pass_metrics(sequences, runs, settings.toolkit_rules)


def _supervised(
    sequences: list[Sequence],
    store: Store,
    settings: EvaluationSettings,
    sizes: list[tuple[int, int]],
    interval: tuple[int, int],
) -> Metrics:
    runs, seconds = [], []
    with _bar(sequences, store, 'supervised') as bar:
        for sequence in sequences:
            of_sequence, times = store.supervised(
                sequence, settings.supervised, settings.repetitions, bar.update
            )
            runs.append(of_sequence)
            seconds.append(times)
    return supervised_metrics(sequences, runs, seconds, sizes, settings.supervised, interval)


def _sizes(sequences: list[Sequence]) -> list[tuple[int, int]]:
    shapes = [next(iter(sequence.frames)).shape for sequence in sequences]
    return [(shape[1], shape[0]) for shape in shapes]


def _merged(first: Metrics, second: Metrics) -> Metrics:
    """Join the metrics of two protocols, those of each sequence too; `second` wins."""
    merged = {**first, **second}
    for name, of_sequence in first.get('sequences', {}).items():
        merged['sequences'][name] = {**of_sequence, **second['sequences'][name]}
    return merged
