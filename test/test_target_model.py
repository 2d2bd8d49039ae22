# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The target model: what it solves, what it forgets, and what it tells apart."""

from dataclasses import replace
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.models.network import Network
from tir_tracker_ros.models.presets import MATCHING
from tir_tracker_ros.tracking.loading import build_engine
from tir_tracker_ros.tracking.score import FILTER_FEATURES
from tir_tracker_ros.tracking.settings import TrackingSettings
from tir_tracker_ros.tracking.target_model import TargetModel

CELLS = 5
"""Of the responses here; features are 12 x 12, of which the filter sees all."""
VIEWS = np.array([(0.0, 0.0), (1.25, -0.5)])


def rows_of(target, features, place):
    """Weighted rows and labels of one image, cell by cell, as the docstring of the class says."""
    maps = np.einsum('chw,cd->hwd', features - target.mean[:, None, None], target.channels)
    side = len(maps) - 3
    rows, labels = [], []
    for i in range(side):
        for j in range(side):
            y, x = i - (side - 1) / 2, j - (side - 1) / 2
            label = np.exp(-0.5 * ((x - place[0]) ** 2 + (y - place[1]) ** 2))
            weight = np.sqrt(0.05 + label)
            patch = maps[i : i + 4, j : j + 4]
            rows.append(weight * patch.ravel())
            labels.append(weight * label)
    return np.array(rows, float), np.array(labels, float)


def least_squares(target, images, shares, ridge):
    """Solve for the filter at once, from all images with their shares."""
    parts = [rows_of(target, *image) for image in images]
    count = parts[0][0].shape[1]
    rows = [np.sqrt(share) * one[0] for one, share in zip(parts, shares)]
    labels = [np.sqrt(share) * one[1] for one, share in zip(parts, shares)]
    rows.append(np.sqrt(ridge) * np.eye(count))
    labels.append(np.zeros(count))
    return np.linalg.lstsq(np.concatenate(rows), np.concatenate(labels), rcond=None)[0]


def random_features(seed, count=1):
    return np.random.default_rng(seed).random((count, 6, 12, 12), np.float32)


@pytest.mark.parametrize('seed', range(3))
def test_the_first_filter_is_the_least_squares_solution(seed):
    features = random_features(seed, len(VIEWS))
    model = TargetModel(6.0, ridge=0.5)
    target = model.start(features, VIEWS, CELLS)
    expected = least_squares(
        target, list(zip(features, -VIEWS)), [1 / len(VIEWS)] * len(VIEWS), 0.5
    )
    np.testing.assert_allclose(target.weights, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize('count', [1, 6, 40])
def test_older_images_fade_but_the_first_keeps_its_share(count):
    rate = 0.1
    model = TargetModel(6.0, ridge=0.5, rate=rate)
    first = random_features(1)
    target = model.start(first, VIEWS[:1], CELLS)
    later = [(random_features(10 + index)[0], (index % 3 - 1.0, 0.5)) for index in range(count)]
    for features, place in later:
        model.learn(target, features, place, CELLS)
    ages = np.arange(count)[::-1]
    shares = rate * (1 - rate) ** ages
    kept = max((1 - rate) ** count, 0.25)
    shares *= (1 - kept) / shares.sum()
    expected = least_squares(target, [(first[0], (0.0, 0.0)), *later], [kept, *shares], 0.5)
    np.testing.assert_allclose(target.weights, expected, atol=2e-3 * np.abs(expected).max())


def scene(*places, cells=30, fine=1, ground=0):
    """Features with the same thing in several places, x and y in cells from the middle."""
    random = np.random.default_rng(3)
    thing = np.repeat(np.repeat(random.random((16, 5, 5)), fine, 1), fine, 2)
    noise = np.random.default_rng(ground)
    maps = 0.2 * noise.random((16, cells, cells))
    for x, y in places:
        left, top = (int(cells / 2 + one - thing.shape[-1] / 2) for one in (x, y))
        maps[:, top : top + thing.shape[1], left : left + thing.shape[2]] += thing
    return maps.astype(np.float32)


def middle_of(response):
    """Where the peak lies, x and y in cells from the middle."""
    row, column = np.unravel_index(response.argmax(), response.shape)
    return column - (len(response) - 1) / 2, row - (len(response) - 1) / 2


@pytest.mark.parametrize(
    ('target_cells', 'fine', 'side', 'cells'), [(6.0, 1, 31, 19), (30.0, 5, 155, 63)]
)
def test_the_response_peaks_where_the_target_is(target_cells, fine, side, cells):
    model = TargetModel(target_cells)
    first = scene((0, 0), cells=side, fine=fine)
    target = model.start(first[None], np.zeros((1, 2)), cells)
    for x, y in ((0, 0), (5, -3), (-6, 2)):
        seen = scene((fine * x, fine * y), cells=side, fine=fine, ground=1)
        response = model.respond(target, seen, cells)
        assert response.shape == (cells, cells)
        assert np.allclose(middle_of(response), (fine * x, fine * y), atol=fine)
        assert response.max() > 0.6


def test_a_smaller_crop_gives_the_middle_of_the_response():
    model = TargetModel(6.0)
    seen = scene((0, 0), (6, 0))
    target = model.start(seen[None], np.zeros((1, 2)), 19)
    whole, near = model.respond(target, seen, 19), model.respond(target, seen[:, 6:24, 6:24], 7)
    np.testing.assert_allclose(near, whole[6:13, 6:13], atol=1e-4)


def test_what_stands_beside_the_target_becomes_a_negative():
    model = TargetModel(6.0)
    alone, beside = scene((0, 0)), scene((0, 0), (7, 1))
    # The look-alike is the same but for one channel.
    beside[0, 13:18, 19:24] += 1.0
    target = model.start(alone[None], np.zeros((1, 2)), 19)
    response = model.respond(target, beside, 19)
    assert response[10, 16] > 0.5 * response[9, 9]
    for _ in range(100):
        model.learn(target, beside, (0.0, 0.0), 19)
    response = model.respond(target, beside, 19)
    assert response[10, 16] < 0.45 * response[9, 9]
    assert response[9, 9] > 0.8


def test_the_same_images_give_the_same_filter_to_the_last_bit():
    filters = []
    for _ in range(2):
        model = TargetModel(6.0)
        target = model.start(random_features(0), VIEWS[:1], CELLS)
        for index in range(5):
            model.learn(target, random_features(index)[0], (0.5, 0.0), CELLS)
        filters.append(target.weights)
    assert np.array_equal(*filters)


def test_features_without_any_contrast_are_survived():
    model = TargetModel(6.0)
    flat = np.ones((1, 6, 12, 12), np.float32)
    target = model.start(flat, VIEWS[:1], CELLS)
    model.learn(target, flat[0], (0.0, 0.0), CELLS)
    assert np.isfinite(model.respond(target, flat[0], CELLS)).all()


def test_numpy_takes_no_core_beside_that_of_the_tracker():
    code = (
        'import os, tir_tracker_ros, numpy; a = numpy.ones((700, 700)); a @ a; '
        "print(len(os.listdir('/proc/self/task')))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith('_NUM_THREADS')}
    ran = subprocess.run(
        [sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == '1'


def test_the_target_model_needs_no_torch():
    code = 'import sys, tir_tracker_ros.tracking.target_model, tir_tracker_ros.tracking.engine; '
    code += 'sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0


@pytest.mark.parametrize('name', MATCHING)
def test_the_papers_track_without_it(name):
    assert MATCHING[name].tracking['paper']['target_model'] is False


@pytest.fixture(scope='module')
def network():
    return prepare(zoo.load_model('cfnet_fast')[0], torch.device('cpu'), torch.float32)


@pytest.fixture(scope='module')
def engine(network):
    return build_engine(network, TrackingSettings.of(network.preset, target_model=True))


def test_a_network_gives_features_only_where_they_are_asked_for(network):
    crops = torch.rand(1, 1, 287, 287, generator=torch.Generator().manual_seed(0))
    template = network.template(crops[..., 48:239, 48:239])
    plain, more = network.search(crops, template), network.with_features().search(crops, template)
    assert plain.features is None
    assert more.features.shape == (1, 128, 30, 30) and more.features.min() == 0
    assert torch.equal(plain.scores, more.scores)
    unfolded = zoo.load_model('cfnet_fast')[0].eval()
    with torch.inference_mode():
        same = unfolded.with_features().search(crops, template).features
    torch.testing.assert_close(more.features, same, rtol=1e-3, atol=1e-3)


OLD = {'verified': [-8.0, 2.5, 8.0]}
NEW = {**OLD, 'verified with target model': [-9.0, 2.0, 8.0, 1.5, -1.0]}


@pytest.mark.parametrize(
    ('score', 'target_model', 'weights', 'calibrated'),
    [
        (OLD, False, [-8.0, 2.5, 8.0], True),
        (NEW, False, [-8.0, 2.5, 8.0], True),
        (NEW, True, [-9.0, 2.0, 8.0, 1.5, -1.0], True),
        (OLD, True, [-8.0, 2.5, 8.0, 0.0, 0.0], False),
    ],
)
def test_a_target_model_has_a_calibration_of_its_own(
    network, score, target_model, weights, calibrated
):
    settings = TrackingSettings.of(network.preset, target_model=target_model)
    engine = build_engine(network, settings, {'score': score})
    assert list(engine.looker.score_weights) == weights
    image, boxes = crossing(0)
    track = engine.start(image, boxes[1])
    [estimate] = engine.update(image, [track])
    assert estimate.calibrated == calibrated
    assert len(estimate.evidence) == len(weights) - 1


def test_the_evidence_tells_of_the_target_and_of_its_rival(engine):
    image, boxes = crossing(0)
    told = []
    for box in boxes[:2]:  # the first one has a look-alike beside it
        [estimate] = engine.update(image, [engine.start(image, box)])
        told.append(dict(zip(FILTER_FEATURES, estimate.evidence)))
    assert all(one['filter'] == pytest.approx(1, abs=0.15) for one in told)
    assert told[0]['rival'] > told[1]['rival'] + 0.1


def test_a_network_without_features_is_refused(network):
    class Bare(Network):
        preset = replace(network.preset, features='')
        template = search = cells = fold = use_precision = None

    assert not Bare().has_features
    with pytest.raises(ValueError, match="'cfnet_fast' has no features to learn on: target_model"):
        build_engine(Bare(), TrackingSettings(target_model=True, size='network', upsample=1))


def crossing(step):
    """Two blocks with textures of their own, and a third one like the first."""
    random = np.random.default_rng(5)
    image = 0.3 * random.random((240, 320), np.float32)
    textures = [random.random((32, 24), np.float32) for _ in range(2)]
    boxes = Box(60 + 2 * step, 60, 24, 32), Box(230 - 2 * step, 150, 24, 32), Box(100, 62, 24, 32)
    for box, texture in zip(boxes, [*textures, textures[0]]):
        rows = slice(int(box.y), int(box.y + box.h))
        image[rows, int(box.x) : int(box.x + box.w)] = 0.5 + 0.5 * texture
    return image, boxes


def test_targets_in_a_batch_are_where_each_would_be_alone(engine):
    image, boxes = crossing(0)
    together = [engine.start(image, box) for box in boxes]
    alone = [engine.start(image, box) for box in boxes]
    for step in range(1, 7):
        image, boxes = crossing(step)
        estimates = engine.update(image, together)
        for track, estimate, truth in zip(alone, estimates, boxes):
            [other] = engine.update(image, [track])
            assert estimate.box.iou(other.box) > 0.99
            assert estimate.score == pytest.approx(other.score, abs=0.01)
            assert estimate.box.iou(truth) > 0.6


def test_the_whole_region_is_searched_in_images_that_are_learned(engine, monkeypatch):
    sizes, search = [], engine.runtime.search
    monkeypatch.setattr(
        engine.runtime, 'search', lambda *args: sizes.append(args[-1]) or search(*args)
    )
    image, boxes = crossing(0)
    track = engine.start(image, boxes[1])
    sizes.clear()
    filters = [track.target_filter.weights]
    for step in range(1, 9):
        image, boxes = crossing(step)
        engine.update(image, [track])
        filters.append(track.target_filter.weights)
    learned = [not np.array_equal(a, b) for a, b in zip(filters, filters[1:])]
    assert learned == [False, True] * 4
    near, whole = engine.region.near_size, engine.region.size
    assert sizes == [whole, whole] + [near, whole] * 3
