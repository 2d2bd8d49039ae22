# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker track --view`: a recording on the page, without ROS."""

import csv
from pathlib import Path
import re
import signal
import socket
import sys
import time

import cv2
from fake_tracker import FakeTracker
from moving_blob import second, truth, two
import pytest
from viewer_page import Page

from tir_tracker_ros import cli
from tir_tracker_ros.commands import following
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.nodes.harness.process import Process

HERE = Path(__file__).resolve().parent
IMAGES = 20


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder of 20 images with two targets."""
    made = tmp_path_factory.mktemp('scene')
    for index in range(IMAGES):
        cv2.imwrite(str(made / f'{index}.png'), two(index).pixels)
    return made


class Viewed:
    """A run of the command in a process, and a page."""

    def __init__(self, folder, out, *options):
        words = [str(folder), '--out', str(out), '--view', '--port', '0', *options]
        self.process = Process('track', [sys.executable, str(HERE / 'fake_track.py'), *words])
        self.out = out
        line = r'the page is at (http://\S+)'
        end = time.monotonic() + 60
        while not (found := re.search(line, self.process.log)):
            assert time.monotonic() < end and self.process.running, self.process.log
            time.sleep(0.02)
        self.page = Page(found[1])

    def over(self):
        """Wait for the end of the recording, leave, and return the lines of boxes.csv."""
        page = self.page
        page.until(lambda: any('the recording is over' in n for n in page.notices), 'the end')
        with pytest.raises(ValueError, match='the recording is over'):
            page.ask('reset')
        page.close()
        assert self.process.stop(signal.SIGINT) == 0, self.process.log
        with (self.out / 'boxes.csv').open() as file:
            return list(csv.DictReader(file))


def held_image(page):
    """Freeze the image at which the recording is held, which may come after the answer."""
    page.until(lambda: page.news[-1]['paused'], 'the pause')
    count = 0
    while count < len(page.images):
        count = len(page.images)
        time.sleep(0.3)
    return page.freeze()


def test_a_recording_waits_for_a_box_and_is_then_followed_from_its_first_image(folder, tmp_path):
    viewed = Viewed(folder, tmp_path / 'out', '--max-targets', '2')
    page = viewed.page
    page.until(lambda: page.images and page.news[-1]['paused'], 'the first image')
    assert page.news[-1]['limits'] == {'buffer_size': 300, 'max_targets': 2}
    page.freeze()
    blob = truth(0)
    box = page.ask('propose', at=[blob.cx, blob.cy, 0])
    with pytest.raises(ValueError, match='refused: it lies outside of the image'):
        page.ask('init', box=[500, 0, 20, 20])
    assert page.news[-1]['paused']
    assert page.ask('init', box=box, id='a') == 'the box is followed'
    page.ask('live')
    page.until(lambda: page.images[-1][0]['number'] >= 3, 'some images')
    assert not page.news[-1]['paused']
    assert page.ask('pause', on=True) == 'paused'
    image = held_image(page)
    page.ask('init', box=list(second(image['number'])), id='b')
    page.ask('live')
    page.until(lambda: any('tracking: target b' in n for n in page.notices), 'its start')
    assert page.ask('pause', on=False) == 'resumed'
    page.until(lambda: page.target('b'), 'the second target')
    rows = viewed.over()
    frames = {id: [int(row['frame']) for row in rows if row['id'] == id] for id in 'ab'}
    assert frames['a'] == list(range(IMAGES))
    # A target that joins others is first answered with the next image.
    assert frames['b'] == list(range(image['number'] + 1, IMAGES))
    for row in rows:
        true = (truth if row['id'] == 'a' else second)(int(row['frame']))
        assert Box(*(float(row[name]) for name in 'xywh')).iou(true) > 0.6


def test_with_a_box_it_begins_once_a_page_is_open(folder, tmp_path):
    box = ','.join(str(value) for value in truth(0))
    viewed = Viewed(folder, tmp_path / 'out', '--init', box)
    page = viewed.page
    page.until(lambda: page.images, 'the first image')
    assert page.images[0][0]['number'] == 0
    rows = viewed.over()
    assert [int(row['frame']) for row in rows] == list(range(IMAGES))
    assert len(page.scores) == IMAGES
    # As fast as it was recorded, which is 30 images a second.
    assert page.scores[-1][0] - page.scores[0][0] > 0.8 * (IMAGES - 1) / 30


def test_a_port_in_use_is_told_in_one_line_and_no_file_is_touched(
    folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(following, 'load_tracker', lambda *settings: FakeTracker())
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        words = ['track', str(folder), '--view', '--port', str(port), '--out']
        assert cli.main([*words, str(tmp_path / 'out')]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f'cannot listen on 127.0.0.1, port {port}: the port is in use' in line
    assert not (tmp_path / 'out').exists()
