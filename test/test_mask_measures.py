# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Masks in files of sets and results, and how well they fit: J and F."""

import json
import math
import struct
from types import SimpleNamespace
import zlib

import cv2
from fake_tracker import MaskTracker
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from tir_tracker_ros import cli
from tir_tracker_ros.evaluation import results
from tir_tracker_ros.evaluation.benchmarks import MASKS, measured, scores
from tir_tracker_ros.evaluation.export import export_results
from tir_tracker_ros.evaluation.mask_measures import (
    contour_accuracy,
    region_similarity,
    statistics,
)
from tir_tracker_ros.evaluation.runner import OnePassRun, run_one_pass, run_supervised, Store
from tir_tracker_ros.evaluation.supervised import judge, overlaps, ProtocolSettings
from tir_tracker_ros.geometry import Box, corners
from tir_tracker_ros.sequences.benchmarks import read_benchmark
from tir_tracker_ros.sequences.benchmarks.masks import (
    box_of,
    decoded,
    EMPTY,
    encoded,
    read_labels,
)
from tir_tracker_ros.tracking import loading
from tir_tracker_ros.tracking.states import Thresholds

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
masks = arrays.arrays(bool, shapes)
pairs = shapes.flatmap(lambda shape: st.tuples(*[arrays.arrays(bool, shape)] * 2))


def square(left, top, side, shape=(60, 80)):
    """Make a mask of a square."""
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return mask


# ------------------------------------------------------------------- J and F
def test_region_similarity_is_the_overlap_of_pixels():
    assert region_similarity(square(10, 10, 10), square(15, 10, 10)) == pytest.approx(50 / 150)
    nothing = square(0, 0, 0)
    assert region_similarity(nothing, nothing) == 1
    assert region_similarity(square(10, 10, 10), nothing) == 0


def test_contours_meet_within_the_tolerance_and_not_beyond():
    """The diagonal of 80 x 60 is 100 pixels, of which 0.008 are rounded up to 1."""
    truth = square(20, 20, 10)
    assert contour_accuracy(square(21, 20, 10), truth) == 1
    # The contour is a ring of 11 x 11, so of 40 pixels. Moved by 3, of each of the sides along the
    # motion 8 pixels lie on those of the truth and one beside their end, and of the side in
    # between the two pixels beside the corners: 20 of 40, of either contour.
    assert contour_accuracy(square(23, 20, 10), truth) == 0.5
    assert contour_accuracy(square(40, 40, 10), truth) == 0


def test_contours_of_pieces_that_are_missed_or_invented():
    """The contour of a square of side s has 4 s pixels: half of them lie outside of it."""
    one, two = square(10, 10, 9), square(10, 10, 9) | square(40, 40, 9)
    assert contour_accuracy(one, two) == pytest.approx(2 * 1 * 0.5 / 1.5)
    assert contour_accuracy(two, one) == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_the_tolerance_grows_with_the_image():
    shape = (480, 854)  # a diagonal of 980 pixels: 8 of them
    truth = square(100, 100, 100, shape)
    assert contour_accuracy(square(108, 100, 100, shape), truth) == 1
    assert contour_accuracy(square(109, 100, 100, shape), truth) < 0.8
    assert contour_accuracy(square(108, 100, 100, shape), truth, 0.004) < 0.8


def test_an_empty_mask_has_no_contour():
    nothing, something = square(0, 0, 0), square(5, 5, 9)
    assert contour_accuracy(nothing, nothing) == 1
    assert contour_accuracy(nothing, something) == contour_accuracy(something, nothing) == 0


@given(pairs)
def test_measures_lie_in_0_to_1_and_do_not_care_which_is_the_truth(pair):
    for measure in (region_similarity, contour_accuracy):
        value = measure(*pair)
        assert 0 <= value <= 1
        assert measure(*pair[::-1]) == pytest.approx(value)
        assert measure(pair[0], pair[0]) == 1


@settings(deadline=None)
@given(pairs, st.integers(0, 5), st.integers(0, 5))
def test_measures_do_not_care_where_in_the_image_the_masks_lie(pair, x, y):
    def placed(mask, left, top):
        whole = np.zeros((24, 24), bool)
        whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
        return whole

    here, there = ([placed(mask, 2 + dx, 2 + dy) for mask in pair] for dx, dy in ((0, 0), (x, y)))
    for measure in (region_similarity, contour_accuracy):
        assert measure(*here) == pytest.approx(measure(*there))


def test_mean_recall_and_decay():
    values = np.array([0.9, 0.9, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2])
    mean, recall, decay = statistics(values)
    assert (mean, recall) == (pytest.approx(values.mean()), 0.5)
    # The quarters end at frames 0, 2, 4, 5 and 7 and share those.
    assert decay == pytest.approx(np.mean([0.9, 0.9, 0.8]) - np.mean([0.4, 0.2, 0.2]))
    values[3] = np.nan
    assert statistics(values)[:2] == (pytest.approx(np.nanmean(values)), pytest.approx(3 / 7))
    assert all(map(math.isnan, statistics(np.full(4, np.nan))))
    assert statistics(np.full(6, 0.7)) == (pytest.approx(0.7), 1, pytest.approx(0))


# ------------------------------------------------------------------- lines and images
@given(masks)
def test_a_mask_comes_back_from_its_line(mask):
    line = encoded(mask)
    assert (decoded(line, mask.shape) == mask).all()
    assert (box_of(mask) is None) == (line == EMPTY)


def test_lines_are_those_of_vot():
    mask = np.zeros((6, 8), bool)
    mask[2, 3:5] = mask[3, 4:7] = True
    # Row by row in the box of 4 x 2: two inside, three outside, three inside.
    assert encoded(mask) == 'm3,2,4,2,0,2,3,3'
    assert (decoded('m3,2,4,2,0,2,3,3', (6, 8)) == mask).all()
    # Runs outside at the end may be left away, and what lies outside of the image is dropped.
    assert decoded('m-1,-1,3,3,0,5', (6, 8)).sum() == 1
    assert decoded('m6,4,4,4,0,16', (6, 8)).sum() == 4
    assert not decoded('m20,20,4,4,0,16', (6, 8)).any()


@pytest.mark.parametrize('line', ['m', 'm1,2', '1,2,3,4', 'm1,2,-3,4,5', 'm0,0,2,2,5', 'mx,0,1,1'])
def test_what_is_no_mask_is_named(line):
    with pytest.raises(ValueError, match=f"'{line}' "):
        decoded(line, (6, 8))


def palette_png(labels, colors):
    """Write a png of 8 bits with a palette."""

    def chunk(kind, data):
        code = zlib.crc32(kind + data)
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', code)

    height, width = labels.shape
    rows = b''.join(b'\0' + row.astype(np.uint8).tobytes() for row in labels)
    header = struct.pack('>IIBBBBB', width, height, 8, 3, 0, 0, 0)
    parts = chunk(b'IHDR', header) + chunk(b'PLTE', np.array(colors, np.uint8).tobytes())
    return b'\x89PNG\r\n\x1a\n' + parts + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


COLORS = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]


def test_labels_are_the_places_in_the_palette_or_gray_values(tmp_path):
    labels = np.arange(12).reshape(3, 4) % 4
    (tmp_path / 'a.png').write_bytes(palette_png(labels, COLORS))
    assert (read_labels(tmp_path / 'a.png') == labels).all()
    cv2.imwrite(str(tmp_path / 'b.png'), labels.astype(np.uint8))
    assert (read_labels(tmp_path / 'b.png') == labels).all()
    (tmp_path / 'c.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='c.png cannot be read'):
        read_labels(tmp_path / 'c.png')


# ------------------------------------------------------------------- layouts
def write_images(folder, count, shape=(24, 32)):
    folder.mkdir(parents=True)
    for index in range(count):
        pixels = np.full(shape, 10 * index, np.uint8)
        cv2.imwrite(str(folder / f'{index:05d}.png'), pixels)


@pytest.fixture
def davis(tmp_path):
    """A set of DAVIS: one sequence with two objects, of which one comes late."""
    root = tmp_path / 'DAVIS'
    write_images(root / 'JPEGImages' / '480p' / 'dogs', 4)
    annotations = root / 'Annotations' / '480p' / 'dogs'
    annotations.mkdir(parents=True)
    for index in range(4):
        labels = np.zeros((24, 32), int)
        labels[4:9, 5 + index : 12 + index] = 1
        labels[12:20, 20:28] = 2 * (index > 0)
        (annotations / f'{index:05d}.png').write_bytes(palette_png(labels, COLORS))
    (root / 'ImageSets' / '2017').mkdir(parents=True)
    (root / 'ImageSets' / '2017' / 'val.txt').write_text('dogs\n')
    return root


def test_davis_has_a_sequence_for_each_object(davis):
    first, second = read_benchmark(davis)
    assert (first.name, second.name, first.split, first.layout) == (
        'dogs.1', 'dogs.2', 'val', 'DAVIS',
    )  # fmt: skip
    assert first.boxes[2].tolist() == [7, 4, 7, 5]
    assert np.isnan(second.boxes[0]).all() and second.boxes[1].tolist() == [20, 12, 8, 8]
    assert first.masks[3].sum() == 35 and not second.masks[0].any()
    later = second.part(1, 2)
    assert later.masks[0].sum() == 64 and len(later) == 2


def test_one_object_of_label_255_is_the_target(davis):
    for index in range(4):
        path = davis / 'Annotations' / '480p' / 'dogs' / f'{index:05d}.png'
        cv2.imwrite(str(path), square(3, 4, 6, (24, 32)).astype(np.uint8) * 255)
    (only,) = read_benchmark(davis)
    assert (only.name, only.boxes[0].tolist()) == ('dogs', [3, 4, 6, 6])
    assert only.masks[1].sum() == 36


def test_a_mask_that_is_missing_or_broken_is_told(davis, caplog):
    annotations = davis / 'Annotations' / '480p' / 'dogs'
    (annotations / '00002.png').unlink()
    first, _ = read_benchmark(davis)
    assert first.masks[2] is None and np.isnan(first.boxes[2]).all()
    assert first.labelled.tolist() == [True, True, False, True]
    (annotations / '00001.png').write_bytes(b'broken')
    left_out = []
    with pytest.raises(ValueError, match='no annotated sequence'):
        list(read_benchmark(davis, left_out=left_out))
    assert [one.name for one in left_out] == ['dogs'] and '00001.png' in caplog.text


def test_masks_of_vot_are_read_with_their_boxes(tmp_path):
    folder = tmp_path / 'VOT2020' / 'car'
    write_images(folder / 'color', 3)
    lines = [encoded(square(3, 4, 6, (24, 32))), '0', encoded(square(5, 4, 6, (24, 32)))]
    (folder / 'groundtruth.txt').write_text('\n'.join(lines) + '\n')
    (car,) = read_benchmark(tmp_path)
    assert car.layout == 'VOT' and car.polygons is None
    assert car.boxes[2].tolist() == [5, 4, 6, 6] and np.isnan(car.boxes[1]).all()
    assert car.masks[1] is None
    assert (car.masks[2] == square(5, 4, 6, (24, 32))).all()


# ------------------------------------------------------------------- runs and reports
@pytest.fixture
def simulated(tmp_path):
    """A sequence of the simulator with its masks."""
    root = tmp_path / 'scenes'
    options = ['--frames', '6', '--size', '96x80', '--masks', '--quiet']
    assert cli.main(['simulate', '--out', str(root), *options]) == 0
    (sequence,) = read_benchmark(root)
    return sequence


def test_a_run_keeps_masks_and_turned_boxes(tmp_path, simulated):
    store = Store('masked', tmp_path / 'results', lambda: MaskTracker(0.3))
    fresh = run_one_pass(MaskTracker(0.3), simulated)
    kept = store.one_pass(simulated)
    again = store.one_pass(simulated)
    for run in (kept, again):
        assert run.masks == fresh.masks and run.masks[0] == ''
        np.testing.assert_allclose(run.polygons, fresh.polygons, atol=1e-3)
        np.testing.assert_allclose(run.boxes, fresh.boxes, atol=2e-3)
    assert np.isnan(kept.polygons[0]).all()
    low, high = (kept.polygons[2].reshape(4, 2).min(axis=0), kept.polygons[2].reshape(4, 2).max(0))
    np.testing.assert_allclose(kept.boxes[2], [*low, *(high - low)], atol=1e-6)


def test_without_true_masks_none_are_drawn(simulated):
    tracker = MaskTracker()
    plain = type(simulated)(simulated.name, simulated.frames, simulated.boxes, dataset='set')
    assert run_one_pass(tracker, plain).masks is None
    assert tracker.drawn == 0


def test_j_and_f_are_those_of_the_frames_between_the_first_and_the_last(simulated):
    lines = [encoded(simulated.masks[index]) for index in range(6)]
    lines[0] = lines[5] = EMPTY
    run = OnePassRun(simulated.boxes, None, masks=lines)
    table = measured(MASKS, [simulated], [run], [(96, 80)])
    perfect = scores(MASKS, table)
    assert perfect['j_and_f'] == perfect['j_mean'] == perfect['f_recall'] == 1
    assert perfect['j_decay'] == 0
    lines[4] = ''  # nothing is told of the target, as while it is lost
    run = OnePassRun(simulated.boxes, None, masks=lines)
    worse = scores(MASKS, measured(MASKS, [simulated], [run], [(96, 80)]))
    assert worse['j_mean'] == worse['j_recall'] == 0.75 and worse['j_decay'] == 0.5
    none = OnePassRun(simulated.boxes, None)
    assert math.isnan(scores(MASKS, measured(MASKS, [simulated], [none], [(96, 80)]))['j_and_f'])


@pytest.mark.parametrize('masked', [True, False])
def test_the_report_has_j_and_f_where_a_tracker_has_masks(
    tmp_path, simulated, monkeypatch, capsys, masked
):
    def load(model, **settings):
        tracker = MaskTracker()
        tracker.settings = SimpleNamespace(thresholds=Thresholds())
        tracker.calibrated = True
        return tracker

    monkeypatch.setattr(loading, 'load_tracker', load)
    out, root, boxes = tmp_path / 'out', tmp_path / 'scenes', tmp_path / 'boxes'
    boxes.mkdir()
    results.write_boxes(boxes / f'{simulated.name}.txt', simulated.boxes, 0)
    words = ['evaluate', str(root), '--results', f'boxes={boxes}', '--out', str(out)]
    assert cli.main(words + ['--trackers', 'siammask_fast'] * masked) == 0
    report = json.loads((out / 'report.json').read_text())
    table = (out / 'report.md').read_text()
    assert ('J & F' in table) is masked
    if masked:
        found = report['trackers']['siammask_fast']
        assert 0 < found['j_mean'] < 1 and 0 <= found['f_mean'] <= 1
        assert found['j_and_f'] == pytest.approx((found['j_mean'] + found['f_mean']) / 2)
        assert report['trackers']['boxes']['j_mean'] is None
        assert 'j_and_f' in found['intervals']


# ------------------------------------------------------------------- polygons
def test_turned_answers_are_judged_as_turned():
    box = Box.from_center(50, 50, 40, 10)
    turned = corners(box, math.pi / 4).reshape(1, 8)
    around = np.array([[50 - 25 / 2**0.5, 50 - 25 / 2**0.5, 25 * 2**0.5, 25 * 2**0.5]])
    assert overlaps(around, around, None, turned, turned)[0] == pytest.approx(1)
    assert overlaps(around, around, None, turned)[0] == pytest.approx(400 / 1250)
    assert overlaps(around, around, None, None, turned)[0] == pytest.approx(400 / 1250)
    # Half of what lies in an image that ends in the middle: the overlap stays.
    assert overlaps(around, around, (50, 100), turned, turned)[0] == pytest.approx(1)
    missing = np.full((1, 4), np.nan)
    assert overlaps(around, missing, None, turned, turned)[0] == 0


def test_supervised_runs_keep_polygons_and_vot_gets_them(tmp_path, simulated):
    run, seconds = run_supervised(MaskTracker(0.3), simulated, ProtocolSettings())
    assert np.isfinite(run.polygons[1:]).all() and np.isnan(run.polygons[0]).all()
    path = tmp_path / 'a_001.txt'
    results.write_run(path, run, 0)
    again = results.read_run(path, 6, 0)
    np.testing.assert_allclose(again.polygons, run.polygons, atol=1e-3)
    upright = judge(simulated.boxes, [run], (96, 80), ProtocolSettings(burn_in=1))
    assert 0 < upright.accuracy < 1
    plain = type(simulated)(
        simulated.name, simulated.frames, simulated.boxes, dataset='set', layout='VOT'
    )
    store = Store('masked', tmp_path / 'results', lambda: MaskTracker(0.3))
    store.supervised(plain, ProtocolSettings())
    store.one_pass(plain)
    for name, inside in (('vot', 'masked'), ('pysot', 'set/masked')):
        folder = tmp_path / name
        export_results(name, [plain], [store], ('one-pass', 'supervised'), 1, folder)
        files = list((folder / inside / 'baseline').rglob('*_001.txt'))
        assert [len(line.split(',')) for line in files[0].read_text().split()] == [1] + [8] * 5
    (unsupervised,) = (tmp_path / 'vot').rglob('unsupervised/**/*_001.txt')
    assert [len(line.split(',')) for line in unsupervised.read_text().split()] == [1] + [8] * 5


def test_vot_gets_masks_for_sequences_with_masks(tmp_path, simulated):
    store = Store('masked', tmp_path / 'results', lambda: MaskTracker(0.3))
    run = store.one_pass(simulated)
    export_results('vot', [simulated], [store], ('one-pass',), 1, tmp_path / 'vot')
    (path,) = (tmp_path / 'vot').rglob('*_001.txt')
    assert path.read_text().split() == ['1', *run.masks[1:]]
