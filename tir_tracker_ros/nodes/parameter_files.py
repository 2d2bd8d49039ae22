# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The files made from the tables of parameters: config/tracker.yaml, docs/node.md, docs/viewer.md.

`python -m tir_tracker_ros.nodes.parameter_files` rewrites them.
"""

from __future__ import annotations

import math
from pathlib import Path
import textwrap

from .parameters import Parameter, PLAYER, TRACKER, Value
from .viewer_parameters import VIEWER


def render_yaml(table: tuple[Parameter, ...] = TRACKER) -> str:
    """Write a parameter file that holds every default, with comments."""
    lines = [
        '# Parameters of the node `tracker`, with their defaults.',
        '# Made by: python -m tir_tracker_ros.nodes.parameter_files',
        '# (live) may change at any time, the others only while the node is unconfigured.',
        '# QoS of a topic, here for a camera that sends reliably and must not lose an image:',
        '#   qos_overrides:',
        '#     /thermal/image_raw:',
        '#       subscription: {reliability: reliable}',
        '/**:',
        '  ros__parameters:',
    ]
    group = ''
    for row in table:
        *groups, name = row.name.split('.')
        if '.'.join(groups) != group:
            group = '.'.join(groups)
            if group:
                lines.append(f'    {group}:')
        indent = '      ' if group else '    '
        note = f' [{row.range}]' if row.range else ''
        comment = f'{row.description}{note}{" (live)" if row.live else ""}'
        lines += textwrap.wrap(comment, 97, initial_indent=indent + '# ',
                               subsequent_indent=indent + '# ')  # fmt: skip
        lines.append(f'{indent}{name}: {_yaml(row.default)}')
    return '\n'.join(lines) + '\n'


def render_markdown(table: tuple[Parameter, ...] = TRACKER) -> str:
    """Write the table for a document."""
    lines = [
        '| parameter | default | range | live | what it does |',
        '|---|---|---|---|---|',
    ]
    for row in table:
        live = 'yes' if row.live else ''
        cells = (f'`{row.name}`', f'`{_yaml(row.default)}`', row.range, live, row.description)
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def with_tables(document: str) -> str:
    """Put each table between its marks `<!-- parameters: tracker -->` and `<!-- end -->`."""
    for name, table in (('tracker', TRACKER), ('player', PLAYER), ('viewer', VIEWER)):
        before, mark, after = document.partition(f'<!-- parameters: {name} -->\n')
        if mark:
            after = after[after.index('<!-- end -->') :]
            document = before + mark + render_markdown(table) + after
    return document


def _yaml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return f'.{value}'
    return repr(value) if isinstance(value, (int, float)) or not value else value


def main() -> None:
    """Rewrite config/tracker.yaml and the tables in the documents of a checkout."""
    root = Path(__file__).resolve().parents[2]
    (root / 'config' / 'tracker.yaml').write_text(render_yaml())
    for name in ('node.md', 'viewer.md'):
        document = root / 'docs' / name
        document.write_text(with_tables(document.read_text()))


if __name__ == '__main__':
    main()
