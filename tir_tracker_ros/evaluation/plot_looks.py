# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Colours, lines and marks of the trackers, the same in all plots."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's colours, which colour-blind readers can tell apart; then other lines and marks.
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
STYLES = ('-', '--', ':', '-.')
MARKS = ('o', 's', '^', 'D')


def look(order: int) -> dict[str, Any]:
    """Return how the line of the tracker at this place of the ranking is drawn."""
    return {
        'color': COLOURS[order % len(COLOURS)],
        'linestyle': STYLES[order // len(COLOURS) % len(STYLES)],
    }


def mark(order: int) -> dict[str, Any]:
    """Return how its point is drawn."""
    return {
        'color': COLOURS[order % len(COLOURS)],
        'marker': MARKS[order // len(COLOURS) % len(MARKS)],
        'linestyle': 'none',
    }
