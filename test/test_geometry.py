# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Boxes: reading, clipping, overlap."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from tir_tracker_ros.geometry import Box, corners, hull, iou

places = st.floats(-1e4, 1e4)
sides = st.floats(1e-3, 1e4)
boxes = st.builds(Box, places, places, sides, sides)
wild = st.builds(Box, *[st.floats() for _ in range(4)])


def test_parse_reads_commas_spaces_and_tabs():
    expected = Box(1.5, -2, 30, 4e1)
    for text in ('1.5,-2,30,4e1', '1.5 -2 30 40', ' 1.5, -2,\t30 ,40 '):
        assert Box.parse(text) == expected


@pytest.mark.parametrize('text', ['', '1,2,3', '1,2,3,4,5', 'a,b,c,d', '1;2;3;4'])
def test_parse_names_a_text_that_is_no_box(text):
    with pytest.raises(ValueError, match=f"box '{text}'"):
        Box.parse(text)


@given(boxes)
def test_centre_form_and_corner_form_are_the_same_box(box):
    again = Box.from_center(box.cx, box.cy, box.w, box.h)
    assert np.allclose(tuple(again), tuple(box), atol=1e-6)


@given(boxes, st.floats(0.1, 10))
def test_scaling_keeps_the_centre(box, factor):
    scaled = box.scaled(factor)
    assert math.isclose(scaled.cx, box.cx, abs_tol=1e-6)
    assert math.isclose(scaled.cy, box.cy, abs_tol=1e-6)
    assert math.isclose(scaled.area, box.area * factor**2, rel_tol=1e-9)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_between_0_and_1(first, second):
    assert 0 <= first.iou(second) <= 1
    assert first.iou(second) == second.iou(first)


@given(boxes)
def test_a_box_overlaps_itself_fully(box):
    assert box.iou(box) == pytest.approx(1, abs=1e-6)


@given(boxes, st.floats(1, 1e4))
def test_boxes_apart_do_not_overlap(box, gap):
    assert box.iou(Box(box.x + box.w + gap, box.y, box.w, box.h)) == 0


def test_half_a_box_beside_gives_one_third():
    assert Box(0, 0, 2, 2).iou(Box(1, 0, 2, 2)) == pytest.approx(1 / 3)


@given(st.lists(st.tuples(boxes, boxes), min_size=1, max_size=5))
def test_paired_overlaps_equal_single_overlaps(pairs):
    first, second = (np.array([tuple(box) for box in side]) for side in zip(*pairs))
    assert iou(first, second).tolist() == [a.iou(b) for a, b in pairs]


def test_no_pairs_give_no_overlaps():
    assert iou(np.empty((0, 4)), np.empty((0, 4))).shape == (0,)


@given(wild, wild)
def test_overlap_of_any_numbers_is_between_0_and_1(first, second):
    assert 0 <= first.iou(second) <= 1


@given(wild.filter(lambda box: not box.is_finite() or box.w <= 0 or box.h <= 0), boxes)
def test_a_box_without_size_or_not_finite_overlaps_nothing(broken, box):
    assert broken.iou(box) == 0
    assert box.iou(broken) == 0


@given(boxes, st.integers(1, 2000), st.integers(1, 2000))
def test_clipping_stays_inside_the_image_and_is_idempotent(box, width, height):
    clipped = box.clipped(width, height)
    assert 0 <= clipped.x <= width and 0 <= clipped.y <= height
    assert clipped.w >= 0 and clipped.h >= 0
    assert clipped.x + clipped.w <= width * (1 + 1e-12)
    assert clipped.y + clipped.h <= height * (1 + 1e-12)
    assert np.allclose(tuple(clipped.clipped(width, height)), tuple(clipped))


@given(boxes)
def test_clipping_keeps_a_box_that_is_inside(box):
    inside = Box(abs(box.x), abs(box.y), box.w, box.h)
    assert np.allclose(tuple(inside.clipped(1e5, 1e5)), tuple(inside), atol=1e-6)


@given(wild)
def test_area_is_never_negative(box):
    assert not box.area < 0


def test_a_finite_box_is_told_from_one_that_is_not():
    assert Box(0, 0, 1, 1).is_finite()
    assert not Box(0, math.nan, 1, 1).is_finite()
    assert not Box(0, 0, math.inf, 1).is_finite()


def test_a_turned_box_has_its_corners_clockwise_in_the_image():
    box = Box.from_center(100, 50, 40, 20)
    assert corners(box).tolist() == [[80, 40], [120, 40], [120, 60], [80, 60]]
    # A quarter turn clockwise, in an image whose rows go down, brings the upper left to the right.
    quarter = corners(box, math.pi / 2)
    assert np.allclose(quarter, [[110, 30], [110, 70], [90, 70], [90, 30]])
    assert np.allclose(tuple(hull(box, math.pi / 2)), (90, 30, 20, 40))


@given(boxes, st.floats(-10, 10))
def test_the_hull_of_a_turned_box_holds_its_corners_and_no_more(box, theta):
    around = hull(box, theta)
    low, high = corners(box, theta).min(axis=0), corners(box, theta).max(axis=0)
    assert np.allclose((around.x, around.y), low, atol=1e-6)
    assert np.allclose((around.x + around.w, around.y + around.h), high, atol=1e-6)
