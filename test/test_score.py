# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The score: it falls with a weak peak, and with a target that is not known again."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from tir_tracker_ros.tracking.score import (
    calibrate,
    FEATURES,
    probability,
    score_features,
)


def test_a_peak_counts_beside_that_of_the_first_image():
    features = dict(zip(FEATURES, score_features(0.6, 0.8, 0.9)))
    assert features == {'peak': pytest.approx(0.75), 'agreement': 0.9}
    assert probability(score_features(0.6, 0.8, 1)) > 0.8 > probability(score_features(0.6, 1, 1))


@given(st.floats(-1e4, 1e4), st.floats(1e-6, 10), st.floats(-1, 1))
def test_score_is_a_probability_whatever_the_peak(peak, self_peak, agreement):
    features = score_features(peak, self_peak, agreement)
    assert np.isfinite(features).all()
    assert 0 <= probability(features) <= 1
    assert 0 <= probability(features, (-8.0, 2.5, 8.0)) <= 1


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
