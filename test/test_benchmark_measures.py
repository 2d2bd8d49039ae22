# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measures of single benchmarks and rules for absent frames, against values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tir_tracker_ros.evaluation.benchmarks import (
    BENCHMARKS,
    confidence_thresholds,
    measured,
    scores,
)
from tir_tracker_ros.evaluation.intervals import differences, draws, interval, mean_samples
from tir_tracker_ros.evaluation.metrics import one_pass_curves
from tir_tracker_ros.evaluation.runner import OnePassRun
from tir_tracker_ros.evaluation.supervised import interval_of, overlaps
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence

NAN = (np.nan,) * 4
BOX = (10, 10, 30, 10)
THIRD = (20, 10, 30, 10)  # overlaps BOX by 20 of 40 pixels: 1/2
FAR = (200, 200, 30, 10)
SIZE = (320, 240)


def sequence(truth, layout, **options):
    frames = ImageFrames(tuple(Path(f'{index}.png') for index in range(len(truth))))
    return Sequence('a', frames, np.array(truth, float), layout=layout, **options)


def run(boxes, confidences=None):
    told = None if confidences is None else np.array(confidences, float)
    return OnePassRun(np.array(boxes, float), None, told)


def of(name, sequences, runs, size=SIZE):
    benchmark = BENCHMARKS[name]
    table = measured(benchmark, sequences, runs, [size] * len(sequences))
    return scores(benchmark, table)


# ------------------------------------------------------------------- rules for absent frames
@pytest.mark.parametrize(
    ('rules', 'success', 'precision'),
    [('plain', 1, 1), ('lasot', 2 / 4, 3 / 4), ('pysot', 2 / 4, 3 / 4)],
)
def test_absent_frames_are_left_out_or_missed_and_invalid_ones_meet_the_distance(
    rules, success, precision
):
    truth = np.array([BOX, NAN, NAN, BOX], float)
    absent = np.array([False, True, False, False])  # the third has no size, yet no mark
    predicted = np.array([BOX] * 4, float)
    found = one_pass_curves(truth, predicted, rules, absent=absent)
    assert found.success[0] == success
    assert found.precision_20 == precision


def test_pysot_has_a_frame_at_the_border_as_valid_which_lasot_has_not():
    truth = np.array([BOX, (0, 10, 30, 10)], float)
    predicted = np.array([BOX, FAR], float)
    lasot, pysot = (one_pass_curves(truth, predicted, rules) for rules in ('lasot', 'pysot'))
    assert (lasot.precision_20, pysot.precision_20) == (1, 1 / 2)


def test_only_lasot_repeats_the_last_usable_answer():
    truth, predicted = np.array([BOX] * 3, float), np.array([BOX, BOX, NAN], float)
    lasot, pysot = (one_pass_curves(truth, predicted, rules) for rules in ('lasot', 'pysot'))
    assert (lasot.success[0], pysot.success[0]) == (1, 2 / 3)


# ------------------------------------------------------------------- GOT-10k, TrackingNet
def test_got10k_pools_the_frames_behind_the_first_of_all_sequences():
    sequences = [sequence([BOX] * 2, 'GOT-10k'), sequence([BOX, BOX, NAN, BOX], 'GOT-10k')]
    runs = [run([FAR, BOX]), run([BOX, THIRD, BOX, FAR])]
    found = of('got10k', sequences, runs)
    assert found['ao'] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found['sr_50'] == found['sr_75'] == pytest.approx(1 / 3)  # 0.5 is not above 0.5


def test_got10k_cuts_boxes_to_the_image():
    found = of(
        'got10k', [sequence([BOX] * 2, 'GOT-10k')], [run([BOX, (10, 10, 60, 10)])], (40, 30)
    )
    assert found['ao'] == 1


def test_trackingnet_rounds_boxes_and_takes_frames_at_a_threshold():
    found = of(
        'trackingnet', [sequence([BOX] * 2, 'TrackingNet')], [run([BOX, (20.4, 10, 30, 10)])]
    )
    # overlap 1/2: the curve is 1 up to there and 1/2 behind
    assert found['trackingnet_success'] == pytest.approx(0.5 + 0.75 * 0.05 + 0.5 * 0.45)
    assert found['trackingnet_precision'] == pytest.approx((16 + 0.5 + 20) / 2 / 20, abs=1e-9)


def test_trackingnet_has_nothing_to_say_on_its_test_split():
    found = of('trackingnet', [sequence([BOX, NAN], 'TrackingNet')], [run([BOX, BOX])])
    assert all(np.isnan(value) for value in found.values())


# ------------------------------------------------------------------- Anti-UAV
def test_state_accuracy_rewards_no_box_where_there_is_no_target():
    found = of(
        'anti-uav', [sequence([BOX, BOX, NAN, NAN], 'Anti-UAV')], [run([BOX, THIRD, NAN, BOX])]
    )
    assert found['state_accuracy'] == pytest.approx((1 + 0.5 + 1 + 0) / 4)
    assert found['state_accuracy_penalised'] == found['state_accuracy']


def test_state_accuracy_may_be_penalised_for_missed_targets():
    found = of('anti-uav', [sequence([BOX] * 4, 'Anti-UAV')], [run([BOX, NAN, BOX, BOX])])
    assert found['state_accuracy'] == 3 / 4
    assert found['state_accuracy_penalised'] == pytest.approx(3 / 4 - 0.2 * 0.25**0.3)


# ------------------------------------------------------------------- colour and infrared
def test_the_better_of_both_truths_counts():
    other = np.array([BOX, FAR, FAR], float)
    sequences = [sequence([BOX, BOX, NAN], 'RGBT234', other_boxes=other)]
    found = of('rgbt', sequences, [run([BOX, FAR, BOX])])
    assert found == {'max_precision': 1, 'max_success': pytest.approx(20 / 21)}


def test_gtot_pools_frames_and_wants_less_than_five_pixels():
    at_five = (15, 10, 30, 10)
    truth = np.array([BOX] * 3, float)
    sequences = [
        sequence(truth, 'GTOT', other_boxes=truth),
        sequence(truth[:1], 'GTOT', other_boxes=truth[:1]),
    ]
    found = of('gtot', sequences, [run([BOX, at_five, (14, 10, 30, 10)]), run([BOX])])
    assert found['max_precision_5'] == 3 / 4


def test_without_a_second_truth_there_is_no_maximum():
    found = of('rgbt', [sequence([BOX] * 2, 'RGBT234')], [run([BOX] * 2)])
    assert np.isnan(found['max_success'])


# ------------------------------------------------------------------- long term
def test_f_is_that_of_the_best_threshold():
    truth = [BOX, BOX, BOX, NAN, NAN]
    found = of(
        'long-term',
        [sequence(truth, 'VOT-LT')],
        [run([BOX, BOX, THIRD, BOX, BOX], [np.nan, 0.9, 0.8, 0.2, 0.1])],
    )
    # above 0.8: two frames with overlaps 1 and 1/2; three frames show the target
    assert found['lt_precision'] == pytest.approx(0.75)
    assert found['lt_recall'] == pytest.approx(1.5 / 3)
    assert found['f_score'] == pytest.approx(2 * 0.75 * 0.5 / 1.25)


def test_precision_and_recall_are_averaged_over_sequences_before_f():
    truth = [BOX] * 3
    sequences = [sequence(truth, 'VOT-LT'), sequence(truth, 'VOT-LT')]
    runs = [run([BOX] * 3, [np.nan, 0.9, 0.9]), run([BOX, FAR, FAR], [np.nan, 0.9, 0.9])]
    found = of('long-term', sequences, runs)
    assert found['lt_precision'] == pytest.approx(1 / 2)
    assert found['lt_recall'] == pytest.approx((2 / 3 + 0) / 2)


def test_a_tracker_that_says_by_itself_that_it_is_lost_needs_no_confidence():
    found = of('long-term', [sequence([BOX, BOX, NAN], 'VOT-LT')], [run([BOX, BOX, NAN])])
    assert found['lt_precision'] == 1


def test_thresholds_are_98_quantiles_between_infinities():
    found = confidence_thresholds(np.append(np.linspace(0, 1, 1000), np.nan))
    assert len(found) == 100
    assert (found[0], found[-1]) == (np.inf, -np.inf)
    assert (np.diff(found) < 0).all()


# ------------------------------------------------------------------- layouts, polygons, EAO
def test_sequences_of_other_layouts_count_nowhere():
    sequences = [sequence([BOX] * 2, 'GOT-10k'), sequence([BOX] * 2, 'plain')]
    assert of('got10k', sequences, [run([BOX, BOX]), run([BOX, FAR])])['ao'] == 1


def test_a_quadrangle_is_judged_as_one_and_cut_to_the_image():
    diamond = np.array([[20, 10, 30, 20, 20, 30, 10, 20]], float)  # half of the box around it
    around, half = np.array([[10, 10, 20, 20]], float), np.array([[20, 10, 10, 20]], float)
    assert overlaps(around, around, None, diamond)[0] == pytest.approx(1 / 2)
    assert overlaps(around, half, None, diamond)[0] == pytest.approx(100 / 300)
    assert overlaps(around, half, (20, 40), diamond)[0] == 0
    assert overlaps(around, around, (20, 40), diamond)[0] == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ('dataset', 'expected'),
    [
        ('VOT2016', (108, 371)),
        ('sets/vot-st2018', (100, 356)),
        ('vot2019', (46, 291)),
        ('vot-tir2016', None),
        ('mine', None),
    ],
)
def test_a_challenge_has_the_interval_of_its_year(dataset, expected):
    assert interval_of(dataset) == expected


# ------------------------------------------------------------------- intervals
def test_the_same_sequences_are_drawn_each_time():
    first = draws(5)
    np.testing.assert_array_equal(first, draws(5))
    assert (first.sum(axis=1) == 5).all()


def test_an_interval_covers_the_mean_and_shrinks_with_the_number_of_sequences():
    values = np.tile([0.2, 0.8], 5)
    few, many = interval(mean_samples(values)), interval(mean_samples(np.tile(values, 20)))
    assert few[0] < many[0] < 0.5 < many[1] < few[1]


def test_a_constant_difference_is_beyond_chance_however_much_sequences_vary():
    values = np.linspace(0.1, 0.8, 9)
    samples = {'a': {'x': mean_samples(values + 0.1)}, 'b': {'x': mean_samples(values)}}
    low, high = differences(samples, 'a')['b']['x']
    assert low == pytest.approx(-0.1)
    assert high == pytest.approx(-0.1)
