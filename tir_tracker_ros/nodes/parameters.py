# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the nodes: one table each, from which everything else is made.

Declaration and descriptors (ros_parameters.py), validation, config/tracker.yaml and the tables in
the documents all come from here; `python -m tir_tracker_ros.nodes.parameters` rewrites the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import difflib
import math
from pathlib import Path
import textwrap
from typing import Any

from ..imaging.gain import GainSettings, MODES
from ..tracking.follower import FollowerSettings
from ..tracking.settings import TrackingSettings

Value = bool | int | float | str

_KINDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text'}


@dataclass(frozen=True)
class Parameter:
    """A row of a table; the type of the parameter is that of its default."""

    name: str
    default: Value
    description: str
    low: float | None = None
    """Smallest value of a number; None for other types."""
    high: float | None = None
    """Largest value of a number."""
    choices: tuple[str, ...] = ()
    """Allowed values of a string; empty for any."""
    live: bool = False
    """Whether it may change while the node is configured."""

    @property
    def range(self) -> str:
        """What is allowed, in words; empty for any value of the type."""
        if self.choices:
            return ', '.join(self.choices)
        return '' if self.low is None else f'{_plain(self.low)} to {_plain(self.high)}'

    def problem(self, value: object) -> str | None:
        """Say what is wrong with a value, or None; a whole number is good for a float, too."""
        kind = type(self.default)
        if type(value) is not kind and not (kind is float and type(value) is int):
            wanted = f'is not {_KINDS[kind]}'
        elif self.choices and value not in self.choices:
            wanted = f'is not one of {self.range}'
        elif self.low is not None and not self.low <= value <= self.high:  # type: ignore
            wanted = f'is not in {self.range}'
        else:
            return None
        return f'parameter {self.name} is {value!r}, which {wanted}'


def _setting(settings: Any, prefix: str, name: str, description: str, *args, **kwargs):
    return Parameter(prefix + name, getattr(settings, name), description, *args, **kwargs)


def _follower(*args, **kwargs) -> Parameter:
    return _setting(FollowerSettings(), '', *args, **kwargs)


def _gain(*args, **kwargs) -> Parameter:
    return _setting(GainSettings(), 'gain.', *args, live=True, **kwargs)


def _tracking(*args, **kwargs) -> Parameter:
    return _setting(TrackingSettings(), 'tracking.', *args, **kwargs)


TRACKER = (
    Parameter(
        'model',
        'auto',
        'Preset of the network: auto is mmnet on CUDA where its weights are shipped, else '
        'mmnet_fast.',
    ),
    Parameter('weights', '', 'Path of a safetensors file; empty takes the shipped weights.'),
    Parameter('device', 'auto', 'auto, cpu, cuda or cuda:N; auto is CUDA where there is one.'),
    Parameter('threads', 1, 'Threads of torch and OpenCV; 0 leaves their own choice.', 0, 256),
    Parameter(
        'precision',
        'auto',
        'Of the features; auto is bfloat16 where the device computes in it natively.',
        choices=('auto', 'float32', 'bfloat16', 'float16'),
    ),
    Parameter(
        'image_transport',
        'raw',
        'raw subscribes to image, compressed to image/compressed.',
        choices=('raw', 'compressed'),
    ),
    _follower('buffer_size', 'Images kept, so that an init may name one by its stamp.', 1, 1000),
    _follower(
        'lost_below',
        'A score below this, lost_after images in a row, means lost.',
        0.0,
        1.0,
        live=True,
    ),
    _follower('uncertain_below', 'A score below this means uncertain.', 0.0, 1.0, live=True),
    _follower(
        'found_above',
        'From this score on an uncertain or lost target is tracked again.',
        0.0,
        1.0,
        live=True,
    ),
    _follower('lost_after', 'Images in a row until a target is lost.', 1, 1000, live=True),
    _follower('smallest_side', 'Smallest side of an init box, pixels.', 1.0, 1000.0, live=True),
    _gain(
        'mode',
        'Which counts become 0 and 1: percentiles of the image, a fixed range, or its extremes.',
        choices=MODES,
    ),
    _gain('low_percentile', 'Percentile that becomes 0.', 0.0, 100.0),
    _gain('high_percentile', 'Percentile that becomes 1.', 0.0, 100.0),
    _gain('minimum', 'Counts that become 0 in mode fixed.', -1e9, 1e9),
    _gain('maximum', 'Counts that become 1 in mode fixed.', -1e9, 1e9),
    _gain('smoothing', 'Share of the previous range that stays in the next one.', 0.0, 0.999),
    _gain('stretch_8bit', 'Whether 8-bit images go through the range, too, not just / 255.'),
    _tracking('search_size', "Side of the search crop, pixels; 0 takes the preset's.", 0, 2047),
    _tracking(
        'padding',
        'What lies outside of the image: its nearest pixel or its mean.',
        choices=('edge', 'mean'),
    ),
    _tracking(
        'scale',
        'How the size of the target is followed; the refiner corrects the position, too.',
        choices=('refiner', 'filter', 'pyramid', 'none'),
    ),
    _tracking('scale_count', 'Crops of the scale pyramid.', 1, 33),
    _tracking('scale_step', 'Ratio of neighbouring crops of the pyramid.', 1.001, 2.0),
    _tracking('scale_penalty', 'Factor on the peak of all crops but the middle one.', 0.0, 1.0),
    _tracking('scale_rate', 'Share of the newly found scale.', 0.0, 1.0),
    _tracking('min_scale', 'Smallest target size over its size at init.', 0.01, 1.0),
    _tracking('max_scale', 'Largest target size over its size at init.', 1.0, 100.0),
    _tracking('upsample', 'Factor by which the response is enlarged.', 1, 32),
    _tracking(
        'window',
        'What holds back jumps: chances that fall with the distance, or a blended Hann window.',
        choices=('product', 'blend'),
    ),
    _tracking(
        'window_weight',
        'Weight of the window: of a product 0 or more, in a blend its share, 0 to 1.',
        0.0,
        100.0,
    ),
    _tracking(
        'template',
        'What the template is made of: newest image (needs the refiner), running statistics or '
        'average, first image.',
        choices=('previous', 'statistics', 'average', 'fixed'),
    ),
    _tracking('template_rate', 'Share of the new template in statistics and average.', 0.0, 1.0),
    _tracking('learn_above', 'Score below which nothing is learnt.', 0.0, 1.0),
    _tracking('template_interval', 'Images from one template update to the next.', 1, 1000),
    _tracking(
        'refiner_interval',
        'Images from one recent reference of the refiner to the next; 0: the first image alone.',
        0,
        1000,
    ),
    _tracking(
        'near_share',
        'Share of the reach that is looked at first while the target is sure and slow; 1: all.',
        0.0,
        1.0,
    ),
    _tracking('redetection', 'Whether a lost target is looked for in the whole image.'),
    Parameter(
        'no_image_warning',
        5.0,
        'Seconds without an image until a warning; 0 for none.',
        0.0,
        3600.0,
        live=True,
    ),
    Parameter('diagnostics', False, 'Whether /diagnostics is published, once a second.'),
    Parameter(
        'record_path', '', 'CSV file that gets a line for each processed image; empty for none.'
    ),
)

PLAYER = (
    Parameter('bag', '', 'Bag directory, .mcap or .db3 file to play; has to be given.'),
    Parameter('topics', '', 'Topics to play, separated by spaces; empty for all known types.'),
    Parameter('rate', 1.0, 'Speed, 1 being the recorded one.', 0.01, 100.0),
    Parameter('loop', False, 'Whether to start again at the end.'),
    Parameter('start', 0.0, 'Seconds of the bag to leave out at its beginning.', 0.0, 1e9),
    Parameter('clock', False, 'Whether to publish /clock, for nodes with use_sim_time.'),
    Parameter(
        'wait_for',
        1,
        'Subscriptions to wait for, on every image topic, before playing; an init waits for one.',
        0,
        100,
    ),
)


def settings_of(values: Mapping[str, Value]) -> FollowerSettings:
    """Make the settings of a Follower; raises ValueError for values that exclude each other."""
    return FollowerSettings(
        gain=GainSettings(**_part(values, 'gain.')),
        **{
            name: values[name]  # type: ignore[arg-type]
            for name in FollowerSettings.__dataclass_fields__
            if name != 'gain'
        },
    )


def tracker_arguments(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the arguments of `load_tracker`."""
    names = ('model', 'device', 'weights', 'threads', 'precision')
    return {name: values[name] for name in names} | _part(values, 'tracking.')


def _part(values: Mapping[str, Value], prefix: str) -> dict[str, Any]:
    return {name[len(prefix) :]: values[name] for name in values if name.startswith(prefix)}


def problems_of(table: tuple[Parameter, ...], values: Mapping[str, Value]) -> list[str]:
    """Say what is wrong with the values of a table, each alone and then together."""
    found = [row.problem(values[row.name]) for row in table]
    problems = [problem for problem in found if problem]
    if table is TRACKER and not problems:
        try:
            settings_of(values)
            TrackingSettings(**_part(values, 'tracking.'))
        except ValueError as error:
            problems.append(str(error))
    return problems


def unknown_problem(table: tuple[Parameter, ...], name: str) -> str:
    """Say that there is no such parameter, and which one may have been meant."""
    close = difflib.get_close_matches(name, [row.name for row in table], 1)
    hint = f'; did you mean {close[0]}?' if close else ''
    return f'there is no parameter {name}{hint}'


def render_yaml(table: tuple[Parameter, ...] = TRACKER) -> str:
    """Write a parameter file that holds every default, with comments."""
    lines = [
        '# Parameters of the node `tracker`, with their defaults.',
        '# Made by: python -m tir_tracker_ros.nodes.parameters',
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
    for name, table in (('tracker', TRACKER), ('player', PLAYER)):
        before, mark, after = document.partition(f'<!-- parameters: {name} -->\n')
        if mark:
            after = after[after.index('<!-- end -->') :]
            document = before + mark + render_markdown(table) + after
    return document


def _plain(number: float | None) -> str:
    return str(number) if isinstance(number, int) else f'{number:g}'


def _yaml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return f'.{value}'
    return repr(value) if isinstance(value, (int, float)) or not value else value


def main() -> None:
    """Rewrite config/tracker.yaml and the tables in README.md and docs/node.md of a checkout."""
    root = Path(__file__).resolve().parents[2]
    (root / 'config' / 'tracker.yaml').write_text(render_yaml())
    for document in (root / 'README.md', root / 'docs' / 'node.md'):
        if document.exists():
            document.write_text(with_tables(document.read_text()))


if __name__ == '__main__':
    main()
