# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker track`: from a recording and a box to boxes.csv and annotated.mp4, or a reason."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
import csv
from dataclasses import replace
import importlib
import json
import os
from pathlib import Path
import shutil
import signal

import av
import cv2
from fake_tracker import FakeTracker
from full_disk import full_disk
import numpy as np
import pytest
from tiny_scene import tiny_scene

from tir_tracker_ros import cli
from tir_tracker_ros.commands import following
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.sequences import bags
from tir_tracker_ros.sequences.source import open_source
from tir_tracker_ros.sequences.videos import VideoWriter


@pytest.fixture(autouse=True)
def fake_model(monkeypatch):
    monkeypatch.setattr(following, 'load_tracker', lambda *settings: FakeTracker())


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder of 12 images with a target."""
    made = tmp_path / 'scene'
    made.mkdir()
    for index, image in enumerate(tiny_scene()[0]):
        cv2.imwrite(str(made / f'{index}.png'), image.pixels)
    return made


def track(*arguments: object) -> int:
    """Run the command."""
    return cli.main(['track', *map(str, arguments)])


def rows_of(out: Path) -> list[dict[str, str]]:
    """Return the lines of boxes.csv."""
    with (out / 'boxes.csv').open() as file:
        return list(csv.DictReader(file))


def summary_of(out: Path) -> dict[str, object]:
    """Return what summary.json says."""
    return json.loads((out / 'summary.json').read_text())


def colours(out: Path) -> list[bool]:
    """Tell for each image of annotated.mp4 whether a box in green is drawn."""
    with av.open(str(out / 'annotated.mp4')) as container:
        pixels = [frame.to_ndarray(format='bgr24').astype(int) for frame in container.decode()]
    green = [image[..., 1] - image[..., [0, 2]].max(axis=2) for image in pixels]
    return [bool((one > 50).sum() > 10) for one in green]


def watched(method: Callable, told: Callable) -> Callable:
    """Return a method that tells of each of its calls before it does its work."""

    def tell_and_call(self, *arguments):
        told(arguments)
        return method(self, *arguments)

    return tell_and_call


def test_the_target_is_followed_through_every_image(folder, tmp_path, capsys):
    _, boxes = tiny_scene()
    assert track(folder, '--init', '20,25,10,14', '--out', tmp_path / 'out') == 0
    rows = rows_of(tmp_path / 'out')
    assert [int(row['frame']) for row in rows] == list(range(12))
    for row, box in zip(rows, boxes):
        assert Box(*(float(row[side]) for side in 'xywh')).iou(box) > 0.9
        assert 0.5 < float(row['score']) <= 1 and row['state'] == 'tracking'
    assert open_source(tmp_path / 'out' / 'annotated.mp4').length == 12
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    assert line.startswith('12 images, ') and ' a second; ' in line
    assert f'was lost in 0.0 % (0) of 12 answers; results in {tmp_path / "out"}' in line
    assert '12/12' in printed.err  # the progress bar


def test_start_and_max_frames_choose_the_images(folder, tmp_path):
    _, boxes = tiny_scene()
    init = ','.join(map(str, boxes[4]))
    options = ('--start', 4, '--max-frames', 3, '--out', tmp_path / 'out', '--quiet')
    assert track(folder, '--init', init, *options) == 0
    assert [int(row['frame']) for row in rows_of(tmp_path / 'out')] == [4, 5, 6]


def test_the_same_run_gives_the_same_bytes(folder, tmp_path):
    for out in ('a', 'b'):
        track(folder, '--init', '20,25,10,14', '--out', tmp_path / out, '--quiet')
    for name in ('boxes.csv', 'annotated.mp4'):
        assert (tmp_path / 'a' / name).read_bytes() == (tmp_path / 'b' / name).read_bytes()


def test_the_default_folder_is_named_after_the_source(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    track('scene', '--init', '20,25,10,14', '--max-frames', 2, '--quiet')
    assert len(rows_of(tmp_path / 'runs' / 'scene')) == 2


def test_a_target_that_scores_low_is_lost_and_has_no_score(folder, tmp_path, monkeypatch, capsys):
    class Unsure(FakeTracker):
        def update(self, image, tracks):
            return [replace(each, score=0.1) for each in super().update(image, tracks)]

    monkeypatch.setattr(following, 'load_tracker', lambda *settings: Unsure())
    track(folder, '--init', '20,25,10,14', '--out', tmp_path / 'out', '--quiet')
    last = rows_of(tmp_path / 'out')[-1]
    assert (last['state'], last['score']) == ('lost', '')
    printed = capsys.readouterr()
    assert 'lost: score 0.100' in printed.err
    assert 'the target was lost in 58.3 % (7) of 12 answers' in printed.out
    summary = summary_of(tmp_path / 'out')
    assert (summary['images'], summary['answered'], summary['lost']) == (12, 12, 7)
    assert summary['share_lost'] == 7 / 12


@pytest.mark.parametrize(
    ('init', 'message'),
    [
        ('200,25,10,14', 'outside of the image of 96 x 72'),
        ('20,25,0,14', 'width 0'),
        ('20,25,-10,14', 'width -10'),
        ('20,25,2,2', '2 x 2 pixels are too few'),
        ('0,0,200,200', 'larger than the image of 96 x 72'),
        ('nan,25,10,14', 'nan'),
        ('20,25,10', "box '20,25,10' is not four numbers"),
    ],
)
def test_a_bad_init_is_named_and_no_file_is_touched(folder, tmp_path, capsys, init, message):
    assert track(folder, f'--init={init}', '--out', tmp_path / 'out') == 1
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--start', '12'], '--start 12 is behind the last image'),
        (['--start', '-1'], '--start -1'),
        (['--max-frames', '0'], '--max-frames 0'),
        (['--gain-range', '1,2'], 'needs --gain fixed'),
        (['--gain', 'fixed', '--gain-range', '1'], "--gain-range '1' is not MIN,MAX"),
        (['--gain', 'fixed', '--gain-range', '9,2'], 'minimum 9.0'),
        (['--topic', '/image'], 'is not a bag'),
    ],
)
def test_a_bad_option_is_named(folder, capsys, options, message):
    assert track(folder, '--init', '20,25,10,14', *options) == 1
    assert message in capsys.readouterr().err


def test_a_source_that_is_not_there_is_named(capsys):
    assert track('gone.mp4', '--init', '20,25,10,14') == 1
    assert capsys.readouterr().err == 'tir-tracker track: source gone.mp4 does not exist\n'


def test_what_was_computed_before_a_broken_image_stays(folder, tmp_path, capsys):
    (folder / '7.png').write_bytes(b'broken')
    assert track(folder, '--init', '20,25,10,14', '--out', tmp_path / 'out') == 1
    assert len(rows_of(tmp_path / 'out')) == 7
    assert open_source(tmp_path / 'out' / 'annotated.mp4').length == 7
    error = capsys.readouterr().err
    assert '7.png cannot be read' in error
    assert 'stopped after 7 images' in error


def test_a_fixed_gain_range_reaches_the_tracker(folder, tmp_path, monkeypatch):
    seen = []

    class Watching(FakeTracker):
        def start(self, image, box):
            seen.append(image)
            return super().start(image, box)

    monkeypatch.setattr(following, 'load_tracker', lambda *settings: Watching())
    options = ('--gain', 'fixed', '--gain-range', '6000,10000', '--out', tmp_path / 'out')
    track(folder, '--init', '20,25,10,14', *options, '--quiet')
    expected = (tiny_scene()[0][0].pixels - 6000.0) / 4000
    assert np.allclose(seen[0], np.clip(expected, 0, 1), atol=1e-5)


def test_telemetry_rows_do_not_move_the_boxes(folder, tmp_path):
    rng = np.random.default_rng(0)
    for path in folder.iterdir():
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        pixels[:6] = rng.integers(0, 65_536, (6, pixels.shape[1]))
        cv2.imwrite(str(path), pixels)
    crop = ['--crop', '6,0,0,0']
    assert track(folder, '--init', '20,25,10,14', '--out', tmp_path / 'out', *crop) == 0
    for row, box in zip(rows_of(tmp_path / 'out'), tiny_scene()[1]):
        assert Box(*(float(row[side]) for side in 'xywh')).iou(box) > 0.9


def test_a_bad_crop_is_refused(folder, capsys):
    assert track(folder, '--init', '20,25,10,14', '--crop', '6') == 1
    assert "crop '6' is not four whole numbers" in capsys.readouterr().err


def test_images_that_cannot_be_read_are_left_out_and_the_others_keep_their_numbers(
    tmp_path, caplog
):
    images, _ = tiny_scene()
    writer = bags.BagWriter(tmp_path / 'bag')
    for index, image in enumerate(images):
        message = bags.image_message(image)
        if index in (0, 5):
            message.data = message.data[:9]
        writer.write('/image', message, index)
    writer.close()
    out = tmp_path / 'out'
    options = ['--init', '22,26,10,14', '--out', out, '--max-frames', 9]
    assert track(tmp_path / 'bag', *options) == 0
    assert [int(row['frame']) for row in rows_of(out)] == [1, 2, 3, 4, 6, 7, 8]
    assert 'image 5 of bag is left out: data of 9 bytes' in caplog.text


def test_the_summary_says_what_was_run_and_how_it_went(folder, tmp_path):
    track(folder, '--init', '20,25,10,14', '--out', tmp_path / 'out', '--quiet')
    summary = summary_of(tmp_path / 'out')
    assert summary['source'] == str(folder) and summary['init'] == [20, 25, 10, 14]
    assert (summary['model'], summary['threads'], summary['complete']) == ('fake', 1, True)
    assert (summary['images'], summary['share_lost']) == (12, 0)
    assert summary['images_per_second'] == pytest.approx(12 / summary['seconds'], rel=0.05)


@pytest.mark.parametrize('command', ['track', 'replay', 'evaluate'])
def test_one_thread_is_the_default(command):
    module = importlib.import_module(f'tir_tracker_ros.commands.{command}')
    parser = ArgumentParser()
    module.add_arguments(parser)
    assert parser.get_default('threads') == 1


def test_one_thread_is_what_the_model_is_loaded_with(folder, tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr(
        following, 'load_tracker', lambda *all: loaded.append(all) or FakeTracker()
    )
    track(folder, '--init', '20,25,10,14', '--out', tmp_path / 'out', '--quiet')
    assert loaded == [('auto', 'auto', None, 1)]


# ------------------------------------------------------------------------ the box to start on
@pytest.mark.parametrize(
    ('init', 'share'), [('60,40,50,30', '72'), ('-5,25,10,14', '50'), ('20,60,10,14', '86')]
)
def test_an_init_that_is_partly_outside_is_told_with_the_form(
    folder, tmp_path, capsys, init, share
):
    assert track(folder, '--init', init, '--out', tmp_path / 'out', '--quiet') == 0
    (line,) = (line for line in capsys.readouterr().err.splitlines() if 'inside' in line)
    assert f'init box {init}: only {share} % of it lie inside of the image of 96 x 72' in line
    assert '--init is x,y,w,h: left, top, width and height in pixels, not two corners' in line


def test_an_init_of_two_corners_that_is_refused_is_told_the_form_too(folder, tmp_path, capsys):
    assert track(folder, '--init', '70,50,97,70', '--out', tmp_path / 'out') == 1
    assert 'larger than the image' in (error := capsys.readouterr().err)
    assert '--init is x,y,w,h: left, top, width and height' in error


def test_an_init_at_the_border_is_not_told(folder, tmp_path, capsys):
    assert track(folder, '--init', '86.02,58,10,14', '--out', tmp_path / 'out', '--quiet') == 0
    assert 'inside' not in capsys.readouterr().err


# ------------------------------------------------------------------------- annotated sequences
@pytest.fixture
def sequence(folder) -> Path:
    """Return a folder as `simulate` writes it: img, and a truth without a box in image 0."""
    made = folder.parent / 'data' / 'walk'
    made.mkdir(parents=True)
    folder.rename(made / 'img')
    boxes = ['nan,nan,nan,nan', *(','.join(map(str, box)) for box in tiny_scene()[1][1:])]
    (made / 'groundtruth.txt').write_text('\n'.join(boxes) + '\n')
    return made


def test_a_sequence_starts_on_its_own_box(sequence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (sequence, sequence.parent):
        assert track(path, '--start', 3, '--out', tmp_path / 'out', '--quiet') == 0
        rows = rows_of(tmp_path / 'out')
        assert [int(row['frame']) for row in rows] == list(range(3, 12))
        for row, box in zip(rows, tiny_scene()[1][3:]):
            assert Box(*(float(row[side]) for side in 'xywh')).iou(box) > 0.9
        shutil.rmtree(tmp_path / 'out')
    track(sequence, '--start', 3, '--quiet')
    assert len(rows_of(tmp_path / 'runs' / 'walk')) == 9


def test_a_sequence_follows_another_box_where_one_is_given(sequence, tmp_path):
    assert track(sequence, '--init', '60,40,10,14', '--out', tmp_path / 'out', '--quiet') == 0
    assert float(rows_of(tmp_path / 'out')[0]['x']) == 60


def test_images_behind_the_last_box_of_a_sequence_are_followed_too(sequence, tmp_path):
    lines = (sequence / 'groundtruth.txt').read_text().splitlines()
    (sequence / 'groundtruth.txt').write_text('\n'.join(lines[:2]) + '\n')
    assert track(sequence, '--start', 1, '--out', tmp_path / 'out', '--quiet') == 0
    assert len(rows_of(tmp_path / 'out')) == 11


def test_a_missing_box_and_several_sequences_are_named(sequence, tmp_path, capsys):
    assert track(sequence) == 1
    assert 'walk has no box for image 0: give --init x,y,w,h or another --start' in (
        capsys.readouterr().err
    )
    assert track(sequence / 'img') == 1
    assert 'walk has no boxes of its own: give --init x,y,w,h' in capsys.readouterr().err
    shutil.copytree(sequence, sequence.parent / 'run')
    assert track(sequence.parent) == 1
    assert f'holds several sequences: name one, such as {sequence.parent / "run"}' in (
        capsys.readouterr().err
    )


def test_a_sequence_of_a_set_of_videos_is_named_below_the_folder_of_the_set(tmp_path):
    images, boxes = tiny_scene(bits=8)
    (tmp_path / 'set' / 'videos').mkdir(parents=True)
    (tmp_path / 'set' / 'boxes').mkdir()
    writer = VideoWriter(tmp_path / 'set' / 'videos' / 'v.mp4', 20)
    for image in images:
        writer.write(cv2.cvtColor(image.pixels, cv2.COLOR_GRAY2BGR))
    writer.close()
    for name in ('one', 'two'):
        text = '\n'.join(','.join(map(str, box)) for box in boxes[4:9])
        (tmp_path / 'set' / 'boxes' / f'{name}.txt').write_text(text + '\n')
    (tmp_path / 'set' / 'sequences.csv').write_text(
        'sequence,video,first_frame,frames\none,v,4,5\ntwo,v,4,5\n'
    )
    assert track(tmp_path / 'set' / 'two', '--out', tmp_path / 'out', '--quiet') == 0
    assert [int(row['frame']) for row in rows_of(tmp_path / 'out')] == [4, 5, 6, 7, 8]


# -------------------------------------------------------------------------- where results go
def test_two_sequences_have_different_folders_and_so_have_two_runs(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('a', 'b'):
        shutil.copytree(folder, tmp_path / name / 'img')
        assert track(f'{name}/img', '--init', '20,25,10,14', '--quiet') == 0
    assert track('b/img', '--init', '60,40,10,14', '--quiet') == 0
    assert sorted(path.name for path in Path('runs').iterdir()) == ['a', 'b', 'b-2']
    assert [row['x'] for row in (rows_of(Path('runs/b'))[0], rows_of(Path('runs/b-2'))[0])] == [
        '20.000',
        '60.000',
    ]


def test_results_of_another_source_are_kept_and_those_of_the_same_are_told(
    folder, tmp_path, capsys
):
    options = ('--init', '20,25,10,14', '--out', tmp_path / 'out', '--quiet')
    shutil.copytree(folder, tmp_path / 'other')
    assert track(folder, *options) == 0
    before = (tmp_path / 'out' / 'boxes.csv').read_bytes()
    assert track(tmp_path / 'other', *options) == 1
    assert f'holds the results of {folder}: choose another' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'boxes.csv').read_bytes() == before
    assert track(folder, *options, '--max-frames', 3) == 0
    assert f'the earlier results in {tmp_path / "out"} are replaced' in capsys.readouterr().err
    assert len(rows_of(tmp_path / 'out')) == 3


def test_a_folder_that_is_named_as_a_file_is_refused(folder, tmp_path, capsys):
    options = ('--init', '20,25,10,14', '--out')
    assert track(folder, *options, tmp_path / 'result.mp4') == 1
    assert (
        'result.mp4 is the name of a .mp4 file, but is to be a folder' in capsys.readouterr().err
    )
    assert not (tmp_path / 'result.mp4').exists()
    (tmp_path / 'file').write_text('')
    assert track(folder, *options, tmp_path / 'file') == 1
    assert 'file is a file, not a folder' in capsys.readouterr().err
    assert track(folder, *options, tmp_path / 'run.v2') == 0


def test_a_full_disk_is_told_at_once(folder, tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(FakeTracker, 'update', watched(FakeTracker.update, seen.append))
    with full_disk(1500):
        assert track(folder, '--init', '20,25,10,14', '--out', tmp_path / 'out', '--quiet') == 1
    assert f"File too large: '{tmp_path / 'out' / 'annotated.mp4'}'" in capsys.readouterr().err
    assert len(seen) < 8


# ------------------------------------------------------------------------------ interruption
@pytest.mark.parametrize('by', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_shows_and_counts_what_was_answered(
    folder, tmp_path, monkeypatch, capsys, by
):
    calls = []

    def interrupt(_):
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), by)

    monkeypatch.setattr(FakeTracker, 'update', watched(FakeTracker.update, interrupt))
    out = tmp_path / 'out'
    # A shell starts what runs in its background with SIGINT ignored, the tests as well.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert track(folder, '--init', '20,25,10,14', '--out', out, '--quiet') == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert colours(out) == [True] * 5
    assert len(rows_of(out)) == 5
    summary = summary_of(out)
    assert (summary['complete'], summary['images'], summary['answered']) == (False, 5, 5)
    assert 'stopped after 5 images' in capsys.readouterr().err


# ------------------------------------------------------------------------ what the video shows
def test_the_video_shows_what_was_asked_for(folder, tmp_path):
    videos = {}
    for draw in ('none', 'response', 'number', 'trail', 'response,number,trail'):
        out = tmp_path / draw
        options = ('--init', '20,25,10,14', '--out', out, '--quiet', '--draw', draw)
        assert track(folder, *options) == 0
        with av.open(str(out / 'annotated.mp4')) as container:
            videos[draw] = [
                frame.to_ndarray(format='gray').astype(int) for frame in container.decode()
            ]

    def differs(draw: str, rows: slice, columns: slice) -> bool:
        changed = np.abs(videos[draw][-1] - videos['none'][-1])[rows, columns]
        return bool((changed > 40).any())

    corner = slice(0, 16), slice(80, 96)
    lower = slice(60, 72), slice(0, 40)
    assert [differs(draw, *corner) for draw in ('response', 'number', 'trail')] == [
        True,
        False,
        False,
    ]
    assert [differs(draw, *lower) for draw in ('response', 'number', 'trail')] == [
        False,
        True,
        False,
    ]
    assert differs('trail', slice(25, 50), slice(20, 50))
    assert differs('response,number,trail', *corner) and differs('response,number,trail', *lower)


def test_what_cannot_be_drawn_is_named(folder, capsys):
    assert track(folder, '--init', '20,25,10,14', '--draw', 'trial') == 1
    assert "--draw 'trial' is not none or of response, number, trail" in capsys.readouterr().err


def test_temperatures_inside_of_the_box_stand_beside_it(tmp_path):
    source, (images, boxes) = tmp_path / 'kelvin', tiny_scene()
    source.mkdir()
    kelvin = [image.pixels.astype(np.uint16) % 4000 + 29315 for image in images[:4]]
    for index, pixels in enumerate(kelvin):
        cv2.imwrite(str(source / f'{index}.png'), pixels)
    init, out = ','.join(map(str, boxes[0])), tmp_path / 'out'
    arguments = (source, '--init', init, '--out', out, '--quiet')
    assert track(*arguments, '--radiometric', 'lepton') == 0
    rows = rows_of(out)
    assert len(rows) == 4
    for row, pixels in zip(rows, kelvin):
        x, y, w, h = (round(float(row[name])) for name in 'xywh')
        inside = pixels[y : y + h, x : x + w] / 100 - 273.15
        names = ('temperature_min', 'temperature_median', 'temperature_max')
        expected = [inside.min(), np.median(inside), inside.max()]
        assert [float(row[name]) for name in names] == pytest.approx(expected, abs=0.006)
    assert track(*arguments, '--radiometric', 'kelvin') == 1


def test_several_inits_give_several_targets_each_with_its_id_and_colour(folder, tmp_path):
    out = tmp_path / 'out'
    inits = ('--init', '20,25,10,14', '--init', '60,10,12,12')
    assert track(folder, *inits, '--out', out, '--quiet', '--draw', 'none') == 0
    rows = rows_of(out)
    assert [row['id'] for row in rows] == ['1', '2'] * 12
    assert [row['frame'] for row in rows] == [str(n) for n in range(12) for _ in range(2)]
    (first, *_) = open_source(out / 'annotated.mp4')
    assert first.pixels.shape == (72, 96)
    assert summary_of(out)['init'] == [[20, 25, 10, 14], [60, 10, 12, 12]]
    assert track(folder, *inits, '--init', '500,1,9,9', '--out', out, '--quiet') == 1
