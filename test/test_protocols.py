# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One-pass and supervised runs, expected average overlap, and vot-toolkit's metrics."""

from __future__ import annotations

from dataclasses import dataclass, replace
import json
from pathlib import Path

import numpy as np
import pytest

from tir_tracker_ros.evaluation import results
from tir_tracker_ros.evaluation.runner import run_one_pass, run_supervised, Store
from tir_tracker_ros.evaluation.supervised import (
    accuracy_and_robustness,
    expected_average_overlap,
    expected_overlap_curve,
    FAILED,
    Fragment,
    judge,
    overlaps,
    ProtocolSettings,
    SKIPPED,
    STARTED,
    SupervisedRun,
    TRACKED,
    typical_lengths,
)
from tir_tracker_ros.evaluation.tracker_metrics import supervised_metrics
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.sequences.benchmarks import Frames, Sequence
from tir_tracker_ros.sequences.benchmarks.annotations import read_boxes
from tir_tracker_ros.tracking.track import Estimate, Track

TOOLKIT = Path(__file__).parent / 'data' / 'vot_toolkit'
SIZE = (160, 120)


@dataclass(frozen=True)
class CountedFrames(Frames):
    """Frames whose pixels tell their number."""

    count: int
    first: int = 0

    def __len__(self):
        return self.count

    def __iter__(self):
        return (self[index] for index in range(self.count))

    def __getitem__(self, index):
        return np.full((SIZE[1], SIZE[0]), self.first + index, np.uint8)

    def part(self, first, count):
        return CountedFrames(count, self.first + first)


class Script:
    """A tracker that answers what a function of the frame's number and the init box says."""

    name, device = 'script', 'cpu'

    def __init__(self, answer):
        self.answer = answer
        self.starts: list[int] = []

    def start(self, image, box):
        self.starts.append(self._number(image))
        return Track(box)

    def update(self, image, tracks):
        number = self._number(image)
        return [Estimate(self.answer(number, track.box), 1.0) for track in tracks]

    @staticmethod
    def _number(image):
        assert image.dtype == np.float32 and image.min() >= 0 and image.max() <= 1
        return round(float(image[0, 0]) * 255)


def sequence(count, **changes):
    boxes = np.tile([40.0, 30.0, 20.0, 20.0], (count, 1))
    made = Sequence('a', CountedFrames(count), boxes, dataset='set', layout='plain')
    return replace(made, **changes) if changes else made


LOST = Box(120, 90, 10, 10)


# ------------------------------------------------------------------- one pass
def test_one_pass_starts_on_the_first_truth_and_answers_every_later_frame():
    boxes = sequence(6).boxes
    boxes[:2] = np.nan
    tracker = Script(lambda number, box: Box(number, 0, 5, 5))
    found = run_one_pass(tracker, sequence(6, boxes=boxes)).boxes
    assert tracker.starts == [2]
    assert np.isnan(found[:2]).all()
    np.testing.assert_array_equal(found[2], boxes[2])
    np.testing.assert_array_equal(found[3:, 0], [3, 4, 5])


def test_times_are_those_of_update_alone():
    seconds = run_one_pass(Script(lambda number, box: box), sequence(4)).seconds
    np.testing.assert_array_equal(seconds > 0, [False, True, True, True])
    rate = results.frame_rate([np.array([0, 0.1, 0.3]), np.array([0, 0.2])])
    assert rate == pytest.approx(3 / 0.6)


def test_a_tracker_that_refuses_its_box_has_lost(caplog):
    class Refusing(Script):
        def start(self, image, box):
            raise ValueError('too small')

    found = run_one_pass(Refusing(None), sequence(3)).boxes
    assert np.isnan(found).all()
    assert 'set/a, frame 0: too small' in caplog.text
    supervised, _ = run_supervised(Refusing(None), sequence(8), ProtocolSettings())
    assert supervised.failures == 2  # started at 0 and 6


# ------------------------------------------------------------------- supervised
def test_a_failure_is_followed_by_a_start_five_frames_later():
    tracker = Script(lambda number, box: LOST if number in (3, 12) else box)
    run, _ = run_supervised(tracker, sequence(15), ProtocolSettings())
    assert tracker.starts == [0, 8]
    assert np.flatnonzero(run.events == STARTED).tolist() == [0, 8]
    assert np.flatnonzero(run.events == FAILED).tolist() == [3, 12]
    assert np.flatnonzero(run.events == SKIPPED).tolist() == [4, 5, 6, 7, 13, 14]
    assert np.isfinite(run.boxes[run.events == TRACKED]).all()


def test_a_frame_without_truth_is_no_failure_and_no_start():
    boxes = sequence(12).boxes
    boxes[[0, 4, 9]] = np.nan
    tracker = Script(lambda number, box: LOST if number == 4 or number == 6 else box)
    run, _ = run_supervised(tracker, sequence(12, boxes=boxes), ProtocolSettings(skip=3))
    assert tracker.starts == [1, 10]
    assert np.flatnonzero(run.events == FAILED).tolist() == [6]


def test_boxes_are_cut_to_the_image_where_the_protocol_says_so():
    truth, predicted = np.array([[-10.0, 0, 20, 10]]), np.array([[-30.0, 0, 40, 10]])
    assert overlaps(truth, predicted, SIZE) == 1
    assert overlaps(truth, predicted, None) == pytest.approx(1 / 2)
    outside = np.array([[-20.0, 0, 15, 10]])
    assert overlaps(outside, outside, SIZE) == 0


def test_ten_frames_from_each_start_on_do_not_count_for_accuracy():
    truth = sequence(40).boxes
    half = truth + [0, 10 / 1.5, 0, 0]  # overlap 1/2
    events = np.full(40, TRACKED)
    events[[0, 25]] = STARTED
    events[20] = FAILED
    events[21:25] = SKIPPED
    boxes = truth.copy()
    boxes[10:20] = half[10:20]
    boxes[events != TRACKED] = np.nan
    metrics = judge(truth, [SupervisedRun(events, boxes)], SIZE, ProtocolSettings())
    assert metrics.failures == 1
    assert metrics.accuracy == pytest.approx((10 * 0.5 + 5 * 1) / 15)  # 10 to 19, 35 to 39
    first, second = metrics.fragments
    assert first.failed and not second.failed
    assert (len(first.overlaps), len(second.overlaps)) == (25, 15)


def test_sequences_count_by_their_length():
    def run_of(count, failures):
        events = np.full(count, TRACKED)
        events[0] = STARTED
        events[1 : 1 + failures] = FAILED
        truth = sequence(count).boxes
        return judge(truth, [SupervisedRun(events, truth)], SIZE, ProtocolSettings())

    accuracy, robustness = accuracy_and_robustness([run_of(30, 3), run_of(90, 1)])
    assert (accuracy, robustness) == (pytest.approx(1), pytest.approx((30 * 3 + 90) / 120))


def test_metrics_of_a_tag_are_those_of_its_frames():
    tag = np.zeros(40, bool)
    tag[20:30] = True
    tracker = Script(lambda number, box: LOST if number == 22 else box)
    tagged = sequence(40, tags={'occlusion': tag})
    run, seconds = run_supervised(tracker, tagged, ProtocolSettings())
    metrics, _ = supervised_metrics(
        [tagged], [[run]], [[seconds]], [SIZE], ProtocolSettings(), (5, 20)
    )
    assert metrics['failures'] == 1
    assert metrics['tags']['occlusion']['failures'] == 1
    assert metrics['tags']['occlusion']['frames'] == 10
    assert metrics['tags']['empty']['failures'] == 0
    assert metrics['tags']['empty']['frames'] == 30


# ------------------------------------------------------------------- expected average overlap
def test_a_failed_fragment_goes_on_with_zeros_and_an_unfailed_one_tells_nothing_more():
    failed = Fragment(np.array([0, 1, 1, 0.0]), failed=True)
    unfailed = Fragment(np.array([0, 0.5, 0.5]), failed=False)
    curve = expected_overlap_curve([failed, unfailed], 5)
    expected = [1, (1 + 0.5) / 2, (1 + 0.5) / 2, 2 / 3, 2 / 4]
    np.testing.assert_allclose(curve, expected)
    assert expected_average_overlap(curve, (2, 4)) == pytest.approx((0.75 + 0.75 + 2 / 3) / 3)


def test_fragments_count_by_their_weight_and_lengths_without_any_are_nan():
    one = Fragment(np.array([0, 1.0]), failed=False, weight=3)
    other = Fragment(np.array([0, 0.0]), failed=False, weight=1)
    curve = expected_overlap_curve([one, other], 4)
    np.testing.assert_allclose(curve, [1, 0.75, np.nan, np.nan])
    assert expected_average_overlap(curve, (2, 4)) == 0.75
    assert np.isnan(expected_average_overlap(curve, (3, 4)))


def test_typical_lengths_of_vot_tir2015_are_82_to_546_about_254():
    lengths = [
        270, 1420, 301, 618, 71, 851, 676, 358, 348, 1451,
        270, 178, 1010, 619, 763, 218, 235, 775, 172, 665,
    ]  # fmt: skip
    assert typical_lengths(lengths) == (82, 254, 546)


def test_typical_lengths_of_equal_sequences_are_their_length():
    assert typical_lengths([50]) == typical_lengths([50, 50]) == (50, 50, 50)
    with pytest.raises(ValueError, match='not lengths'):
        typical_lengths([])


# ------------------------------------------------------------------- against vot-toolkit
@pytest.mark.parametrize('rule', ['bounded', 'unbounded'])
def test_metrics_are_those_of_vot_toolkit(rule):
    expected = json.loads((TOOLKIT / 'metrics.json').read_text())
    # without bounds the toolkit's raster of boxes that leave the image differs in single pixels
    near = 1e-7 if rule == 'bounded' else 1e-4
    metrics = []
    for name, of_sequence in expected[rule]['sequences'].items():
        truth = read_boxes(TOOLKIT / name / 'groundtruth.txt')
        paths = sorted((TOOLKIT / name).glob(f'{name}_*.txt'))
        runs = [results.read_run(path, len(truth), 0) for path in paths]
        metrics.append(judge(truth, runs, SIZE, ProtocolSettings(bounded=rule == 'bounded')))
        assert metrics[-1].accuracy == pytest.approx(of_sequence['accuracy'], abs=near)
        assert metrics[-1].failures == pytest.approx(of_sequence['failures'])
    accuracy, robustness = accuracy_and_robustness(metrics)
    assert accuracy == pytest.approx(expected[rule]['accuracy'], abs=near)
    assert robustness == pytest.approx(expected[rule]['robustness'])
    fragments = [replace(each, weight=1.0) for of in metrics for each in of.fragments]
    curve = expected_overlap_curve(fragments, len(expected[rule]['eao_curve']))
    # the toolkit computes in single precision
    np.testing.assert_allclose(curve[1:], expected[rule]['eao_curve'][1:], atol=max(near, 1e-6))


def test_overlaps_are_those_of_vot_toolkit():
    expected = json.loads((TOOLKIT / 'metrics.json').read_text())['overlaps_of_edge']
    truth = read_boxes(TOOLKIT / 'edge' / 'groundtruth.txt')
    run = results.read_run(TOOLKIT / 'edge' / 'edge_001.txt', len(truth), 0)
    tracked = run.events == TRACKED
    assert tracked.sum() > 90
    found = overlaps(truth, run.boxes, SIZE)
    np.testing.assert_allclose(found[tracked], np.array(expected)[tracked], atol=1e-6)


# ------------------------------------------------------------------- files and repetitions
def test_runs_survive_their_files_in_the_coordinates_of_the_set(tmp_path):
    events = np.array([STARTED, TRACKED, FAILED, SKIPPED], np.uint8)
    boxes = np.full((4, 4), np.nan)
    boxes[1] = 1.25, 2.5, 3, 4
    results.write_run(tmp_path / 'a_001.txt', SupervisedRun(events, boxes), origin=1)
    assert (tmp_path / 'a_001.txt').read_text().split() == [
        '1',
        '2.250,3.500,3.000,4.000',
        '2',
        '0',
    ]
    read = results.read_run(tmp_path / 'a_001.txt', 4, origin=1)
    np.testing.assert_array_equal(read.events, events)
    np.testing.assert_array_equal(read.boxes, boxes)


def test_three_equal_runs_stand_for_the_rest(tmp_path):
    tracker = Script(lambda number, box: box)
    store = Store('script', tmp_path, lambda: tracker)
    runs, _ = store.supervised(sequence(5), ProtocolSettings(), repetitions=15)
    assert len(runs) == len(tracker.starts) == 3


@pytest.mark.parametrize(
    ('content', 'reason'),
    [('1\n5,5,5\n1,1,1,1', "a_001.txt:2: '5,5,5'"), ('1\n1,1,1,1', '2 lines for 3 frames'),
     ('1,1,1,1\n' * 3, 'no frame with code 1')],
)  # fmt: skip
def test_a_bad_file_of_results_is_named_with_its_line(tmp_path, content, reason):
    (tmp_path / 'a_001.txt').write_text(content)
    with pytest.raises(ValueError, match=reason):
        Store('other', tmp_path).supervised(sequence(3), ProtocolSettings())


# ------------------------------------------------------------------- results of other toolkits
def lines_of(boxes: np.ndarray, line=lambda x, y, w, h: f'{x},{y},{w},{h}') -> str:
    return ''.join(line(*box) + '\n' for box in boxes.tolist())


def corners(x, y, w, h):
    return ','.join(map(str, (x, y, x + w, y, x + w, y + h, x, y + h)))


@pytest.mark.parametrize(
    'name',
    ['set/a.txt', 'a.txt', 'a/a.txt', 'a/a_001.txt', 'a_KCF.txt', 'a_kcf_2.txt'],
)
def test_results_are_found_under_the_names_of_other_toolkits(tmp_path, name):
    truth = sequence(4).boxes + np.arange(4)[:, None]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(lines_of(truth))
    if name.endswith('2.txt'):  # another sequence of the same tracker
        (tmp_path / 'b_kcf_2.txt').write_text(lines_of(truth))
    run = Store('KCF', tmp_path).one_pass(sequence(4))
    np.testing.assert_array_equal(run.boxes, truth)


def test_results_of_a_sequence_with_a_longer_name_are_not_taken(tmp_path):
    for name in ('a_1_KCF', 'b_KCF'):
        (tmp_path / f'{name}.txt').write_text(lines_of(sequence(4).boxes))
    with pytest.raises(FileNotFoundError, match='none of set/a.txt, .*a_KCF.txt'):
        Store('KCF', tmp_path).one_pass(sequence(4))


def test_several_results_are_only_taken_when_they_are_the_same(tmp_path):
    for name in ('a.txt', 'a/a_001.txt'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(lines_of(sequence(4).boxes))
    Store('other', tmp_path).one_pass(sequence(4))
    (tmp_path / 'a.txt').write_text(lines_of(sequence(4).boxes + 1))
    with pytest.raises(ValueError, match='a.txt and .*a_001.txt differ: leave one of them'):
        Store('other', tmp_path).one_pass(sequence(4))


@pytest.mark.parametrize('head', ['', 'x,y,w,h\n', '\ufeff', '\ufeffx,y,w,h\n'])
def test_corners_header_and_byte_order_mark_of_results_are_understood(tmp_path, head):
    truth = sequence(4).boxes + np.arange(4)[:, None]
    (tmp_path / 'a.txt').write_text(head + lines_of(truth, corners), encoding='utf-8')
    run = Store('other', tmp_path).one_pass(sequence(4))
    np.testing.assert_array_equal(run.boxes, truth)


def test_results_with_a_line_too_many_are_refused_unless_the_sequence_is_cut(tmp_path):
    (tmp_path / 'a.txt').write_text(lines_of(sequence(5).boxes))
    with pytest.raises(ValueError, match='5 lines for 4 frames'):
        Store('other', tmp_path).one_pass(sequence(4))
    assert len(Store('other', tmp_path, cut=True).one_pass(sequence(4)).boxes) == 4


@pytest.mark.parametrize('line', ['1,1,34,31,12,18', '34,31,12,18,0.9', '1,2,3,4,1,2,3,4'])
def test_lines_of_results_that_are_no_boxes_are_named(tmp_path, line):
    (tmp_path / 'a.txt').write_text(f'{line}\n' * 4)
    with pytest.raises(ValueError, match=f"a.txt:1: '{line}' is not 'x,y,w,h' or four corners"):
        Store('other', tmp_path).one_pass(sequence(4))


def test_times_of_several_repetitions_stand_in_columns(tmp_path):
    (tmp_path / 'a').mkdir()
    truth = sequence(4).boxes
    runs = ''.join(
        '1\n' if index == 0 else corners(*box) + '\n' for index, box in enumerate(truth)
    )
    for repetition in (1, 2):
        (tmp_path / 'a' / f'a_00{repetition}.txt').write_text(runs)
    (tmp_path / 'a' / 'a_time.txt').write_text('0.01,0.02,0.03\n' * 4)
    _, seconds = Store('other', tmp_path).supervised(sequence(4), ProtocolSettings(), 2)
    assert [times.tolist() for times in seconds] == [[0.01] * 4, [0.02] * 4]
    (tmp_path / 'a.txt').write_text(lines_of(truth))
    (tmp_path / 'a_time.txt').write_text('0.04 0.05\n' * 4)
    (tmp_path / 'a' / 'a_001.txt').unlink()
    run = Store('other', tmp_path).one_pass(sequence(4))
    assert run.seconds.tolist() == [0.04] * 4
