# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The engine with a network that is not of this package, and with several targets at once."""

import cv2
import numpy as np
import pytest
import torch

from tir_tracker_ros.geometry import Box, corners
from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.models.network import Network, Prediction
from tir_tracker_ros.models.presets import Preset
from tir_tracker_ros.tracking.loading import build_engine
from tir_tracker_ros.tracking.settings import TrackingSettings

ANCHORS = ((64, 64), (86, 44), (44, 86))
"""Width and height in pixels of the crop, all of a target with the same context."""


class AnchorNet(Network):
    """Three boxes in every cell: bright pixels are the target, the anchor that they fill wins."""

    preset = Preset(
        name='anchors',
        source='this test',
        template_size=128,
        search_size=256,
        tracking={
            'default': {
                'size': 'network',
                'upsample': 1,
                'template': 'fixed',
                'target_model': False,
            },
            'paper': {},
        },
    )
    stride = 8

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def template(self, crops):
        """Keep how bright the target is."""
        middle = slice(56, 72)
        return (crops[..., middle, middle].mean(dim=(1, 2, 3)),)

    def cells(self, search_size):
        """Count the cells; each is the middle of 8 x 8 pixels."""
        return search_size // self.stride - 1

    def search(self, crops, template):
        """Score how well the pixels of each anchor match the brightness of the target."""
        cells = self.cells(crops.shape[-1])
        match = 1 - (crops - template[0].reshape(-1, 1, 1, 1)).abs()
        centres = self.stride * (torch.arange(cells) + 1.0)
        scores, boxes = [], []
        for width, height in ANCHORS:
            inside = torch.nn.functional.avg_pool2d(
                match, (height, width), self.stride, (height // 2, width // 2), False, False
            )
            scores.append(20 * inside[:, 0, 1:-1, 1:-1] - 10)
            y, x = torch.meshgrid(centres, centres, indexing='ij')
            box = torch.stack([x - width / 2, y - height / 2, 0 * x + width, 0 * x + height])
            boxes.append(box.expand(len(crops), -1, -1, -1))
        return Prediction(torch.stack(scores, 1), torch.stack(boxes, 1))

    def fold(self):
        """Fold nothing: there is no batch norm."""

    def use_precision(self, precision):
        """Stay in float32."""


class MaskNet(AnchorNet):
    """Masks of what is bright; `drawn` counts them."""

    has_masks = True
    drawn = 0

    def search(self, crops, template):
        """Look at the pixels around a cell for its mask."""
        found = super().search(crops, template)
        half = self.preset.template_size // 2

        def mask(index, row, column):
            self.drawn += 1
            x, y = (self.stride * (cell + 1) for cell in (column, row))
            around = torch.nn.functional.pad(crops[index, 0], (half, half, half, half))
            return (around[y : y + 2 * half, x : x + 2 * half] > 0.5).float()

        found.mask = mask
        return found


def blocks(*boxes):
    """An image of 240 x 320 with bright blocks on a dark ground."""
    image = np.full((240, 320), 0.2, np.float32)
    for index, box in enumerate(boxes):
        rows = slice(int(box.y), int(box.y + box.h))
        image[rows, int(box.x) : int(box.x + box.w)] = 0.9 - 0.2 * index
    return image


def test_a_network_of_another_family_needs_nothing_but_the_interface():
    network = prepare(AnchorNet(), torch.device('cpu'), torch.float32)
    engine = build_engine(network, facts={'score': {'network': [0.0, 2.0, 0.0]}})
    first, second = Box(40, 60, 40, 40), Box(220, 140, 40, 40)
    image = blocks(first, second)
    tracks = [engine.start(image, first), engine.start(image, second)]
    for step in range(1, 5):
        # One becomes wide, the other one tall, and both go their ways.
        wide = Box.from_center(60 + 4 * step, 80, 54, 27)
        tall = Box.from_center(240 - 4 * step, 160, 27, 54)
        estimates = engine.update(blocks(wide, tall), tracks)
        assert estimates[0].box.iou(wide) > 0.7 and estimates[1].box.iou(tall) > 0.7
    assert estimates[0].box.w > 1.6 * estimates[0].box.h
    assert estimates[1].box.h > 1.6 * estimates[1].box.w
    assert all(one.calibrated and one.score > 0.5 for one in estimates)
    assert [track.box for track in tracks] == [one.box for one in estimates]


@pytest.mark.parametrize('rotated', [False, True])
def test_masks_of_a_network_lie_where_the_targets_are(rotated):
    network = prepare(MaskNet(), torch.device('cpu'), torch.float32)
    settings = TrackingSettings.of(network.preset, rotated_box=rotated, mask_above=0.5)
    engine = build_engine(network, settings)
    first, second = Box(40, 60, 40, 40), Box(220, 140, 40, 40)
    tracks = [engine.start(blocks(first, second), box) for box in (first, second)]
    wide, tall = Box.from_center(64, 80, 60, 30), Box.from_center(236, 160, 30, 60)
    estimates = engine.update(blocks(wide, tall), tracks)
    for track, estimate, truth in zip(tracks, estimates, (wide, tall)):
        rows, columns = np.nonzero(estimate.mask.pixels)
        box = Box(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
        assert box.iou(truth) > 0.85
        # The box that is told may be that of the mask, the one that is followed never is.
        assert (estimate.box.iou(box) > 0.99) == rotated
        assert (track.box == estimate.box) != rotated
    assert not any(one.theta for one in estimates)


@pytest.mark.parametrize('size, upsample', [('network', 1), ('pyramid', 8)])
def test_a_mask_lies_on_the_target_wherever_the_peak_lies_between_cells(size, upsample):
    network = prepare(MaskNet(), torch.device('cpu'), torch.float32)
    settings = TrackingSettings.of(
        network.preset, size=size, scale_count=1, upsample=upsample, mask_above=0.5
    )
    engine, box = build_engine(network, settings), Box(100, 80, 40, 40)
    for step in range(1, 8):
        track = engine.start(blocks(box), box)
        truth = Box(box.x + step, box.y - step, box.w, box.h)
        [estimate] = engine.update(blocks(truth), [track])
        rows, columns = np.nonzero(estimate.mask.pixels)
        found = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
        assert found == pytest.approx(tuple(truth), abs=1.1), f'moved by {step} px'


def test_a_mask_is_drawn_when_it_is_asked_for_and_once():
    network = prepare(MaskNet(), torch.device('cpu'), torch.float32)
    network.drawn = 0
    engine, box = build_engine(network), Box(40, 60, 40, 40)
    track = engine.start(blocks(box), box)
    [estimate] = engine.update(blocks(box), [track])
    assert network.drawn == 0
    assert estimate.mask.pixels is estimate.mask.pixels
    assert network.drawn == 1


def test_the_box_around_a_turned_target_is_told_turned():
    network = prepare(MaskNet(), torch.device('cpu'), torch.float32)
    engine = build_engine(network, TrackingSettings.of(network.preset, rotated_box=True))
    box, truth = Box.from_center(120, 100, 50, 50), Box.from_center(124, 100, 70, 24)
    image = np.full((240, 320), 0.2, np.float32)
    cv2.fillConvexPoly(image, corners(truth, 0.4).round().astype(np.int32), 0.9)
    track = engine.start(blocks(box), box)
    [estimate] = engine.update(image, [track])
    assert estimate.theta == pytest.approx(0.4, abs=0.08)
    assert tuple(estimate.box) == pytest.approx(tuple(truth), abs=5)


def test_around_an_empty_mask_the_box_of_the_network_is_told():
    class Empty(MaskNet):
        def search(self, crops, template):
            found = super().search(crops, template)
            found.mask = lambda index, row, column: torch.zeros(128, 128)
            return found

    network = prepare(Empty(), torch.device('cpu'), torch.float32)
    engine = build_engine(network, TrackingSettings.of(network.preset, rotated_box=True))
    box = Box(40, 60, 40, 40)
    track = engine.start(blocks(box), box)
    [estimate] = engine.update(blocks(box), [track])
    assert not estimate.mask.pixels.any()
    assert estimate.theta == 0 and estimate.box == track.box and estimate.box.iou(box) > 0.7


@pytest.mark.parametrize('away', [(5000, 0), (-5000, -5000), (0, 1e7)])
def test_where_all_boxes_leave_the_image_the_target_stays_at_its_border(away):
    class Away(AnchorNet):
        def search(self, crops, template):
            found = super().search(crops, template)
            found.boxes[:, :, 0] += away[0]
            found.boxes[:, :, 1] += away[1]
            return found

    network = prepare(Away(), torch.device('cpu'), torch.float32)
    engine, box = build_engine(network), Box(40, 60, 40, 40)
    track = engine.start(blocks(box), box)
    for _ in range(3):
        [estimate] = engine.update(blocks(box), [track])
        assert 0 <= estimate.box.cx <= 320 and 0 <= estimate.box.cy <= 240
        assert min(estimate.box.w, estimate.box.h) >= 1 and estimate.box.is_finite()


def test_rotated_boxes_need_a_network_with_masks():
    network = prepare(AnchorNet(), torch.device('cpu'), torch.float32)
    settings = TrackingSettings.of(network.preset, rotated_box=True)
    with pytest.raises(ValueError, match="needs a model that draws masks.* 'anchors' draws none"):
        build_engine(network, settings)


@pytest.mark.parametrize('widest, found', [(0, False), (576, True)])
def test_a_lost_target_is_looked_for_wider_and_wider_until_it_is_found(widest, found):
    network = prepare(AnchorNet(), torch.device('cpu'), torch.float32)
    settings = TrackingSettings.of(
        network.preset, widest_search=widest, widen_by=160, redetection=False
    )
    engine = build_engine(network, settings)
    start, later = Box(20, 40, 40, 40), Box(180, 150, 40, 40)
    track = engine.start(blocks(start), start)
    looked = []
    for _ in range(3):
        [estimate] = engine.update(blocks(), [track])
        looked.append(track.wide)
        if widest:
            assert estimate.box == start, 'an unsure box is kept'
    assert looked == ([416, 576, 576] if widest else [0, 0, 0])
    [estimate] = engine.update(blocks(later), [track])
    assert (estimate.box.iou(later) > 0.4) == found
    assert track.wide == 0


@pytest.fixture(scope='module')
def engine():
    network, facts = zoo.load_model('mmnet_fast')
    return build_engine(prepare(network, torch.device('cpu'), torch.float32), facts=facts)


def textured(offset):
    """Two textured blocks on a blurred ground, of which the second moves the other way."""
    random = np.random.default_rng(2)
    image = 0.3 * random.random((240, 320), np.float32)
    boxes = Box(50 + 3 * offset, 60 + offset, 32, 24), Box(230 - 3 * offset, 150, 24, 32)
    for box in boxes:
        rows = slice(int(box.y), int(box.y + box.h))
        image[rows, int(box.x) : int(box.x + box.w)] = 0.5 + 0.5 * random.random(
            (int(box.h), int(box.w)), np.float32
        )
    return image, boxes


def test_targets_followed_together_are_where_each_would_be_alone(engine):
    image, boxes = textured(0)
    together = [engine.start(image, box) for box in boxes]
    alone = [engine.start(image, box) for box in boxes]
    for offset in range(1, 12):
        image, boxes = textured(offset)
        estimates = engine.update(image, together)
        for track, estimate, truth in zip(alone, estimates, boxes):
            [other] = engine.update(image, [track])
            assert estimate.box.iou(other.box) > 0.99
            assert estimate.score == pytest.approx(other.score, abs=0.01)
            assert estimate.box.iou(truth) > 0.6


def test_the_engine_keeps_no_target(engine):
    image, (first, second) = textured(0)
    track = engine.start(image, first)
    before = engine.update(image, [track])[0]
    engine.start(image, second)
    track = engine.start(image, first)
    assert engine.update(image, [track])[0].box == before.box
    assert engine.update(image, []) == []
