# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a run of `track` or `replay` leaves in its folder."""

from __future__ import annotations

import csv
import math

import av
from fake_tracker import FakeTracker, MaskTracker
import pytest
from tiny_scene import tiny_scene

from tir_tracker_ros.commands.run_folder import BoxesWriter, RunFolder
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.gain import GainSettings
from tir_tracker_ros.sequences.source import open_source
from tir_tracker_ros.tracking.inits import InitRequest
from tir_tracker_ros.tracking.stream import Stream
from tir_tracker_ros.tracking.stream_settings import StreamSettings


def test_boxes_are_on_disk_line_by_line_and_a_lost_box_has_no_score(tmp_path):
    writer = BoxesWriter(tmp_path / 'new' / 'boxes.csv')
    writer.write(0, 10**18 + 1, Box(1, 2, 3.25, 4), 0.5, 'tracking')
    writer.write(1, 0, Box(1, 2, 3, 4), None, 'lost')
    assert (tmp_path / 'new' / 'boxes.csv').read_text() == (
        'frame,stamp,x,y,w,h,score,state\n'
        '0,1000000000000000001,1.000,2.000,3.250,4.000,0.5000,tracking\n'
        '1,0,1.000,2.000,3.000,4.000,,lost\n'
    )
    writer.close()


def test_the_folder_holds_every_image_once_also_with_a_late_init(tmp_path):
    images, boxes = tiny_scene(12)
    settings = StreamSettings(GainSettings(), buffer_size=5)
    run = RunFolder(tmp_path, 20, settings)
    stream = Stream(FakeTracker(), settings, on_image=run.answers)
    for frame, image in enumerate(images):
        run.image(frame, image)
        stream.image(image)
        if frame == 8:  # drawn on image 6
            stream.init(InitRequest(boxes[6], images[6].stamp))
    run.close()
    with (tmp_path / 'boxes.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row['frame']) for row in rows] == [6, 7, 8, 9, 10, 11]
    assert (run.answered, run.lost) == (6, 0)
    video = [image.pixels for image in open_source(tmp_path / 'annotated.mp4')]
    assert len(video) == 12
    # The box is drawn from image 6 on, though it came after image 8.
    drawn = []
    with av.open(str(tmp_path / 'annotated.mp4')) as container:
        for frame in container.decode(video=0):
            pixels = frame.to_ndarray(format='bgr24').astype(int)
            green = pixels[..., 1] - pixels[..., [0, 2]].max(axis=2)
            drawn.append(bool((green > 50).sum() > 10))
    assert drawn == [False] * 6 + [True] * 6


def test_rotated_boxes_have_their_angle_and_corners(tmp_path):
    writer = BoxesWriter(tmp_path / 'boxes.csv', ids=True, rotated=True)
    writer.write(0, 7, Box(80, 40, 40, 20), 0.5, 'tracking', id='a', theta=math.pi / 2)
    writer.close()
    assert (tmp_path / 'boxes.csv').read_text() == (
        'frame,stamp,x,y,w,h,score,state,theta,x1,y1,x2,y2,x3,y3,x4,y4,id\n'
        '0,7,80.000,40.000,40.000,20.000,0.5000,tracking,1.570796,'
        '110.000,30.000,110.000,70.000,90.000,70.000,90.000,30.000,a\n'
    )


@pytest.mark.parametrize('drawn', [(), ('mask',)])
def test_masks_are_drawn_only_where_they_are_shown(tmp_path, drawn):
    images, boxes = tiny_scene(3)
    tracker, settings = MaskTracker(), StreamSettings()
    run = RunFolder(tmp_path, 20, settings, drawn)
    stream = Stream(tracker, settings, on_image=run.answers)
    for frame, image in enumerate(images):
        run.image(frame, image)
        stream.image(image)
        if frame == 0:
            stream.init(InitRequest(boxes[0]))
    run.close()
    assert tracker.drawn == (2 if drawn else 0)
