# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Computes the metrics of one tracker from its runs over many sequences, as dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import math
from typing import Any

import numpy as np

from ..sequences.benchmarks import Sequence
from .benchmarks import (
    BENCHMARKS,
    LONG_TERM,
    long_term_thresholds,
    measured,
    precision_recall_f,
    scores,
)
from .intervals import draws, mean_samples, Samples
from .metrics import Curves, mean_curves, one_pass_curves, RULES
from .results import frame_rate
from .runner import OnePassRun
from .supervised import (
    accuracy_and_robustness,
    expected_average_overlap,
    expected_overlap_curve,
    judge,
    overlap_curve,
    overlap_sums,
    ProtocolSettings,
    SequenceMetrics,
    SupervisedRun,
)
from .told_states import (
    BOXES,
    reliability,
    reliability_sums,
    state_counts,
    state_shares,
    STATES,
)

Metrics = dict[str, Any]


def sequence_names(sequences: list[Sequence]) -> list[str]:
    """
    Name the sequences, with their set where there are several.

    Raises ValueError when two have the same name: their results could not be told apart.
    """
    several = len({sequence.dataset for sequence in sequences}) > 1
    names = [sequence.key if several else sequence.name for sequence in sequences]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{names.count(name)} sequences are called '{name}'; give one root")
    return names


def one_pass_metrics(
    sequences: list[Sequence],
    runs: list[OnePassRun],
    rules: str = 'plain',
    benchmarks: tuple[str, ...] = (),
    sizes: list[tuple[int, int]] | None = None,
    absent_below: float | None = None,
) -> tuple[Metrics, Samples]:
    """
    Return success AUC, precision at 20 px, normalised precision, frame rate, and what they vary.

    For all sequences, for each set, each attribute and each sequence; `curves` of all. `rules` are
    one of `metrics.RULES`; `benchmarks`, of `BENCHMARKS`, add their own measures, for which boxes
    with a score below `absent_below` say that there is no target. `sizes` are width and height of
    the sequences' images, which only they need. Runs with states add what `told_states` counts.
    """
    curves = [
        one_pass_curves(
            sequence.boxes, run.boxes, rules, sequence.origin, sequence.tags.get('absent')
        )
        for sequence, run in zip(sequences, runs)
    ]
    told = [_without_absent(run, absent_below) for run in runs]
    chosen_benchmarks = [BENCHMARKS[name] for name in benchmarks]
    tables = [measured(each, sequences, told, sizes or []) for each in chosen_benchmarks]
    counts = _state_counts(sequences, runs)

    def scores_of(indices: list[int]) -> Metrics:
        found = _scores(mean_curves((curves[index] for index in indices), rules))
        for benchmark, table in zip(chosen_benchmarks, tables):
            found |= scores(benchmark, table[indices])
        if counts is not None:
            shares = state_shares(counts[indices].sum(axis=0))
            found |= {name: float(share) for name, share in shares.items()}
        return found

    def of(chosen: Callable[[Sequence], bool]) -> Metrics:
        indices = [index for index, sequence in enumerate(sequences) if chosen(sequence)]
        seconds = [runs[index].seconds for index in indices]
        return {
            **scores_of(indices),
            'fps': frame_rate([each for each in seconds if each is not None]),
            'sequences': len(indices),
        }

    mean = mean_curves(curves, rules)
    metrics = of(lambda sequence: True)
    metrics['sets'] = {
        name: of(lambda sequence, name=name: sequence.dataset == name)  # type: ignore[misc]
        for name in sorted({sequence.dataset for sequence in sequences})
    }
    metrics['attributes'] = {
        name: of(lambda sequence, name=name: name in sequence.attributes)  # type: ignore[misc]
        for name in sorted({name for sequence in sequences for name in sequence.attributes})
    }
    metrics['sequences'] = {
        name: {
            **scores_of([index]),
            'fps': math.nan if run.seconds is None else frame_rate([run.seconds]),
            'frames': len(sequence),
        }
        for index, (name, sequence, run) in enumerate(
            zip(sequence_names(sequences), sequences, runs)
        )
    }
    if mean:
        metrics['curves'] = {
            name: getattr(mean, name).tolist()
            for name in ('success', 'precision', 'norm_precision')
        }
    samples: Samples = {}
    if counts is not None:
        totals = counts.sum(axis=0).astype(int).tolist()
        metrics['states'] = {state: dict(zip(BOXES, row)) for state, row in zip(STATES, totals)}
        sums = [
            reliability_sums(sequence, run.boxes, run.scores)
            for sequence, run in zip(sequences, runs)
            if run.scores is not None
        ]
        metrics['reliability'] = reliability(np.sum(sums, axis=0))
        samples |= state_shares(np.tensordot(draws(len(counts)), counts, 1))
    for key in ('success_auc', 'precision_20', 'norm_precision'):
        values = np.array([_scores(mean_curves([curve], rules))[key] for curve in curves])
        if RULES[rules].drops:
            values[values <= 1e-9] = np.nan
        samples[key] = mean_samples(values)
    for benchmark, table in zip(chosen_benchmarks, tables):
        known = table[np.isfinite(table).all(axis=1)]
        if len(known):
            drawn = benchmark.scores(draws(len(known)) @ known)
            samples |= dict(zip(benchmark.titles, drawn))
            if benchmark is LONG_TERM:
                names = ('lt_precision', 'lt_recall', 'f_score')
                of_all = precision_recall_f(known.sum(axis=0))
                metrics['long_term_curves'] = {
                    name: curve.tolist() for name, curve in zip(names, of_all)
                }
                limits = long_term_thresholds(sequences, told)
                metrics['long_term_curves']['confidence'] = limits.tolist()
    return metrics, samples


def _state_counts(sequences: list[Sequence], runs: list[OnePassRun]) -> np.ndarray | None:
    """Return a table of images for each sequence; None where some run has no states."""
    counts = [
        state_counts(sequence, run.boxes, run.states)
        for sequence, run in zip(sequences, runs)
        if run.states is not None
    ]
    return np.array(counts) if len(counts) == len(runs) else None


def _without_absent(run: OnePassRun, below: float | None) -> OnePassRun:
    if below is None or run.scores is None:
        return run
    boxes = run.boxes.copy()
    boxes[np.nan_to_num(run.scores, nan=np.inf) < below] = np.nan
    return replace(run, boxes=boxes)


def _scores(curves: Curves | None) -> Metrics:
    return {
        'success_auc': curves.success_auc if curves else math.nan,
        'precision_20': curves.precision_20 if curves else math.nan,
        'norm_precision': curves.norm_precision_auc if curves else math.nan,
    }


def supervised_metrics(
    sequences: list[Sequence],
    runs: list[list[SupervisedRun]],
    seconds: list[list[np.ndarray]],
    sizes: list[tuple[int, int]],
    settings: ProtocolSettings,
    interval: tuple[int, int],
) -> tuple[Metrics, Samples]:
    """
    Return accuracy, robustness (failures a sequence), EAO and frame rate, and what they vary.

    Overall, for each tag and for each sequence; `eao_curve` of all. `sizes` are width and height
    of the sequences' images, `interval` the lengths that EAO averages over.
    """
    length = max(len(sequence) for sequence in sequences)

    def judged(tag: str | None) -> list[SequenceMetrics]:
        parts = []
        for sequence, of_sequence, size in zip(sequences, runs, sizes):
            tagged = None if tag is None else _tagged(sequence, tag)
            corners = sequence.polygons
            parts.append(judge(sequence.boxes, of_sequence, size, settings, tagged, corners))
        return parts

    def of(parts: list[SequenceMetrics]) -> Metrics:
        accuracy, robustness = accuracy_and_robustness(parts)
        fragments = [fragment for part in parts for fragment in part.fragments]
        curve = expected_overlap_curve(fragments, length)
        return {
            'accuracy': accuracy,
            'robustness': robustness,
            'failures': sum(part.failures for part in parts),
            'eao': expected_average_overlap(curve, interval),
            'frames': sum(part.frames for part in parts),
            'eao_curve': curve.tolist(),
        }

    parts = judged(None)
    metrics = of(parts)
    metrics['fps'] = frame_rate([each for of_sequence in seconds for each in of_sequence])
    metrics['tags'] = {tag: of(judged(tag)) for tag in _tags(sequences)}
    for of_tag in metrics['tags'].values():
        del of_tag['eao_curve']
    metrics['sequences'] = {
        name: {
            'accuracy': part.accuracy,
            'failures': part.failures,
            'frames': part.frames,
            'fps': frame_rate(list(of_sequence)),
        }
        for name, part, of_sequence in zip(sequence_names(sequences), parts, seconds)
    }
    weights = np.array([part.frames for part in parts], float)
    sums = [overlap_sums(list(part.fragments), length) for part in parts]
    total, weight = (draws(len(parts)) @ np.array(each) for each in zip(*sums))
    low, high = interval
    part_of_curve = overlap_curve(total, weight)[:, low - 1 : high]
    known = np.isfinite(part_of_curve)
    with np.errstate(invalid='ignore', divide='ignore'):
        eao = np.where(known, part_of_curve, 0).sum(axis=1) / known.sum(axis=1)
    return metrics, {
        'accuracy': mean_samples(np.array([part.accuracy for part in parts]), weights),
        'robustness': mean_samples(np.array([part.failures for part in parts]), weights),
        'eao': eao,
    }


NO_TAG = 'empty'
"""VOT's name for the frames that carry no tag."""


def _tags(sequences: list[Sequence]) -> list[str]:
    of_frames = {tag for sequence in sequences for tag in sequence.tags}
    of_sequences = {tag for sequence in sequences for tag in sequence.attributes}
    return sorted(of_frames | of_sequences) + ([NO_TAG] if of_frames else [])


def _tagged(sequence: Sequence, tag: str) -> np.ndarray:
    """Tell which frames carry the tag; an attribute of the sequence is one of all its frames."""
    if tag == NO_TAG:
        tagged = [_tagged(sequence, each) for each in {*sequence.tags, *sequence.attributes}]
        return ~np.any([np.zeros(len(sequence), bool), *tagged], axis=0)
    if tag in sequence.tags:
        return sequence.tags[tag]
    return np.full(len(sequence), tag in sequence.attributes)
