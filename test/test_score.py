# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The score: a probability that falls with a weak, blurred or doubled peak."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
import numpy as np
import pytest

from tir_tracker_ros.tracking.score import (
    calibrate,
    FEATURES,
    probability,
    response_features,
)


def peak_map(*peaks, size=41, sigma=2.0):
    rows, columns = np.mgrid[:size, :size]
    return sum(
        height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2))
        for row, column, height in peaks
    ).astype(np.float32)


def test_features_of_a_lone_peak():
    features = dict(zip(FEATURES, response_features(peak_map((20, 20, 0.8)), 1.0, 6, 20)))
    assert features['peak'] == pytest.approx(0.8)
    assert features['margin'] > 0.9 and features['sharpness'] > 1


def test_a_second_peak_lowers_the_margin():
    lone = response_features(peak_map((20, 12, 1.0)), 1.0, 6, 20)
    doubled = response_features(peak_map((20, 12, 1.0), (20, 32, 0.9)), 1.0, 6, 20)
    assert doubled[2] < 0.2 < lone[2]


def test_the_middle_of_a_map_has_the_features_of_the_whole_map():
    whole = peak_map((20, 21, 1.0), (13, 14, 0.5), (2, 38, 0.9))
    middle = whole[8:33, 8:33]
    assert response_features(middle, 1.0, 4, 11) == pytest.approx(
        response_features(whole, 1.0, 4, 11)
    )


@given(arrays(np.float32, (9, 9), elements=st.floats(-1e4, 1e4, width=32)), st.floats(1e-6, 10))
def test_score_is_a_probability_whatever_the_map(response, self_peak):
    features = np.append(response_features(response, self_peak, 2, 4), 1.0)
    assert np.isfinite(features).all()
    assert 0 <= probability(features) <= 1


def test_calibration_recovers_the_chance_of_being_right():
    random = np.random.default_rng(0)
    features = random.random((4000, 3))
    chance = 1 / (1 + np.exp(-(-3 + 5 * features[:, 0] + 1 * features[:, 2])))
    weights = calibrate(features, random.random(4000) < chance)
    assert weights == pytest.approx((-3, 5, 0, 1), abs=0.4)
    found = np.array([probability(one, weights) for one in features])
    assert np.abs(found - chance).mean() < 0.03


def test_calibration_needs_both_outcomes():
    with pytest.raises(ValueError, match='5 boxes are all right or all wrong'):
        calibrate(np.zeros((5, 3)), np.ones(5, bool))
