# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metrics are those that the public toolkits gave for the same boxes; see test/data/toolkits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tir_tracker_ros.evaluation.benchmarks import BENCHMARKS, measured, scores
from tir_tracker_ros.evaluation.metrics import has_size, mean_curves, one_pass_curves
from tir_tracker_ros.evaluation.runner import OnePassRun
from tir_tracker_ros.evaluation.supervised import (
    expected_average_overlap,
    expected_overlap_curve,
    judge,
    ProtocolSettings,
    SupervisedRun,
)
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence

DATA = Path(__file__).parent / 'data' / 'toolkits'
SIZE = (320, 240)
STORED = np.load(DATA / 'boxes.npz')
METRICS = json.loads((DATA / 'metrics.json').read_text())


def clips(kind: str) -> list[dict[str, np.ndarray]]:
    return [
        {key.split('.')[2]: STORED[key] for key in STORED if key.startswith(f'{kind}.{number}.')}
        for number in range(3)
    ]


def sequence(clip: dict[str, np.ndarray], layout: str) -> Sequence:
    boxes = clip['truth'].copy()
    boxes[~has_size(boxes)] = np.nan
    if layout not in ('RGBT234', 'GTOT'):
        boxes[clip['absent']] = np.nan
    frames = ImageFrames(tuple(Path(f'{index}.png') for index in range(len(boxes))))
    return Sequence('a', frames, boxes, layout=layout, other_boxes=clip['other'])


def of(name: str, layout: str, absent_below: float = 0) -> dict[str, float]:
    sequences, runs = [], []
    for clip in clips('one_pass'):
        boxes = clip['found'].copy()
        boxes[np.nan_to_num(clip['scores'], nan=1) < absent_below] = np.nan
        sequences.append(sequence(clip, layout))
        runs.append(OnePassRun(boxes, None, clip['scores']))
    table = measured(BENCHMARKS[name], sequences, runs, [SIZE] * len(runs))
    return scores(BENCHMARKS[name], table)


@pytest.mark.parametrize('curve', ['success', 'precision', 'norm_precision'])
def test_curves_with_pysots_rules_are_those_of_pysot(curve):
    parts = [
        one_pass_curves(
            sequence(clip, 'LaSOT').boxes, clip['found'], 'pysot', absent=clip['absent']
        )
        for clip in clips('one_pass')
    ]
    np.testing.assert_allclose(
        getattr(mean_curves(parts, 'pysot'), curve), METRICS['pysot'][curve], atol=1e-9
    )


@pytest.mark.parametrize('curve', ['success', 'precision'])
def test_curves_with_the_toolkits_rules_are_those_of_lasher(curve):
    parts = []
    for clip in clips('one_pass'):
        truth = clip['truth'].copy()
        truth[~has_size(truth)] = np.nan
        parts.append(one_pass_curves(truth, clip['found'], 'toolkit'))
    found = getattr(mean_curves(parts, 'toolkit'), curve)
    expected = METRICS['rgbt'][f'lasher_{curve}']
    if curve == 'success':  # by rounding, its overlap of a box with itself may be above 1
        assert found[-1] == 0 and expected[-1] > 0
        found, expected = found[:-1], expected[:-1]
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ('toolkit', 'name', 'layout'),
    [
        ('got10k', 'got10k', 'GOT-10k'),
        ('trackingnet', 'trackingnet', 'TrackingNet'),
        ('rgbt', 'rgbt', 'RGBT234'),
        ('rgbt', 'gtot', 'GTOT'),
    ],
)
def test_measures_are_those_of_their_toolkit(toolkit, name, layout):
    found = of(name, layout)
    both = set(found) & set(METRICS[toolkit])
    assert both
    for key in both:
        assert found[key] == pytest.approx(METRICS[toolkit][key], abs=1e-6), key


def test_state_accuracy_is_that_of_anti_uav410():
    found = of('anti-uav', 'Anti-UAV', absent_below=0.4)
    assert found['state_accuracy'] == pytest.approx(METRICS['anti_uav']['state_accuracy'])


@pytest.mark.parametrize(('toolkit', 'within'), [('vot', 0.002), ('pysot', 0.01)])
def test_f_is_that_of_the_toolkits_which_count_pixels(toolkit, within):
    found = of('long-term', 'VOT-LT')
    for key in ('f_score', 'lt_precision', 'lt_recall'):
        assert found[key] == pytest.approx(METRICS[toolkit][key], abs=within), key


def test_accuracy_and_eao_over_quadrangles_are_those_of_pysot_which_counts_pixels():
    parts = []
    for clip in clips('supervised'):
        corners = clip['polygons'].reshape(-1, 4, 2)
        truth = np.hstack([corners.min(axis=1), np.ptp(corners, axis=1)])
        boxes = np.where((clip['events'] == 3)[:, None], clip['boxes'], np.nan)
        run = SupervisedRun(clip['events'], boxes)
        parts.append(judge(truth, [run], SIZE, ProtocolSettings(), polygons=clip['polygons']))
    accuracies = [part.accuracy for part in parts]
    np.testing.assert_allclose(accuracies, METRICS['pysot']['accuracies'], atol=0.005)
    fragments = [fragment for part in parts for fragment in part.fragments]
    length = max(part.frames for part in parts)
    eao = expected_average_overlap(expected_overlap_curve(fragments, length), (100, 356))
    assert eao == pytest.approx(METRICS['pysot']['eao'], abs=0.005)
