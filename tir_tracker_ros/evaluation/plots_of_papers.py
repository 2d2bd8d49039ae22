# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plots that papers show beside the curves: attributes, speed, F over confidence, reliability."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from .plot_looks import look, mark
from .report import ranked, Report
from .told_states import ON_TARGET


def draw_radar(report: Report, axes: Any) -> bool:
    """Draw the success AUC by attribute on polar axes; False with less than three attributes."""
    names = ranked(report)
    attributes = report['trackers'][names[0]].get('attributes', {})
    if len(attributes) < 3:
        return False
    angles = np.linspace(0, 2 * np.pi, len(attributes), endpoint=False)
    for order, name in enumerate(names):
        of_tracker = report['trackers'][name]['attributes']
        values = [of_tracker[attribute]['success_auc'] for attribute in attributes]
        axes.plot([*angles, angles[0]], [*values, values[0]], label=name, **look(order))
    labels = [textwrap.fill(each.replace('_', ' '), 12) for each in attributes]
    axes.set_xticks(angles, labels, fontsize='x-small')
    axes.set(title='Success AUC by attribute', ylim=(0, 1))
    return True


def draw_speed(report: Report, axes: Any) -> bool:
    """Draw success AUC, or EAO, against frames a second; False where no time is known."""
    key = 'success_auc' if 'one-pass' in report['protocols'] else 'eao'
    title = {'success_auc': 'success AUC', 'eao': 'EAO'}[key]
    drawn = False
    for order, name in enumerate(ranked(report)):
        metrics = report['trackers'][name]
        if np.isfinite(metrics.get('fps', np.nan)):
            axes.plot(metrics['fps'], metrics[key], label=name, **mark(order))
            drawn = True
    axes.set(title='Speed', xscale='log', xlabel='frames/s', ylabel=title, ylim=(0, 1))
    return drawn


def draw_long_term(report: Report, axes: Any) -> bool:
    """Draw precision against recall over the confidence; False without the measures."""
    drawn = False
    for order, name in enumerate(ranked(report)):
        metrics = report['trackers'][name]
        curves = metrics.get('long_term_curves')
        if curves:
            label = f'{name} [F {metrics["f_score"]:.3f}]'
            axes.plot(curves['lt_recall'], curves['lt_precision'], label=label, **look(order))
            drawn = True
    axes.set(title='Long term', xlabel='recall', ylabel='precision', xlim=(0, 1), ylim=(0, 1))
    return drawn


def draw_f_over_confidence(report: Report, axes: Any) -> bool:
    """Draw F against the threshold on the confidence; False without the measures."""
    drawn = False
    for order, name in enumerate(ranked(report)):
        curves = report['trackers'][name].get('long_term_curves')
        if curves:
            limits, f = np.array(curves['confidence']), np.array(curves['f_score'])
            finite = np.isfinite(limits)
            axes.plot(limits[finite], f[finite], label=name, **look(order))
            drawn = True
    axes.set(title='F over confidence', xlabel='lowest confidence', ylabel='F', ylim=(0, 1))
    return drawn


def draw_reliability(report: Report, axes: Any) -> bool:
    """Draw the share of boxes on the target against the score; False where none has states."""
    drawn = False
    for order, name in enumerate(ranked(report)):
        found = report['trackers'][name].get('reliability')
        if found and any(found['images']):
            there = np.array(found['images']) > 0
            scores, shares = (np.array(found[key])[there] for key in ('mean_score', 'on_target'))
            label = f'{name} [error {found["error"]:.3f}]'
            marks = {**mark(order), **look(order)}
            axes.plot(scores, shares, label=label, markersize=4, **marks)
            drawn = True
    axes.plot((0, 1), (0, 1), color='0.6', linewidth=1, zorder=0)
    axes.set(title='Reliability', xlabel='mean score', xlim=(0, 1), ylim=(0, 1))
    axes.set_ylabel(f'share with an overlap above {ON_TARGET:g}')
    return drawn
