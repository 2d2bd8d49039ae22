# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A lost target is looked for in the whole image, and believed only when it is known again."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from one_target import OneTarget
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.simulation import render
from tir_tracker_ros.tracking.loading import load_tracker
from tir_tracker_ros.tracking.redetection import Redetection
from tir_tracker_ros.tracking.states import Thresholds
from tir_tracker_ros.tracking.track import Estimate

BOX = Box(100, 80, 20, 30)


THRESHOLDS = Thresholds()
SHAPE = (240, 320)


def lost(box=BOX, images=5):
    """A search that has begun, for a target last seen at `box`."""
    redetection = Redetection(box)
    for _ in range(images):
        redetection.judge(Estimate(Box(0, 0, 5, 5), 0.1), THRESHOLDS)
    return redetection


def test_nothing_is_looked_for_while_the_target_is_seen():
    assert not lost(images=4).searching(THRESHOLDS)
    redetection = lost()
    assert redetection.searching(THRESHOLDS)
    redetection.judge(Estimate(BOX, 0.5), THRESHOLDS)
    assert not redetection.searching(THRESHOLDS)


@settings(max_examples=30)
@given(st.floats(-20, 340), st.floats(-20, 260), st.floats(2, 200), st.floats(20, 400))
def test_places_cover_the_image_and_go_outwards(x, y, size, step):
    redetection = lost(Box.from_center(x, y, size, size))
    places = [redetection.next_place(SHAPE, step)]
    while (place := redetection.next_place(SHAPE, step)) != places[0]:
        places.append(place)
    centres = np.array([(place.cx, place.cy) for place in places])
    assert all(place.w == pytest.approx(size) for place in places)
    assert (centres >= -1e-6).all() and (centres <= (320 + 1e-6, 240 + 1e-6)).all()
    rows, columns = np.mgrid[0:241:16, 0:321:16]
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
    nearest = np.abs(pixels[:, None] - centres[None]).max(axis=2).min(axis=1)
    assert nearest.max() <= step / 2 + 1e-6
    distances = np.hypot(*(centres - centres[0]).T)
    assert (np.diff(distances) > -1e-6).all()


def test_it_begins_where_the_target_was_seen_and_goes_on_from_image_to_image():
    redetection = lost()
    first, second, third = (redetection.next_place(SHAPE, 40) for _ in range(3))
    assert first == BOX and len({first, second, third}) == 3


def test_one_sweep_is_like_the_other():
    redetection = lost()
    places = [redetection.next_place(SHAPE, 40) for _ in range(63 * 3)]
    assert len(set(places)) == 63
    assert places[:63] == places[63:126] == places[126:]


@pytest.mark.parametrize('side', [1, 4, 8])
def test_a_sweep_for_a_small_target_is_short_and_its_first_place_is_there_at_once(side):
    """Its steps are coarser away from where it was seen."""
    shape, step = (512, 640), 2.0 * side
    redetection = lost(Box.from_center(300, 200, side, side))
    began = time.process_time()
    places = [redetection.next_place(shape, step)]
    assert time.process_time() - began < 0.05  # it was 0.24 s for a side of 1
    places += [redetection.next_place(shape, step) for _ in range(1400 - 1)]
    assert places[0] == redetection.seen
    centres = np.array([(place.cx, place.cy) for place in places])
    near = np.abs(centres[:225] - (300, 200)).max(axis=1)
    assert len(set(places[:225])) == 225 and near.max() == pytest.approx(7 * step)
    rows, columns = np.mgrid[0:513:16, 0:641:16]
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
    nearest = np.abs(pixels[:, None] - centres[None]).max(axis=2).min(axis=1)
    assert nearest.max() <= 12  # of the whole image, in 23 s at 30 Hz


def test_the_sweeps_for_a_small_target_together_leave_nothing_unseen():
    shape, step = (240, 320), 4.0
    redetection = lost(Box.from_center(33, 211, 2, 2))
    places = [redetection.next_place(shape, step) for _ in range(12_000)]
    rows, columns = np.mgrid[0:241:4, 0:321:4]
    seen = np.zeros(rows.shape, bool)
    for place in set(places):
        near = np.maximum(np.abs(columns - place.cx), np.abs(rows - place.cy))
        seen |= near <= step / 2 + 1e-6
    assert seen.all()


def test_a_weak_match_elsewhere_is_not_believed():
    redetection = lost()
    assert not redetection.believes(Estimate(Box(10, 10, 20, 30), 0.8), THRESHOLDS)
    assert redetection.seen == BOX
    found = Estimate(Box(10, 10, 20, 30), 0.95)
    assert redetection.believes(found, THRESHOLDS) and redetection.seen == found.box
    assert not redetection.searching(THRESHOLDS)


def overlaps_after_return(redetection):
    """Overlaps with a target that was hidden for ten images and came back far away."""
    image, box = next(iter(render('easy', seed=3, frames=2)))
    gray = image.pixels.astype(np.float32) / 255
    height, width = gray.shape
    tracker = OneTarget(load_tracker('mmnet_fast', 'cpu', redetection=redetection))
    tracker.start(gray, box)
    tracker.update(gray)
    margin = 12
    top, left = int(box.y) - margin, int(box.x) - margin
    piece = gray[top : int(box.y + box.h) + margin, left : int(box.x + box.w) + margin].copy()
    empty = gray.copy()
    empty[top : top + piece.shape[0], left : left + piece.shape[1]] = np.median(gray)
    x = 4 if box.cx > width / 2 else width - piece.shape[1] - 4
    y = 4 if box.cy > height / 2 else height - piece.shape[0] - 4
    for _ in range(10):
        tracker.update(empty)
    back = empty.copy()
    back[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
    truth = Box(x + box.x - left, y + box.y - top, box.w, box.h)
    return [tracker.update(back).box.iou(truth) for _ in range(15)]


def test_a_target_that_comes_back_far_away_is_found_again():
    assert overlaps_after_return(redetection=True)[-1] > 0.5
    assert overlaps_after_return(redetection=False)[-1] == 0
