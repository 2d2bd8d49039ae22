# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The part of a report that tells whether states and scores are true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import csv
from pathlib import Path
from typing import Any

from .tables import cell, table
from .told_states import BINS, BOXES, OFF_BELOW, ON_TARGET, RIGHT_ABOVE, STATES, TITLES

DEFINITIONS = f"""\
What the node would tell in each image, from the scores of one-pass runs and the thresholds of the
states. Images of all sequences are counted together: those behind the first one with truth in
which the set says where the target is, or that it is absent. A box is right with an overlap above
{RIGHT_ABOVE:g}; it is wrong, or off, with one below {OFF_BELOW:g}, or where the target is absent.

- Told tracking while off: of the images told `tracking`, those with a wrong box.
- Loss told: of the images with a wrong box, those told `uncertain` or `lost`.
- False loss: of the images with a right box, those told `lost`.
"""
RELIABILITY = f"""\
Of the images whose score lies in a bin: their mean score, and the share whose overlap is above
{ON_TARGET:g}. A calibrated score is the probability of that. The error is the mean distance of the
two, weighted by images.
"""


def with_states(report: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return those of the trackers that have states."""
    return [name for name in names if 'states' in report['trackers'][name]]


def state_table(report: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return the lines of a Markdown table of the shares; none where no tracker has states."""
    rows = [
        [name, *(cell(report['trackers'][name], key, '.3f') for key in TITLES)]
        for name in with_states(report, names)
    ]
    return table(['Tracker', *TITLES.values()], rows) if rows else []


def states_markdown(report: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return the section of the report, from definitions to reliability."""
    shares = state_table(report, names)
    if not shares:
        return []
    return [
        '## States told',
        '',
        *DEFINITIONS.splitlines(),
        '',
        *shares,
        'Images by state and box:',
        '',
        *_count_table(report, names),
        '## Reliability of the score',
        '',
        *RELIABILITY.splitlines(),
        '',
        *_reliability_table(report, names),
    ]


def _count_table(report: dict[str, Any], names: Sequence[str]) -> list[str]:
    limits = f'{OFF_BELOW:g} to {RIGHT_ABOVE:g}'
    titles = {'right': f'above {RIGHT_ABOVE:g}', 'between': limits, 'off': f'below {OFF_BELOW:g}'}
    rows = []
    for name in with_states(report, names):
        for state in STATES:
            counts = report['trackers'][name]['states'][state]
            rows.append([name, state, *(str(counts[box]) for box in BOXES)])
    heads = [titles.get(box, f'target {box}') for box in BOXES]
    return table(['Tracker', 'told', *heads], rows)


def _bins(report: dict[str, Any], names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and row of each bin that holds images."""
    for name in with_states(report, names):
        found = report['trackers'][name]['reliability']
        columns = ('from', 'images', 'mean_score', 'on_target')
        for values in zip(*(found[column] for column in columns)):
            row = dict(zip(columns, values))
            if row['images']:
                yield name, {**row, 'to': round(row['from'] + 1 / BINS, 6)}


def _reliability_table(report: dict[str, Any], names: Sequence[str]) -> list[str]:
    rows = [
        [
            name,
            f'{row["from"]:g} to {row["to"]:g}',
            str(row['images']),
            cell(row, 'mean_score', '.3f'),
            cell(row, 'on_target', '.3f'),
        ]
        for name, row in _bins(report, names)
    ]
    for name in with_states(report, names):
        error = cell(report['trackers'][name]['reliability'], 'error', '.3f')
        rows.append([name, 'error', '', '', error])
    return table(['Tracker', 'score', 'images', 'mean score', 'on the target'], rows)


def write_reliability(report: dict[str, Any], names: Sequence[str], path: Path) -> None:
    """Write the table as CSV; an older one is removed where no tracker has states."""
    path.unlink(missing_ok=True)
    if not with_states(report, names):
        return
    columns = ('from', 'to', 'images', 'mean_score', 'on_target')
    with path.open('w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow(['tracker', *columns])
        for name, row in _bins(report, names):
            writer.writerow([name, *(f'{row[column]:.6g}' for column in columns)])
