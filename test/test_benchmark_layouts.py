# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Layouts of the visible and infrared benchmarks, each on a small tree with its traps."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tir_tracker_ros import cli
from tir_tracker_ros.sequences.benchmarks import read_benchmark
from tir_tracker_ros.sequences.benchmarks.readers import LAYOUTS

NAN = [np.nan] * 4


def images(folder: Path, numbers, form: str = '{:08}.jpg') -> None:
    """Write images of 16 x 12 pixels, whose gray value is eight times their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        pixels = np.full((12, 16), min(8 * number, 255), np.uint8)
        cv2.imwrite(str(folder / form.format(number)), pixels)


def write(path: Path, *lines: str, end: str = '\n') -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}{end}' for line in lines), newline='')


def write_video(path: Path, count: int) -> None:
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', 10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, 'yuv420p'
        for index in range(count):
            pixels = np.full((36, 32), 40 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, 'yuv420p')))
        container.mux(stream.encode())


def read(root: Path, **options):
    return list(read_benchmark(root, **options))


def grays(sequence) -> list[int]:
    return [round(float(frame[0, 0]) / 8) for frame in sequence.frames]


# ------------------------------------------------------------------- LaSOT
@pytest.fixture
def lasot(tmp_path):
    for name in ('airplane-1', 'airplane-2'):
        folder = tmp_path / 'LaSOT' / 'airplane' / name
        images(folder / 'img', range(1, 5))
        write(folder / 'groundtruth.txt', '1,2,3,4', '5,6,3,4', '0,0,0,0', '-3,0,3,4')
        write(folder / 'full_occlusion.txt', '0,1,0,0')
        write(folder / 'out_of_view.txt', '0,0,1,0')
    write(tmp_path / 'LaSOT' / 'testing_set.txt', 'airplane-1')
    write(tmp_path / 'LaSOT' / 'training_set.txt', 'airplane-2')
    return tmp_path / 'LaSOT'


def test_lasot_is_one_set_whose_absent_frames_are_occluded_or_out_of_view(lasot):
    first, second = read(lasot)
    assert (first.layout, first.dataset, first.class_name) == ('LaSOT', 'LaSOT', 'airplane')
    assert first.dataset == second.dataset
    assert first.tags['absent'].tolist() == [False, True, True, False]
    np.testing.assert_array_equal(first.boxes, [[1, 2, 3, 4], NAN, NAN, [-3, 0, 3, 4]])


def test_lasot_has_the_splits_of_its_second_protocol(lasot):
    assert [each.name for each in read(lasot, split='test')] == ['airplane-1']
    assert [each.name for each in read(lasot, split='train')] == ['airplane-2']
    assert len(read(lasot)) == 2  # the first protocol


def test_lasot_tells_flags_that_end_early(lasot, caplog):
    write(lasot / 'airplane' / 'airplane-1' / 'out_of_view.txt', '0,0')
    assert read(lasot)[0].tags['absent'].tolist() == [False, True, False, False]
    assert 'out_of_view.txt: 2 values for 4 frames' in caplog.text


# ------------------------------------------------------------------- UAV123
def test_uav123_cuts_its_sequences_out_of_videos_and_uav20l_is_a_split(tmp_path, caplog):
    images(tmp_path / 'data_seq' / 'UAV123' / 'car1', range(750, 754), '{:06}.jpg')
    images(tmp_path / 'data_seq' / 'UAV123' / 'bike1', [1, 2], '{:06}.jpg')
    anno = tmp_path / 'anno'
    write(anno / 'UAV123' / 'bike1.txt', '1,2,3,4', 'NaN,NaN,NaN,NaN')
    write(anno / 'UAV123' / 'car1_1.txt', '1,2,3,4', '1,2,3,4')
    write(anno / 'UAV123' / 'car1_2.txt', '5,2,3,4', '1,2,3,4', '1,2,3,4')
    write(anno / 'UAV123' / 'gone.txt', '1,2,3,4')
    write(anno / 'UAV20L' / 'car1.txt', *['1,2,3,4'] * 4)
    missing = []
    found = {each.name: each for each in read(tmp_path, split='UAV123', left_out=missing)}
    assert list(found) == ['bike1', 'car1_1', 'car1_2']
    np.testing.assert_array_equal(found['bike1'].boxes, [[1, 2, 3, 4], NAN])
    assert [path.stem for path in found['car1_1'].frames.paths] == ['000750', '000751']
    assert [path.stem for path in found['car1_2'].frames.paths] == ['000751', '000752', '000753']
    assert [len(each) for each in read(tmp_path, split='UAV20L')] == [4]
    assert [each.name for each in missing] == ['gone']
    assert 'gone.txt: no images in' in caplog.text


# ------------------------------------------------------------------- OTB2015
def test_otb_takes_the_frames_that_its_file_names_count(tmp_path, caplog):
    images(tmp_path / 'BlurCar3' / 'img', range(1, 7), '{:04}.jpg')
    write(tmp_path / 'BlurCar3' / 'groundtruth_rect.txt', *['1,1,5,6'] * 4)
    (sequence,) = read(tmp_path)
    assert [path.stem for path in sequence.frames.paths] == ['0003', '0004', '0005', '0006']
    assert not caplog.records


def test_otb_passes_an_empty_placeholder_and_another_folder_of_images(tmp_path):
    images(tmp_path / 'Human4' / 'img', [1, 2], '{:04}.jpg')
    write(tmp_path / 'Human4' / 'groundtruth_rect.1.txt', '')
    write(tmp_path / 'Human4' / 'groundtruth_rect.2.txt', '1\t1\t5\t6', '2\t1\t5\t6')
    images(tmp_path / 'KiteSurf' / 'jpg', [1], '{:04}.png')
    write(tmp_path / 'KiteSurf' / 'groundtruth_rect.txt', '1 1 5 6')
    human, surfer = read(tmp_path)
    assert (human.name, surfer.name, surfer.layout) == ('Human4', 'KiteSurf', 'OTB')
    np.testing.assert_array_equal(human.boxes, [[0, 0, 5, 6], [1, 0, 5, 6]])


def test_tiger1_begins_in_its_sixth_frame(tmp_path):
    for name in ('Tiger1', 'Tiger2'):
        images(tmp_path / name / 'img', range(1, 9), '{:04}.jpg')
        write(tmp_path / name / 'groundtruth_rect.txt', *['1,1,5,6'] * 8)
    first, second = read(tmp_path)
    assert len(first) == len(second) == 8
    assert np.flatnonzero(np.isfinite(first.boxes[:, 0])).tolist() == [5, 6, 7]
    assert np.isfinite(second.boxes).all()


# ------------------------------------------------------------------- VOT
def test_vot_keeps_its_polygons_beside_the_boxes_around_them(tmp_path):
    folder = tmp_path / 'VOT2018' / 'ants'
    images(folder / 'color', range(1, 4))
    write(folder / 'groundtruth.txt', '4,1,7,4,4,7,1,4', '1,1,5,1,5,4,1,4', '1')
    write(folder / 'occlusion.tag', '0', '1')
    write(folder.parent / 'list.txt', 'ants', 'bees')
    missing = []
    (sequence,) = read(tmp_path, left_out=missing)
    assert (sequence.layout, sequence.dataset) == ('VOT', f'{tmp_path.name}/VOT2018')
    np.testing.assert_array_equal(sequence.boxes, [[1, 1, 6, 6], [1, 1, 4, 3], NAN])
    np.testing.assert_array_equal(sequence.polygons[0], [4, 1, 7, 4, 4, 7, 1, 4])
    assert sequence.tags['occlusion'].tolist() == [False, True, False]
    assert [each.name for each in missing] == ['bees']


def test_vot2016_is_known_by_its_name_and_upright_corners_are_boxes(tmp_path):
    folder = tmp_path / 'vot2016' / 'bag'
    images(folder, [1, 2])
    write(folder / 'groundtruth.txt', '1,1,5,1,5,4,1,4', '1,1,5,1,5,4,1,4')
    write(folder / 'camera_motion.label', '0', '0')
    (sequence,) = read(tmp_path)
    assert (sequence.layout, sequence.polygons) == ('VOT', None)


def test_vot_long_term_has_absent_targets(tmp_path):
    folder = tmp_path / 'sets' / 'ballet'
    images(folder / 'color', [1, 2])
    write(folder / 'groundtruth.txt', '1,2,3,4', 'nan,nan,nan,nan')
    (sequence,) = read(tmp_path)
    assert sequence.layout == 'VOT-LT'
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN])


# ------------------------------------------------------------------- NfS, GOT-10k, TrackingNet
def test_nfs_takes_every_eighth_row_and_corners(tmp_path):
    folder = tmp_path / 'ball' / '30'
    images(folder / 'ball', [1, 2, 3], '{:05}.jpg')
    rows = [f'0 {row} 2 {row + 4} 8 {row} 0 0 0 "Ball"' for row in range(17)]
    write(folder / 'ball.txt', *rows)
    (sequence,) = read(tmp_path)
    assert (sequence.layout, sequence.split) == ('NfS', '30')
    np.testing.assert_array_equal(sequence.boxes, [[0, 2, 4, 6], [8, 2, 4, 6], [16, 2, 4, 6]])


def test_nfs_trims_its_known_slip_of_one_frame_without_a_word(tmp_path, caplog):
    folder = tmp_path / 'ball' / '240'
    images(folder / 'ball', [1, 2, 3], '{:05}.jpg')
    write(folder / 'ball.txt', *['0 1 2 5 8 0 0 0 0 "Ball"'] * 2)
    assert [len(each) for each in read(tmp_path)] == [2]
    assert not caplog.records


def test_nfs_may_have_its_boxes_apart(tmp_path):
    images(tmp_path / 'sequences' / 'ball', [1, 2], '{:05}.jpg')
    write(tmp_path / 'anno' / 'nfs_ball.txt', '1\t2\t3\t4', '1\t2\t3\t4')
    (sequence,) = read(tmp_path)
    assert (sequence.layout, sequence.name) == ('NfS, apart', 'ball')


def test_got10k_leaves_out_frames_of_which_nothing_is_visible(tmp_path, caplog):
    folder = tmp_path / 'val' / 'GOT-10k_Val_000001'
    images(folder, [1, 2, 3])
    write(folder / 'groundtruth.txt', *['1,2,3,4'] * 3)
    write(folder / 'absence.label', '0', '0', '0')
    write(folder / 'cover.label', '8', '0')
    (sequence,) = read(tmp_path)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN, [1, 2, 3, 4]])
    assert 'cover.label: 2 values for 3 frames' in caplog.text


def test_trackingnet_sorts_its_frames_by_number_and_its_test_has_one_box(tmp_path):
    for part, count in (('TEST', 1), ('TRAIN_0', 11)):
        images(tmp_path / part / 'frames' / 'clip', range(11), '{}.jpg')
        write(tmp_path / part / 'anno' / 'clip.txt', *['1.0,2.0,3.0,4.0'] * count)
    test, train = read(tmp_path)
    assert (test.layout, test.split, train.split) == ('TrackingNet', 'test', 'train')
    assert grays(test) == list(range(11))
    assert np.isfinite(test.boxes[:, 0]).tolist() == [True] + [False] * 10
    assert len(train) == 11


def test_trackingnet_leaves_out_what_has_no_frames(tmp_path, caplog):
    images(tmp_path / 'frames' / 'a', [0, 1], '{}.jpg')
    write(tmp_path / 'anno' / 'a.txt', '1,2,3,4', '1,2,3,4')
    write(tmp_path / 'anno' / 'b.txt', '1,2,3,4')
    missing = []
    assert [each.name for each in read(tmp_path, left_out=missing)] == ['a']
    assert [each.name for each in missing] == ['b']


# ------------------------------------------------------------------- Anti-UAV
def test_anti_uav_has_absent_frames_in_three_spellings(tmp_path):
    folder = tmp_path / 'test' / 'uav_1'
    images(folder, range(1, 5), '{:06}.jpg')
    label = {'exist': [1, 0, 0, 0], 'gt_rect': [[0, 2, 3, 4], [], [0], [0, 0, 0, 0]]}
    write(folder / 'IR_label.json', json.dumps(label))
    write(tmp_path / 'annos' / 'test' / 'att' / 'uav_1.txt', '1,0,0,1,0,0,0,1,0,0')
    (sequence,) = read(tmp_path)
    assert (sequence.layout, sequence.split) == ('Anti-UAV', 'test')
    np.testing.assert_array_equal(sequence.boxes, [[0, 2, 3, 4], NAN, NAN, NAN])
    assert sequence.attributes == ('thermal_crossover', 'fast_motion', 'small_size')


def test_anti_uav_videos_and_labels_are_cut_to_the_shorter(tmp_path, caplog):
    for name, count in (('uav_1', 2), ('uav_2', 5), ('uav_3', 2)):
        folder = tmp_path / name
        folder.mkdir()
        label = {'exist': [1] * count, 'gt_rect': [[1, 2, 3, 4]] * count}
        write(folder / 'infrared.json', json.dumps(label))
        if name != 'uav_3':
            write_video(folder / 'infrared.mp4', 4)
    (tmp_path / 'uav_3' / 'infrared.mp4').write_bytes(b'not a video')
    missing = []
    short, long = read(tmp_path, left_out=missing)
    assert (short.name, len(short), len(long)) == ('uav_1', 2, 4)
    assert len(list(long.frames)) == 4
    assert 'infrared.json:4: 5 boxes for 4 images; cut to 4' in caplog.text
    assert [each.name for each in missing] == ['uav_3']


@pytest.mark.parametrize(
    ('label', 'reason'),
    [
        ('{"exist": [1, 1], "gt_rect": [[1, 2, 3', 'IR_label.json:2:'),
        ('{"res": []}', "no lists 'exist' and 'gt_rect'"),
    ],
)
def test_anti_uav_labels_that_are_cut_off_or_of_another_kind_are_told(
    tmp_path, caplog, label, reason
):
    for name in ('a', 'b'):
        images(tmp_path / name, [1, 2], '{:06}.jpg')
        content = {'exist': [1, 1], 'gt_rect': [[1, 2, 3, 4], 'x']}
        write(tmp_path / name / 'IR_label.json', json.dumps(content))
    write(tmp_path / 'b' / 'IR_label.json', label)
    missing = []
    (sequence,) = read(tmp_path, left_out=missing)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN])
    assert [each.name for each in missing] == ['b']
    assert reason in caplog.text


# ------------------------------------------------------------------- colour and infrared
def test_rgbt234_has_a_box_in_each_camera(tmp_path):
    folder = tmp_path / 'afterrain'
    images(folder / 'visible', [1, 2])
    images(folder / 'infrared', [1, 2])
    write(folder / 'infrared.txt', '1,2,3,4', '0,2,3,4', end='\r\n')
    write(folder / 'visible.txt', '2,2,3,4', '1,2,3,4', end='\r\n')
    (sequence,) = read(tmp_path)
    assert sequence.layout == 'RGBT234'
    assert sequence.frames.paths[0].parent.name == 'infrared'
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], [0, 2, 3, 4]])
    np.testing.assert_array_equal(sequence.other_boxes, [[2, 2, 3, 4], [1, 2, 3, 4]])
    np.testing.assert_array_equal(sequence.part(1, 1).other_boxes, [[1, 2, 3, 4]])


def test_a_second_file_of_boxes_that_ends_early_is_told(tmp_path, caplog):
    folder = tmp_path / 'afterrain'
    images(folder / 'infrared', [1, 2])
    write(folder / 'infrared.txt', '1,2,3,4', '0,2,3,4')
    write(folder / 'visible.txt', '2,2,3,4')
    (sequence,) = read(tmp_path)
    assert sequence.other_boxes is None
    assert 'visible.txt: 1 boxes for 2 frames' in caplog.text


@pytest.mark.parametrize('form', ['i{:03}.jpg', '{:06}.jpg'])
def test_lasher_has_one_truth_and_is_known_by_its_images_or_its_folder(tmp_path, form):
    folder = tmp_path / ('testingset' if form[0] == '{' else 'x') / '10runone'
    images(folder / 'infrared', [1, 2], form)
    write(folder / 'infrared.txt', '9,9,3,4', '9,9,3,4')
    write(folder / 'visible.txt', '9,9,3,4', '9,9,3,4')
    write(folder / 'init.txt', '1,2,3,4', '0,0,0,0')
    (sequence,) = read(tmp_path)
    assert (sequence.layout, sequence.other_boxes) == ('LasHeR', None)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN])


def test_gtot_has_two_corners_a_line(tmp_path):
    folder = tmp_path / 'BlackCar'
    images(folder / 'i', [1, 2], '{:05}i.png')
    write(folder / 'groundTruth_i.txt', '1 2 4 6', '2 2 5 6')
    write(folder / 'groundTruth_v.txt', '2 2 5 6', '2 2 5 6')
    (sequence,) = read(tmp_path)
    assert sequence.layout == 'GTOT'
    np.testing.assert_array_equal(sequence.boxes[0], [1, 2, 3, 4])
    np.testing.assert_array_equal(sequence.other_boxes[0], [2, 2, 3, 4])


def test_vtuav_has_a_box_every_ten_frames(tmp_path, caplog):
    folder = tmp_path / 'test_ST' / 'bus_001'
    images(folder / 'ir', range(15), '{:06}.jpg')
    write(folder / 'ir.txt', '1 2 3 4', '5 2 3 4')
    write(folder / 'rgb.txt', '2 2 3 4', '6 2 3 4')
    (sequence,) = read(tmp_path)
    assert (sequence.layout, len(sequence)) == ('VTUAV', 11)
    assert np.flatnonzero(np.isfinite(sequence.boxes[:, 0])).tolist() == [0, 10]
    assert np.flatnonzero(sequence.labelled).tolist() == [0, 10]
    assert sequence.part(5, 6).labelled.tolist() == [False] * 5 + [True]
    np.testing.assert_array_equal(sequence.other_boxes[10], [6, 2, 3, 4])
    assert not caplog.records


def vtuav(folder: Path) -> None:
    images(folder / 'ir', range(21), '{:06}.jpg')
    write(folder / 'ir.txt', '1 2 3 4', '5 2 3 4')


def test_vtuav_begins_where_its_file_of_first_frames_says(tmp_path, caplog):
    for name in ('car_016', 'car_017'):
        vtuav(tmp_path / 'VTUAV' / 'test_ST' / 'test_ST_001' / name)
    offsets = np.array(
        {'bus_001': 4, 'car_016': 9}
    )  # as it is published: pickled, without a shape
    np.save(tmp_path / 'VTUAV' / 'init_frame.npy', offsets, allow_pickle=True)
    first, second = read(tmp_path / 'VTUAV')
    assert (first.frames.paths[0].stem, len(first)) == ('000009', 11)
    assert (second.frames.paths[0].stem, len(second)) == ('000000', 11)
    assert np.flatnonzero(first.labelled).tolist() == [0, 10]
    assert not caplog.records


class Harmful:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_nothing_in_the_file_of_first_frames_is_executed(tmp_path):
    vtuav(tmp_path / 'test_ST' / 'car_016')
    mark = tmp_path / 'executed'
    offsets = np.array({'car_016': 9, 'x': Harmful(mark)})
    np.save(tmp_path / 'init_frame.npy', offsets, allow_pickle=True)
    assert read(tmp_path)[0].frames.paths[0].stem == '000009'
    assert not mark.exists()


@pytest.mark.parametrize('content', [b'no array', b''])
def test_a_file_of_first_frames_that_is_none_is_told(tmp_path, caplog, content):
    vtuav(tmp_path / 'test_ST' / 'car_016')
    (tmp_path / 'init_frame.npy').write_bytes(content)
    assert read(tmp_path)[0].frames.paths[0].stem == '000000'
    assert 'init_frame.npy' in caplog.text and 'all begin at 0' in caplog.text


def test_a_file_of_first_frames_with_plain_numbers_is_told(tmp_path, caplog):
    vtuav(tmp_path / 'test_ST' / 'car_016')
    np.save(tmp_path / 'init_frame.npy', np.arange(3))
    assert read(tmp_path)[0].frames.paths[0].stem == '000000'
    assert 'it holds int64' in caplog.text


# ------------------------------------------------------------------- attributes
def test_lasot_has_attributes_in_the_folder_of_its_toolkit(lasot):
    values = ['1', '0', '0', '0', '1'] + ['0'] * 8 + ['1']
    write(lasot / 'annos' / 'att' / 'airplane-1.txt', ','.join(values))
    write(lasot / 'annos' / 'att' / 'airplane-2.txt', *values)  # a line each
    expected = ('illumination_variation', 'camera_motion', 'aspect_ratio_change')
    assert [each.attributes for each in read(lasot)] == [expected, expected]


def test_uav123_has_attributes_for_each_sequence_of_either_split(tmp_path):
    images(tmp_path / 'data_seq' / 'UAV123' / 'bike1', [1, 2], '{:06}.jpg')
    for split, values in (('UAV123', '1,0,0,0,0,0,0,0,0,0,0,1'), ('UAV20L', '0,0,1' + ',0' * 9)):
        write(tmp_path / 'anno' / split / 'bike1.txt', *['1,2,3,4'] * 2)
        write(tmp_path / 'anno' / split / 'att' / 'bike1.txt', values)
    found = {each.split: each.attributes for each in read(tmp_path)}
    assert found == {
        'UAV123': ('scale_variation', 'similar_object'), 'UAV20L': ('low_resolution',),
    }  # fmt: skip


def test_lasher_has_attributes_in_a_folder_of_their_own(tmp_path):
    folder = tmp_path / 'LasHeR' / 'testingset' / '10runone'
    images(folder / 'infrared', [1, 2], 'i{:03}.jpg')
    write(folder / 'init.txt', *['1,2,3,4'] * 2)
    write(folder / 'infrared.txt', *['1,2,3,4'] * 2)
    write(tmp_path / 'LasHeR' / 'AttriSeqsTxt' / '10runone.txt', '0,1' + ',0' * 16 + ',1')
    assert read(tmp_path)[0].attributes == ('partial_occlusion', 'aspect_ratio_change')


@pytest.fixture
def rgbt234(tmp_path):
    for name in ('afterrain', 'aftertree'):
        folder = tmp_path / 'RGBT234' / name
        images(folder / 'infrared', [1, 2])
        for truth in ('infrared.txt', 'visible.txt'):
            write(folder / truth, *['1,2,3,4'] * 2)
    place = tmp_path / 'RGBT234' / 'attr_txt'
    write(place / 'SequencesName.txt', 'aftertree', 'afterrain')
    for name in ('BC', 'CM', 'DEF', 'FM', 'HO', 'LI', 'LR', 'MB', 'NO', 'TC', 'PO', 'SC'):
        write(place / f'{name}.txt', '1' if name == 'HO' else '0', '1' if name == 'SC' else '0')
    return tmp_path / 'RGBT234'


def test_rgbt234_has_a_file_for_each_attribute_in_the_order_of_its_list(rgbt234, caplog):
    rain, tree = read(rgbt234)
    assert (rain.attributes, tree.attributes) == (('scale_variation',), ('heavy_occlusion',))
    assert not caplog.records


def test_rgbt234_tells_an_attribute_with_values_for_other_sequences(rgbt234, caplog):
    write(rgbt234 / 'attr_txt' / 'SC.txt', '1')
    assert read(rgbt234)[0].attributes == ()
    assert 'SC.txt: 1 values for 2 sequences; left out' in caplog.text


def test_attributes_of_another_number_are_told(lasot, caplog):
    write(lasot / 'annos' / 'att' / 'airplane-1.txt', '1,0,1')
    assert read(lasot)[0].attributes == ()
    assert 'airplane-1.txt:1: not 14 columns of 0 or 1' in caplog.text


# ------------------------------------------------------------------- all of them
def test_layouts_are_listed_without_a_root(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(['evaluate', '--list-layouts'])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    names = [layout.name for layout in LAYOUTS]
    assert len(set(names)) == len(names) == len(lines)
    for name, line in zip(names, lines):
        assert line.startswith(name) and len(line) > len(name) + 10


def test_each_layout_has_its_row_in_the_document():
    document = (Path(__file__).parents[1] / 'docs' / 'evaluation.md').read_text()
    for layout in LAYOUTS:
        assert f'\n| {layout.name} |' in document, layout.name
