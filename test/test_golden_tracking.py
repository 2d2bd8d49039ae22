# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The shipped presets give the stored boxes and scores: no change of the code moves them unseen.

They are those of simulated scenes, of 50 images each, in float32 on one thread. OpenCV 4 and 5
resample images a little differently, also in the simulator, so each has its own values; those of
OpenCV 4 were stored with 4.14. Where they are to change, `python test/test_golden_tracking.py`
stores them anew for the OpenCV that is installed, in a commit of its own.
"""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pytest

from tir_tracker_ros import cli
from tir_tracker_ros.commands import following
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.gain import GainControl
from tir_tracker_ros.models.zoo import SHIPPED
from tir_tracker_ros.sequences import bags
from tir_tracker_ros.simulation import render
from tir_tracker_ros.tracking.engine import Engine
from tir_tracker_ros.tracking.loading import load_tracker

MAJOR = cv2.__version__.split('.')[0]
STORED = Path(__file__).parent / 'data' / 'golden' / f'tracking_opencv{MAJOR}.npz'
SCENES = (('clutter', 14), ('out_of_view', 15), ('occlusion', 16))
MODELS = sorted(path.stem for path in SHIPPED.glob('*_fast.safetensors'))


PEOPLE = {'left': Box(60, 47, 38, 103), 'right': Box(143, 59, 30, 89)}
"""Two people in the first image of the scene that is replayed."""


def in_float32(model: str) -> Engine:
    """Load the tracker whose values are stored."""
    return load_tracker(model, 'cpu', threads=1, precision='float32')


def estimates(model: str) -> dict[str, np.ndarray]:
    """Follow the target of each scene: `N x 5`, box and score of all images but the first."""
    tracker = in_float32(model)
    found = {}
    for category, seed in SCENES:
        gain, track, rows = GainControl(), None, []
        for image, box in render(category, seed=seed, frames=50):
            image01 = gain(image)
            if track is None:
                track = tracker.start(image01, box)
                continue
            [estimate] = tracker.update(image01, [track])
            rows.append([*estimate.box, estimate.score])
        found[f'{model}:{category}-{seed}'] = np.array(rows)
    return found


def replayed(folder: Path) -> dict[str, np.ndarray]:
    """Replay a bag of two targets: for each `N x 6`, frame, box and score."""
    bag = bags.BagWriter(folder / 'bag')
    for number, (image, _) in enumerate(render('look_alikes', seed=5, frames=25)):
        bag.write('/thermal/image', bags.image_message(image, 'thermal'), image.stamp + 1)
        for name, box in PEOPLE.items() if number == 0 else ():
            header = bags.header(image.stamp, 'thermal')
            bag.write('/tracker/init', bags.detection_message(header, box, 1.0, id=name), 2)
    bag.close()
    options = [f'--out={folder / "out"}', '--max-targets=2', '--quiet']
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, 'load_tracker', lambda *settings: in_float32('mmnet_fast'))
        assert cli.main(['replay', str(folder / 'bag'), *options]) == 0
    with (folder / 'out' / 'boxes.csv').open() as file:
        rows = list(csv.DictReader(file))
    columns = ('frame', 'x', 'y', 'w', 'h', 'score')
    return {
        name: np.array([[float(row[c]) for c in columns] for row in rows if row['id'] == name])
        for name in PEOPLE
    }


@pytest.mark.parametrize('model', MODELS)
def test_boxes_and_scores_are_the_stored_ones(model):
    stored = np.load(STORED)
    for scene, found in estimates(model).items():
        np.testing.assert_allclose(found[:, :4], stored[scene][:, :4], rtol=0, atol=0.01)
        np.testing.assert_allclose(found[:, 4], stored[scene][:, 4], rtol=0, atol=0.001)


def test_two_targets_of_a_bag_are_replayed_with_the_stored_boxes(tmp_path):
    stored = np.load(STORED)
    for name, found in replayed(tmp_path).items():
        expected = stored[f'replay:{name}']
        np.testing.assert_array_equal(found[:, 0], expected[:, 0])
        np.testing.assert_allclose(found[:, 1:5], expected[:, 1:5], rtol=0, atol=0.02)
        np.testing.assert_allclose(found[:, 5], expected[:, 5], rtol=0, atol=0.002)


if __name__ == '__main__':
    everything: dict[str, np.ndarray] = {}
    for name in MODELS:
        everything |= estimates(name)
    with TemporaryDirectory() as name:
        everything |= {f'replay:{one}': rows for one, rows in replayed(Path(name)).items()}
    np.savez_compressed(STORED, **{key: one.astype(np.float32) for key, one in everything.items()})
    print(f'stored {len(everything)} runs in {STORED.name}')
