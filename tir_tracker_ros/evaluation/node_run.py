# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A run of the node in a few numbers: images, answers, overlap and latency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import Box


@dataclass(frozen=True)
class Detected:
    """The detection that came back for an image."""

    box: Box
    score: float | None
    """0..1, or None while the target is lost; the box then is the last estimate."""


def summarize(
    stamps: Iterable[int],
    processed: Iterable[Mapping[str, str]],
    answers: Mapping[int, Detected],
    truth: Mapping[int, Box] | None,
) -> dict[str, Any]:
    """
    Count and measure.

    `stamps` are those of the published images, from the init image on, in nanoseconds;
    `processed` are the lines of the node's own record; `answers` and `truth` go by stamp. An image
    is dropped when the node never processed it, and answered when a detection came. The mean
    overlap is over the answered images in which the target can be seen, with 0 where the node says
    that it is lost; None without ground truth. The latency is from the arrival of an image at the
    node to its detection published.
    """
    published = Counter(stamps)
    lines = [line for line in processed if int(line['stamp']) in published]
    dropped = published - Counter(int(line['stamp']) for line in lines)
    answered = [stamp for stamp in published.elements() if stamp in answers]
    latency = [
        (int(line['publish_ns']) - int(line['arrival_ns'])) / 1e6
        for line in lines
        if line['publish_ns']
    ]
    overlaps = [value for _, value in overlap(answered, answers, truth or {})]
    p50, p99 = np.percentile(latency, [50, 99]).tolist() if latency else (None, None)
    return {
        'frames': published.total(),
        'dropped': dropped.total(),
        'answered': len(answered),
        'mean_overlap': float(np.mean(overlaps)) if overlaps else None,
        'latency_ms_p50': p50,
        'latency_ms_p99': p99,
    }


def overlap(
    stamps: Iterable[int], answers: Mapping[int, Detected], truth: Mapping[int, Box]
) -> list[tuple[int, float]]:
    """Return stamp and overlap (0..1) of each answered image in which the target can be seen."""
    return [
        (stamp, 0.0 if answers[stamp].score is None else truth[stamp].iou(answers[stamp].box))
        for stamp in stamps
        if stamp in answers and stamp in truth
    ]


def describe(summary: Mapping[str, Any]) -> str:
    """Write the summary in five lines."""

    def number(name: str, form: str) -> str:
        return 'not known' if summary[name] is None else form.format(summary[name])

    return '\n'.join(
        [
            f'frames        {summary["frames"]} published from the init image on',
            f'answered      {summary["answered"]} with a detection',
            f'mean overlap  {number("mean_overlap", "{:.3f}")}',
            f'latency       p50 {number("latency_ms_p50", "{:.1f} ms")}, '
            f'p99 {number("latency_ms_p99", "{:.1f} ms")}, from arrival to detection',
            f'dropped       {summary["dropped"]} never processed by the node',
        ]
    )
