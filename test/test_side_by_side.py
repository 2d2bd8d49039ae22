# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Videos of two trackers beside each other: which sequences, and what is seen in them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import av
import numpy as np
import pytest
from test_evaluate_command import FRAMES, make_sequence, write_boxes

from tir_tracker_ros import cli
from tir_tracker_ros.evaluation.runner import OnePassRun
from tir_tracker_ros.evaluation.side_by_side import most_different, side_by_side
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence

WHITE, GREEN, RED = (255, 255, 255), (80, 220, 60), (60, 60, 255)


@pytest.fixture
def root(tmp_path):
    """Five sequences on which one tracker is perfect, and another worse and worse."""
    for order, name in enumerate('abcde'):
        boxes = make_sequence(tmp_path / 'data' / name, order)
        write_boxes(tmp_path / 'perfect' / f'{name}.txt', boxes)
        shift = np.array([3 * order, 0, 0, 0])
        write_boxes(tmp_path / 'off' / f'{name}.txt', boxes + shift)
    return tmp_path


def evaluate(root, *arguments):
    results = [f'--results={name}={root / name}' for name in ('perfect', 'off')]
    command = ['evaluate', str(root / 'data'), *results, '--out', str(root / 'out')]
    return cli.main([*command, *arguments])


def test_the_sequences_with_the_greatest_differences_get_a_video(root):
    assert evaluate(root, '--video', 'off,perfect') == 0
    report = json.loads((root / 'out' / 'report.json').read_text())
    assert [each['sequence'] for each in report['videos']] == ['e', 'd', 'c']
    text = (root / 'out' / 'report.md').read_text()
    for each in report['videos']:
        assert f'[{each["sequence"]}]({each["file"]})' in text
        with av.open(str(root / 'out' / each['file'])) as video:
            images = [frame.to_ndarray(format='bgr24') for frame in video.decode(video=0)]
        assert len(images) == FRAMES
        assert images[0].shape == (310, 2 * 384 + 2, 3)  # 96 x 72, four times as large


def test_sequences_on_which_both_are_the_same_get_none():
    scores = {'a': 0.5, 'b': math.nan, 'c': 0.4}
    trackers = {
        name: {'sequences': {key: {'success_auc': value} for key, value in found.items()}}
        for name, found in (('x', scores), ('y', {**scores, 'c': 0.6}))
    }
    assert most_different({'trackers': trackers}, 'x', 'y') == [2]


def test_a_picture_has_the_truth_and_each_box_in_the_colour_of_its_state():
    truth = np.array([[100, 100, 60, 60]], float)
    sequence = Sequence('a', ImageFrames((Path('none.png'),)), truth)
    good = OnePassRun(truth + [0, 0, 40, 40], None, np.array([0.9]), np.array([0]))
    lost = OnePassRun(truth + [0, 0, 60, 60], None, np.array([0.1]), np.array([2]))
    runs = {'good': good, 'lost': lost}
    picture = side_by_side(np.zeros((240, 320), np.float32), sequence, runs, 0)
    left, right = picture[22:, :320], picture[22:, 322:]
    for half, side, color in ((left, 100, GREEN), (right, 120, RED)):
        assert tuple(half[160, 130]) == WHITE
        columns = half[100 + side, 100 : 100 + side]
        assert (columns == color).all(axis=1).any()
    assert picture[:22, :320].any() and picture[:22, 322:].any()


def test_an_image_without_truth_and_boxes_is_shown_as_it_is():
    nothing = np.full((1, 4), np.nan)
    sequence = Sequence('a', ImageFrames((Path('none.png'),)), nothing)
    runs = {name: OnePassRun(nothing, None) for name in ('x', 'y')}
    picture = side_by_side(np.full((240, 320), 0.5, np.float32), sequence, runs, 0)
    assert np.unique(picture[22:, :320]).tolist() == [128]


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--video', 'perfect'], "--video 'perfect' is not A,B"),
        (['--video', 'perfect,perfect'], "--video 'perfect,perfect' is not A,B"),
        (['--video', 'perfect,best'], "'best' is none of the trackers perfect, off"),
        (['--video', 'perfect,off', '--protocol', 'supervised'], '--video shows one-pass runs'),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_runs(root, capsys, arguments, reason):
    assert evaluate(root, *arguments) == 1
    assert reason in capsys.readouterr().err
    assert not (root / 'out' / 'report.json').exists()
