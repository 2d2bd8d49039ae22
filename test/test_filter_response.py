# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training through the target model: its response, its gradient, the couples that it takes."""

import numpy as np
import pytest
import torch

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.tracking import target_model
from tir_tracker_ros.tracking.target_model import TargetModel
from tir_tracker_ros.training.config import AugmentationConfig, SamplingConfig
from tir_tracker_ros.training.crops import CropAugmentation
from tir_tracker_ros.training.filter_response import filter_response
from tir_tracker_ros.training.matching import MatchingModule
from tir_tracker_ros.training.recipes import make_config
from tir_tracker_ros.training.sampling import PairBatch, PairSampler
from tir_tracker_ros.training.views import PoolBuilder


def random_features(seed, count, side, channels=40):
    """Features `count x channels x side x side`, 0..1."""
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, side, side, generator=random) ** 2


@pytest.mark.parametrize(('target_cells', 'side', 'cells'), [(6.0, 30, 19), (30.0, 133, 61)])
def test_the_response_is_that_of_the_tracker(monkeypatch, target_cells, side, cells):
    # The tracker stops as soon as the error does not matter any more.
    monkeypatch.setattr(target_model, '_TOLERANCE', 1e-6)
    model = TargetModel(target_cells)
    first, second = (random_features(seed, 2, side) for seed in (0, 1))
    place = torch.tensor([[2.5, -4.0], [0.0, 1.25]]) * model.pooled
    response = filter_response(model, first, place, second, cells)
    assert response.shape == (2, 1, cells, cells)
    for one, features, at, other in zip(response, first.numpy(), place.numpy(), second.numpy()):
        target = model.start(features[None], -at[None], cells)
        expected = model.respond(target, other, cells)
        np.testing.assert_allclose(one[0], expected, atol=1e-4 * np.abs(expected).max())


def test_the_gradient_is_that_of_the_solution():
    # With no more channels than are kept, the choice of channels changes nothing.
    first, second = (random_features(seed, 1, 12, channels=8) for seed in (0, 1))
    place, wanted = torch.tensor([[0.5, -1.0]]), random_features(2, 1, 5, channels=1)
    step = 1e-2 * random_features(3, 1, 12, channels=8)

    def cost(share):
        moved = first + share * step, second - share * step
        return (wanted * filter_response(TargetModel(6.0), moved[0], place, moved[1], 5)).sum()

    share = torch.zeros((), requires_grad=True)
    cost(share).backward()
    assert share.grad.item() == pytest.approx((cost(0.5) - cost(-0.5)).item(), rel=0.02)
    assert abs(share.grad) > 1e-3


@pytest.fixture(scope='module')
def pool():
    """Eight objects with textures of their own, four views of each."""
    builder = PoolBuilder(320, 95)
    builder.source('a')
    for seed in range(8):
        random = np.random.default_rng(seed)
        image = random.integers(0, 100, (240, 320), np.uint8)
        texture = random.integers(50, 255, (6, 8), np.uint8).repeat(5, 0).repeat(5, 1)
        builder.video()
        frames = []
        for time in range(4):
            frames.append((time, image.copy(), Box(100 + 8 * time, 90, 40, 30)))
            frames[-1][1][90:120, 100 + 8 * time : 140 + 8 * time] = texture
        builder.add_track(frames)
    return builder.build()


def sampler(pool, first=0):
    config = SamplingConfig(easy=0.2, background=0, semantic=0, frame_range=2)
    return PairSampler(pool, config, {'a': 1.0}, 16, 9, first, 3, coupled=True)


def test_the_pairs_of_a_couple_show_other_views_of_the_same_object(pool):
    numbers = range(9)
    batches = [sampler(pool)[number] for number in numbers]
    positive = 0
    for batch in batches:
        assert batch.coupled and len(batch.kind) == 16
        one, other = (
            torch.stack([batch.template, batch.search, batch.kind]).T[part]
            for part in (slice(8), slice(8, None))
        )
        assert torch.equal(pool.track[one[:, 0]], pool.track[other[:, 0]])
        both = (one[:, 2] == 0) & (other[:, 2] == 0)
        searches = one[both, 1], other[both, 1]
        assert torch.equal(*(pool.track[search] for search in searches))
        assert (searches[0] != searches[1]).all()
        assert ((pool.time[searches[0]] - pool.time[searches[1]]).abs() <= 2).all()
        positive += int(both.sum())
    assert positive / 72 == pytest.approx(0.64, abs=0.15)
    resumed = sampler(pool, first=4)[0]
    for name in ('template', 'search', 'kind', 'seed'):
        first, again = (torch.as_tensor(getattr(batch, name)) for batch in (batches[4], resumed))
        assert torch.equal(first, again)


def test_a_couple_is_flipped_alike_and_of_one_polarity(pool):
    still = dict.fromkeys(AugmentationConfig.model_fields, 0)
    config = AugmentationConfig(**still | {'flip': 0.5, 'polarity': 0.5})
    augmentation = CropAugmentation(config, 191, 287, 2.0, 3.0)
    same = torch.zeros(16, dtype=torch.long)
    for coupled in (True, False):
        pairs = PairBatch(same, same, same, 1, coupled)
        first, second = augmentation(pool, pairs).search.split(8)
        assert torch.equal(first, second) == coupled
        assert len(first.flatten(1).unique(dim=0)) > 2


def module_of(**changes):
    values = {'sources': [{'kind': 'simulator'}], 'model': 'cfnet_fast', 'loss': {'filter': 2.0}}
    torch.manual_seed(0)
    return MatchingModule(make_config(values | changes))


def couples(kind=(0, 0, 0, 0)):
    """Two couples: objects 0 and 1, of which each pair has other views."""
    views = torch.tensor([[0, 1], [4, 5], [2, 3], [6, 7]])
    return PairBatch(*views.T, torch.tensor(kind), 1, coupled=True)


def test_only_couples_of_positive_pairs_have_a_part_in_the_loss(pool):
    module = module_of().eval()
    terms = [
        module.losses(couples(kind), pool)[0]['filter'].item()
        for kind in ((0, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1), (1, 0, 0, 1))
    ]
    assert terms[1] == pytest.approx(terms[2], rel=1e-5)
    assert terms[0] != pytest.approx(terms[1], rel=1e-3)
    assert terms[3] == 0
    weighed = module_of(loss={'filter': 0.5}).eval().losses(couples(), pool)[0]['filter']
    assert weighed.item() == pytest.approx(terms[0] / 4, rel=1e-4)
    assert 'filter' not in module_of(loss={}).losses(couples(), pool)[0]


def test_a_few_steps_of_training_lower_the_loss_of_the_target_model(pool):
    module = module_of()
    optimiser = torch.optim.AdamW(module.parameters(), 1e-3)
    losses = []
    for _ in range(6):
        loss = module.losses(couples(), pool)[0]['filter']
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_features_do_not_count_a_batch_twice_in_its_statistics(pool):
    module = module_of()
    module.losses(couples(), pool)
    # Of the templates, and of the search crops.
    assert [int(norm.num_batches_tracked) for norm in module.model.backbone.norms[:4]] == [2] * 4


def test_couples_need_an_even_batch():
    with pytest.raises(ValueError, match='batch 7 is odd: loss.filter needs couples of pairs'):
        module_of(batch=7)
