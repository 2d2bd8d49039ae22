# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The table of parameters, and the files that are made from it."""

from dataclasses import fields
import math
from pathlib import Path

import pytest
import yaml

from tir_tracker_ros.imaging.gain import GainSettings
from tir_tracker_ros.nodes.parameter_files import render_yaml, with_tables
from tir_tracker_ros.nodes.parameters import (
    MODELS,
    PLAYER,
    problems_of,
    REMOVED,
    settings_of,
    TRACKER,
    tracker_arguments,
    unknown_problem,
)
from tir_tracker_ros.nodes.viewer_parameters import VIEWER
from tir_tracker_ros.tracking.settings import TrackingSettings
from tir_tracker_ros.tracking.stream_settings import StreamSettings

ROOT = Path(__file__).resolve().parents[1]
DEFAULTS = {row.name: row.default for row in TRACKER}


def test_the_parameter_file_is_the_one_made_from_the_table():
    assert (ROOT / 'config' / 'tracker.yaml').read_text() == render_yaml()


@pytest.mark.parametrize(
    ('name', 'tables'), [('node.md', ('tracker', 'player')), ('viewer.md', ('viewer',))]
)
def test_the_documentation_of_the_nodes_holds_the_tables(name, tables):
    document = (ROOT / 'docs' / name).read_text()
    for table in tables:
        assert f'<!-- parameters: {table} -->' in document
    assert document == with_tables(document)


def test_the_parameter_file_holds_every_default_in_its_type():
    def flat(tree, prefix=''):
        for name, value in tree.items():
            if isinstance(value, dict):
                yield from flat(value, f'{prefix}{name}.')
            else:
                yield prefix + name, value

    read = dict(flat(yaml.safe_load(render_yaml())['/**']['ros__parameters']))
    assert read == DEFAULTS
    assert {name: type(value) for name, value in read.items()} == {
        name: type(value) for name, value in DEFAULTS.items()
    }


@pytest.mark.parametrize('row', [*TRACKER, *PLAYER, *VIEWER], ids=lambda row: row.name)
def test_a_parameter_is_described_and_its_default_and_limits_are_allowed(row):
    assert row.description.endswith('.')
    for value in (row.default, row.low, row.high):
        assert value is None or row.problem(value) is None
    if row.low is not None:
        assert str(row.name) in row.problem(row.high + 1)
        if isinstance(row.default, float):
            assert 'nan' in row.problem(math.nan)
    if row.choices:
        assert row.problem('nonsense').endswith(', '.join(row.choices))


def test_the_models_that_are_listed_are_those_that_there_are():
    from tir_tracker_ros.models.families import PRESETS

    assert set(MODELS) == set(PRESETS)


def test_every_setting_of_the_gain_is_a_parameter():
    assert {f'gain.{field.name}' for field in fields(GainSettings)} <= set(DEFAULTS)


def test_the_defaults_are_those_of_the_settings():
    assert settings_of(DEFAULTS) == StreamSettings()


def test_a_tracking_parameter_at_its_default_leaves_the_number_of_the_mode():
    arguments = tracker_arguments(
        {**DEFAULTS, 'tracking.mode': 'paper', 'tracking.max_scale': 2.0}
    )
    assert arguments == {
        'model': 'auto',
        'device': 'auto',
        'weights': '',
        'threads': 1,
        'precision': 'auto',
        'tracking': 'paper',
        'max_scale': 2.0,
    }


@pytest.mark.parametrize('mode', ['default', 'paper'])
def test_what_the_table_allows_the_tracking_takes(mode):
    from tir_tracker_ros.models.presets import MATCHING

    preset = MATCHING['siamfc_fast']
    rows = [row for row in TRACKER if row.name.startswith('tracking.') and row.low is not None]
    assert rows
    for row in rows:
        for value in (row.low, row.high):
            TrackingSettings.of(preset, mode, **{row.name.split('.')[1]: value})


def test_a_removed_parameter_is_told_with_what_replaces_it():
    assert len(REMOVED) == 14
    assert not set(REMOVED) & set(DEFAULTS)
    assert unknown_problem(TRACKER, 'tracking.scale') == (
        'parameter tracking.scale was removed: tracking.mode paper has the scale pyramid; '
        'evaluate --variant changes it for experiments'
    )
    for name in REMOVED:
        assert unknown_problem(TRACKER, name).startswith(f'parameter {name} was removed: ')


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'gain.low_percentile': 90.0, 'gain.high_percentile': 10.0}, '90.0 and 10.0'),
        ({'gain.minimum': 5.0, 'gain.maximum': 5.0}, 'minimum 5.0 is not below'),
        ({'lost_below': 0.9}, 'lost_below 0.9, uncertain_below'),
        ({'device': 'cpu', 'threads': -1}, 'parameter threads is -1, which is not in 0 to 256'),
    ],
)
def test_values_that_cannot_be_used_are_named(changes, words):
    (problem,) = problems_of(TRACKER, {**DEFAULTS, **changes})
    assert words in problem


def test_a_misspelt_name_is_told_with_the_likely_one():
    problem = unknown_problem(TRACKER, 'lost_bellow')
    assert problem == 'there is no parameter lost_bellow; did you mean lost_below?'


def test_the_example_of_a_detector_has_parameters_of_the_tracker():
    tree = yaml.safe_load((ROOT / 'config' / 'detector.yaml').read_text())['/**'][
        'ros__parameters'
    ]
    given = {'auto_init': tree['auto_init']}
    given |= {f'candidates.{name}': value for name, value in tree['candidates'].items()}
    defaults = {row.name: row.default for row in TRACKER}
    assert set(given) <= set(defaults) and len(given) == 2
    assert not problems_of(TRACKER, defaults | given)
