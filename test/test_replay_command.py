# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker replay`: a bag through the node's own logic, the same result each time."""

from __future__ import annotations

import csv
from pathlib import Path

from fake_tracker import FakeTracker, MaskTracker
import numpy as np
import pytest
from tiny_scene import PERIOD, tiny_scene

from tir_tracker_ros import cli
from tir_tracker_ros.commands import following
from tir_tracker_ros.commands.replay import DETECTION_TOPIC
from tir_tracker_ros.geometry import Box, corners
from tir_tracker_ros.sequences import bags
from tir_tracker_ros.sequences.source import open_source

IMAGES, BOXES = tiny_scene()


@pytest.fixture(autouse=True)
def fake_model(monkeypatch):
    monkeypatch.setattr(following, 'load_tracker', lambda *settings: FakeTracker())


def write_bag(path: Path, inits: dict[float, object] | None = None, bad: int = -1) -> Path:
    """Write the scene; init messages are recorded at their keys, counted in images."""
    events = {index: bags.image_message(image, 'thermal') for index, image in enumerate(IMAGES)}
    if bad >= 0:
        events[bad].encoding = 'rgb16'
    events |= inits or {}
    writer = bags.BagWriter(path)
    for at, message in sorted(events.items()):
        topic = '/thermal/image' if isinstance(at, int) else '/tracker/init'
        writer.write(topic, message, 10**9 + round(at * PERIOD) + 777)
    writer.close()
    return path


def init_message(frame: int, stamped: bool = True, **fields) -> object:
    """Return an init with the true box of an image."""
    header = bags.header(IMAGES[frame].stamp if stamped else 0, 'thermal')
    return bags.detection_message(header, BOXES[frame], 1.0, **fields)


def replay(*arguments: object) -> int:
    """Run the command."""
    return cli.main(['replay', *map(str, arguments)])


def rows_of(out: Path) -> list[dict[str, str]]:
    """Return the lines of boxes.csv."""
    with (out / 'boxes.csv').open() as file:
        return list(csv.DictReader(file))


def detections_of(out: Path) -> list[tuple[int, object]]:
    """Return the detections with the times at which they were recorded."""
    with bags.BagReader(out / 'detections') as bag:
        return [(message.time, message.decoded()) for message in bag.messages([DETECTION_TOPIC])]


def frames_of(out: Path) -> list[int]:
    """Return the frame numbers of boxes.csv."""
    return [int(row['frame']) for row in rows_of(out)]


def test_every_image_gets_one_detection_with_its_header_and_time(tmp_path):
    path = write_bag(tmp_path / 'bag')
    assert replay(path, '--init', '20,25,10,14', '--out', tmp_path / 'out') == 0
    detections = detections_of(tmp_path / 'out')
    assert len(detections) == 12
    for (at, detection), image, box in zip(detections, IMAGES, BOXES):
        assert at == image.stamp + 777
        assert bags.stamp_of(detection.header) == image.stamp
        assert detection.header.frame_id == 'thermal'
        assert bags.box_of(detection).iou(box) > 0.9
        assert detection.id == '1' and len(detection.results) == 1
    assert frames_of(tmp_path / 'out') == list(range(12))
    assert open_source(tmp_path / 'out' / 'annotated.mp4').length == 12


def test_turned_boxes_are_written_turned(tmp_path, monkeypatch):
    loaded = []

    def load(*settings, **changes):
        loaded.append(changes)
        return MaskTracker(0.25)

    monkeypatch.setattr(following, 'load_tracker', load)
    path, out = write_bag(tmp_path / 'bag'), tmp_path / 'out'
    assert replay(path, '--init', '20,25,10,14', '--rotated-box', '--out', out) == 0
    assert loaded == [{'rotated_box': True}]
    thetas = [detection.bbox.center.theta for _, detection in detections_of(out)]
    assert thetas == [0.0] + [0.25] * 11
    rows = rows_of(out)
    assert [float(row['theta']) for row in rows] == thetas
    box, points = BOXES[5], [[float(rows[5][f'{axis}{n}']) for axis in 'xy'] for n in range(1, 5)]
    assert np.allclose(points, corners(box, 0.25), atol=2)


def test_twice_the_same_bag_gives_the_same_bytes(tmp_path):
    path = write_bag(tmp_path / 'bag', {2.5: init_message(1)})
    for out in ('a', 'b'):
        assert replay(path, '--out', tmp_path / out, '--quiet') == 0
    first = sorted(file for file in (tmp_path / 'a').rglob('*') if file.is_file())
    assert [file.name for file in first] == [
        'annotated.mp4', 'boxes.csv', 'detections.mcap', 'metadata.yaml', 'summary.json',
    ]  # fmt: skip
    first.pop()  # it says how long the run took
    for file in first:
        other = tmp_path / 'b' / file.relative_to(tmp_path / 'a')
        assert file.read_bytes() == other.read_bytes()


def test_a_second_replay_replaces_the_first(tmp_path):
    path = write_bag(tmp_path / 'bag')
    options = ('--init', '20,25,10,14', '--out', tmp_path / 'out', '--quiet')
    assert replay(path, *options) == 0
    assert replay(path, *options, '--max-frames', 5) == 0
    assert len(detections_of(tmp_path / 'out')) == len(rows_of(tmp_path / 'out')) == 5


def test_an_init_message_names_its_image_and_catches_up(tmp_path):
    path = write_bag(tmp_path / 'bag', {6.5: init_message(4, id='car', class_id='vehicle')})
    assert replay(path, '--out', tmp_path / 'out') == 0
    assert frames_of(tmp_path / 'out') == list(range(4, 12))
    for (_, detection), box in zip(detections_of(tmp_path / 'out'), BOXES[4:]):
        assert bags.box_of(detection).iou(box) > 0.9
        assert detection.id == 'car'
        assert detection.results[0].hypothesis.class_id == 'vehicle'


def test_an_init_without_stamp_starts_on_the_image_before_it_in_the_bag(tmp_path):
    path = write_bag(tmp_path / 'bag', {6.5: init_message(6, stamped=False)})
    assert replay(path, '--out', tmp_path / 'out') == 0
    assert frames_of(tmp_path / 'out') == list(range(6, 12))


def test_an_init_before_the_first_image_waits_for_it(tmp_path):
    path = write_bag(tmp_path / 'bag', {-0.5: init_message(0)})
    assert replay(path, '--out', tmp_path / 'out') == 0
    assert frames_of(tmp_path / 'out') == list(range(12))


def test_a_later_init_takes_over_with_an_id_of_its_own(tmp_path):
    inits = {0.5: init_message(0), 5.5: init_message(5)}
    path = write_bag(tmp_path / 'bag', inits)
    assert replay(path, '--out', tmp_path / 'out') == 0
    detections = detections_of(tmp_path / 'out')
    assert [detection.id for _, detection in detections] == ['1'] * 6 + ['2'] * 6


def test_a_refused_init_is_told_and_the_replay_goes_on(tmp_path, capsys):
    outside = bags.detection_message(bags.header(0), Box(500, 0, 20, 20), 1.0)
    path = write_bag(tmp_path / 'bag', {0.5: init_message(0), 5.5: outside})
    assert replay(path, '--out', tmp_path / 'out') == 0
    assert 'init box 500,0,20,20 refused' in capsys.readouterr().err
    assert frames_of(tmp_path / 'out') == list(range(12))


def test_a_bad_image_is_told_and_left_out_as_in_the_node(tmp_path, capsys):
    path = write_bag(tmp_path / 'bag', bad=3)
    assert replay(path, '--init', '20,25,10,14', '--out', tmp_path / 'out') == 0
    assert "image 3 is left out: encoding 'rgb16'" in capsys.readouterr().err
    assert frames_of(tmp_path / 'out') == [0, 1, 2, *range(4, 12)]
    assert bags.stamp_of(detections_of(tmp_path / 'out')[3][1].header) == IMAGES[4].stamp


def test_only_refused_inits_are_a_failure_with_the_reason(tmp_path, capsys):
    outside = bags.detection_message(bags.header(0), Box(500, 0, 20, 20), 1.0)
    path = write_bag(tmp_path / 'bag', {0.5: outside})
    assert replay(path, '--out', tmp_path / 'out') == 1
    assert 'none of 12 images was answered: init box 500,0,20,20' in capsys.readouterr().err


def test_a_bad_init_option_is_a_failure(tmp_path, capsys):
    path = write_bag(tmp_path / 'bag')
    assert replay(path, '--init', '500,0,20,20', '--out', tmp_path / 'out') == 1
    assert 'lies outside of the image of 96 x 72 pixels' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'has no init messages'),
        (['--init', '20,25,10,14', '--topic', '/other'], 'no image topic /other'),
        (['--init', '20,25,10,14', '--init-topic', '/other'], 'exclude each other'),
        (['--init-topic', '/thermal/image'], 'no init topic /thermal/image'),
    ],
)
def test_what_is_missing_in_the_bag_is_named(tmp_path, capsys, options, message):
    assert replay(write_bag(tmp_path / 'bag'), *options, '--out', tmp_path / 'out') == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_no_bag_and_no_such_file_are_named(tmp_path, capsys):
    assert replay(tmp_path / 'gone', '--init', '1,1,9,9') == 1
    assert 'gone does not exist' in capsys.readouterr().err
    (tmp_path / 'video.mp4').write_bytes(b'')
    assert replay(tmp_path / 'video.mp4', '--init', '1,1,9,9') == 1
    assert 'video.mp4 is not a bag' in capsys.readouterr().err


def test_the_own_result_is_not_replayed_over_itself(tmp_path, capsys):
    path = write_bag(tmp_path / 'detections')
    for source in (path, path / 'detections.mcap'):
        assert replay(source, '--init', '20,25,10,14', '--out', tmp_path) == 1
        assert 'choose another --out' in capsys.readouterr().err
    assert len(list(open_source(path))) == 12


def test_a_bag_that_breaks_in_the_middle_keeps_what_was_computed(tmp_path, capsys):
    images, _ = tiny_scene(size=(640, 512))
    writer = bags.BagWriter(tmp_path / 'bag')  # 1 MB chunks, so the bag has several
    for image in images:
        writer.write('/image', bags.image_message(image), image.stamp)
    writer.close()
    file = tmp_path / 'bag' / 'bag.mcap'
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2_000_000] = bytes(2_000_000)
    file.write_bytes(content)
    out = tmp_path / 'out'
    assert replay(tmp_path / 'bag', '--init', '20,25,10,14', '--out', out) == 1
    kept = len(rows_of(out))
    assert 0 < kept < 12
    assert len(detections_of(out)) == kept
    assert open_source(out / 'annotated.mp4').length == kept
    error = capsys.readouterr().err
    assert 'bag cannot be read' in error and f'stopped after {kept} images' in error


def test_a_bag_that_ends_early_is_replayed_as_far_as_it_goes_and_is_a_failure(tmp_path, capsys):
    path = write_bag(tmp_path / 'bag')
    file = path / 'bag.mcap'
    file.write_bytes(file.read_bytes()[:-500])  # the index
    out = tmp_path / 'out'
    assert replay(path, '--init', '20,25,10,14', '--out', out) == 1
    assert frames_of(out) == list(range(12))
    assert len(detections_of(out)) == 12
    assert 'bag.mcap ends early' in capsys.readouterr().err


def test_an_init_option_that_is_partly_outside_is_told_with_the_form(tmp_path, capsys):
    path = write_bag(tmp_path / 'bag')
    assert replay(path, '--init', '60,40,50,30', '--out', tmp_path / 'out', '--quiet') == 0
    error = capsys.readouterr().err
    assert 'only 72 % of it lie inside' in error and '--init is x,y,w,h: left, top' in error


def test_two_replays_of_a_bag_have_different_folders(tmp_path, monkeypatch):
    path = write_bag(tmp_path / 'bag', {0.5: init_message(0)})
    monkeypatch.chdir(tmp_path)
    assert replay(path, '--quiet') == replay(path, '--quiet', '--max-frames', 5) == 0
    assert [len(detections_of(Path('runs') / name)) for name in ('bag', 'bag-2')] == [12, 5]


def test_two_targets_of_a_bag_are_replayed_together(tmp_path):
    messages = {0.4 + 0.1 * n: message for n, message in enumerate(
        (init_message(0, id='a', class_id='person'), init_message(2, id='b'))
    )}  # fmt: skip
    path, out = write_bag(tmp_path / 'bag', messages), tmp_path / 'out'
    assert replay(path, '--out', out, '--max-targets', 2) == 0
    rows = rows_of(out)
    assert [row['frame'] for row in rows if row['id'] == 'a'] == [str(n) for n in range(12)]
    assert [row['frame'] for row in rows if row['id'] == 'b'] == [str(n) for n in range(2, 12)]
    for row in rows:
        box = Box(*(float(row[name]) for name in 'xywh'))
        assert box.iou(BOXES[int(row['frame'])]) > 0.9
    detections = [bags.stamp_of(one.header) for _, one in detections_of(out)]
    assert len(detections) == len(rows) and detections == sorted(detections)
    assert open_source(out / 'annotated.mp4').length == 12
    assert replay(path, '--out', out, '--max-targets', 0) == 1


def test_with_one_target_the_second_init_of_a_bag_replaces_the_first(tmp_path):
    path = write_bag(
        tmp_path / 'bag', {0.5: init_message(0, id='a'), 4.5: init_message(4, id='b')}
    )
    assert replay(path, '--out', tmp_path / 'out') == 0
    rows = rows_of(tmp_path / 'out')
    assert 'id' not in rows[0] and frames_of(tmp_path / 'out') == list(range(12))
