# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A plot of a run over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..geometry import Box
from .node_run import Detected, overlap


def plot_timeline(
    path: Path,
    stamps: Sequence[int],
    answers: Mapping[int, Detected],
    truth: Mapping[int, Box] | None,
) -> None:
    """
    Plot the score and, where there is ground truth, the overlap over time.

    `stamps` are those of the images, ns; `answers` and `truth` go by stamp. Raises OSError where
    `path` cannot be written.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3), layout='constrained')
    series: dict[str, Sequence[tuple[int, float | None]]]
    series = {'score': [(stamp, answers[stamp].score) for stamp in stamps if stamp in answers]}
    if truth is not None:
        series['overlap'] = overlap(stamps, answers, truth)
    for name, points in series.items():
        seconds = [(stamp - stamps[0]) / 1e9 for stamp, _ in points]
        values = [np.nan if value is None else value for _, value in points]
        axes.plot(seconds, values, label=name)
    axes.set(xlabel='seconds of the recording', ylabel='0 to 1', ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
