# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Readers of benchmark sets: every layout recognised by itself, what is wrong reported."""

from __future__ import annotations

import logging
from pathlib import Path

import av
import cv2
from hypothesis import given, strategies
import numpy as np
import pytest

from tir_tracker_ros.sequences.benchmarks import read_benchmark, VideoFrames
from tir_tracker_ros.sequences.benchmarks.annotations import parse_box

NAN = [np.nan] * 4


def write_images(folder: Path, names: list[str], depth: type = np.uint8) -> None:
    """Write images of 16 x 12 pixels; the first pixel of each tells its place."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        image = np.full((12, 16), 100, depth)
        image[:4, :8] = min(index * 8, 255)  # big enough to survive JPEG
        cv2.imwrite(str(folder / name), image)


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines))


def read_one(root: Path, **options):
    sequences = list(read_benchmark(root, **options))
    assert len(sequences) == 1
    return sequences[0]


def xml(*objects: tuple[str, str, tuple[int, int, int, int]], occluded: int = 0) -> str:
    body = ''.join(
        f'<object>\n<trackid>{track}</trackid><name>{name}</name>\n'
        f'<bndbox><xmax>{x2}</xmax><xmin>{x1}</xmin><ymax>{y2}</ymax><ymin>{y1}</ymin></bndbox>\n'
        f'<occluded>{occluded}</occluded><generated>0</generated></object>\n'
        for track, name, (x1, y1, x2, y2) in objects
    )
    return f'<annotation>\n<size><width>16</width><height>12</height></size>\n{body}</annotation>'


# ------------------------------------------------------------------- one test a layout
def test_plain_folders_hold_images_and_one_box_a_line(tmp_path):
    write_images(tmp_path / 'a' / 'img', ['1.png', '2.png', '10.png'])
    write(tmp_path / 'a' / 'groundtruth.txt', '1,2,3,4', 'nan,nan,nan,nan', '1.5 2.5\t3 4')
    sequence = read_one(tmp_path)
    assert (sequence.layout, sequence.name, sequence.dataset) == ('plain', 'a', tmp_path.name)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN, [1.5, 2.5, 3, 4]])
    assert [frame[0, 0] for frame in sequence.frames] == [0, 8, 16]  # 10.png is the last


def test_otb_counts_pixels_from_one_and_keeps_two_targets_apart(tmp_path):
    write_images(tmp_path / 'Jogging' / 'img', ['0001.jpg', '0002.jpg'])
    write(tmp_path / 'Jogging' / 'groundtruth_rect.1.txt', '1,1,5,6', '2,3,5,6')
    write(tmp_path / 'Jogging' / 'groundtruth_rect.2.txt', '4\t4\t5\t6', '5\t5\t5\t6')
    first, second = read_benchmark(tmp_path)
    assert (first.layout, first.name, second.name) == ('OTB', 'Jogging.1', 'Jogging.2')
    assert first.video == second.video == 'Jogging'
    np.testing.assert_array_equal(first.boxes, [[0, 0, 5, 6], [1, 2, 5, 6]])
    assert first.origin == 1


def test_otb_cuts_the_five_sequences_that_are_annotated_in_part(tmp_path, caplog):
    write_images(tmp_path / 'Football1' / 'img', [f'{n:04}.jpg' for n in range(1, 80)])
    write(tmp_path / 'Football1' / 'groundtruth_rect.txt', *['1,1,5,6'] * 74)
    assert len(read_one(tmp_path)) == 74
    assert not caplog.records


def test_ptb_tir_has_ten_attributes_in_its_toolkit_folder(tmp_path):
    write_images(tmp_path / 'hiding' / 'img', ['00000001.jpg', '00000002.jpg'])
    write(tmp_path / 'hiding' / 'groundtruth_rect.txt', '3,4,5,6', '3,4,5,6')
    write(tmp_path / 'tiranno' / 'att' / 'hiding.txt', '0,1,0,0,0,0,0,0,0,1')
    sequence = read_one(tmp_path)
    assert sequence.attributes == ('occlusion', 'thermal_crossover')


def test_lsotb_tir_keeps_its_annotations_apart(tmp_path):
    write_images(tmp_path / 'sequences' / 'street_dog_V_003' / 'img', ['0001.jpg', '0002.jpg'])
    write(tmp_path / 'anno' / 'street_dog_V_003.txt', '3,4,5,6', '0,0,0,0')
    write(tmp_path / 'anno' / 'att' / 'street_dog_V_003.txt', '0,' * 12 + '1,0,0,0')
    sequence = read_one(tmp_path)
    assert sequence.class_name == 'street_dog'
    assert sequence.attributes == ('vehicle',)
    np.testing.assert_array_equal(sequence.boxes, [[2, 3, 5, 6], NAN])


@pytest.mark.parametrize('images', ['.', 'ir'])
def test_vot_tir_has_polygons_and_a_label_file_for_each_tag(tmp_path, images):
    folder = tmp_path / 'car1'
    write_images(folder / images, ['00000001.png', '00000002.png'])
    write(folder / 'groundtruth.txt', '2,8,2,3,7,3,7,8', '2,3,5,5')
    write(folder / 'occlusion.label', '0', '1')
    write(folder / 'camera_motion.label', '0', '0')
    write(tmp_path / 'list.txt', 'car1')
    sequence = read_one(tmp_path)
    assert sequence.layout == 'VOT-TIR'
    np.testing.assert_array_equal(sequence.boxes, [[2, 3, 5, 5]] * 2)
    assert sequence.tags['occlusion'].tolist() == [False, True]
    assert sequence.attributes == ('occlusion',)


def test_got10k_masks_absent_frames_and_takes_split_and_class(tmp_path):
    folder = tmp_path / 'val' / 'GOT-10k_Val_000001'
    write_images(folder, ['00000001.jpg', '00000002.jpg'])
    write(folder / 'groundtruth.txt', '1.0000,2.0000,3.0000,4.0000', '1,2,3,4')
    write(folder / 'absence.label', '0', '1')
    write(folder / 'cut_by_image.label', '1', '0')
    write(folder / 'meta_info.ini', '[METAINFO]', 'object_class: JetLev-Flyer', 'url: 50%')
    write(tmp_path / 'val' / 'list.txt', 'GOT-10k_Val_000001')
    sequence = read_one(tmp_path, split='val')
    assert (sequence.layout, sequence.class_name) == ('GOT-10k', 'JetLev-Flyer')
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN])
    assert sequence.tags['cut_by_image'].tolist() == [True, False]


def test_got10k_test_split_knows_nothing_but_the_first_box(tmp_path):
    folder = tmp_path / 'test' / 'GOT-10k_Test_000001'
    write_images(folder, ['00000001.jpg', '00000002.jpg', '00000003.jpg'])
    write(folder / 'groundtruth.txt', '1,2,3,4')
    write(folder / 'meta_info.ini', '[METAINFO]')
    np.testing.assert_array_equal(read_one(tmp_path).boxes, [[1, 2, 3, 4], NAN, NAN])


def test_ilsvrc_vid_makes_a_sequence_of_each_track_from_first_to_last_appearance(tmp_path):
    inside = 'VID/train/ILSVRC2015_VID_train_0000/clip'
    write_images(tmp_path / 'Data' / inside, [f'{n:06}.JPEG' for n in range(4)])
    dog, car = ('0', 'n02084071', (2, 3, 6, 9)), ('1', 'n02958343', (0, 0, 1, 1))
    for number, objects in enumerate([(), (dog, car), (car,), (dog,)]):
        write(tmp_path / 'Annotations' / inside / f'{number:06}.xml', xml(*objects, occluded=1))
    sequences = {each.class_name: each for each in read_benchmark(tmp_path)}
    assert set(sequences) == {'dog', 'car'}
    found = sequences['dog']
    assert (found.layout, found.split, found.video) == ('ILSVRC VID', 'train', 'clip')
    np.testing.assert_array_equal(found.boxes, [[2, 3, 5, 7], NAN, [2, 3, 5, 7]])
    assert found.tags['occlusion'].tolist() == [True, False, True]
    assert [frame[0, 0] for frame in found.frames] == pytest.approx([8, 16, 24], abs=3)


def test_tir_training_set_has_xml_beside_its_images(tmp_path):
    folder = tmp_path / 'TIR_training_001' / 'person_12'
    write_images(folder, ['00000001.jpg', '00000002.jpg'])
    for name in ('00000001', '00000002'):
        write(folder / f'{name}.xml', xml(('3', 'person', (2, 3, 6, 9))))
    sequence = read_one(tmp_path)
    assert (sequence.layout, sequence.name) == ('TIR training', 'person_12.3')
    assert (sequence.class_name, sequence.split) == ('person', 'train')
    assert sequence.dataset == f'{tmp_path.name}/TIR_training_001'


def test_stills_give_tracks_and_single_objects(tmp_path):
    write_images(tmp_path / 'images', ['0_60_30_0_1.jpg', '0_60_30_0_2.jpg'])
    write(
        tmp_path / 'boxes.csv',
        'image,class,x,y,w,h',
        '0_60_30_0_1.jpg,Car,1,2,3,4',
        '0_60_30_0_1.jpg,Person,5,6,2,3',
        '0_60_30_0_2.jpg,Car,2,2,3,4',
    )
    write(
        tmp_path / 'tracks.csv',
        'track,index,image,class,x,y,w,h',
        '7,0,0_60_30_0_1.jpg,Car,1,2,3,4',
        '7,1,0_60_30_0_2.jpg,Car,2,2,3,4',
    )
    track, *stills = read_benchmark(tmp_path)
    assert (track.name, track.class_name, len(track)) == ('track_7', 'Car', 2)
    assert [(each.class_name, len(each)) for each in stills] == [
        ('Car', 1), ('Person', 1), ('Car', 1),
    ]  # fmt: skip
    assert len({each.name for each in stills}) == 3


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    """Write gray frames without loss, 8 or 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    form = 'gray16le' if frames[0].dtype == np.uint16 else 'gray'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('ffv1', 10)
        stream.height, stream.width = frames[0].shape
        stream.pix_fmt = form
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, form)))
        container.mux(stream.encode())


@pytest.fixture
def video_set(tmp_path):
    frames = [np.full((12, 16), 10 * index, np.uint8) for index in range(6)]
    write_video(tmp_path / 'videos' / 'clip.mkv', frames)
    counts = [np.full((12, 16), 3000 + index, np.uint16) for index in range(6)]
    write_video(tmp_path / 'videos16' / 'clip.mkv', counts)
    write(
        tmp_path / 'sequences.csv',
        'sequence,video,first_frame,frames,class,split,attributes',
        'a,clip.mkv,0,2,car,train,',
        'b,clip,2,3,dog,val,occlusion fast',
    )
    write(tmp_path / 'boxes' / 'a.txt', '1,2,3,4', '1,2,3,4')
    write(tmp_path / 'boxes' / 'b.txt', '1,2,3,4', 'nan,nan,nan,nan', '3,2,3,4')
    return tmp_path


def test_video_sets_cut_their_sequences_out_of_videos(video_set):
    a, b = read_benchmark(video_set)
    assert (b.layout, b.class_name, b.split) == ('video set', 'dog', 'val')
    assert b.attributes == ('occlusion', 'fast')
    assert [frame[0, 0] for frame in a.frames] == [0, 10]
    assert [frame[0, 0] for frame in b.frames] == [20, 30, 40]
    assert b.frames[1][0, 0] == 30
    assert [frame[0, 0] for frame in b.part(1, 5).frames] == [30, 40]
    np.testing.assert_array_equal(b.part(1, 5).boxes, [NAN, [3, 2, 3, 4]])


def test_video_sets_give_untouched_counts_when_asked_for(video_set):
    sequence = read_one(video_set, split='val', sixteen_bit=True)
    assert [frame[0, 0] for frame in sequence.frames] == [3002, 3003, 3004]


def test_a_video_that_ends_early_is_named(video_set):
    frames = VideoFrames(video_set / 'videos' / 'clip.mkv', 4, 5)
    with pytest.raises(OSError, match='clip.mkv: ends 3 frames before frame 8'):
        list(frames)


# ------------------------------------------------------------------- roots and choices
def test_a_root_may_be_a_folder_of_sets_or_a_single_sequence(tmp_path):
    for name in ('first/a', 'second/b'):
        write_images(tmp_path / name / 'img', ['1.png'])
        write(tmp_path / name / 'groundtruth.txt', '1,2,3,4')
    keys = [each.key for each in read_benchmark(tmp_path)]
    assert keys == [f'{tmp_path.name}/first/a', f'{tmp_path.name}/second/b']
    assert read_one(tmp_path / 'second' / 'b').key == 'second/b'


def test_split_and_glob_choose_and_a_choice_of_nothing_is_an_error(video_set):
    assert read_one(video_set, split='val').name == 'b'
    assert read_one(video_set, pattern='a*').name == 'a'
    with pytest.raises(ValueError, match=r"none of 2 sequences \(splits: train, val\).*'test'"):
        list(read_benchmark(video_set, split='test'))


def test_an_empty_set_is_an_error(tmp_path):
    (tmp_path / 'nothing').mkdir()
    with pytest.raises(ValueError, match='no annotated sequence'):
        list(read_benchmark(tmp_path))
    with pytest.raises(FileNotFoundError, match='missing is not a folder'):
        list(read_benchmark(tmp_path / 'missing'))


# ------------------------------------------------------------------- bad annotations
@pytest.mark.parametrize('line', ['1,2,3', 'x,2,3,4', '1,2,inf,4', '1,2,-3,4', '1,nan,3,4', ''])
def test_a_bad_box_is_reported_with_file_and_line_and_its_frame_left_out(tmp_path, caplog, line):
    write_images(tmp_path / 'a' / 'img', ['1.png', '2.png', '3.png'])
    write(tmp_path / 'a' / 'groundtruth.txt', '1,2,3,4', line, '1,2,3,4')
    sequence = read_one(tmp_path)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN, [1, 2, 3, 4]])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f'{Path("a/groundtruth.txt")}:2: ' in caplog.text


def test_images_and_boxes_of_different_number_are_reported_and_cut(tmp_path, caplog):
    write_images(tmp_path / 'a' / 'img', ['1.png', '2.png'])
    write(tmp_path / 'a' / 'groundtruth.txt', '1,2,3,4', '1,2,3,4', '1,2,3,4')
    assert len(read_one(tmp_path)) == 2
    assert '3 boxes for 2 images' in caplog.text


def test_a_sequence_without_truth_or_images_is_reported_and_left_out(tmp_path, caplog):
    write_images(tmp_path / 'good' / 'img', ['1.png'])
    write(tmp_path / 'good' / 'groundtruth.txt', '1,2,3,4')
    write_images(tmp_path / 'no_truth' / 'img', ['1.png'])
    (tmp_path / 'no_images' / 'img').mkdir(parents=True)
    write(tmp_path / 'no_images' / 'groundtruth.txt', '1,2,3,4')
    assert read_one(tmp_path).name == 'good'
    assert 'no_truth: no groundtruth.txt' in caplog.text
    assert 'no_images: 0 images and 1 boxes' in caplog.text


def test_a_bad_row_of_sequences_csv_is_reported_with_its_line(video_set, caplog):
    with (video_set / 'sequences.csv').open('a') as table:
        table.write('c,clip,0,9,dog,val,\nd,lost,0,3,dog,val,\ne,clip,x,3,dog,val,\n')
    write(video_set / 'boxes' / 'c.txt', '1,2,3,4')
    assert [each.name for each in read_benchmark(video_set)] == ['a', 'b']
    for line, reason in ((4, '9 frames'), (5, "no video 'lost'"), (6, "'x'")):
        found = [r.getMessage() for r in caplog.records if f'csv:{line}: ' in r.getMessage()]
        assert len(found) == 1 and reason in found[0]


def test_a_table_without_a_needed_column_is_an_error(video_set):
    write(video_set / 'sequences.csv', 'sequence,video', 'a,clip')
    with pytest.raises(ValueError, match='no column first_frame, frames'):
        list(read_benchmark(video_set))


def test_bad_xml_is_reported_with_its_line_and_the_rest_is_kept(tmp_path, caplog):
    folder = tmp_path / 'TIR_training_001' / 'dog_1'
    write_images(folder, [f'{n}.jpg' for n in range(4)])
    good = ('0', 'dog', (2, 3, 6, 9))
    write(folder / '0.xml', xml(good))
    write(folder / '1.xml', '<annotation>', '<object>')
    write(folder / '2.xml', xml(good, ('1', 'dog', (9, 3, 2, 9))))
    write(folder / '3.xml', xml(good).replace('<xmin>2', '<xmin>two'))
    sequence = read_one(tmp_path)
    np.testing.assert_array_equal(sequence.boxes, [[2, 3, 5, 7], NAN, [2, 3, 5, 7]])
    assert '1.xml:3: ' in caplog.text
    assert '2.xml:7: ' in caplog.text and 'are not a box' in caplog.text
    assert "3.xml:3: xmin 'two' is not a number" in caplog.text


def test_bad_boxes_of_stills_are_reported(tmp_path, caplog):
    write_images(tmp_path / 'images', ['1.jpg'])
    rows = ['1.jpg,Car,1,2,3,4', '1.jpg,Car,1,2,0,4', '1.jpg,Car,1,x,3,4', '2.jpg,Car,1,2,3,4']
    write(tmp_path / 'boxes.csv', 'image,class,x,y,w,h', *rows)
    read_one(tmp_path)
    for line in (3, 4, 5):
        assert f'boxes.csv:{line}: ' in caplog.text


def test_bad_labels_and_attributes_are_reported(tmp_path, caplog):
    folder = tmp_path / 'car1'
    write_images(folder, ['1.png', '2.png', '3.png'])
    write(folder / 'groundtruth.txt', *['1,2,3,4'] * 3)
    write(folder / 'occlusion.label', '1', 'yes')
    assert read_one(tmp_path).tags['occlusion'].tolist() == [True, False, False]
    assert "occlusion.label:2: label 'yes'" in caplog.text
    assert '2 labels for 3 frames' in caplog.text
    write_images(tmp_path / 'b' / 'img', ['1.png'])
    write(tmp_path / 'b' / 'groundtruth_rect.txt', '1,2,3,4')
    write(tmp_path / 'anno' / 'att' / 'b.txt', '0,1,0')
    assert {each.name: each.attributes for each in read_benchmark(tmp_path)}['b'] == ()
    assert 'b.txt:1: not 10, 11 or 16 columns' in caplog.text


@pytest.mark.parametrize(
    'line',
    [
        '{0},1,34,31,12,18,1,-1,-1,-1',  # MOT
        '{0},1,34,31,12,18',
        '{0},1,34,31,12,18,1,1',  # eight numbers, too
        '{0},34,31,12,18',
        '34,31,12,18,1,0',
        '34,31,46,49,34,49,46,31',  # corners that cross
        'player',
    ],
)
def test_a_file_that_holds_something_else_than_boxes_is_refused(tmp_path, caplog, line):
    for name in ('good', 'odd'):
        write_images(tmp_path / name / 'img', [f'{n}.png' for n in range(4)])
    write(tmp_path / 'good' / 'groundtruth.txt', *['1,2,3,4'] * 4)
    write(tmp_path / 'odd' / 'groundtruth.txt', *(line.format(n + 1) for n in range(4)))
    assert read_one(tmp_path).name == 'good'
    assert f'{Path("odd/groundtruth.txt")}:1: ' in caplog.text
    assert "'x,y,w,h' or four corners" in caplog.text


@pytest.mark.parametrize(
    'line', ['34,31,12,18,', '[34, 31, 12, 18]', '(34 31 12 18)', '34;31;12;18']
)
def test_four_numbers_are_a_box_however_they_are_set(line):
    assert parse_box(line) == (34, 31, 12, 18)


def test_a_rotated_quadrangle_is_a_box_and_its_corners_may_go_either_way():
    corners = [(10, 4), (16, 10), (12, 14), (6, 8)]
    for order in (corners, corners[::-1], corners[2:] + corners[:2]):
        assert parse_box(','.join(f'{x},{y}' for x, y in order)) == (6, 4, 10, 10)
    assert np.isnan(parse_box('0,0,0,0,0,0,0,0')).all()


@pytest.mark.parametrize('head', ['x,y,w,h', '# left top width height', 'x y w h'])
def test_a_header_does_not_shift_the_boxes(tmp_path, caplog, head):
    write_images(tmp_path / 'a' / 'img', ['1.png', '2.png', '3.png'])
    write(tmp_path / 'a' / 'groundtruth.txt', head, '1,2,3,4', '5,6,7', '8,9,3,4')
    sequence = read_one(tmp_path)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], NAN, [8, 9, 3, 4]])
    assert f'{Path("a/groundtruth.txt")}:3: ' in caplog.text


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_a_byte_order_mark_hides_nothing(tmp_path, caplog, encoding):
    def marked(path: Path, *lines: str) -> None:
        write(path, *lines)
        path.write_text(path.read_text(), encoding=encoding)

    got = tmp_path / 'got' / 'val'
    for name in ('A_001', 'A_002'):
        write_images(got / name, ['1.jpg', '2.jpg', '3.jpg'])
        marked(got / name / 'groundtruth.txt', *['1,2,3,4'] * 3)
        marked(got / name / 'absence.label', '1', '0', '0')
        marked(got / name / 'meta_info.ini', '[METAINFO]', 'object_class: drone')
    marked(got / 'list.txt', 'A_002', 'A_001')
    write_images(tmp_path / 'stills' / 'images', ['1.jpg'])
    marked(tmp_path / 'stills' / 'boxes.csv', 'image,class,x,y,w,h', '1.jpg,Car,1,2,3,4')
    write_images(tmp_path / 'b' / 'img', ['1.png'])
    marked(tmp_path / 'b' / 'groundtruth_rect.txt', '1,2,3,4')
    marked(tmp_path / 'anno' / 'att' / 'b.txt', '1,0,0,0,0,0,0,0,0,0')
    write_images(tmp_path / 'xml', ['1.jpg'])
    marked(tmp_path / 'xml' / '1.xml', xml(('0', 'dog', (2, 3, 6, 9))))
    if encoding == 'utf-16':  # which an XML file has to declare, or to begin with a mark
        assert (tmp_path / 'xml' / '1.xml').read_bytes()[:2] in (b'\xff\xfe', b'\xfe\xff')
    found = {each.name: each for each in read_benchmark(tmp_path)}
    assert list(found) == ['b', 'A_002', 'A_001', '1.1', 'xml.0']
    np.testing.assert_array_equal(found['A_001'].boxes, [NAN, [1, 2, 3, 4], [1, 2, 3, 4]])
    assert found['A_001'].class_name == 'drone' and found['1.1'].class_name == 'Car'
    assert found['b'].attributes == ('deformation',)
    assert not caplog.records


def test_files_and_folders_whose_names_begin_with_a_dot_are_left_out(tmp_path, caplog):
    write_images(tmp_path / 'a' / 'img', ['1.png', '2.png'])
    write(tmp_path / 'a' / 'groundtruth.txt', '1,2,3,4', '5,6,7,8')
    write_images(tmp_path / '.Trash' / 'b' / 'img', ['1.png'])
    write(tmp_path / '.Trash' / 'b' / 'groundtruth.txt', '1,2,3,4')
    folder = tmp_path / 'dog_1'
    write_images(folder, ['1.jpg'])
    write(folder / '1.xml', xml(('0', 'dog', (2, 3, 6, 9))))
    vot = tmp_path / 'vot'
    write_images(vot, ['1.jpg'])
    write(vot / 'groundtruth.txt', '1,2,3,4')
    write(vot / 'occlusion.label', '1')
    for path in [*tmp_path.rglob('*.*g'), *tmp_path.rglob('*.txt'), *tmp_path.rglob('*.[xl]*l')]:
        path.with_name(f'._{path.name}').write_bytes(b'\0\5\26\7 of macOS')
    found = {each.name: each for each in read_benchmark(tmp_path)}
    assert sorted(found) == ['a', 'dog_1.0', 'vot']
    assert [len(found[name]) for name in sorted(found)] == [2, 1, 1]
    assert list(found['vot'].tags) == ['occlusion']
    assert not caplog.records


def test_labels_without_track_ids_go_by_the_names_of_the_objects(tmp_path, caplog):
    folder = tmp_path / 'clip'
    write_images(folder, ['1.jpg', '2.jpg', '3.jpg'])
    boxes = {'dog': (2, 3, 6, 9), 'cat': (1, 1, 4, 5)}

    def label_img(*names: str) -> str:
        text = xml(*(('', name, boxes[name]) for name in names))
        return text.replace('<trackid></trackid>', '')

    write(folder / '1.xml', label_img('dog', 'cat'))
    write(folder / '2.xml', label_img('cat', 'dog'))
    write(folder / '3.xml', label_img('dog', 'cat', 'cat'))
    found = {each.name: each for each in read_benchmark(tmp_path)}
    assert {name: each.class_name for name, each in found.items()} == {
        'clip.dog': 'dog',
        'clip.cat': 'cat',
    }
    np.testing.assert_array_equal(found['clip.dog'].boxes, [[2, 3, 5, 7]] * 3)
    np.testing.assert_array_equal(found['clip.cat'].boxes, [[1, 1, 4, 5]] * 2)
    assert "3.xml:7: 2 objects 'cat' and no trackid; the object is left out" in caplog.text


@pytest.mark.parametrize('name', ['../../x', '..', '/tmp/x', 'a/b'])
def test_a_name_that_leads_into_another_folder_is_left_out(video_set, caplog, name):
    with (video_set / 'sequences.csv').open('a') as table:
        table.write(f'{name},clip,0,3,dog,val,\n')
    write(video_set / 'boxes' / f'{name}.txt', *['1,2,3,4'] * 3)
    assert [each.name for each in read_benchmark(video_set)] == ['a', 'b']
    assert f"the name '{name}' is a path" in caplog.text


def test_a_list_of_folders_does_not_lead_out_of_its_own(tmp_path, caplog):
    for name in ('set/a', 'outside'):
        write_images(tmp_path / name / 'img', ['1.png'])
        write(tmp_path / name / 'groundtruth.txt', '1,2,3,4')
    write(tmp_path / 'set' / 'list.txt', 'a', '../outside', str(tmp_path / 'outside'))
    assert read_one(tmp_path / 'set').name == 'a'
    assert "list.txt:2: no folder '../outside'" in caplog.text


def test_a_damaged_frame_of_a_video_does_not_shift_the_truth(tmp_path):
    (tmp_path / 'videos').mkdir()
    with av.open(str(tmp_path / 'videos' / 'a.mkv'), 'w') as container:
        stream = container.add_stream('mjpeg', 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuvj420p'
        for index in range(6):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9, np.uint8), 'bgr24')
            frame.pts = index
            for packet in stream.encode(frame):
                broken = av.Packet(bytes(40))
                broken.stream, broken.time_base = packet.stream, packet.time_base
                broken.pts, broken.dts = packet.pts, packet.dts
                container.mux(broken if index == 2 else packet)
    frames = VideoFrames(tmp_path / 'videos' / 'a.mkv', 0, 6)
    with pytest.raises(OSError, match='a.mkv: frame 2 is damaged'):
        list(frames)
    assert len(list(frames.part(3, 3))) == 3


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    write_images(tmp_path / 'a' / 'img', ['1.png'])
    (tmp_path / 'a' / 'img' / '2.png').write_bytes(b'no image')
    write(tmp_path / 'a' / 'groundtruth.txt', '1,2,3,4', '1,2,3,4')
    with pytest.raises(ValueError, match='2.png'):
        list(read_one(tmp_path).frames)


@given(strategies.text(alphabet='0123456789.,-+ einaf\t', max_size=30))
def test_any_line_is_a_box_or_absent_or_a_value_error(text):
    try:
        x, y, w, h = parse_box(text)
    except ValueError:
        return
    assert np.isnan([x, y, w, h]).all() or (w > 0 and h > 0 and np.isfinite([x, y]).all())
