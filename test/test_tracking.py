# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A matching network at run time: it follows, it keeps its limits, it says how sure it is."""

import math

import cv2
import numpy as np
from one_target import OneTarget
import pytest
import torch

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.families import FAMILIES, find_preset
from tir_tracker_ros.models.inference import find_device, find_precision, prepare
from tir_tracker_ros.models.matching import MatchingNet
from tir_tracker_ros.tracking.loading import build_engine, load_tracker
from tir_tracker_ros.tracking.settings import MODES, TrackingSettings
from tir_tracker_ros.tracking.states import Thresholds

FAST = [name for name in FAMILIES['matching'].presets if name.endswith('_fast')]


@pytest.fixture(scope='module')
def networks():
    """The networks as they are shipped."""
    device = torch.device('cpu')
    return {name: prepare(zoo.load_model(name)[0], device, torch.float32) for name in FAST}


class Scene:
    """A textured square that moves and grows over a blurred background."""

    def __init__(self, size=(240, 320), side=36, growth=1.0, speed=(3.0, 2.0)):
        random = np.random.default_rng(1)
        self.background = cv2.GaussianBlur(random.random(size, np.float32), (0, 0), 3)
        self.texture = cv2.GaussianBlur(random.random((24, 24), np.float32), (0, 0), 1.5)
        self.texture = 0.5 + 0.5 * (self.texture - self.texture.min()) / np.ptp(self.texture)
        self.side, self.growth, self.speed = side, growth, speed

    def box(self, index):
        side = self.side * self.growth**index
        return Box.from_center(90 + self.speed[0] * index, 80 + self.speed[1] * index, side, side)

    def image(self, index):
        box = self.box(index)
        scale = box.w / self.texture.shape[1]
        matrix = np.array(
            [[scale, 0, box.x + scale / 2 - 0.5], [0, scale, box.y + scale / 2 - 0.5]]
        )
        image = self.background.copy()
        return cv2.warpAffine(
            self.texture, matrix, image.shape[::-1], dst=image, borderMode=cv2.BORDER_TRANSPARENT
        )


def following(networks, name, mode='default', facts=None, **changes):
    """One target's engine for a shipped network, with changed settings."""
    network = networks[name]
    settings = TrackingSettings.of(network.preset, mode, **changes)
    return OneTarget(build_engine(network, settings, facts))


def overlaps(tracker, scene, count):
    tracker.start(scene.image(0), scene.box(0))
    return [
        tracker.update(scene.image(index)).box.iou(scene.box(index)) for index in range(1, count)
    ]


@pytest.mark.parametrize('tracking', MODES)
@pytest.mark.parametrize('name', FAST)
def test_follows_a_moving_square(networks, name, tracking):
    tracker = following(networks, name, tracking)
    assert min(overlaps(tracker, Scene(), 25)) > 0.6


@pytest.mark.parametrize('name', FAST)
def test_a_jump_of_the_targets_own_size_is_followed(networks, name):
    scene = Scene(speed=(32.0, 20.0))
    assert overlaps(following(networks, name), scene, 2)[0] > 0.6


@pytest.mark.parametrize('name', FAST)
def test_a_pale_target_is_not_left_for_a_better_match_far_away(networks, name):
    def overlap(**changes) -> float:
        tracker = following(networks, name, near_share=1, **changes)
        scene, other = Scene(), Scene(speed=(44.0, 0.0))
        tracker.start(scene.image(0), scene.box(0))
        scene.texture = scene.texture.mean() + 0.6 * (scene.texture - scene.texture.mean())
        other.background = scene.image(1)
        return tracker.update(other.image(1)).box.iou(scene.box(1))

    assert overlap() > 0.6
    if name == 'siamfc_fast':
        assert overlap(window_weight=0) == 0


@pytest.mark.parametrize(
    'size, growth', [('refiner', 1.015), ('refiner', 0.985), ('pyramid', 1.015)]
)
def test_a_change_of_size_is_followed(networks, size, growth):
    mode = 'paper' if size == 'pyramid' else 'default'
    scene = Scene(side=48, growth=growth, speed=(0.5, 0.5))
    assert overlaps(following(networks, 'cfnet_fast', mode), scene, 30)[-1] > 0.7


def test_a_target_lost_from_view_lowers_the_score(networks):
    tracker = following(networks, 'cfnet_fast')
    scene = Scene()
    tracker.start(scene.image(0), scene.box(0))
    seen = tracker.update(scene.image(1)).score
    gone = tracker.update(scene.background).score
    assert 0 <= gone < seen <= 1


@pytest.mark.parametrize('name', ['mmnet_fast', 'siamfc_fast'])
def test_a_target_that_has_gone_is_lost_even_if_the_template_has_learnt_the_background(name):
    def scores(**changes):
        tracker, scene = OneTarget(load_tracker(name, 'cpu', **changes)), Scene()
        tracker.start(scene.image(0), scene.box(0))
        seen = [tracker.update(scene.image(index)).score for index in range(1, 6)]
        gone = [tracker.update(np.roll(scene.background, index, 1)).score for index in range(15)]
        return seen, gone

    seen, gone = scores()
    assert max(gone) < 0.5 < min(seen)
    seen, gone = scores(learn_above=0.0, template_interval=1)
    assert max(gone) < Thresholds().lost_below < min(seen)


def test_same_images_give_the_same_boxes(networks):
    tracker = following(networks, 'mmnet_fast')
    scene = Scene()
    runs = []
    for _ in range(2):
        tracker.start(scene.image(0), scene.box(0))
        runs.append([tracker.update(scene.image(index)) for index in range(1, 6)])
    assert [(one.box, one.score) for one in runs[0]] == [(one.box, one.score) for one in runs[1]]


@pytest.mark.parametrize(
    'box',
    [
        Box(300, 220, 30, 30),
        Box(-20, -20, 60, 60),
        Box(0, 0, 320, 240),
        Box(100, 100, 4, 4),
        Box(100, 100, 4, 90),
        Box(-50, -50, 500, 500),
    ],
)
@pytest.mark.parametrize('mode', MODES)
def test_box_and_score_stay_finite_whatever_the_images(networks, box, mode):
    tracker = following(networks, 'cfnet_fast', mode)
    random = np.random.default_rng(0)
    tracker.start(random.random((240, 320), np.float32), box)
    for image in (
        np.zeros((240, 320), np.float32),
        np.ones((240, 320), np.float32),
        random.random((240, 320), np.float32),
    ):
        for _ in range(3):
            estimate = tracker.update(image)
            assert estimate.box.is_finite() and min(estimate.box.w, estimate.box.h) > 0
            assert 0.2 * box.w - 1e-6 <= estimate.box.w <= 5 * box.w + 1e-6
            assert 0.2 * box.h - 1e-6 <= estimate.box.h <= 5 * box.h + 1e-6
            if mode == 'paper':
                assert estimate.box.w / estimate.box.h == pytest.approx(box.w / box.h)
            assert 0 <= estimate.box.cx <= 320 and 0 <= estimate.box.cy <= 240
            assert 0 <= estimate.score <= 1
            assert np.isfinite(estimate.response).all()


@pytest.mark.parametrize('box', [Box(5, 5, 0, 10), Box(5, 5, 10, -1), Box(math.nan, 5, 9, 9)])
def test_init_refuses_a_box_without_size(networks, box):
    with pytest.raises(ValueError, match='is not finite and of positive size'):
        following(networks, 'cfnet_fast').start(np.zeros((50, 50), np.float32), box)


@pytest.mark.parametrize(
    'bias, trained, expected',
    [(9.0, True, 'dog'), (0.0, True, ''), (9.0, False, '')],
    ids=['sure', 'unsure', 'untrained'],
)
def test_the_class_head_names_the_target_where_it_is_trained_and_sure(bias, trained, expected):
    network = MatchingNet(find_preset('mmnet_fast')).eval()
    torch.nn.init.zeros_(network.classifier.weight)
    with torch.no_grad():
        network.classifier.bias[1] = bias
        network.classifier.bias[5] = 20.0  # an output that no class belongs to
    facts = {'classes': ['person', 'dog'], 'class_head_trained': trained}
    tracker = OneTarget(build_engine(network, facts=facts))
    tracker.start(
        np.random.default_rng(0).random((120, 160), dtype=np.float32), Box(50, 40, 30, 30)
    )
    assert tracker.track.class_name == expected


def test_response_area_is_centred_on_the_last_box(networks):
    tracker = following(networks, 'cfnet_fast')
    scene = Scene()
    tracker.start(scene.image(0), scene.box(0))
    area = tracker.update(scene.image(1)).response_area
    assert (area.cx, area.cy) == pytest.approx((scene.box(0).cx, scene.box(0).cy))
    assert area.w > scene.side


def test_a_steady_target_is_looked_for_nearby_and_found_in_the_same_place(networks):
    def estimates(speed, **changes):
        # A target model searches the whole region of every other image in any case.
        tracker = following(networks, 'mmnet_fast', target_model=False, **changes)
        scene = Scene(speed=speed)
        tracker.start(scene.image(0), scene.box(0))
        return [tracker.update(scene.image(index)) for index in range(1, 8)]

    slow, slow_whole = estimates((3.0, 2.0)), estimates((3.0, 2.0), near_share=1)
    fast = estimates((30.0, 5.0))
    whole = slow_whole[0].response.shape
    assert {one.response.shape for one in slow_whole} == {whole}
    # In the first image nothing is known of its speed.
    assert slow[0].response.shape == whole
    assert all(one.response.shape[0] < 0.7 * whole[0] for one in slow[1:])
    assert all(a.box.iou(b.box) > 0.95 for a, b in zip(slow, slow_whole))
    assert all(a.response_area.w < b.response_area.w for a, b in zip(slow[1:], slow_whole[1:]))
    assert {one.response.shape for one in fast} == {whole}
    assert all(
        one.box.iou(Scene(speed=(30.0, 5.0)).box(i + 1)) > 0.6 for i, one in enumerate(fast)
    )


@pytest.mark.parametrize('name', FAST)
@pytest.mark.parametrize('jump', [(24.0, 0.0), (0.0, 28.0), (-32.0, 20.0)])
def test_a_target_that_jumps_from_rest_is_followed_in_the_same_image(networks, name, jump):
    tracker = following(networks, name, facts=zoo.load_model(name)[1])
    scene = Scene(speed=jump)
    tracker.start(scene.image(0), scene.box(0))
    for _ in range(3):
        resting = tracker.update(scene.image(0))
    jumped = tracker.update(scene.image(1))
    assert len(resting.response) < len(jumped.response)
    assert jumped.box.iou(scene.box(1)) > 0.6


def test_a_fast_target_that_rests_is_expected_to_move_again_for_a_while(networks):
    tracker = following(networks, 'mmnet_fast')
    scene = Scene(speed=(30.0, 5.0))
    tracker.start(scene.image(0), scene.box(0))
    places = [1, 2, 3, *[3] * 30, 4]
    estimates = [tracker.update(scene.image(place)) for place in places]
    sizes = [len(one.response) for one in estimates]
    assert sizes[:8] == [sizes[0]] * 8
    assert sizes[-2] < 0.7 * sizes[0]
    # It starts again from rest, faster than what is seen nearby: found in the same image.
    assert sizes[-1] == sizes[0]
    assert all(one.box.iou(scene.box(place)) > 0.6 for one, place in zip(estimates, places))


def test_a_look_around_changes_nothing_and_finds_the_target_in_the_whole_region_only(networks):
    scene, runs = Scene(), []
    for curious in (False, True):
        tracker = following(networks, 'cfnet_fast')
        tracker.start(scene.image(0), scene.box(0))
        runs.append([])
        for index in range(1, 8):
            runs[-1].append(tracker.update(scene.image(index)).box)
            if curious:
                truth = scene.box(index)
                beside = Box(truth.x - 36, truth.y, truth.w, truth.h)
                near, whole = tracker.tracker.look_around(
                    scene.image(index), tracker.track, beside
                )
                assert near.score < whole.score
                assert whole.box.iou(truth) > 0.6
    assert runs[0] == runs[1]


@pytest.mark.parametrize('template', ['previous', 'average', 'fixed'])
def test_every_way_to_keep_a_template_follows(networks, template):
    tracker = following(networks, 'cfnet_fast', template=template)
    assert min(overlaps(tracker, Scene(), 12)) > 0.6


# ------------------------------------------------------------------------------- settings
@pytest.mark.parametrize(
    'names, raw, step, rate, upsample, weight, template',
    [
        (
            ('mmnet', 'mmnet_fast', 'hssnet', 'hssnet_fast'),
            True,
            1.0375,
            0.59,
            8,
            0.2625,
            'average',
        ),
        (('mlssnet', 'mlssnet_fast'), False, 1.0375, 0.59, 8, 0.2625, 'average'),
        (('cfnet', 'cfnet_fast', 'tdsiam_fast'), True, 1.0575, 0.52, 8, 0.2625, 'average'),
        (('siamfc', 'siamfc_fast'), False, 1.0375, 0.59, 16, 0.176, 'fixed'),
    ],
)
def test_paper_tracking_is_that_of_each_paper(names, raw, step, rate, upsample, weight, template):
    for name in names:
        paper = TrackingSettings.of(find_preset(name), 'paper')
        assert (paper.raw_maps, paper.scale_step, paper.scale_rate) == (raw, step, rate)
        assert (paper.upsample, paper.window_weight) == (upsample, weight)
        assert (paper.template, paper.size, paper.padding) == (template, 'pyramid', 'mean')
        assert (paper.min_scale, paper.max_scale, paper.template_interval) == (0.2, 5, 1)
        assert paper.thresholds.learn_above == 0 and not paper.redetection


@pytest.mark.parametrize(
    'changes, message',
    [
        ({'window_weight': -1}, r'window_weight -1 is not in 0.0..100.0'),
        ({'window': 'blend', 'window_weight': 1.5}, r'window_weight 1.5 is not in 0.0..1.0'),
        ({'size': 'cubic'}, "size 'cubic' is not one of refiner, pyramid, network"),
        ({'widnow_weight': 0.1}, "unknown tracking setting 'widnow_weight'; there are .*window,"),
        ({'raw_maps': True}, 'raw_maps and window product exclude each other'),
        ({'learn_above': 1.5}, r'learn_above 1.5 is not in 0..1'),
    ],
)
def test_settings_are_closed_and_in_range(changes, message):
    with pytest.raises(ValueError, match=message):
        TrackingSettings.of(find_preset('cfnet_fast'), **changes)


@pytest.mark.parametrize(
    'score, message',
    [
        ([-8.0, 2.5, 8.0], r'calibration of the score is \[-8.0, 2.5, 8.0\], not a mapping'),
        ({'verified': [-4.0, 8.0, 0.0, 0.0]}, 'score, 3 finite numbers are needed'),
        ({'verified': [1.0, 'x', 2.0]}, 'to calibrate the score, 3 finite numbers are needed'),
        ('sure', "calibration of the score is 'sure', not a mapping"),
    ],
)
def test_a_calibration_that_is_none_is_refused(networks, score, message):
    with pytest.raises(ValueError, match=message):
        following(networks, 'cfnet_fast', facts={'score': score})


@pytest.mark.parametrize(
    'name, told_of', [('verified', {'default'}), ('pyramid', {'paper'}), ('refiner', set())]
)
def test_each_way_to_follow_the_size_has_a_calibration_of_its_own(networks, name, told_of):
    scene = Scene()
    told = {}
    for mode in MODES:
        facts = {'score': {name: [-8.0, 2.5, 8.0]}}
        tracker = following(networks, 'cfnet_fast', mode, facts, target_model=False)
        tracker.start(scene.image(0), scene.box(0))
        told[mode] = tracker.update(scene.image(1)).calibrated
    assert told == {mode: mode in told_of for mode in MODES}


def test_unknown_tracking_lists_the_valid_ones():
    with pytest.raises(ValueError, match="no tracking 'fast'; there are default, paper"):
        TrackingSettings.of(find_preset('cfnet_fast'), 'fast')


# ------------------------------------------------------------------------------- loading
@pytest.fixture
def weights(tmp_path):
    path = tmp_path / 'cfnet_fast.safetensors'
    zoo.save_weights(MatchingNet(find_preset('cfnet_fast')), path, {'seed': 0})
    return path


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_loaded_tracker_follows_in_either_precision(weights, precision):
    tracker = load_tracker('cfnet_fast', 'cpu', weights, precision=precision)
    tracker.warm_up()
    assert min(overlaps(OneTarget(tracker), Scene(), 10)) > 0.6
    assert tracker.facts == {'seed': 0}


def test_a_weight_file_names_its_model(weights):
    assert load_tracker(weights=weights, device='cpu').name == 'cfnet_fast'


def test_bad_arguments_of_loading_are_named(weights):
    with pytest.raises(ValueError, match="no model 'mmnet_slow'"):
        load_tracker('mmnet_slow')
    with pytest.raises(ValueError, match="device 'gpu' is not auto, cpu, cuda"):
        load_tracker('cfnet_fast', 'gpu', weights)
    with pytest.raises(ValueError, match="precision 'int8' is not auto, float32"):
        load_tracker('cfnet_fast', 'cpu', weights, precision='int8')
    with pytest.raises(ValueError, match='threads -1 is negative'):
        load_tracker('cfnet_fast', 'cpu', weights, threads=-1)


def test_a_cuda_device_that_is_not_there_is_told():
    with pytest.raises(ValueError, match=r"device 'cuda:99' is not here: torch .* sees \d+ CUDA"):
        find_device('cuda:99')


def test_precision_is_one_the_device_has():
    assert find_precision('auto', torch.device('cpu')) in (torch.float32, torch.bfloat16)
