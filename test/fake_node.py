# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The tracker node with a tracker that needs neither torch nor weights; a process for tests.

FAKE_MODEL_MS makes each image and each start take that long, with the interpreter free as in
torch; FAKE_LOAD_SECONDS is the same for the loading. While the file FAKE_FAILURE is there, the
model fails. Each picture that is drawn is told on the standard output, and each mask, which the
model `masked` has.
"""

from __future__ import annotations

import os
from pathlib import Path
import time

from fake_tracker import FakeTracker, MaskTracker

from tir_tracker_ros.nodes import outputs
from tir_tracker_ros.nodes.tracker_node import main

draw_overlay = outputs.draw_overlay


def told_overlay(*args, **kwargs):
    """Draw, and say so."""
    print('drawn', flush=True)
    return draw_overlay(*args, **kwargs)


class SlowTracker(FakeTracker):
    """The fake tracker at the pace of a network."""

    def start(self, image, box):
        self._work()
        return super().start(image, box)

    def update(self, image, tracks):
        self._work()
        return super().update(image, tracks)

    def _work(self):
        time.sleep(float(os.environ.get('FAKE_MODEL_MS', '0')) / 1e3)
        if Path(os.environ.get('FAKE_FAILURE', '/no/such/file')).exists():
            raise RuntimeError('out of memory')


class ToldMaskTracker(MaskTracker):
    """Masks, and boxes that are turned where that is asked for."""

    def _draw(self, image, box):
        print('mask', flush=True)
        return super()._draw(image, box)


def load(model: str, weights: str, **settings) -> FakeTracker:
    """Stand in for load_tracker."""
    time.sleep(float(os.environ.get('FAKE_LOAD_SECONDS', '0')))
    if weights:
        raise FileNotFoundError(f'no weights at {weights}')
    if model == 'defective':
        raise KeyError(model)
    if model == 'masked':
        return ToldMaskTracker(0.5 if settings.get('rotated_box') else 0.0)
    return SlowTracker()


if __name__ == '__main__':
    outputs.draw_overlay = told_overlay
    main(load=load)
