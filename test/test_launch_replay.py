# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""replay.launch.py: a bag, image by image, against the true boxes of its scene."""

import csv
from pathlib import Path

from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
import launch_pytest
from launch_pytest.actions import ReadyToTest
from node_rig import box_of, Observer, stamp_of
import pytest
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D

from launch import LaunchDescription
from tir_tracker_ros.commands.simulate import write_bag
from tir_tracker_ros.simulation import render

LAUNCH = Path(__file__).resolve().parents[1] / 'launch' / 'replay.launch.py'
FRAMES = 24


@pytest.fixture(scope='module')
def golden():
    """Return the scene as a list of (image, box)."""
    return list(render('demo', seed=3, frames=FRAMES, size=(320, 256)))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Hold the bag of the scene, parameters, and the node's record."""
    folder = tmp_path_factory.mktemp('replay')
    write_bag(render('demo', seed=3, frames=FRAMES, size=(320, 256)), folder / 'bag')
    (folder / 'parameters.yaml').write_text(
        f'/**:\n  ros__parameters:\n    threads: 1\n    record_path: {folder / "record.csv"}\n'
    )
    return folder


@launch_pytest.fixture(scope='module')
def replayed(folder):
    source = PythonLaunchDescriptionSource(str(LAUNCH))
    arguments = {
        'bag': str(folder / 'bag'),
        'topics': '/thermal/image_raw /tracker/init',
        'image': '/thermal/image_raw',
        'params_file': str(folder / 'parameters.yaml'),
        'rate': '0.2',  # slow enough for every image on any machine
        'use_sim_time': 'true',
        'wait_for': '2',  # the tracker, and then the test
    }
    include = IncludeLaunchDescription(source, launch_arguments=arguments.items())
    return LaunchDescription([include, ReadyToTest()])


@pytest.mark.launch(fixture=replayed)
def test_every_image_is_answered_with_the_golden_box(golden, folder):
    observer = Observer()
    detections: list[Detection2D] = []
    observer.listen(Detection2D, '/tracker/detection', detections)
    count = observer.node.count_publishers
    observer.until(lambda: count('/tracker/detection'), 'the tracker', 60.0)
    observer.listen(Image, '/thermal/image_raw', [])
    observer.until(lambda: len(detections) >= FRAMES, 'all answers', 90.0)
    observer.end()
    assert [stamp_of(message) for message in detections] == [image.stamp for image, _ in golden]
    assert {message.header.frame_id for message in detections} == {'thermal_camera'}
    overlaps = [box_of(m).iou(box) for m, (_, box) in zip(detections, golden) if box]
    assert sum(overlaps) / len(overlaps) > 0.6
    assert overlaps[0] > 0.99
    with (folder / 'record.csv').open() as file:
        rows = [row for row in csv.DictReader(file) if row['state'] != 'idle']
    assert [int(row['stamp']) for row in rows] == [image.stamp for image, _ in golden]
