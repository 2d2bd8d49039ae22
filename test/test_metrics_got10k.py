# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One-pass success and precision are those of the toolkit of GOT-10k, for any boxes."""

from __future__ import annotations

from got10k.experiments.otb import ExperimentOTB
from hypothesis import given, settings, strategies
import numpy as np
import pytest

from tir_tracker_ros.evaluation.metrics import mean_curves, one_pass_curves


def curves_of_got10k(predicted, truth):
    # Its constructor wants a dataset on disk.
    experiment = ExperimentOTB.__new__(ExperimentOTB)
    experiment.nbins_iou, experiment.nbins_ce = 21, 51
    return experiment._calc_curves(*experiment._calc_metrics(predicted, truth))


def some_boxes(count):
    number = strategies.floats(-50, 200, width=32)
    size = strategies.floats(0.5, 100, width=32)
    box = strategies.tuples(number, number, size, size)
    return strategies.lists(box, min_size=count, max_size=count)


@given(
    strategies.integers(2, 12).flatmap(lambda n: strategies.tuples(some_boxes(n), some_boxes(n)))
)
@settings(max_examples=60, deadline=None)
def test_curves_are_those_of_got10k(pair):
    truth, predicted = (np.array(boxes, float) for boxes in pair)
    found = one_pass_curves(truth, predicted)
    predicted[0] = truth[0]
    success, precision = curves_of_got10k(predicted, truth)
    # a value that rounding puts on the other side of its threshold moves one frame
    assert np.abs(found.success - success).max() <= 1 / len(truth) + 1e-9
    assert (np.abs(found.success - success) > 1e-9).sum() <= 1
    assert (np.abs(found.precision - precision) > 1e-9).sum() <= 1


def test_scores_over_sequences_are_those_of_got10k():
    random = np.random.default_rng(3)
    found, successes, precisions = [], [], []
    for count in (7, 40, 133):
        truth = np.hstack([random.uniform(0, 200, (count, 2)), random.uniform(5, 60, (count, 2))])
        predicted = truth + random.normal(0, 6, truth.shape)
        predicted[:, 2:] = np.abs(predicted[:, 2:]) + 1
        found.append(one_pass_curves(truth, predicted))
        predicted[0] = truth[0]
        success, precision = curves_of_got10k(predicted, truth)
        successes.append(success)
        precisions.append(precision)
    mean = mean_curves(found)
    assert mean.success_auc == pytest.approx(np.mean(successes), abs=1e-12)
    assert mean.precision_20 == pytest.approx(np.mean(precisions, axis=0)[20], abs=1e-12)
