# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The report of an evaluation as JSON, CSV and Markdown; the plots are in `plots`."""

from __future__ import annotations

from collections.abc import Sequence
import csv
from datetime import datetime
import json
import math
import os
from pathlib import Path
import platform
import re
import shlex
import sys
from typing import Any

from .. import __version__
from .metrics import RULES
from .report_of_states import state_table, states_markdown, with_states, write_reliability
from .tables import cell, table
from .told_states import TITLES

Report = dict[str, Any]

ONE_PASS = (
    ('success_auc', 'Success AUC', '.3f'),
    ('precision_20', 'Precision 20 px', '.3f'),
    ('norm_precision', 'Norm. precision', '.3f'),
)
SUPERVISED = (
    ('eao', 'EAO', '.3f'),
    ('accuracy', 'Accuracy', '.3f'),
    ('robustness', 'Robustness (failures a sequence)', '.2f'),
    ('failures', 'Failures', '.0f'),
)
SPEED = (('fps', 'Frames/s', '.1f'),)
PLOTS = (
    'success.png',
    'precision.png',
    'norm_precision.png',
    'attributes.png',
    'eao_curve.png',
    'eao_ranking.png',
    'accuracy_robustness.png',
    'radar.png',
    'speed.png',
    'long_term.png',
    'f_confidence.png',
    'reliability.png',
)
"""Files of the plots, in the order in which the report shows them."""


def describe_run(words: Sequence[str]) -> dict[str, Any]:
    """
    Return what a report says of its origin: command, date, versions and machine.

    `words` are those of the command line, without the name of the program.
    """
    packages = ('numpy', 'opencv', 'torch')
    modules = {name: sys.modules.get({'opencv': 'cv2'}.get(name, name)) for name in packages}
    versions = {'tir_tracker_ros': __version__, 'Python': platform.python_version()}
    versions |= {name: str(one.__version__) for name, one in modules.items() if one is not None}
    machine = [_processor(), f'{os.cpu_count()} CPUs', platform.platform()]
    torch: Any = modules['torch']
    if torch is not None:
        machine += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        'command': shlex.join(['tir-tracker', *words]),
        'date': datetime.now().astimezone().isoformat(timespec='seconds'),
        'versions': versions,
        'machine': ', '.join(machine),
    }


def _processor() -> str:
    """Name the processor; Python itself only knows the architecture."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def write_report(report: Report, folder: Path) -> None:
    """Write `report.json`, the tables as CSV and LaTeX, and `report.md` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_without_nan(report), indent=1)
    (folder / 'report.json').write_text(text + '\n', encoding='utf-8')
    _write_scores(report, folder / 'scores.csv')
    _write_sequences(report, folder / 'sequences.csv')
    write_reliability(report, ranked(report), folder / 'reliability.csv')
    (folder / 'report.md').write_text(markdown(report, folder), encoding='utf-8')
    (folder / 'table.tex').write_text(latex_table(report), encoding='utf-8')


def _without_nan(value: Any) -> Any:
    """Return the value with null, which JSON has, for nan, which it has not."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _measures(report: Report) -> tuple[tuple[str, str, str], ...]:
    one_pass = ONE_PASS if 'one-pass' in report['protocols'] else ()
    of_benchmarks = tuple((key, title, '.3f') for key, title in report['measures'])
    return (
        *of_benchmarks,
        *one_pass,
        *(SUPERVISED if 'supervised' in report['protocols'] else ()),
        *SPEED,
    )


def _all_measures(report: Report) -> tuple[tuple[str, str, str], ...]:
    """Return the measures of the overall table, and those of the states."""
    states = TITLES if with_states(report, ranked(report)) else {}
    return (*_measures(report), *((key, title, '.3f') for key, title in states.items()))


def _write_scores(report: Report, path: Path) -> None:
    measures = [key for key, _, _ in _all_measures(report)]
    with path.open('w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow(['tracker', 'group', 'name', 'sequences', 'frames', *measures])
        for tracker, metrics in report['trackers'].items():
            rows = [('all', '', metrics)]
            for group in ('sets', 'attributes', 'tags'):
                rows += [(group, name, each) for name, each in metrics.get(group, {}).items()]
            for group, name, each in rows:
                count = each.get('sequences', '')
                writer.writerow(
                    [tracker, group, name, len(count) if isinstance(count, dict) else count]
                    + [each.get('frames', '')]
                    + [cell(each, key, '.6g', '') for key in measures]
                )


def _write_sequences(report: Report, path: Path) -> None:
    measures = [key for key, _, _ in _all_measures(report) if key not in ('eao', 'robustness')]
    with path.open('w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow(['tracker', 'sequence', 'frames', *measures])
        for tracker, metrics in report['trackers'].items():
            for name, each in metrics['sequences'].items():
                cells = [cell(each, key, '.6g', '') for key in measures]
                writer.writerow([tracker, name, each['frames'], *cells])


def sequence_count(count: int) -> str:
    """Return `1 sequence` or `2 sequences`."""
    return f'{count} sequence' + 's' * (count != 1)


def ranked(report: Report) -> list[str]:
    """Return the trackers' names, the best first."""
    first = 'success_auc' if 'one-pass' in report['protocols'] else 'eao'
    trackers = report['trackers']

    def rank(name: str) -> float:
        value = trackers[name].get(first, math.nan)
        return -value if math.isfinite(value) else math.inf

    return sorted(trackers, key=rank)


def overall_table(report: Report) -> list[str]:
    """Return the lines of a Markdown table of all trackers' overall metrics."""
    measures = _measures(report)
    rows = [
        [name, *(cell(report['trackers'][name], key, form) for key, _, form in measures)]
        for name in ranked(report)
    ]
    return table(['Tracker', *(title for _, title, _ in measures)], rows)


def told_table(report: Report) -> list[str]:
    """Return the lines of a Markdown table of whether the states told are true, if there are."""
    return state_table(report, ranked(report))


def latex_table(report: Report) -> str:
    """Return the overall table for LaTeX (booktabs), the best value of each metric in bold."""
    measures = _measures(report)
    rows = []
    best = {key: _best(report, key) for key, _, _ in measures}
    for name in ranked(report):
        metrics = report['trackers'][name]
        cells = [cell(metrics, key, form) for key, _, form in measures]
        bold = [metrics.get(key) == best[key] is not None for key, _, _ in measures]
        marked = [f'\\textbf{{{each}}}' if b else each for each, b in zip(cells, bold)]
        rows.append(' & '.join([_escaped(name), *marked]) + r' \\')
    head = ' & '.join(['Tracker', *(_escaped(title) for _, title, _ in measures)]) + r' \\'
    columns = 'l' + 'r' * len(measures)
    lines = [rf'\begin{{tabular}}{{{columns}}}', r'\toprule', head, r'\midrule', *rows]
    return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}', ''])


def _best(report: Report, key: str) -> float | None:
    values = [each.get(key) for each in report['trackers'].values()]
    known = [value for value in values if value is not None and math.isfinite(value)]
    fewer = key in ('robustness', 'failures')
    return (min(known) if fewer else max(known)) if known else None


def _escaped(text: str) -> str:
    return re.sub(r'([&%$#_{}])', r'\\\1', text)


def interval_table(report: Report) -> list[str]:
    """Return the lines of a Markdown table of the intervals of the metrics over sequences."""
    trackers, best = ranked(report), ranked(report)[0]
    count = len(report['trackers'][best]['sequences'])
    if count < 2:
        return []
    rows = []
    for name in trackers:
        for key, title, form in _all_measures(report):
            ends = report['trackers'][name]['intervals'].get(key)
            if not ends:
                continue
            apart = report['differences'].get(name, {}).get(key)
            told = 'yes' if apart and (apart[0] > 0 or apart[1] < 0) else 'no'
            cells = [*(format(end, form) for end in ends), '-', '-', '-']
            if apart:
                cells[2:] = [format(apart[0], f'+{form}'), format(apart[1], f'+{form}'), told]
            rows.append([name, title, *cells])
    head = ['Tracker', 'Metric', 'low', 'high', 'difference, low', 'high', 'beyond chance']
    text = (
        f'Between low and high lie 95 % of the values when {count} sequences are drawn anew from '
        f'these (bootstrap). The difference is that to {best}, beyond chance where it misses 0.'
    )
    return ['## Intervals', '', text, '', *table(head, rows)]


def _group_table(report: Report, group: str, key: str) -> list[str]:
    """One row for each member of a group, one column for each tracker."""
    trackers = ranked(report)
    first = report['trackers'][trackers[0]].get(group, {})
    rows = []
    for name, metrics in first.items():
        count = metrics.get('sequences', metrics.get('frames'))
        cells = [cell(report['trackers'][t][group][name], key, '.3f') for t in trackers]
        rows.append([name, str(count), *cells])
    if not rows:
        return []
    unit = 'sequences' if 'sequences' in next(iter(first.values())) else 'frames'
    return table([{'tags': 'tag'}.get(group, group[:-1]), unit, *trackers], rows)


def markdown(report: Report, folder: Path) -> str:
    """Return the report as Markdown; plots that lie in the folder are shown."""
    sets = ', '.join(
        f'{name} ({sequence_count(each["sequences"])}, {each["frames"]} frames)'
        for name, each in report['sets'].items()
    )
    lines = ['# Evaluation', '']
    if 'run' in report:
        run = report['run']
        lines += ['```', run['command'], '```', '']
        versions = ', '.join(f'{name} {version}' for name, version in run['versions'].items())
        lines += [f'{run["date"]}, on {run["machine"]}. {versions}.', '']
    half = f', the half for {report["half"]}' if report.get('half') else ''
    lines += [f'Sets: {sets}{half}.', '']
    if report.get('left_out'):
        names = ', '.join(each['name'] for each in report['left_out'])
        count = sequence_count(len(report['left_out']))
        lines += [f'{count} could not be read: {names}.', '']
    if 'one-pass' in report['protocols']:
        rules = RULES[report['rules']].text
        lines += [f'One-pass metrics are means over sequences; {rules}.', '']
    if 'supervised' in report['protocols']:
        low, high = report['eao_interval']
        lines += [f'EAO averages over lengths {low} to {high}.', '']
    lines += [f'Threads: {report["threads"]}.', '']
    lines += overall_table(report)
    lines += states_markdown(report, ranked(report))
    lines += interval_table(report)
    if 'one-pass' in report['protocols']:
        if len(report['sets']) > 1:
            lines += ['## Success AUC by set', '', *_group_table(report, 'sets', 'success_auc')]
        for key, title, _ in ONE_PASS:
            found = _group_table(report, 'attributes', key)
            lines += [f'## {title} by attribute', '', *found] if found else []
    if 'supervised' in report['protocols']:
        for key, title, _ in SUPERVISED[:3]:
            found = _group_table(report, 'tags', key)
            lines += [f'## {title} by tag', '', *found] if found else []
    if report.get('videos'):
        shown = ', '.join(f'[{each["sequence"]}]({each["file"]})' for each in report['videos'])
        lines += [f'Videos where two trackers differ most: {shown}.', '']
    plots = [name for name in PLOTS if (folder / name).is_file()]
    lines += [line for name in plots for line in (f'![{name.removesuffix(".png")}]({name})', '')]
    key = 'success_auc' if 'one-pass' in report['protocols'] else 'accuracy'
    title = {k: t for k, t, _ in (*ONE_PASS, *SUPERVISED)}[key]
    lines += [f'## {title} by sequence', '', *_sequence_table(report, key)]
    return '\n'.join(lines)


def _sequence_table(report: Report, key: str) -> list[str]:
    trackers = ranked(report)
    rows = []
    for name, metrics in report['trackers'][trackers[0]]['sequences'].items():
        cells = [cell(report['trackers'][t]['sequences'][name], key, '.3f') for t in trackers]
        rows.append([name, str(metrics['frames']), *cells])
    return table(['sequence', 'frames', *trackers], rows)
