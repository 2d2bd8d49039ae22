# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One-pass success, precision and normalised precision, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tir_tracker_ros.evaluation.metrics import mean_curves, one_pass_curves

NAN = (np.nan,) * 4
TARGET = (10, 10, 20, 40)


def curves(truth, predicted, **options):
    found = one_pass_curves(np.array(truth, float), np.array(predicted, float), **options)
    assert found is not None
    return found


def test_a_perfect_tracker_scores_20_of_21_since_overlap_must_be_above_its_threshold():
    found = curves([TARGET] * 3, [TARGET] * 3)
    assert found.success_auc == pytest.approx(20 / 21)
    assert found.precision_20 == 1
    assert found.norm_precision_auc == 1


def test_a_lost_target_scores_its_first_frame_only():
    found = curves([TARGET] * 4, [TARGET] + [(200, 200, 20, 40)] * 3)
    assert found.success_auc == pytest.approx(20 / 21 / 4)
    assert found.precision_20 == found.norm_precision_auc == 1 / 4


def test_an_overlap_at_a_threshold_is_no_success():
    # moved by a third of its width: overlap 1/2 exactly
    found = curves([(0, 0, 30, 10)] * 2, [(0, 0, 30, 10), (10, 0, 30, 10)])
    np.testing.assert_array_equal(found.success[:10], 1)
    np.testing.assert_array_equal(found.success[10:20], 1 / 2)


def test_a_centre_error_at_a_threshold_is_precise():
    found = curves([TARGET] * 2, [TARGET, (10 + 12, 10 + 16, 20, 40)])  # 20 pixels away
    assert found.precision[19] == 1 / 2
    assert found.precision_20 == 1


def test_the_same_box_has_no_centre_error_at_all():
    box = (0.1, 0.3, 20.7, 40.1)
    assert curves([box] * 2, [box] * 2).precision[0] == 1


def test_normalised_precision_divides_by_the_width_and_the_height_of_the_truth():
    found = curves([TARGET] * 2, [TARGET, (10 + 2, 10, 20, 40)])  # 0.1 of the width
    assert found.norm_precision_auc == pytest.approx((51 + 51 - 10) / 2 / 51)
    found = curves([TARGET] * 2, [TARGET, (10, 10 + 2, 20, 40)])  # 0.05 of the height
    assert found.norm_precision_auc == pytest.approx((51 + 51 - 5) / 2 / 51)


def test_the_first_frame_is_the_given_box_whatever_is_predicted():
    assert curves([TARGET] * 2, [NAN, TARGET]).success_auc == pytest.approx(20 / 21)


@pytest.mark.parametrize('absent', [NAN, (0, 0, 0, 0), (5, 5, 0, 9)])
def test_frames_whose_truth_is_nan_or_has_no_size_are_left_out(absent):
    found = curves([TARGET, absent, TARGET], [TARGET, (0, 0, 9, 9), TARGET])
    assert found.success_auc == pytest.approx(20 / 21)


@pytest.mark.parametrize('missing', [NAN, (10, 10, 0, 40), (10, 10, 20, -1), (10, np.inf, 20, 40)])
def test_an_unusable_prediction_misses(missing):
    found = curves([TARGET] * 2, [TARGET, missing])
    assert found.success_auc == pytest.approx(20 / 21 / 2)
    assert found.precision[-1] == found.norm_precision[-1] == 1 / 2


def test_a_sequence_with_no_truth_after_its_first_frame_has_no_score():
    assert one_pass_curves(np.array([TARGET, NAN]), np.array([TARGET, TARGET])) is None


def test_scores_are_averaged_over_sequences_not_frames():
    long = curves([TARGET] * 100, [TARGET] * 100)
    short = curves([TARGET] * 2, [TARGET, (200, 200, 5, 5)])
    mean = mean_curves([long, None, short])
    assert mean is not None
    assert mean.precision_20 == pytest.approx((1 + 1 / 2) / 2)
    assert mean_curves([None]) is None


def test_boxes_of_another_number_are_refused():
    with pytest.raises(ValueError, match=r'\(2, 4\) cannot be judged by a truth of \(3, 4\)'):
        curves([TARGET] * 3, [TARGET] * 2)


# ------------------------------------------------------------------- the toolkits' habits
def test_toolkit_rules_count_an_invalid_frame_as_missed_overlap_and_met_distance():
    # x is 0 in a file that counts from 1, so -1 here
    truth = [TARGET, (-1, 10, 20, 40)]
    found = curves(truth, truth, rules='toolkit', origin=1)
    assert found.success_auc == pytest.approx(20 / 21 / 2)
    assert found.precision[0] == found.norm_precision[0] == 1
    plain = curves(truth, truth, origin=1)
    assert plain.success_auc == pytest.approx(20 / 21)


def test_toolkit_rules_keep_absent_frames_in_the_count():
    found = curves([TARGET, NAN, TARGET], [TARGET, (0, 0, 9, 9), TARGET], rules='toolkit')
    assert found.success_auc == pytest.approx(20 / 21 * 2 / 3)
    assert found.precision[0] == 1


def test_toolkit_rules_repeat_the_last_usable_prediction():
    predicted = [TARGET, (200, 200, 20, 40), TARGET, NAN, (10, 10, 0, 0)]
    found = curves([TARGET] * 5, predicted, rules='toolkit')
    assert found.precision_20 == 4 / 5


def test_toolkit_rules_drop_sequences_that_never_meet_a_threshold():
    good = curves([TARGET] * 2, [TARGET] * 2)
    # only possible when even the given box is of an invalid frame
    bad = curves([(-5, 0, 9, 9)] * 2, [(90, 90, 9, 9)] * 2, rules='toolkit')
    assert bad.success_auc == 0
    assert mean_curves([good, bad], rules='toolkit').success_auc == good.success_auc
    assert mean_curves([good, bad]).success_auc == good.success_auc / 2
