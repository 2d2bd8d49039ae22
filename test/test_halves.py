# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The halves of a set: what one scene is, and that a scene is in one half only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_evaluate_command import make_sequence, write_boxes

from tir_tracker_ros import cli
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence
from tir_tracker_ros.sequences.benchmarks.halves import half_of, HALVES, scene_of


def sequence_of(video: str, name: str = '', layout: str = 'video set') -> Sequence:
    frames = ImageFrames((Path('none.png'),))
    return Sequence(name or video, frames, np.ones((1, 4)), video=video, layout=layout)


@pytest.mark.parametrize(
    ('videos', 'scene'),
    [
        (['hall_walk', 'hall_pause'], 'hall'),
        (['mouse_a', 'mouse_b'], 'mouse'),
        (['lot_car1', 'lot_car4'], 'lot'),
        (['IR_BIRD_009.mp4', 'V_BIRD_009.mp4'], 'bird_009'),  # two cameras, one recording
        (['20190925_101846_1_1', '20190925_101846_1_9'], '20190925_101846'),
        (['Basketball', 'basketball'], 'basketball'),  # in OTB and in VOT
    ],
)
def test_recordings_of_one_scene(videos, scene):
    assert {scene_of(sequence_of(video)) for video in videos} == {scene}


def test_recordings_with_numbers_are_scenes_of_their_own():
    videos = ['IR_BIRD_009.mp4', 'IR_BIRD_010.mp4', 'person_S_001', 'Human4', 'Human5']
    assert len({scene_of(sequence_of(video)) for video in videos}) == len(videos)


def test_targets_of_one_recording_are_never_apart():
    for video in (f'IR_DRONE_{number:03}.mp4' for number in range(40)):
        parts = [sequence_of(video, f'drone_{part}') for part in range(3)]
        assert len({half_of(part) for part in parts}) == 1


def test_the_half_of_a_scene_is_its_own_and_both_are_used():
    expected = {
        'highway': 'settings', 'spider': 'settings', 'tir_b': 'settings',
        'dog': 'reporting', 'hall_walk': 'reporting', 'juggle': 'reporting', 'store': 'reporting',
    }  # fmt: skip
    assert {video: half_of(sequence_of(video)) for video in expected} == expected


def test_seeds_of_the_simulator_are_in_one_half_for_all_categories():
    for category in ('occlusion', 'look_alikes', 'demo'):
        halves = [half_of(sequence_of(f'{category}_{seed:06}', '', 'plain')) for seed in (8, 9)]
        assert halves == ['settings', 'reporting']


# ------------------------------------------------------------------- evaluate --half
@pytest.fixture
def root(tmp_path):
    for name in ('highway', 'store', 'juggle'):
        write_boxes(tmp_path / 'perfect' / f'{name}.txt', make_sequence(tmp_path / 'data' / name))
    return tmp_path


def evaluate(root, *arguments):
    command = ['evaluate', str(root / 'data'), f'--results=x={root / "perfect"}']
    return cli.main([*command, '--out', str(root / 'out'), *arguments])


def test_one_half_is_run_and_named_in_the_report(root):
    ran = {}
    for half in HALVES:
        assert evaluate(root, '--half', half) == 0
        report = json.loads((root / 'out' / 'report.json').read_text())
        assert report['half'] == half
        ran[half] = set(report['trackers']['x']['sequences'])
        assert f'half for {half}' in (root / 'out' / 'report.md').read_text()
    assert ran == {'settings': {'highway'}, 'reporting': {'store', 'juggle'}}


def test_without_the_option_all_is_run(root):
    assert evaluate(root) == 0
    report = json.loads((root / 'out' / 'report.json').read_text())
    assert report['half'] is None and len(report['trackers']['x']['sequences']) == 3
    assert 'half for' not in (root / 'out' / 'report.md').read_text()


def test_a_half_without_sequences_is_told(root, capsys):
    assert evaluate(root, '--half', 'settings', '--sequences', 'store') == 1
    assert "none of 1 sequences is in the half 'settings'" in capsys.readouterr().err
