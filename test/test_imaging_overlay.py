# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The overlay: a box in the colour of the state, and never a crash."""

from __future__ import annotations

import numpy as np
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.overlay import draw_overlay, STATE_COLORS

GRAY = np.full((120, 160), 0.5, np.float32)
BOX = Box(40, 50, 60, 40)


def test_without_a_target_the_image_is_only_gray():
    drawn = draw_overlay(GRAY, state='')
    assert drawn.shape == (120, 160, 3) and drawn.dtype == np.uint8
    assert (drawn == 128).all()


@pytest.mark.parametrize('state', STATE_COLORS)
def test_the_box_has_the_colour_of_its_state(state):
    drawn = draw_overlay(GRAY, BOX, state)
    assert drawn[90, 40].tolist() == list(STATE_COLORS[state])
    assert drawn[60:80, 50:90].tolist() == np.full((20, 40, 3), 128).tolist()


def test_a_lost_box_is_dashed_and_a_tracked_one_is_not():
    def gaps(state: str) -> int:
        edge = draw_overlay(GRAY, BOX, state)[90, 41:99]
        return int((edge != np.array(STATE_COLORS[state])).any(axis=1).sum())

    assert gaps('tracking') == 0
    assert 10 < gaps('lost') < 48


def test_score_and_id_are_written():
    plain = draw_overlay(GRAY, BOX, 'tracking')
    assert (draw_overlay(GRAY, BOX, 'tracking', 0.9) != plain).any()
    assert (draw_overlay(GRAY, BOX, 'tracking', id='car') != plain).any()


def test_the_response_inset_keeps_away_from_the_box():
    response = np.zeros((17, 17), np.float32)
    response[8, 8] = 1
    top_right = draw_overlay(GRAY, BOX, response=response)
    assert (top_right[5, 150] != 128).any() and (top_right[110, 150] == 128).all()
    bottom_right = draw_overlay(GRAY, Box(140, 10, 15, 15), response=response)
    assert (bottom_right[110, 150] != 128).any()


def test_a_trail_connects_the_earlier_centres_in_the_colour_of_the_state():
    drawn = draw_overlay(GRAY, BOX, 'tracking', trail=[(10, 20), (30, 20), (30, 100)])
    for x, y in ((12, 20), (28, 20), (30, 40), (30, 98)):
        assert drawn[y, x].tolist() == list(STATE_COLORS['tracking'])
    assert (drawn[60, 20] == 128).all()
    for trail in ([], [(10, 20)]):
        assert (draw_overlay(GRAY, BOX, trail=trail) == draw_overlay(GRAY, BOX)).all()


def test_the_number_of_the_image_stands_in_a_lower_corner_away_from_the_box():
    def changed(box: Box) -> list[int]:
        plain, numbered = draw_overlay(GRAY, box), draw_overlay(GRAY, box, number=217)
        assert (draw_overlay(GRAY, box, number=218) != numbered).any()
        return np.nonzero((plain != numbered).any(axis=(0, 2)))[0].tolist()

    assert max(changed(BOX)) < 80
    assert min(changed(Box(5, 100, 30, 18))) > 80
    assert (draw_overlay(GRAY, None, '', number=0)[100:] != 128).any()


@pytest.mark.parametrize(
    'box',
    [
        Box(-1e9, 5, 2e9, 10),
        Box(500, 500, 10, 10),
        Box(5, 5, 0, 0),
        Box(float('nan'), 0, 10, 10),
        Box(-5, 110, 300, 300),
    ],
)
@pytest.mark.parametrize('size', [(120, 160), (4, 3), (1, 1)])
def test_no_box_and_no_image_size_breaks_it(box, size):
    image01 = np.zeros(size, np.float32)
    for state in (*STATE_COLORS, 'unheard of'):
        response = np.full((3, 3), np.nan, np.float32)
        trail = [(box.cx, box.cy), (1e12, -1e12), (float('nan'), 0)]
        drawn = draw_overlay(image01, box, state, 0.5, 'a' * 40, response, trail, 10**9)
        assert drawn.shape == (*size, 3)


def test_a_turned_box_is_drawn_turned():
    drawn = draw_overlay(GRAY, Box.from_center(80, 60, 60, 20), 'tracking', theta=np.pi / 4)
    color = list(STATE_COLORS['tracking'])
    # The middles of the short sides lie 30 pixels along the diagonal from upper left.
    for x, y in ((101, 81), (59, 39)):
        assert (drawn[y - 1 : y + 2, x - 1 : x + 2] == color).all(axis=2).any()
    assert (drawn[60, 50] == 128).all(), 'nothing is where the upright box would be'


def test_the_pixels_of_a_mask_are_tinted_and_no_others():
    mask = np.zeros(GRAY.shape, bool)
    mask[60:70, 60:75] = True
    plain, drawn = draw_overlay(GRAY, BOX), draw_overlay(GRAY, BOX, mask=mask)
    assert ((drawn != plain).any(axis=2) == mask).all()
    blue, green, red = drawn[65, 65].tolist()
    assert green > 128 > max(blue, red), 'of the state that is told'
