# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Boxes of a network at run time: the papers' penalty, window and size rate, and masks."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.models.families import build, FAMILIES, find_preset
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.tracking.loading import build_engine
from tir_tracker_ros.tracking.masks import labelled, placed, rotated_box
from tir_tracker_ros.tracking.search_region import SearchRegion
from tir_tracker_ros.tracking.settings import MODES, TrackingSettings
from tir_tracker_ros.tracking.size import Found, NetworkSize

RUNTIME = SimpleNamespace(
    search_size=255, template_size=127, stride=8, context=1.0, cells=lambda size: size // 8 - 6
)
"""All that a search region asks of a runtime: that of SiamRPN++."""
PAPER = TrackingSettings.of(find_preset('siamrpnpp_r50'), 'paper')


@pytest.fixture
def seen():
    """Log-odds and boxes of five anchors in 25 x 25 cells, and the target's width and height."""
    random = np.random.default_rng(3)
    scores = random.normal(0, 3, (1, 5, 25, 25)).astype(np.float32)
    boxes = random.uniform(5, 120, (1, 5, 4, 25, 25)).astype(np.float32)
    return scores, boxes, (50.0, 30.0)


def papers_penalty(boxes, width, height, k):
    """The penalty of SiamRPN's equations 12 and 13, cell by cell."""
    penalty = np.empty((5, 25, 25))
    for place in np.ndindex(penalty.shape):
        w, h = boxes[0, place[0], 2:, place[1], place[2]].astype(float)
        side, before = (
            np.sqrt((a + (a + b) / 2) * (b + (a + b) / 2)) for a, b in ((w, h), (width, height))
        )
        scale = max(side / before, before / side)
        ratio = max((w / h) / (width / height), (width / height) / (w / h))
        penalty[place] = np.exp(-(ratio * scale - 1) * k)
    return penalty


def test_the_penalty_is_that_of_the_paper(seen):
    _, boxes, (width, height) = seen
    found = NetworkSize(PAPER).penalties(boxes, width, height)
    expected = papers_penalty(boxes, width, height, PAPER.size_penalty)
    np.testing.assert_allclose(np.exp(found[0]), expected, rtol=1e-4)


def test_the_place_is_chosen_as_in_the_paper(seen):
    scores, boxes, (width, height) = seen
    penalty = papers_penalty(boxes, width, height, PAPER.size_penalty)
    window = np.outer(np.hanning(25), np.hanning(25))
    weighted = penalty / (1 + np.exp(-scores[0].astype(float)))
    weighted = weighted * (1 - PAPER.window_weight) + window * PAPER.window_weight
    anchor, row, column = np.unravel_index(weighted.argmax(), weighted.shape)
    penalties = NetworkSize(PAPER).penalties(boxes, width, height)[0]
    found = SearchRegion(RUNTIME, PAPER).peak(scores[0], penalties=penalties)
    assert found == (anchor, row - 12, column - 12)


def test_a_smaller_response_lies_under_the_middle_of_the_window():
    region = SearchRegion(RUNTIME, PAPER)
    flat = np.zeros((1, 9, 9), np.float32)
    assert region.peak(flat)[1:] == (0, 0)
    flat[0, 1, 1] = 1.0
    whole = np.zeros((1, 25, 25), np.float32)
    whole[0, 9, 9] = 1.0
    assert region.peak(flat) == region.peak(whole)
    assert region.peak(flat, anywhere=True)[1:] == (-3, -3)


@pytest.mark.parametrize('trust, share', [(1.0, 0.38), (0.5, 0.19), (0.0, 0.0)])
def test_the_size_is_followed_as_far_as_the_box_is_certain(trust, share):
    track = SimpleNamespace(first_box=Box(40, 40, 20, 20))
    found = Found(track, Box(44, 40, 20, 20), network_box=Box(50, 40, 30, 10), trust=trust)
    [sized] = NetworkSize(PAPER).measure(np.zeros((120, 160)), [found])
    assert (sized.box.cx, sized.box.cy) == (65, 45)
    assert sized.box.w == pytest.approx(20 + 10 * share)
    assert sized.box.h == pytest.approx(20 - 10 * share)


def test_a_box_stays_in_the_image_and_within_its_limits():
    track = SimpleNamespace(first_box=Box(40, 40, 20, 20))
    size = NetworkSize(TrackingSettings(size='network', upsample=1, max_scale=100.0))
    far = Found(track, Box(44, 40, 20, 20), network_box=Box(-900, 700, 1e4, 1e-9))
    [sized] = size.measure(np.zeros((120, 160)), [far])
    assert 0 <= sized.box.cx <= 160 and 0 <= sized.box.cy <= 120
    assert sized.box.w == 160 and sized.box.h == pytest.approx(4)


def test_settings_that_do_not_go_with_boxes_are_refused():
    with pytest.raises(ValueError, match='size network and upsample 8 exclude each other'):
        TrackingSettings(size='network')
    with pytest.raises(ValueError, match='raw_maps and window cosine exclude each other'):
        TrackingSettings(raw_maps=True, window='cosine')
    with pytest.raises(ValueError, match=r'window_weight 1.5 is not in 0.0..1.0'):
        TrackingSettings(window='cosine', window_weight=1.5)
    engine = build_engine(
        prepare(build('cfnet_fast').eval(), torch.device('cpu'), torch.float32),
        TrackingSettings(size='network', upsample=1),
    )
    image = np.zeros((120, 160), np.float32)
    track = engine.start(image, Box(50, 50, 20, 20))
    with pytest.raises(ValueError, match='size network needs a model that gives boxes'):
        engine.update(image, [track])


@pytest.mark.parametrize('name', FAMILIES['proposals'].presets)
def test_every_preset_has_both_modes_of_tracking(name):
    default, paper = (TrackingSettings.of(find_preset(name), mode) for mode in MODES)
    assert default.redetection and not paper.redetection
    assert paper.size == 'network' and paper.padding == 'mean'
    if name.endswith('_fast'):
        assert replace(default, mask_above=TrackingSettings().mask_above) == TrackingSettings()
    else:
        assert default.size == 'network'
        assert (paper.size_penalty, paper.size_rate) == (default.size_penalty, default.size_rate)


def test_long_term_trackers_widen_their_search_in_the_mode_of_the_paper():
    for name, widest, sizes in (
        ('siamrpnpp_r50_lt', 831, [831, 831]),
        ('dasiamrpn', 767, [335, 399, 463, 527, 591, 655, 719, 767, 767]),
    ):
        preset = find_preset(name)
        assert TrackingSettings.of(preset).widest_search == 0
        settings = TrackingSettings.of(preset, 'paper')
        assert settings.widest_search == widest
        runtime = SimpleNamespace(**{**vars(RUNTIME), 'search_size': preset.search_size})
        region, size = SearchRegion(runtime, settings), 0
        for expected in sizes:
            size = region.wider(size)
            assert size == expected


@pytest.fixture(scope='module')
def networks():
    """Untrained networks: they answer anything, of which the engine must make the best."""
    torch.manual_seed(0)
    return {
        name: prepare(build(name).eval(), torch.device('cpu'), torch.float32)
        for name in ('siamrpn_fast', 'siammask_fast')
    }


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('name', ['siamrpn_fast', 'siammask_fast'])
@pytest.mark.parametrize(
    'shape, box',
    [
        ((120, 160), Box(60, 40, 30, 30)),
        ((24, 20), Box(4, 4, 6, 6)),  # smaller than the template
        ((120, 160), Box(3, 50, 150, 1)),
        ((120, 160), Box(150, -30, 60, 60)),
    ],
    ids=['usual', 'small image', 'extreme aspect', 'half outside'],
)
def test_whatever_a_network_says_boxes_are_sound(networks, name, mode, shape, box):
    engine = build_engine(networks[name], TrackingSettings.of(networks[name].preset, mode))
    random = np.random.default_rng(0)
    track = engine.start(random.random(shape, np.float32), box)
    for _ in range(2):
        [estimate] = engine.update(random.random(shape, np.float32), [track])
        assert estimate.box.is_finite() and min(estimate.box.w, estimate.box.h) >= 1
        assert 0 <= estimate.score <= 1
        assert (estimate.mask is not None) == (name == 'siammask_fast')
        if estimate.mask is not None:
            pixels = estimate.mask.pixels
            assert pixels.shape == shape and pixels.dtype == bool


# ------------------------------------------------------------------------------- masks
@pytest.mark.parametrize('area', [Box(20, 10, 60, 60), Box(-30, 70, 90, 90)])
def test_a_mask_is_placed_where_its_crop_was(area):
    mask = np.zeros((128, 128), np.float32)
    mask[32:96, 16:64] = 1.0  # a quarter to three quarters down, an eighth to a half across
    found = placed(mask, area, (120, 160), 0.5)
    y, x = np.mgrid[:120, :160] + 0.5
    across, down = (x - area.x) / area.w, (y - area.y) / area.h
    expected = (across > 0.125) & (across < 0.5) & (down > 0.25) & (down < 0.75)
    assert (found & expected).sum() / (found | expected).sum() > 0.95


@pytest.mark.parametrize('degrees', [-40, -10, 0, 25, 40])
def test_a_rotated_box_lies_around_the_largest_piece(degrees):
    corners = cv2.boxPoints(((80.0, 60.0), (50.0, 20.0), float(degrees)))
    image = np.zeros((120, 160), np.uint8)
    cv2.fillPoly(image, [np.round(corners).astype(int)], 1)
    image[2:6, 2:6] = 1
    box, theta = rotated_box(image > 0)
    assert (box.cx, box.cy) == pytest.approx((80, 60), abs=1.5)
    assert (box.w, box.h) == pytest.approx((51, 21), abs=2.5)
    assert np.degrees(theta) == pytest.approx(degrees, abs=3)


def test_of_an_empty_or_tiny_mask_no_rotated_box_is_told():
    mask = np.zeros((120, 160), bool)
    assert rotated_box(mask) is None
    mask[4:7, 4:7] = True
    assert rotated_box(mask) is None


def test_masks_of_several_targets_are_told_apart_by_their_numbers():
    first, second = np.zeros((2, 6, 8), bool)
    first[1:3, 1:5], second[2:5, 3:7] = True, True
    assert (labelled([first], (6, 8), several=False) == 255 * first).all()
    both = labelled([first, None, second], (6, 8), several=True)
    assert (both == np.where(first, 1, np.where(second, 3, 0))).all() and both.dtype == np.uint8
    assert not labelled([None], (6, 8), several=False).any()
