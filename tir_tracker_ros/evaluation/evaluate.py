# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trackers, one after the other, over sequences, and the report on all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
import sys

import cv2
from tqdm import tqdm

from ..sequences.benchmarks import Sequence
from .benchmarks import BENCHMARKS
from .intervals import differences, Samples
from .intervals import interval as interval_of_draws
from .report import ranked, Report
from .runner import Store
from .supervised import interval_of, ProtocolSettings, typical_lengths
from .tracker_metrics import Metrics, one_pass_metrics, sequence_names, supervised_metrics

PROTOCOLS = ('one-pass', 'supervised')


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured, and by which rules."""

    progress: bool = True
    """Whether there is a bar for each tracker; not where all results are there already."""

    protocols: tuple[str, ...] = ('one-pass',)
    """Of `PROTOCOLS`."""
    rules: str = 'plain'
    """Of `metrics.RULES`, for the one-pass protocol."""
    benchmarks: tuple[str, ...] | None = None
    """Of `benchmarks.BENCHMARKS`; None takes those of the sequences' layouts."""
    absent_below: float | None = None
    """Boxes with a lower score say, to the measures of benchmarks, that there is no target."""
    supervised: ProtocolSettings = field(default_factory=ProtocolSettings)
    """Of the supervised protocol."""
    repetitions: int = 1
    """Runs over a sequence in the supervised protocol."""
    eao_interval: tuple[int, int] | None = None
    """Lengths that EAO averages over; None takes a challenge's, or computes them."""


def evaluate(
    sequences: list[Sequence], stores: list[Store], settings: EvaluationSettings
) -> Report:
    """Run or read every tracker on every sequence, with a progress bar; returns the report."""
    sequence_names(sequences)  # a name that occurs twice is told before anything runs
    interval = settings.eao_interval or _interval(sequences)
    chosen = _benchmarks(sequences, settings)
    sizes = _sizes(sequences) if 'supervised' in settings.protocols or chosen else []
    trackers: dict[str, Metrics] = {}
    samples: dict[str, Samples] = {}
    # What others have left is read first, so that a file that is wrong or missing is told at once.
    for store in sorted(stores, key=lambda store: store.load is not None):
        metrics: Metrics = {}
        samples[store.name] = {}
        if 'supervised' in settings.protocols:
            metrics, varied = _supervised(sequences, store, settings, sizes, interval)
            samples[store.name] |= varied
        if 'one-pass' in settings.protocols:
            of_one_pass, varied = _one_pass(sequences, store, settings, chosen, sizes)
            metrics = _merged(metrics, of_one_pass)
            samples[store.name] |= varied
        ends = {key: interval_of_draws(values) for key, values in samples[store.name].items()}
        metrics['intervals'] = {key: each for key, each in ends.items() if each}
        trackers[store.name] = metrics
        store.unload()
    sets: dict[str, dict[str, int]] = {}
    for sequence in sequences:
        of_set = sets.setdefault(sequence.dataset, {'sequences': 0, 'frames': 0})
        of_set['sequences'] += 1
        of_set['frames'] += len(sequence)
    report: Report = {
        'sets': sets,
        'protocols': list(settings.protocols),
        'rules': settings.rules,
        'measures': [
            [key, title]
            for name in chosen
            for key, title in BENCHMARKS[name].titles.items()
            # Few trackers have masks.
            if not BENCHMARKS[name].of_masks or any(key in one for one in samples.values())
        ],
        'eao_interval': list(interval) if 'supervised' in settings.protocols else None,
        'threads': cv2.getNumThreads(),
        'opencv': cv2.__version__,
        'trackers': {store.name: trackers[store.name] for store in stores},
    }
    report['differences'] = differences(samples, ranked(report)[0])
    return report


def _interval(sequences: list[Sequence]) -> tuple[int, int]:
    """Take the interval of the challenge that all sequences belong to, else compute one."""
    known = {interval_of(sequence.dataset) for sequence in sequences if sequence.layout == 'VOT'}
    if len(known) == 1 and None not in known and all(s.layout == 'VOT' for s in sequences):
        return known.pop()  # type: ignore[return-value]
    low, _, high = typical_lengths([len(sequence) for sequence in sequences])
    return low, high


def _benchmarks(sequences: list[Sequence], settings: EvaluationSettings) -> tuple[str, ...]:
    """Choose the benchmarks that some sequence has the layout of."""
    if 'one-pass' not in settings.protocols:
        return ()
    there = tuple(name for name, each in BENCHMARKS.items() if any(map(each.suits, sequences)))
    return there if settings.benchmarks is None else settings.benchmarks


def _bar(
    sequences: list[Sequence], store: Store, protocol: str, settings: EvaluationSettings
) -> tqdm:
    total = sum(len(sequence) for sequence in sequences)
    title = f'{store.name}, {protocol}'
    return tqdm(
        total=total,
        desc=title,
        unit=' frames',
        mininterval=0.5,
        file=sys.stderr,
        disable=not settings.progress,
    )


def _one_pass(
    sequences: list[Sequence],
    store: Store,
    settings: EvaluationSettings,
    chosen: tuple[str, ...],
    sizes: list[tuple[int, int]],
) -> tuple[Metrics, Samples]:
    with _bar(sequences, store, 'one-pass', settings) as bar:
        runs = [store.one_pass(sequence, bar.update) for sequence in sequences]
    return one_pass_metrics(sequences, runs, settings.rules, chosen, sizes, settings.absent_below)


def _supervised(
    sequences: list[Sequence],
    store: Store,
    settings: EvaluationSettings,
    sizes: list[tuple[int, int]],
    interval: tuple[int, int],
) -> tuple[Metrics, Samples]:
    runs, seconds = [], []
    with _bar(sequences, store, 'supervised', settings) as bar:
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
