# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A box proposed around what stands out at a place of a thermal image."""

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.grow import propose_box

HEIGHT, WIDTH = 96, 128


def scene(box: Box, contrast: float, noise: float, seed: int) -> np.ndarray:
    """Make an ellipse that fills a box, on a ground with a slope and noise."""
    random = np.random.default_rng(seed)
    image = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    image += np.linspace(-0.03, 0.03, WIDTH, dtype=np.float32)
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    axes = box.w / 2 - 0.5, box.h / 2 - 0.5
    middle = round((box.cx - 0.5) * 16), round((box.cy - 0.5) * 16)
    cv2.ellipse(mask, middle, tuple(round(a * 16) for a in axes), 0, 0, 360, 1, -1, shift=4)
    image += contrast * mask + noise * random.standard_normal(image.shape).astype(np.float32)
    return np.clip(image, 0, 1)


objects = st.builds(
    lambda w, h, x, y: Box(round(x * (WIDTH - w)), round(y * (HEIGHT - h)), w, h),
    st.integers(6, 36), st.integers(6, 36), st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    objects, st.sampled_from([-0.4, -0.2, 0.2, 0.4]), st.floats(0, 0.02), st.integers(0, 99),
    st.floats(-0.25, 0.25), st.floats(-0.25, 0.25),
)  # fmt: skip
def test_a_warm_or_cold_object_anywhere_gets_its_box(box, contrast, noise, seed, dx, dy):
    image = scene(box, contrast, noise, seed)
    found = propose_box(image, box.cx + dx * box.w, box.cy + dy * box.h)
    assert found is not None
    assert found.iou(box) > 0.6


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(np.float32, (12, 15), elements=st.floats(0, 1, width=32)),
    st.floats(0, 14.99),
    st.floats(0, 11.99),
)
def test_a_box_is_in_the_image_around_the_place_and_not_larger_than_half(image, x, y):
    found = propose_box(image, x, y)
    if found is not None:
        assert found.clipped(15, 12) == found and found.area > 0
        assert found.x <= int(x) < found.x + found.w and found.y <= int(y) < found.y + found.h
        assert max(found.w, found.h) <= 6


@settings(max_examples=30, deadline=None)
@given(objects, st.floats(0.2, 0.8), st.integers(0, 9))
def test_neither_polarity_nor_gain_changes_the_box(box, gain, seed):
    image = scene(box, 0.3, 0.01, seed).astype(np.float64)
    found = propose_box(image.astype(np.float32), box.cx, box.cy)
    for other in (1 - image, gain * image):
        again = propose_box(other.astype(np.float32), box.cx, box.cy)
        assert again.iou(found) > 0.9


@pytest.mark.parametrize('noise', [0.0, 0.02])
def test_where_nothing_stands_out_there_is_no_box(noise):
    random = np.random.default_rng(1)
    image = 0.5 + noise * random.standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    found = [propose_box(image.astype(np.float32), x, 40) for x in range(10, 120, 5)]
    assert found.count(None) >= len(found) - 1


def test_of_two_objects_that_of_the_place_is_taken():
    image = np.maximum(
        scene(Box(20, 20, 16, 20), 0.4, 0, 1), scene(Box(60, 24, 20, 14), 0.3, 0, 1)
    )
    assert propose_box(image, 28, 30).iou(Box(20, 20, 16, 20)) > 0.8
    assert propose_box(image, 70, 31).iou(Box(60, 24, 20, 14)) > 0.8


@pytest.mark.parametrize(('x', 'y'), [(-1, 5), (128, 5), (5, 96), (float('nan'), 5)])
def test_a_place_outside_of_the_image_is_refused(x, y):
    with pytest.raises(ValueError, match='outside of the image of 128 x 96 pixels'):
        propose_box(np.zeros((HEIGHT, WIDTH), np.float32), x, y)
