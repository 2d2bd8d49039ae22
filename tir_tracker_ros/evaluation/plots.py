# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The plots of an evaluation, as PNG files; without a display."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import math
from pathlib import Path
import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np

from ..geometry import Box
from .metrics import DISTANCES, NORMALISED_DISTANCES, OVERLAPS
from .node_run import Detected, overlap
from .plot_looks import look, mark
from .plots_of_papers import (
    draw_f_over_confidence,
    draw_long_term,
    draw_radar,
    draw_reliability,
    draw_speed,
)
from .report import PLOTS, ranked, Report, sequence_count

RELIABILITY_FRAMES = 30
"""Frames: robustness is plotted as the chance to follow a target so long, as VOT does."""


def write_plots(report: Report, folder: Path) -> None:
    """Draw what the report's protocols have into the folder, and remove older plots of it."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = draw_plots(report)
    for name in PLOTS:
        (folder / name).unlink(missing_ok=True)
        pdf = (folder / name).with_suffix('.pdf')
        pdf.unlink(missing_ok=True)
        if name in figures:
            figures[name].savefig(folder / name, dpi=120)
            figures[name].set_layout_engine('none')  # kept as it is laid out for the first file
            figures[name].savefig(pdf, metadata={'CreationDate': None})


def draw_plots(report: Report) -> dict[str, Figure]:
    """Return the figures that a report has data for, by the names of their files (`PLOTS`)."""
    drawers: dict[str, Callable[[Report, Axes], bool]] = {
        'success.png': _success,
        'precision.png': _precision,
        'norm_precision.png': _norm_precision,
        'attributes.png': _attributes,
        'eao_curve.png': _eao_curve,
        'eao_ranking.png': _eao_ranking,
        'accuracy_robustness.png': _accuracy_robustness,
        'radar.png': draw_radar,
        'speed.png': draw_speed,
        'long_term.png': draw_long_term,
        'f_confidence.png': draw_f_over_confidence,
        'reliability.png': draw_reliability,
    }
    figures = {}
    for name in PLOTS:
        figure = Figure(figsize=(6.4, 4.8), layout='constrained')
        axes = figure.add_subplot(projection='polar' if name == 'radar.png' else None)
        axes.grid(alpha=0.3)
        if drawers[name](report, axes):
            _finish(figure, axes, report)
            figures[name] = figure
    return figures


def _finish(figure: Figure, axes: Axes, report: Report) -> None:
    """Put the set into the title and the legend beside the axes, with room for both."""
    count = sum(each['sequences'] for each in report['sets'].values())
    title = f'{axes.get_title()}: {", ".join(report["sets"])} ({sequence_count(count)})'
    handles, labels = axes.get_legend_handles_labels()
    longest = max(map(len, labels))
    rows = len(axes.get_yticklabels()) if axes.yaxis_inverted() else 0  # one for each attribute
    height = max(4.8, 1 + 0.2 * len(labels), 1.2 + 0.28 * rows)
    figure.set_size_inches(6.4 + 0.075 * longest, height)
    axes.set_title(textwrap.fill(title, 60), fontsize='medium')
    figure.legend(handles, labels, loc='outside right upper', fontsize='small')
    for line in axes.get_lines():
        line.set_clip_on(False)  # a curve at 1 is seen in its full width


def plot_run(
    path: Path,
    stamps: Sequence[int],
    answers: Mapping[int, Detected],
    truth: Mapping[int, Box] | None,
) -> None:
    """
    Plot the score and, where there is ground truth, the overlap of a run over time.

    `stamps` are those of the images, ns; `answers` and `truth` go by stamp.
    """
    figure = Figure(figsize=(8, 3), layout='constrained')
    axes = figure.add_subplot()
    series: dict[str, Sequence[tuple[int, float | None]]]
    series = {'score': [(stamp, answers[stamp].score) for stamp in stamps if stamp in answers]}
    if truth is not None:
        series['overlap'] = overlap(stamps, answers, truth)
    for name, points in series.items():
        seconds = [(stamp - stamps[0]) / 1e9 for stamp, _ in points]
        axes.plot(seconds, [np.nan if value is None else value for _, value in points], label=name)
    axes.set(xlabel='seconds of the recording', ylabel='0 to 1', ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def _curves(report: Report, axes: Axes, thresholds: np.ndarray, curve: str, score: str) -> bool:
    drawn = False
    for order, name in enumerate(ranked(report)):
        metrics = report['trackers'][name]
        if 'curves' not in metrics:
            continue
        label = f'{name} [{metrics[score]:.3f}]'
        axes.plot(thresholds, metrics['curves'][curve], label=label, **look(order))
        drawn = True
    if drawn:
        axes.set(ylim=(0, 1), xlim=(thresholds[0], thresholds[-1]), ylabel='share of frames')
    return drawn


def _success(report: Report, axes: Axes) -> bool:
    axes.set(title='Success', xlabel='overlap threshold')
    return _curves(report, axes, OVERLAPS, 'success', 'success_auc')


def _precision(report: Report, axes: Axes) -> bool:
    axes.set(title='Precision', xlabel='centre error threshold (pixels)')
    return _curves(report, axes, DISTANCES, 'precision', 'precision_20')


def _norm_precision(report: Report, axes: Axes) -> bool:
    axes.set(title='Normalised precision', xlabel='centre error threshold (target sizes)')
    return _curves(report, axes, NORMALISED_DISTANCES, 'norm_precision', 'norm_precision')


def _attributes(report: Report, axes: Axes) -> bool:
    names = ranked(report)
    attributes = report['trackers'][names[0]].get('attributes', {})
    if not attributes:
        return False
    rows = np.arange(len(attributes))
    for order, name in enumerate(names):
        values = [report['trackers'][name]['attributes'][a]['success_auc'] for a in attributes]
        axes.plot(values, rows, label=name, **mark(order))
    labels = [f'{name} ({each["sequences"]})' for name, each in attributes.items()]
    axes.set_yticks(rows, labels)
    axes.invert_yaxis()
    axes.set(title='Success AUC by attribute', xlim=(0, 1), xlabel='success AUC')
    return True


def _eao_curve(report: Report, axes: Axes) -> bool:
    if 'supervised' not in report['protocols']:
        return False
    for order, name in enumerate(ranked(report)):
        curve = report['trackers'][name]['eao_curve']
        axes.plot(np.arange(1, len(curve) + 1), curve, label=name, **look(order))
    low, high = report['eao_interval']
    axes.axvspan(low, high, color='0.9', zorder=0, label=f'{low} to {high} frames')
    axes.set(title='Expected overlap', xlabel='frames', ylabel='overlap', ylim=(0, 1))
    return True


def _eao_ranking(report: Report, axes: Axes) -> bool:
    if 'supervised' not in report['protocols']:
        return False
    eao = {name: each['eao'] for name, each in report['trackers'].items()}
    orders = {name: order for order, name in enumerate(ranked(report))}
    names = sorted(eao, key=lambda name: -np.nan_to_num(eao[name], nan=-1.0))
    for place, name in enumerate(names, start=1):
        axes.plot(place, eao[name], label=f'{name} [{eao[name]:.3f}]', **mark(orders[name]))
    axes.set(title='Expected average overlap', xlabel='rank', ylabel='EAO', ylim=(0, None))
    axes.set(xticks=range(1, len(names) + 1), xlim=(len(names) + 0.5, 0.5))
    return True


def _accuracy_robustness(report: Report, axes: Axes) -> bool:
    if 'supervised' not in report['protocols']:
        return False
    for order, name in enumerate(ranked(report)):
        metrics = report['trackers'][name]
        reliability = math.exp(-RELIABILITY_FRAMES * metrics['failures'] / metrics['frames'])
        axes.plot(reliability, metrics['accuracy'], label=name, **mark(order))
    axes.set(
        title='Accuracy and robustness',
        xlabel=f'chance to follow for {RELIABILITY_FRAMES} frames',
        ylabel='accuracy',
        xlim=(0, 1),
        ylim=(0, 1),
    )
    return True
