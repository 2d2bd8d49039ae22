# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Look-alikes of a target (DaSiamRPN), and the larger search crop for small targets."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.models.families import build, find_preset
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.tracking.distractors import look_alikes, remembered
from tir_tracker_ros.tracking.engine import Engine
from tir_tracker_ros.tracking.loading import build_engine
from tir_tracker_ros.tracking.runtime import Response
from tir_tracker_ros.tracking.search_region import SearchRegion
from tir_tracker_ros.tracking.settings import TrackingSettings
from tir_tracker_ros.tracking.size import NetworkSize
from tir_tracker_ros.tracking.states import Thresholds

SETTINGS = {
    'size': 'network',
    'upsample': 1,
    'template': 'fixed',
    'window': 'cosine',
    'window_weight': 0.0,
    'near_share': 1.0,
    'redetection': False,
    'target_model': False,
    'thresholds': Thresholds(learn_above=0.0),
}
IMAGE = np.full((240, 320), 0.5, np.float32)
TARGET = Box(140, 100, 40, 40)
A, B = (10, 8), (10, 16)
"""Rows and columns of two places in the response of 21 x 21: of the target, and a look-alike."""


@dataclass
class Scripted:
    """
    A runtime whose log-odds are told for each image; -9 where nothing is told.

    Templates are numbers, the first one 1; `likeness` are the log-odds for any other template.
    """

    scores: dict = field(default_factory=dict)
    likeness: dict = field(default_factory=dict)
    name, device = 'scripted', 'cpu'
    template_size, search_size, context, stride = 127, 287, 2.0, 8

    def __post_init__(self):
        self.made, self.sizes, self.asked = [], [], []

    def cells(self, search_size):
        return (search_size - 127) // 8 + 1

    def template(self, image, windows):
        self.made.append(windows)
        return [float(sum(map(len, self.made))) for _ in windows]

    def blend(self, old, new, rate):
        return (1 - rate) * old + rate * new

    def search(self, image, windows, templates, size):
        assert all(one == 1.0 for one in templates)
        self.sizes.append(size)
        cells = self.cells(size)

        def maps(told):
            values = np.full((1, cells, cells), -9, np.float32)
            for (row, column), value in told.items():
                values[0, row, column] = value
            return values

        centres = size / 2 + 8 * (np.arange(cells) - (cells - 1) / 2)
        y, x = np.meshgrid(centres, centres, indexing='ij')
        boxes = np.stack([x - 32, y - 32, 0 * x + 64, 0 * x + 64])[None, None]

        def rescore(index, template):
            self.asked.append(template)
            return maps(self.likeness)

        return Response(maps(self.scores)[None], boxes.astype(np.float32), rescore=rescore)

    def classify(self, image, window):
        return None


def follow(runtime, **changes):
    """Start an engine on the target with a scripted runtime."""
    settings = TrackingSettings(**{**SETTINGS, **changes})
    engine = Engine(runtime, NetworkSize(settings), settings)
    return engine, engine.start(IMAGE, TARGET)


# ------------------------------------------------------------------------------- re-ranking
@pytest.mark.parametrize('weight, chosen', [(0.0, B), (0.5, A)])
def test_a_place_that_is_like_a_look_alike_counts_less(weight, chosen):
    """
    By hand: A has 0.953 and B 0.982, so that B is taken, as long as nothing is known of it.

    Then half of 0.007 and of 0.982 are taken off: 0.949 against 0.491.
    """
    runtime = Scripted({A: 5.0, B: 3.0})
    engine, track = follow(runtime, distractors=weight)
    engine.update(IMAGE, [track])
    first = track.box
    runtime.scores, runtime.likeness = {A: 3.0, B: 4.0}, {A: -5.0, B: 4.0}
    [estimate] = engine.update(IMAGE, [track])
    moved = round((estimate.box.cx - first.cx) / (8 * engine.region.pixel(first)))
    assert moved == chosen[1] - 10
    assert len(runtime.asked) == (weight > 0)


def test_a_look_alike_is_learned_where_it_stands():
    runtime = Scripted({A: 5.0, B: 3.0})
    engine, track = follow(runtime, distractors=0.5)
    assert track.distractors is None
    engine.update(IMAGE, [track])
    _, [window] = runtime.made
    # B is six cells to the right of the middle of the crop, around the target of the first image.
    cell = 8 * engine.region.pixel(TARGET)
    assert (window.cx, window.cy) == pytest.approx((TARGET.cx + 6 * cell, TARGET.cy))
    assert track.distractors == 2.0, 'its own template'
    # Another image with one brings a hundredth of the new one.
    engine.update(IMAGE, [track])
    assert track.distractors == pytest.approx(0.99 * 2.0 + 0.01 * 3.0)


def test_where_nothing_is_like_the_target_nothing_is_asked():
    runtime = Scripted({A: 5.0, B: -0.1})
    engine, track = follow(runtime, distractors=0.5)
    for _ in range(3):
        engine.update(IMAGE, [track])
    assert len(runtime.made) == 1 and not runtime.asked and track.distractors is None


def test_look_alikes_are_apart_from_the_target_and_from_each_other():
    x = np.array([0, 10, 60, 64, 120, 180, 240, 300, 360], np.float32)
    boxes = np.stack([x, 0 * x, 0 * x + 40, 0 * x + 40])[None, :, None]
    chances = np.array([0.99, 0.98, 0.7, 0.8, 0.9, 0.5, 0.6, 0.95, 0.55], np.float32)[None, None]
    found = look_alikes(boxes, chances, Box(0, 0, 40, 40))
    # That at 10 overlaps the target, that at 60 a likelier one; the three likeliest are kept.
    assert [one.x for one in found] == [300, 120, 64]
    assert look_alikes(boxes, np.zeros_like(chances), Box(0, 0, 40, 40)) == []


def test_the_look_alikes_of_an_image_count_alike():
    runtime = Scripted()
    assert remembered(runtime, None, [3.0, 6.0, 9.0]) == pytest.approx(6.0)
    assert remembered(runtime, 1.0, [3.0, 5.0]) == pytest.approx(0.99 * 1.0 + 0.01 * 4.0)


def test_the_average_of_templates_has_the_average_of_their_scores():
    """Heads with a kernel for each output are linear in it (DaSiamRPN, equation 4)."""
    torch.manual_seed(0)
    model = prepare(build('dasiamrpn_fast').eval(), torch.device('cpu'), torch.float32)
    preset = model.preset
    crops = torch.rand(3, 1, preset.template_size, preset.template_size)
    search = torch.rand(2, 1, preset.search_size, preset.search_size)
    with torch.inference_mode():
        target, first, second = (
            [one[i : i + 1] for one in model.template(crops)] for i in range(3)
        )
        found = model.search(search, tuple(target))
        mixed = tuple(one.lerp(other, 0.25) for one, other in zip(first, second))
        of_first, of_second, of_mixed = (
            found.rescore(1, tuple(one)) for one in (first, second, mixed)
        )
        torch.testing.assert_close(found.rescore(1, tuple(target)), found.scores[1])
    torch.testing.assert_close(of_mixed, 0.75 * of_first + 0.25 * of_second, rtol=1e-3, atol=1e-4)
    assert (of_first - of_second).abs().max() > 1e-2


def test_distractors_are_those_of_the_paper_in_its_mode_alone():
    for name in ('dasiamrpn', 'dasiamrpn_fast'):
        default, paper = (
            TrackingSettings.of(find_preset(name), mode) for mode in ('default', 'paper')
        )
        assert (paper.distractors, paper.template, paper.template_rate) == (0.5, 'average', 0.01)
        assert (default.distractors, default.small_search) == (0, 0)
    assert TrackingSettings.of(find_preset('siamrpn'), 'paper').distractors == 0


def test_what_cannot_tell_look_alikes_is_refused():
    with pytest.raises(ValueError, match='distractors 0.5, size refiner and window product'):
        TrackingSettings(distractors=0.5)
    runtime = Scripted({A: 5.0, B: 3.0})
    engine, track = follow(runtime, distractors=0.5)
    engine.update(IMAGE, [track])
    plain = runtime.search
    runtime.search = lambda *all: Response(plain(*all).scores, plain(*all).boxes)
    with pytest.raises(ValueError, match="'scripted' cannot tell look-alikes"):
        engine.update(IMAGE, [track])


def test_a_network_with_look_alikes_follows_on():
    torch.manual_seed(0)
    network = prepare(build('dasiamrpn_fast').eval(), torch.device('cpu'), torch.float32)
    engine = build_engine(network, TrackingSettings.of(network.preset, 'paper', learn_above=0.0))
    image = np.random.default_rng(0).random((240, 320), dtype=np.float32)
    track = engine.start(image, TARGET)
    for _ in range(3):
        [estimate] = engine.update(image, [track])
        assert estimate.box.is_finite() and 0 <= estimate.score <= 1


# ------------------------------------------------------------------------------- small targets
@pytest.mark.parametrize('side, expected', [(17.0, 303), (18.0, 287)])
def test_small_targets_have_a_larger_search_crop_from_the_start_to_the_end(side, expected):
    """0.004 of 320 x 240 pixels are 307: the square of 17.5."""
    runtime = Scripted({A: 5.0})
    settings = TrackingSettings(**{**SETTINGS, 'small_search': 303, 'size_rate': 1.0})
    engine = Engine(runtime, NetworkSize(settings), settings)
    track = engine.start(IMAGE, Box(150, 110, side, side))
    runtime.sizes.clear()
    for _ in range(3):
        engine.update(IMAGE, [track])
    assert set(runtime.sizes) == {expected}


def test_the_window_of_a_larger_crop_is_as_wide_as_its_response():
    settings = TrackingSettings(**{**SETTINGS, 'window_weight': 0.4, 'small_search': 303})
    region = SearchRegion(Scripted(), settings)
    for cells in (21, 23):
        maps = np.zeros((1, cells, cells), np.float32)
        assert region.peak(maps) == (0, 0.0, 0.0), 'the middle has the most'
        hann = np.hanning(cells)
        assert region._prior(cells)[3, 5] == pytest.approx(hann[3] * hann[5])


def test_the_big_model_has_the_crops_of_its_code():
    paper = TrackingSettings.of(find_preset('dasiamrpn'), 'paper')
    assert (find_preset('dasiamrpn').search_size, paper.small_search) == (271, 287)
