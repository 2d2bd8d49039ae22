# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The tracker node with a tracker that needs neither torch nor weights; a process for tests.

FAKE_MODEL_MS makes each image take that long, with the interpreter free as in torch. Each picture
that is drawn is told on the standard output.
"""

from __future__ import annotations

import os
import time

from fake_tracker import FakeTracker

from tir_tracker_ros.nodes import outputs
from tir_tracker_ros.nodes.tracker_node import main

draw_overlay = outputs.draw_overlay


def told_overlay(*args, **kwargs):
    """Draw, and say so."""
    print('drawn', flush=True)
    return draw_overlay(*args, **kwargs)


class SlowTracker(FakeTracker):
    """The fake tracker at the pace of a network."""

    def update(self, image, tracks):
        time.sleep(float(os.environ.get('FAKE_MODEL_MS', '0')) / 1e3)
        return super().update(image, tracks)


def load(model: str, weights: str, **settings) -> SlowTracker:
    """Stand in for load_tracker."""
    if weights:
        raise FileNotFoundError(f'no weights at {weights}')
    if model == 'defective':
        raise KeyError(model)
    return SlowTracker()


if __name__ == '__main__':
    outputs.draw_overlay = told_overlay
    main(load=load)
