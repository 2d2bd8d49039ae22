# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The thresholds on the score and the states that they make."""

from __future__ import annotations

import math

import pytest

from tir_tracker_ros.tracking.states import TargetState, Thresholds

LIMITS = Thresholds(lost_below=0.2, uncertain_below=0.4, found_above=0.5, lost_after=3)


def test_states_follow_the_score_with_hysteresis():
    scores = [0.9, 0.35, 0.45, 0.6, 0.1, 0.1, 0.1, 0.3, 0.45, 0.5, 0.9]
    states = ['tracking', 'uncertain', 'uncertain', 'tracking', 'uncertain', 'uncertain',
              'lost', 'lost', 'uncertain', 'tracking', 'tracking']  # fmt: skip
    state, seen = TargetState('init'), []
    for score in scores:
        state.judge(score, LIMITS)
        seen.append(state.name)
    assert seen == states


def test_the_reason_stays_that_of_the_last_change():
    state = TargetState('init')
    state.judge(0.9, LIMITS)
    assert state.reason == 'init'
    state.judge(0.3, LIMITS)
    state.judge(0.35, LIMITS)
    assert state.reason == 'score 0.300 is below uncertain_below 0.4'


def test_a_lost_target_is_uncertain_before_it_is_tracked_again():
    state, seen = TargetState('init'), []
    for score in (0.1, 0.1, 0.1, 0.39, 0.4, 0.49, 0.5):
        state.judge(score, LIMITS)
        seen.append(state.name)
    assert seen[2:] == ['lost', 'lost', 'uncertain', 'uncertain', 'tracking']
    state = TargetState('init')
    for score in (0.1, 0.1, 0.1, 0.45):
        state.judge(score, LIMITS)
    assert state.reason == 'score 0.450 is at or above uncertain_below 0.4'


def test_a_score_without_calibration_is_never_told_as_tracking():
    state, seen = TargetState('init'), []
    for score in (1.0, 0.45, 0.1, 0.1, 0.1, 1.0):
        state.judge(score, LIMITS, calibrated=False)
        seen.append(state.name)
    assert seen == ['uncertain', 'uncertain', 'uncertain', 'uncertain', 'lost', 'uncertain']
    assert state.reason == 'score 1.000 is not calibrated'


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'lost_below': 0.5, 'uncertain_below': 0.4}, 'lost_below 0.5, uncertain_below 0.4'),
        ({'found_above': 1.5}, 'found_above 1.5'),
        ({'lost_below': math.nan}, 'lost_below nan'),
        ({'lost_after': 0}, 'lost_after 0'),
        ({'search_after': 0}, 'search_after 0'),
        ({'learn_above': 1.1}, 'learn_above 1.1'),
        ({'found_elsewhere_above': math.nan}, 'found_elsewhere_above nan'),
    ],
)
def test_thresholds_out_of_range_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        Thresholds(**changes)
