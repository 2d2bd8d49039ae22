# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sub-windows: sub-pixel place, padding, no aliasing."""

from __future__ import annotations

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from tir_tracker_ros.imaging.subwindow import crop

ROWS, COLUMNS = np.mgrid[:60, :80] + 0.5


def _blob(cx: float, cy: float, sigma: float = 5) -> np.ndarray:
    return np.exp(-((COLUMNS - cx) ** 2 + (ROWS - cy) ** 2) / (2 * sigma**2)).astype(np.float32)


def _centroid(window: np.ndarray) -> tuple[float, float]:
    rows, columns = np.mgrid[: window.shape[0], : window.shape[1]] + 0.5
    return (window * columns).sum() / window.sum(), (window * rows).sum() / window.sum()


def test_the_window_that_is_the_image_returns_the_image():
    image = np.random.default_rng(0).random((60, 80), np.float32)
    assert np.allclose(crop(image, 40, 30, 80, 60, 80, 60), image, atol=1e-6)


@pytest.mark.parametrize('kind', [np.uint8, np.uint16, np.float32])
def test_every_pixel_type_becomes_float32_without_rounding(kind):
    image = (COLUMNS * 2).astype(kind)
    window = crop(image, 40.25, 30, 20, 20, 20, 20)
    assert window.dtype == np.float32
    assert np.allclose(window[0], image[0, 30:50] + 0.5, atol=0.1)


@settings(max_examples=50, deadline=None)
@given(st.floats(25, 55), st.floats(25, 35), st.floats(0.4, 3.0))
def test_the_middle_of_the_window_is_the_centre_asked_for(cx, cy, scale):
    window = crop(_blob(cx, cy, 2), cx, cy, 24, 24, round(24 / scale), round(24 / scale))
    middle = window.shape[0] / 2
    assert _centroid(window) == pytest.approx((middle, middle), abs=0.06)


@settings(max_examples=50, deadline=None)
@given(st.integers(-12, 12), st.integers(-12, 12), st.floats(0, 1), st.floats(8, 40))
def test_the_crop_of_a_shifted_image_is_the_shifted_crop(dx, dy, fraction, side):
    image = np.random.default_rng(3).random((60, 80), np.float32)
    shifted = np.roll(image, (dy, dx), (0, 1))
    expected = crop(image, 40 + fraction, 30, side, side, 32, 32, fill=0.5)
    found = crop(shifted, 40 + dx + fraction, 30 + dy, side, side, 32, 32, fill=0.5)
    # Without a border in sight the two see the same pixels.
    if side / 2 + 15 < 30:
        assert np.allclose(found, expected, atol=0.04)


@settings(max_examples=50, deadline=None)
@given(st.floats(-20, 100), st.floats(-20, 80), st.floats(4, 60), st.floats(4, 60))
def test_a_window_equals_bilinear_interpolation_of_the_padded_image(cx, cy, side_w, side_h):
    image = cv2.GaussianBlur(np.random.default_rng(4).random((60, 80), np.float32), (0, 0), 2)
    out_w, out_h = 40, 36  # never shrinks by two
    window = crop(image, cx, cy, side_w, side_h, out_w, out_h, fill=0.5)
    pad = 90
    padded = np.pad(image.astype(float), pad, constant_values=0.5)
    x = cx - side_w / 2 + (np.arange(out_w) + 0.5) * side_w / out_w - 0.5 + pad
    y = cy - side_h / 2 + (np.arange(out_h) + 0.5) * side_h / out_h - 0.5 + pad
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    u, v = (x - column)[None, :], (y - row)[:, None]
    at = lambda r, c: padded[np.ix_(row + r, column + c)]  # noqa: E731
    expected = (1 - v) * ((1 - u) * at(0, 0) + u * at(0, 1))
    expected += v * ((1 - u) * at(1, 0) + u * at(1, 1))
    assert np.abs(window - expected).max() < 0.02


@pytest.mark.parametrize('shrink', [1, 3])
def test_outside_of_the_image_is_its_nearest_pixel_or_the_fill(shrink):
    rows, columns = np.indices((60, 80), np.float32)
    image = cv2.GaussianBlur(np.sin(rows / 9) + columns / 80, (0, 0), 4)
    side = 150 * shrink
    window = crop(image, 10, 50, side, side, 150, 150)
    index = (np.arange(150) + 0.5) * shrink - side / 2
    x = np.clip(index + 10, 0, 79).astype(int)
    y = np.clip(index + 50, 0, 59).astype(int)
    nearest = image[np.ix_(y, x)]
    assert np.abs(window - nearest).max() < 0.05 * shrink
    assert crop(image, 0, 0, 40, 40, 40, 40, fill=0.25)[0, 0] == 0.25
    assert (crop(image, -500, 900, 40, 40, 8, 8, fill=0.25) == 0.25).all()
    beside = crop(image, -500, 30, 40, 40, 40, 40)
    assert np.abs(beside[:, 20] - image[10:50, 0]).max() < 0.05


def test_shrinking_averages_instead_of_picking_pixels():
    checkerboard = (np.indices((60, 80)).sum(0) % 2).astype(np.float32)
    for shift in (0, 0.3, 1.5):
        window = crop(checkerboard, 40 + shift, 30, 48, 48, 12, 12)
        assert np.abs(window - 0.5).max() < 0.01


def test_shrinking_keeps_the_place_beside_the_border_of_the_image():
    image = _blob(76, 57, 3)
    window = crop(image, 76, 57, 45, 45, 15, 15, fill=0)
    inside = crop(_blob(46, 37, 3), 46, 37, 45, 45, 15, 15, fill=0)
    assert np.allclose(window[:8, :8], inside[:8, :8], atol=0.05)


def test_a_huge_window_costs_no_huge_memory():
    window = crop(_blob(40, 30), 40, 30, 1e7, 1e7, 32, 32)
    assert np.isfinite(window).all()


@pytest.mark.parametrize(
    ('place', 'message'),
    [
        ((float('nan'), 30, 10, 10), 'nan'),
        ((40, 30, float('inf'), 10), 'inf'),
        ((40, 30, 0, 10), '0 x 10'),
        ((40, 30, 10, -3), '10 x -3'),
    ],
)
def test_a_window_without_size_or_place_is_named(place, message):
    with pytest.raises(ValueError, match=message):
        crop(_blob(40, 30), *place, 8, 8)


def test_an_output_without_size_is_named():
    with pytest.raises(ValueError, match='0 x 8'):
        crop(_blob(40, 30), 40, 30, 10, 10, 0, 8)
