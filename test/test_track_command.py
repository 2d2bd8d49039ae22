# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker track`: from a recording and a box to boxes.csv and annotated.mp4, or a reason."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
from fake_tracker import FakeTracker
import numpy as np
import pytest
from tiny_scene import tiny_scene

from tir_tracker_ros import cli
from tir_tracker_ros.commands import following
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.sequences import bags
from tir_tracker_ros.sequences.source import open_source


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
    assert '12 images, 12 answered, 0 of them without the target' in printed.out
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
    assert '12 answered, 7 of them without the target' in printed.out


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
