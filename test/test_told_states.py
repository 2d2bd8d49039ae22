# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether what is told of targets is true, by hand-made boxes, scores and states."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tir_tracker_ros.evaluation import report_of_states, told_states
from tir_tracker_ros.evaluation.plots import draw_plots
from tir_tracker_ros.evaluation.runner import OnePassRun, Store
from tir_tracker_ros.evaluation.told_states import (
    reliability,
    reliability_sums,
    state_counts,
    state_shares,
)
from tir_tracker_ros.evaluation.tracker_metrics import one_pass_metrics
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence
from tir_tracker_ros.tracking.states import Thresholds
from tir_tracker_ros.training import calibration

TRACKING, UNCERTAIN, LOST = range(3)
TRUTH = (0.0, 0.0, 10.0, 10.0)
ABSENT = (math.nan,) * 4


def beside(overlap: float) -> tuple[float, ...]:
    """Return a box whose overlap with `TRUTH` is this."""
    return (10 * (1 - overlap) / (1 + overlap), 0.0, 10.0, 10.0)


def sequence_of(truth, name: str = 'a', **more) -> Sequence:
    """Return a sequence without images; a first image with truth, in which all start, is added."""
    boxes = np.array([TRUTH, *truth], float)
    frames = ImageFrames((Path('none.png'),) * len(boxes))
    return Sequence(name, frames, boxes, dataset='data', **more)


def run_of(overlaps, states, scores=None) -> OnePassRun:
    """Return a run with these overlaps and states behind its first image."""
    boxes = np.array([TRUTH, *(beside(overlap) for overlap in overlaps)], float)
    scores = np.array([math.nan, *(scores or [0.9] * len(overlaps))])
    return OnePassRun(boxes, None, scores, np.array([TRACKING, *states]))


# overlap, target there, state
IMAGES = [
    (0.8, True, TRACKING),
    (0.7, True, TRACKING),
    (0.6, True, LOST),
    (0.9, True, UNCERTAIN),
    (0.3, True, TRACKING),  # neither right nor wrong
    (0.3, True, LOST),
    (0.05, True, TRACKING),  # wrong, and not told
    (0.0, True, UNCERTAIN),
    (0.0, False, TRACKING),  # absent, and not told
    (0.0, False, LOST),
    (0.0, False, LOST),
]


def counts_of(images) -> np.ndarray:
    sequence = sequence_of([TRUTH if there else ABSENT for _, there, _ in images])
    run = run_of([overlap for overlap, _, _ in images], [state for _, _, state in images])
    return state_counts(sequence, run.boxes, run.states)


def test_images_are_counted_by_state_and_box():
    assert counts_of(IMAGES).tolist() == [[2, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 2]]


def test_the_shares_are_of_told_wrong_and_right_images():
    shares = state_shares(counts_of(IMAGES))
    assert shares['told_while_off'] == pytest.approx(2 / 5)  # of those told tracking
    assert shares['loss_told'] == pytest.approx(3 / 5)  # of the wrong ones
    assert shares['false_loss'] == pytest.approx(1 / 4)  # of the right ones


def test_a_share_of_nothing_is_not_known():
    shares = state_shares(counts_of([(0.3, True, UNCERTAIN)]))
    assert all(math.isnan(share) for share in shares.values())


@pytest.mark.parametrize(('overlap', 'box'), [(0.5, 1), (0.51, 0), (0.1, 1), (0.09, 2)])
def test_limits_of_right_and_wrong(overlap, box):
    truth = np.array([[0, 0, 100, 1]] * 2, float)
    boxes = np.array([[0, 0, 100, 1], [0, 0, 100 * overlap, 1]], float)
    sequence = Sequence('a', ImageFrames((Path('none.png'),) * 2), truth)
    assert state_counts(sequence, boxes, np.zeros(2, int))[0].argmax() == box


def test_the_first_image_and_those_before_it_count_nowhere():
    sequence = sequence_of([TRUTH, TRUTH])
    sequence.boxes[0] = math.nan
    counts = state_counts(sequence, np.array([ABSENT, TRUTH, TRUTH]), np.array([-1, 0, 0]))
    assert counts.sum() == counts[TRACKING, 0] == 1


def test_images_that_a_set_tells_nothing_of_count_nowhere():
    labelled = np.array([True, False, True])
    sequence = sequence_of([ABSENT, TRUTH], labelled=labelled)
    run = run_of([0.0, 1.0], [TRACKING, TRACKING])
    assert state_counts(sequence, run.boxes, run.states).sum() == 1
    only_first = sequence_of([ABSENT, ABSENT])  # a test split
    assert state_counts(only_first, run.boxes, run.states).sum() == 0


def test_all_sequences_are_counted_together():
    # One image in one sequence, three in the other: a mean of sequences would give (1 + 1/3) / 2.
    sequences = [sequence_of([TRUTH], 'a'), sequence_of([TRUTH] * 3, 'b')]
    runs = [run_of([0.0], [TRACKING]), run_of([0.0, 1.0, 1.0], [TRACKING] * 3)]
    metrics, samples = one_pass_metrics(sequences, runs)
    assert metrics['told_while_off'] == pytest.approx(2 / 4)
    assert metrics['sets']['data']['told_while_off'] == pytest.approx(2 / 4)
    assert metrics['sequences']['b']['told_while_off'] == pytest.approx(1 / 3)
    assert metrics['states']['tracking'] == {'right': 2, 'between': 0, 'off': 2, 'absent': 0}
    drawn = samples['told_while_off']  # twice a, twice b, or each once
    assert {round(float(each), 6) for each in drawn} == {1.0, 0.333333, 0.5}


def test_a_tracker_without_scores_has_no_states():
    run = OnePassRun(np.array([TRUTH] * 2), None)
    metrics, samples = one_pass_metrics([sequence_of([TRUTH])], [run])
    assert not {'states', 'told_while_off', 'reliability'} & (set(metrics) | set(samples))


# ------------------------------------------------------------------- states from scores
def told(scores, **more):
    return told_states.told_states(np.array(scores), 0, Thresholds(), **more).tolist()


def test_states_are_those_that_the_node_tells():
    # tracking; uncertain below 0.7; tracking again at 0.95; lost with the fifth below 0.65;
    # uncertain again at 0.7
    scores = [math.nan, 0.72, 0.69, 0.94, 0.95, *[0.6] * 5, 0.69, 0.7, 0.94, 0.95]
    expected = [0, 0, 1, 1, 0, *[1] * 4, 2, 2, 1, 1, 0]
    assert told(scores) == expected


def test_an_uncalibrated_score_never_tells_tracking():
    assert told([math.nan, 0.9, 0.95], calibrated=False) == [UNCERTAIN] * 3


def test_an_image_without_a_score_counts_as_zero():
    assert told([math.nan] * 6) == [TRACKING, *[UNCERTAIN] * 4, LOST]


def test_a_store_takes_the_thresholds_of_its_tracker(tmp_path):
    sequence = sequence_of([TRUTH] * 2)
    (tmp_path / 'a.txt').write_text('0,0,10,10\n' * 3)
    (tmp_path / 'a_confidence.value').write_text('\n0.5\n0.5\n')
    strict = Store('x', tmp_path, thresholds=Thresholds(lost_after=2)).one_pass(sequence)
    mild = Store('x', tmp_path, thresholds=Thresholds(0.1, 0.2, 0.3)).one_pass(sequence)
    assert strict.states.tolist() == [TRACKING, UNCERTAIN, LOST]
    assert mild.states.tolist() == [TRACKING] * 3


def test_confidences_beyond_0_to_1_make_no_states(tmp_path):
    (tmp_path / 'a.txt').write_text('0,0,10,10\n' * 3)
    (tmp_path / 'a_confidence.value').write_text('\n0.5\n17\n')
    assert Store('x', tmp_path).one_pass(sequence_of([TRUTH] * 2)).states is None


# ------------------------------------------------------------------- reliability
def test_a_row_of_reliability_is_mean_score_and_share_on_the_target():
    sequence = sequence_of([TRUTH, TRUTH, TRUTH, ABSENT, TRUTH])
    run = run_of([0.8, 0.2, 0.9, 0.0, 0.31], [TRACKING] * 5, [0.92, 0.98, 1.0, 0.1, 0.15])
    found = reliability(reliability_sums(sequence, run.boxes, run.scores))
    assert found['from'] == pytest.approx(np.arange(10) / 10)
    assert found['images'] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 3]
    assert found['mean_score'][9] == pytest.approx(2.9 / 3)
    assert found['on_target'][9] == pytest.approx(2 / 3)
    assert found['on_target'][1] == pytest.approx(1 / 2)
    assert math.isnan(found['mean_score'][0])
    assert found['error'] == pytest.approx((0.9 + 0.75) / 5)


def test_on_the_target_is_what_the_calibration_says_it_is():
    assert told_states.ON_TARGET == calibration._ON_TARGET


# ------------------------------------------------------------------- report
@pytest.fixture
def report():
    """Return what a report has of one tracker with states and one without."""
    sequences = [sequence_of([TRUTH if there else ABSENT for _, there, _ in IMAGES])]
    run = run_of([overlap for overlap, _, _ in IMAGES], [state for _, _, state in IMAGES])
    plain = OnePassRun(run.boxes, None)
    return {
        'protocols': ['one-pass'],
        'sets': {'data': {'sequences': 1, 'frames': len(IMAGES) + 1}},
        'trackers': {
            name: one_pass_metrics(sequences, [each])[0]
            for name, each in (('ours', run), ('boxes', plain))
        },
    }


def test_the_report_has_the_definitions_beside_the_numbers(report):
    text = '\n'.join(report_of_states.states_markdown(report, ['ours', 'boxes']))
    assert '| ours | 0.400 | 0.600 | 0.250 |' in text
    assert 'of the images told `tracking`, those with a wrong box' in text
    assert '| ours | lost | 1 | 1 | 0 | 2 |' in text
    assert '| ours | 0.9 to 1 | 11 | 0.900 | 0.545 |' in text
    assert '| boxes' not in text
    assert report_of_states.states_markdown(report, ['boxes']) == []


def test_the_diagram_and_the_table_behind_it(report, tmp_path):
    path = tmp_path / 'reliability.csv'
    report_of_states.write_reliability(report, ['ours', 'boxes'], path)
    assert path.read_text().splitlines() == [
        'tracker,from,to,images,mean_score,on_target', 'ours,0.9,1,11,0.9,0.545455',
    ]  # fmt: skip
    (axes,) = draw_plots(report)['reliability.png'].axes
    assert axes.get_lines()[0].get_xydata() == pytest.approx(np.array([[0.9, 6 / 11]]))
    report_of_states.write_reliability(report, ['boxes'], path)
    assert not path.exists()
