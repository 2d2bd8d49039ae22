# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The shipped presets give the stored boxes and scores: no change of the code moves them unseen.

They are those of simulated scenes, of 50 images each, in float32 on one thread. OpenCV 4 and 5
resample images a little differently, also in the simulator, so each has its own values; those of
OpenCV 4 were stored with 4.14. Where they are to change, `python test/test_golden_tracking.py`
stores them anew for the OpenCV that is installed, in a commit of its own.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tir_tracker_ros.imaging.gain import GainControl
from tir_tracker_ros.models.zoo import SHIPPED
from tir_tracker_ros.simulation import render
from tir_tracker_ros.tracking.loading import load_tracker

MAJOR = cv2.__version__.split('.')[0]
STORED = Path(__file__).parent / 'data' / 'golden' / f'tracking_opencv{MAJOR}.npz'
SCENES = (('clutter', 14), ('out_of_view', 15), ('occlusion', 16))
MODELS = sorted(path.stem for path in SHIPPED.glob('*_fast.safetensors'))


def estimates(model: str) -> dict[str, np.ndarray]:
    """Follow the target of each scene: `N x 5`, box and score of all images but the first."""
    tracker = load_tracker(model, 'cpu', threads=1, precision='float32')
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


@pytest.mark.parametrize('model', MODELS)
def test_boxes_and_scores_are_the_stored_ones(model):
    stored = np.load(STORED)
    for scene, found in estimates(model).items():
        np.testing.assert_allclose(found[:, :4], stored[scene][:, :4], rtol=0, atol=0.01)
        np.testing.assert_allclose(found[:, 4], stored[scene][:, 4], rtol=0, atol=0.001)


if __name__ == '__main__':
    everything: dict[str, np.ndarray] = {}
    for name in MODELS:
        everything |= estimates(name)
    np.savez_compressed(STORED, **{key: one.astype(np.float32) for key, one in everything.items()})
    print(f'stored {len(everything)} runs in {STORED.name}')
