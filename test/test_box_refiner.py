# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The box refiner: it compares cell by cell, corrects wrong boxes, and knows when it cannot."""

import cv2
from hypothesis import given, settings, strategies
import numpy as np
import pytest
import torch

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.subwindow import crop
from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.box_refiner import BoxRefiner
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.tracking.refinement import RefinerSize
from tir_tracker_ros.tracking.settings import TrackingSettings
from tir_tracker_ros.tracking.size import Found
from tir_tracker_ros.tracking.torch_runtime import TorchRefiner

BOX = Box(120, 90, 48, 36)
MARGIN = 0.01
"""Of overlap; 0.018 were measured, and up to 0.034 with other noise."""


def image(box=BOX, change=0.0, scroll=0):
    """Draw a warm textured block over a blurred background; `change` cools it, up to 1."""
    random = np.random.default_rng(3)
    background = cv2.GaussianBlur(random.random((240, 320), np.float32), (0, 0), 4)
    background = np.roll(background, scroll, axis=1)
    texture = cv2.GaussianBlur(random.random((18, 24), np.float32), (0, 0), 1)
    texture = 0.5 * (1 - change) + 0.5 * texture
    scale_x, scale_y = box.w / 24, box.h / 18
    matrix = np.array(
        [[scale_x, 0, box.x + scale_x / 2 - 0.5], [0, scale_y, box.y + scale_y / 2 - 0.5]]
    )
    return cv2.warpAffine(
        texture, matrix, (320, 240), dst=background, borderMode=cv2.BORDER_TRANSPARENT
    )


@pytest.fixture(scope='module')
def shipped():
    return prepare(zoo.load_refiner(), torch.device('cpu'), torch.float32)


class Refinement:
    """The refiner's way to follow the size, with one target."""

    def __init__(self, network, interval, picture, box):
        settings = TrackingSettings(refiner_interval=interval)
        self._size = RefinerSize(settings, TorchRefiner(network))
        self.first_box, self.size_memory = box, self._size.start(picture, box)

    def refine(self, picture, box):
        """Correct a box; what `update` learns is what was corrected last."""
        [self.sized] = self._size.measure(picture, [Found(self, box)])
        return self.sized.box

    def update(self, picture):
        """Learn of the last box."""
        self._size.learn(picture, self, self.sized)


@pytest.fixture(scope='module')
def refinement(shipped):
    """Tests share it: with interval 0, it compares with the first image alone."""
    return Refinement(shipped, 0, image(), BOX)


def test_an_untrained_refiner_leaves_boxes_alone():
    window = torch.rand(2, 1, BoxRefiner.size, BoxRefiner.size)
    correction = BoxRefiner().eval()(window, window)
    assert not correction.offset.any()
    torch.testing.assert_close(correction.spread, torch.full((2, 4), 0.1), rtol=0.01, atol=0)


def test_prepared_refiner_answers_like_the_trained_one(shipped):
    windows = torch.rand(2, 3, 1, BoxRefiner.size, BoxRefiner.size)
    with torch.inference_mode():
        trained = zoo.load_refiner()
        slow, fast = trained(*windows), shipped(*windows)
        told = [one.verify(*map(one.embed, windows)) for one in (trained, shipped)]
    torch.testing.assert_close(fast.offset, slow.offset, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(fast.spread, slow.spread, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(*told, rtol=1e-2, atol=1e-3)


@settings(max_examples=25)
@given(strategies.tuples(*4 * [strategies.floats(-0.2, 0.2)]))
def test_wrong_boxes_become_better(refinement, error):
    x, y, w, h = error
    wrong = Box.from_center(
        BOX.cx + x * BOX.w, BOX.cy + y * BOX.h, BOX.w * np.exp(w), BOX.h * np.exp(h)
    )
    before, box, picture = wrong.iou(BOX), wrong, image()
    for _ in range(5):
        box = refinement.refine(picture, box)
    assert box.iou(BOX) > max(0.8, before - 0.1)


def test_a_change_of_shape_is_followed(refinement):
    box = BOX
    for growth in np.linspace(0, 0.4, 30):
        truth = Box.from_center(160, 120, 48 * np.exp(growth), 36 * np.exp(-growth / 2))
        box = refinement.refine(image(truth), box)
    assert box.iou(truth) > 0.8


def test_a_recent_reference_helps_to_hold_a_target_that_has_changed(shipped):
    truth = BOX.scaled(0.5)
    random = np.random.default_rng(0)
    pictures, errors = [], random.normal(0, 0.2, (50, 2))
    for index in range(50):
        noise = random.normal(0, 0.05, (240, 320)).astype(np.float32)
        pictures.append(image(truth, min(index / 20, 1), 4 * index) + noise)
    overlaps = {20: [], 0: []}
    for interval in overlaps:
        refinement, box = Refinement(shipped, interval, image(truth), truth), truth
        for index, (picture, (x, y)) in enumerate(zip(pictures, errors)):
            guess = Box.from_center(truth.cx + x * box.w, truth.cy + y * box.h, box.w, box.h)
            box = refinement.refine(picture, guess)
            refinement.update(picture)
            if index >= 20:
                overlaps[interval].append(box.iou(truth))
    assert np.mean(overlaps[20]) > np.mean(overlaps[0]) + MARGIN


def test_without_its_target_it_is_less_sure(shipped):
    empty = cv2.GaussianBlur(np.random.default_rng(5).random((240, 320), np.float32), (0, 0), 4)
    size, (width, height) = shipped.size, (shipped.context * side for side in (BOX.w, BOX.h))
    there, gone = (
        torch.from_numpy(crop(one, BOX.cx, BOX.cy, width, height, size, size))[None, None]
        for one in (image(), empty)
    )
    with torch.inference_mode():
        seen, unseen = (shipped(there, window).spread for window in (there, gone))
    assert (unseen > 2 * seen).all()


def test_the_first_image_is_known_again_only_where_its_target_is(refinement):
    refinement.refine(image(), BOX)
    there = refinement.sized.agreement
    elsewhere = image(Box(240, 20, 48, 36))
    refinement.refine(elsewhere, BOX)
    gone = refinement.sized.agreement
    # Another warm object in its place, of its size.
    cv2.ellipse(elsewhere, (144, 108), (24, 18), 0, 0, 360, 1.0, -1)
    refinement.refine(elsewhere, BOX)
    other = refinement.sized.agreement
    assert -1 <= gone < -0.2 and there <= 1
    assert other < there - 0.5
