# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Computes the metrics of one tracker from its runs over many sequences, as dictionaries."""

from __future__ import annotations

from collections.abc import Callable
import math
from typing import Any

import numpy as np

from ..sequences.benchmarks import Sequence
from .metrics import Curves, mean_curves, one_pass_curves
from .results import frame_rate
from .runner import OnePassRun
from .supervised import (
    accuracy_and_robustness,
    expected_average_overlap,
    expected_overlap_curve,
    judge,
    ProtocolSettings,
    SequenceMetrics,
    SupervisedRun,
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
    sequences: list[Sequence], runs: list[OnePassRun], toolkit_rules: bool = False
) -> Metrics:
    """
    Return success AUC, precision at 20 px, normalised precision and frame rate.

    For all sequences, for each set, each attribute and each sequence; `curves` of all.
    """
    curves = [
        one_pass_curves(sequence.boxes, run.boxes, toolkit_rules, sequence.origin)
        for sequence, run in zip(sequences, runs)
    ]

    def of(chosen: Callable[[Sequence], bool]) -> Metrics:
        indices = [index for index, sequence in enumerate(sequences) if chosen(sequence)]
        seconds = [runs[index].seconds for index in indices]
        return {
            **_scores(mean_curves((curves[index] for index in indices), toolkit_rules)),
            'fps': frame_rate([each for each in seconds if each is not None]),
            'sequences': len(indices),
        }

    mean = mean_curves(curves, toolkit_rules)
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
            **_scores(curve),
            'fps': math.nan if run.seconds is None else frame_rate([run.seconds]),
            'frames': len(sequence),
        }
        for name, sequence, curve, run in zip(sequence_names(sequences), sequences, curves, runs)
    }
    if mean:
        metrics['curves'] = {
            name: getattr(mean, name).tolist()
            for name in ('success', 'precision', 'norm_precision')
        }
    return metrics


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
) -> Metrics:
    """
    Return accuracy, robustness (failures a sequence), EAO and frame rate.

    Overall, for each tag and for each sequence; `eao_curve` of all. `sizes` are width and height
    of the sequences' images, `interval` the lengths that EAO averages over.
    """
    length = max(len(sequence) for sequence in sequences)

    def judged(tag: str | None) -> list[SequenceMetrics]:
        parts = []
        for sequence, of_sequence, size in zip(sequences, runs, sizes):
            tagged = None if tag is None else _tagged(sequence, tag)
            parts.append(judge(sequence.boxes, of_sequence, size, settings, tagged))
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
    return metrics


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
