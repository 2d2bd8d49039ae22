# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training: pairs, crops and labels agree, losses are what they say, a run can be resumed."""

from dataclasses import replace
import math
from pathlib import Path

import cv2
from hypothesis import given, settings, strategies
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file
import torch

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.models.anchors import AnchorShape
from tir_tracker_ros.models.families import build, find_preset
from tir_tracker_ros.training.box_windows import (
    BoxErrorConfig,
    on_target,
    VerificationConfig,
    WindowAugmentation,
)
from tir_tracker_ros.training.config import AugmentationConfig, SamplingConfig
from tir_tracker_ros.training.crops import CropAugmentation
from tir_tracker_ros.training.losses import cell_distances, logistic_loss, softmax_loss
from tir_tracker_ros.training.matching import MatchingModule
from tir_tracker_ros.training.pack import read_pack, write_pack
from tir_tracker_ros.training.pools import build_pools
from tir_tracker_ros.training.proposals import (
    anchor_labels,
    offset_loss,
    ProposalLossConfig,
    ProposalModule,
    score_loss,
)
from tir_tracker_ros.training.recipes import make_config, read_config
from tir_tracker_ros.training.sampling import KINDS, PairBatch, PairSampler
from tir_tracker_ros.training.views import NO_CLASS, PoolBuilder, ViewPool

CONFIGS = Path(__file__).parents[1] / 'config' / 'train'
STILL = dict.fromkeys(AugmentationConfig.model_fields, 0)


def image_with(box: Box, size=(256, 320)) -> np.ndarray:
    """Draw one bright box on a dim background."""
    image = np.full(size, 60, np.uint8)
    cv2.rectangle(
        image, (int(box.x), int(box.y)), (int(box.x + box.w) - 1, int(box.y + box.h) - 1), 230, -1
    )
    return image


@pytest.fixture(scope='module')
def pool() -> ViewPool:
    """Two sources, six recordings, two objects in each, three views of an object."""
    builder = PoolBuilder(448, 95)
    for source in ('a', 'b'):
        builder.source(source)
        for recording in range(3):
            builder.video()
            for thing in ('person', 'car'):
                builder.add_track(
                    (
                        (time, image_with(box), box)
                        for time, box in (
                            (step * 40, Box(100 + 10 * step + recording, 90, 40, 30))
                            for step in range(3)
                        )
                    ),
                    thing,
                )
    return builder.build()


def sampler(pool, **changes):
    return PairSampler(pool, SamplingConfig(**changes), {'a': 1.0, 'b': 1.0}, 16, 20, 0, 3)


# ------------------------------------------------------------------------------- views, pairs
def test_pool_leaves_out_boxes_that_show_no_target():
    builder = PoolBuilder(448, 95)
    builder.source('a')
    builder.video()
    image = np.zeros((100, 100), np.uint8)
    kept = builder.add_track(
        [
            (0, image, Box(10, 10, 20, 20)),
            (1, image, Box(10, 10, 3, 20)),
            (2, image, Box(math.nan, 10, 20, 20)),
            (3, image, Box(95, 10, 40, 20)),
        ]
    )
    assert kept == 1


def test_a_batch_depends_on_seed_and_number_alone(pool):
    first, again = sampler(pool)[7], sampler(pool)[7]
    resumed = PairSampler(pool, SamplingConfig(), {'a': 1, 'b': 1}, 16, 5, 7, 3)[0]
    for other in (again, resumed):
        assert torch.equal(first.template, other.template)
        assert torch.equal(first.search, other.search) and first.seed == other.seed
    assert not torch.equal(first.template, sampler(pool)[8].template)


def test_kinds_of_pairs_are_what_they_say(pool):
    batches = [
        sampler(pool, easy=0.25, background=0.25, semantic=0.25)[index] for index in range(20)
    ]
    kind, z, x = (
        torch.cat([getattr(batch, name) for batch in batches])
        for name in ('kind', 'template', 'search')
    )
    same_track = pool.track[z] == pool.track[x]
    same_video = pool.video[z] == pool.video[x]
    same_label = pool.label[z] == pool.label[x]
    of = {name: kind == number for number, name in enumerate(KINDS)}
    assert same_track[of['positive']].all() and (z != x)[of['positive']].all()
    assert not same_video[of['easy']].any()
    assert same_track[of['background']].all()
    assert not same_track[of['semantic']].any()
    assert (same_video | same_label)[of['semantic']].all()
    for name in KINDS:
        assert of[name].float().mean() == pytest.approx(0.25, abs=0.08)


def test_a_related_pair_shows_a_look_alike_of_the_pair_before(pool):
    batch = sampler(pool, related=1, easy=0, background=0, semantic=0)[0]
    before, after = batch.template[:-1], batch.template[1:]
    same = [pool.track, pool.video, pool.label]
    same_track, same_video, same_label = (column[before] == column[after] for column in same)
    assert not same_track.any()
    assert (same_video | same_label).all()


def test_a_view_of_a_small_object_keeps_the_pixels_of_its_image():
    builder = PoolBuilder(320, 95)
    builder.source('a')
    builder.video()
    box = Box(100, 90, 10, 10)
    builder.add_track([(0, image_with(box), box)])
    pool = builder.build()
    image = pool.images(torch.tensor([0]))
    assert image.shape == (1, 1, 320, 320) and image.dtype == torch.uint8
    # 4.5 times s_z = 20: 90 pixels, a tenth of them the box.
    assert pool.size[0].tolist() == pytest.approx([1 / 9, 1 / 9])
    bright = (image[0, 0] > 145).float().mean().sqrt()
    assert bright == pytest.approx(1 / 9, abs=0.01)
    assert len(pool.codes) < 3000


def test_positive_pairs_stay_within_the_frame_range(pool):
    batches = [
        sampler(pool, frame_range=50, easy=0, background=0, semantic=0)[index]
        for index in range(5)
    ]
    for batch in batches:
        assert ((pool.time[batch.template] - pool.time[batch.search]).abs() <= 50).all()


def test_rates_that_leave_no_positive_pairs_are_refused():
    with pytest.raises(ValueError, match='rates of negatives sum to 1.2'):
        SamplingConfig(easy=0.6, background=0.6, semantic=0.0)


# ------------------------------------------------------------------------------- sources
def sequence_of(folder: Path, box: Box, frames: int = 6) -> None:
    """Write a sequence in the plain layout."""
    (folder / 'img').mkdir(parents=True)
    for number in range(frames):
        cv2.imwrite(str(folder / 'img' / f'{number:04}.png'), image_with(box))
    (folder / 'groundtruth.txt').write_text(f'{box.x},{box.y},{box.w},{box.h}\n' * frames)


def pools_of(data: Path, **changes):
    source = {'kind': 'sequences', 'root': '.'}
    return build_pools(make_config({'data': str(data), 'sources': [source], **changes}))


def test_own_data_without_a_split_are_split_by_sequence_and_that_is_told(tmp_path, caplog):
    for number in range(4):
        sequence_of(tmp_path / f'walk_{number}', Box(60, 90, 40 + 10 * number, 30))
    training, validation = pools_of(tmp_path)
    counts = [len(pool.track.unique()) for pool in (training, validation)]
    assert counts == [3, 1]
    assert '1 of its 4 recordings are kept for validation' in caplog.text
    # Another seed keeps another recording, the same seed the same one.
    assert torch.equal(pools_of(tmp_path)[1].codes, validation.codes)
    assert not torch.equal(pools_of(tmp_path, seed=1)[1].codes, validation.codes)


def test_a_single_recording_is_trained_on(tmp_path):
    sequence_of(tmp_path / 'walk', Box(60, 90, 40, 30))
    training, validation = pools_of(tmp_path)
    assert len(training) == 6 and len(validation) == 0


def test_a_split_that_does_not_exist_is_named_with_those_that_do(tmp_path):
    sequence_of(tmp_path / 'walk', Box(60, 90, 40, 30))
    source = {'kind': 'sequences', 'root': '.', 'only': 'run*'}
    with pytest.raises(
        ValueError, match=r"no sequence of the split 'train' and of a name like 'r"
    ):
        pools_of(tmp_path, sources=[source])


def test_classes_have_the_same_number_in_training_and_validation(tmp_path):
    names = ['car', 'dog', 'person', 'bird']
    (tmp_path / 'images').mkdir()
    rows = ['image,class,x,y,w,h']
    for number in range(20):
        name = f'video{number:02}_0.png'
        cv2.imwrite(str(tmp_path / 'images' / name), image_with(Box(100, 90, 40, 30)))
        # The recordings for validation, 9 and 19, show what comes last in training.
        kind = names[3] if number % 10 == 9 else names[number % 4]
        rows.append(f'{name},{kind},100,90,40,30')
    (tmp_path / 'boxes.csv').write_text('\n'.join(rows))
    training, validation = pools_of(tmp_path, sources=[{'kind': 'stills', 'root': '.'}])
    assert len(validation) == 2
    assert {validation.classes[label] for label in validation.label} == {'bird'}
    assert training.classes == validation.classes and set(training.classes) == set(names)


# ------------------------------------------------------------------------------- crops, labels
def crops_of(pool, seed=1, kind=0, index=range(8), **changes):
    preset = find_preset('mmnet_fast')
    augmentation = CropAugmentation(
        AugmentationConfig(**{**STILL, **changes}),
        preset.template_size,
        preset.search_size,
        preset.context,
        preset.search_context,
    )
    index = torch.tensor(index)
    return augmentation(pool, PairBatch(index, index, torch.full_like(index, kind), seed))


def test_crops_without_augmentation_show_the_target_in_the_middle(pool):
    crops = crops_of(pool)
    assert crops.template.shape == (8, 1, 191, 191) and crops.search.shape == (8, 1, 287, 287)
    assert not crops.offset.any()
    for crop in (crops.template, crops.search):
        bright = crop[:, 0] > 0.5
        side = crop.shape[-1]
        rows, columns = (torch.nonzero(bright[0].any(dim=axis)).flatten() for axis in (1, 0))
        assert (rows[0] + rows[-1]).item() / 2 == pytest.approx((side - 1) / 2, abs=1.5)
        assert (columns[0] + columns[-1]).item() / 2 == pytest.approx((side - 1) / 2, abs=1.5)
        # Same pixels per target in both crops: 40 x 30 of s_z = sqrt(75 * 65).
        assert len(columns) == pytest.approx(40 / math.sqrt(75 * 65) * 191 / 2, abs=2)


@pytest.mark.parametrize(
    'changes',
    [
        {'translation': 40},
        {'translation': 40, 'flip': 1},
        {'translation': 40, 'rotation': 10},
        {'translation': 40, 'scale': 0.25, 'aspect': 0.1, 'flip': 0.5, 'rotation': 5},
    ],
)
def test_the_label_follows_the_target(pool, changes):
    crops = crops_of(pool, **changes)
    cells = torch.arange(287) - 143.0
    for crop, offset in zip(crops.search[:, 0], crops.offset):
        weight = (crop > 0.5).float()
        x = (weight.sum(0) * cells).sum() / weight.sum()
        y = (weight.sum(1) * cells).sum() / weight.sum()
        assert (x.item(), y.item()) == pytest.approx(tuple(offset.tolist()), abs=1.0)
    assert crops.offset.abs().max() > 10


def test_background_templates_do_not_show_the_target(pool):
    crops = crops_of(pool, kind=KINDS.index('background'))
    assert not crops.positive.any()
    assert (crops.template > 0.5).float().mean() < 0.01


def test_photometry_changes_values_and_keeps_the_range(pool):
    plain = crops_of(pool)
    changed = crops_of(pool, gain=0.3, offset=0.2, noise=0.1, fixed_pattern=0.05, blur=1)
    assert changed.search.min() >= 0 and changed.search.max() <= 1
    assert not torch.equal(plain.search, changed.search)
    assert torch.equal(crops_of(pool, noise=0.1).search, crops_of(pool, noise=0.1).search)


def test_black_hot_pairs_are_inverted_together(pool):
    crops = crops_of(pool, polarity=1)
    torch.testing.assert_close(crops.template, 1 - crops_of(pool).template)
    torch.testing.assert_close(crops.search, 1 - crops_of(pool).search)


def test_a_neighbour_is_of_the_same_class_or_recording(pool):
    # Views 0 to 2 are of a person, 3 to 5 of a car in the same recording, 6 to 11 of the next one.
    for index, changed in (([0, 3], True), ([0, 6], True), ([0, 9], False), ([0, 1], False)):
        plain, crowded = (crops_of(pool, index=index, neighbours=rate).search for rate in (0, 1))
        assert torch.equal(plain, crowded) is not changed, index


def test_a_neighbour_lies_beside_the_target_or_partly_over_or_under_it():
    builder = PoolBuilder(448, 95)
    builder.source('a')
    builder.video()
    box = Box(140, 90, 40, 60)
    for bright in (250, 150):
        mask = np.zeros((256, 320), np.float32)
        cv2.ellipse(mask, (160, 120), (20, 30), 0, 0, 360, 1.0, -1)
        image = np.where(mask > 0, bright, 60).astype(np.uint8)
        builder.add_track([(0, image, box, mask)], 'person')
    pool = builder.build()
    plain = crops_of(pool, index=[0, 1]).search[0] > 0.8
    hidden = []
    for seed in range(40):
        crop = crops_of(pool, seed, index=[0, 1], neighbours=1).search[0]
        hidden.append(1 - ((crop > 0.8) & plain).sum().item() / plain.sum().item())
        neighbour = ((crop > 0.4) & (crop < 0.8)).sum() / plain.sum()
        assert 0.02 < neighbour < 2
    assert max(hidden) < 0.5
    # Under a target, and beside it, nothing of it is hidden.
    assert 0.4 < np.mean(np.array(hidden) < 0.05) < 0.9


def test_a_displaced_target_stays_and_its_background_moves():
    # The target lies on the corner of a patch, which is a part of the background.
    builder = PoolBuilder(448, 95)
    builder.source('a')
    builder.video()
    for _ in range(2):
        image = np.full((256, 320), 60, np.uint8)
        cv2.rectangle(image, (160, 120), (230, 200), 140, -1)
        mask = np.zeros((256, 320), np.float32)
        cv2.ellipse(mask, (160, 120), (20, 15), 0, 0, 360, 1.0, -1)
        image[mask > 0] = 250
        builder.add_track([(0, image, Box(140, 105, 40, 30), mask)])
    pool = builder.build()
    plain = crops_of(pool, index=[0, 1]).search[0, 0]
    target = plain > 0.8
    moves = []
    for seed in range(10):
        crop = crops_of(pool, seed, index=[0, 1], displaced=1).search[0, 0]
        assert (crop > 0.8).sum() == pytest.approx(target.sum().item(), rel=0.15)
        assert (crop[target] > 0.8).float().mean() > 0.9
        left, right = ((one > 0.4) & (one < 0.7) for one in (plain, crop))
        moves.append((left != right).float().mean().item() / left.float().mean().item())
    assert min(moves) > 0.2


def windows_of(pool, verification=None, search=None, **errors):
    size = 96
    exact = dict.fromkeys(BoxErrorConfig.model_fields, 0) | {'wide_factor': 1}
    augmentation = WindowAugmentation(
        AugmentationConfig(**STILL | {'flip': 0.5}),
        BoxErrorConfig(**exact | errors),
        size,
        2.0,
        verification,
    )
    index = torch.arange(12)
    return augmentation(
        pool, PairBatch(index, index if search is None else search, torch.zeros(12), 5)
    )


def extent(window):
    """Centre and size, x and y, of what is bright: from the middle, in sides of the box."""
    side = window.shape[-1]
    for axis in (0, 1):
        bright = torch.nonzero((window[0] > 0.5).any(dim=axis)).flatten()
        first, last = bright[0].item(), bright[-1].item() + 1
        yield ((first + last) / 2 - side / 2) / (side / 2), (last - first) / (side / 2)


def test_a_right_box_is_the_middle_half_of_its_window(pool):
    windows = windows_of(pool)
    assert not windows.offset.any()
    for window in (*windows.reference, *windows.current):
        for centre, size in extent(window):
            assert (centre, size) == pytest.approx((0, 1), abs=0.04)


def test_the_offset_makes_a_wrong_box_describe_the_object_as_the_reference_does(pool):
    windows = windows_of(
        pool, shift=0.15, scale=0.1, aspect=0.1, description_shift=0.1, description_scale=0.1
    )
    assert windows.offset.abs().amax(dim=0).min() > 0.1
    for reference, current, offset in zip(windows.reference, windows.current, windows.offset):
        for axis, ((right, right_size), (centre, size)) in enumerate(
            zip(extent(reference), extent(current))
        ):
            shift, growth = offset[axis].item(), math.exp(offset[axis + 2].item())
            assert ((centre - shift) / growth, size / growth) == pytest.approx(
                (right, right_size), abs=0.05
            )


def test_a_box_is_on_the_same_object_only_where_both_windows_show_it(pool):
    tracks = pool.track[torch.arange(12)]
    other = torch.tensor([int((tracks != one).nonzero()[0]) for one in tracks])
    right = windows_of(pool)
    assert (right.same == 1).all()
    assert not windows_of(pool, search=other).same.any()
    beside = windows_of(pool, VerificationConfig(beside=1, gone=0, edge=0))
    assert (beside.offset[:, :2].abs().amax(dim=1) >= 0.5).all()
    assert (beside.same < 0.8).all() and (beside.same == 0).float().mean() > 0.7
    # What a target leaves behind: the same surroundings, and nothing bright in their middle.
    gone = windows_of(pool, VerificationConfig(beside=0, gone=1, edge=0))
    assert not gone.same.any() and not gone.offset.any()
    middle = slice(40, 56)
    assert (right.current[..., middle, middle] > 0.5).all()
    assert (gone.current[..., middle, middle] < 0.5).all()


def test_a_target_beyond_the_edge_of_the_image_is_not_seen(pool):
    plain = (windows_of(pool).current > 0.5).float().sum(dim=(1, 2, 3))
    ended = windows_of(pool, VerificationConfig(beside=0, gone=0, edge=1))
    bright = (ended.current > 0.5).float().sum(dim=(1, 2, 3)) / plain
    assert (ended.reference > 0.5).any(dim=3).any(dim=2).all()
    out, seen = ended.same == 0, ended.same == 1
    assert out.sum() >= 2 and seen.sum() >= 2
    # The last pixels are repeated: nothing of a target beyond them, and more of one on the edge.
    assert (bright[ended.same == 0].min() < 0.05) and (bright[seen] > 0.9).all()


@settings(max_examples=50)
@given(strategies.tuples(*4 * [strategies.floats(-1, 1)]))
def test_a_box_is_on_its_object_by_their_overlap(pool, lack):
    truth = Box.from_center(lack[0], lack[1], math.exp(lack[2]), math.exp(lack[3]))
    overlap = Box.from_center(0, 0, 1, 1).iou(truth)
    same = on_target(torch.tensor([lack])).item()
    assert same == pytest.approx(min(max((overlap - 0.15) / 0.25, 0), 1), abs=1e-5)


# ------------------------------------------------------------------------------- losses
def test_distance_is_in_cells_from_the_target():
    distance = cell_distances(19, 8, torch.tensor([[16.0, -24.0]]))[0]
    assert distance[9 - 3, 9 + 2] == pytest.approx(0)
    assert distance[9, 9] == pytest.approx(math.hypot(2, 3))


def naive_logistic(response, positive_cells, kind):
    total = count = 0.0
    for row in range(response.shape[0]):
        for column in range(response.shape[1]):
            sign = 1 if (row, column) in positive_cells else -1
            cost = math.log1p(math.exp(-sign * response[row, column].item()))
            if kind == 'paper':
                weight = 1 / response.numel()
            elif sign == 1:
                weight = 0.5 / len(positive_cells)
            else:
                weight = 0.5 / (response.numel() - len(positive_cells))
            total += weight * cost
            count += weight
    return total


@pytest.mark.parametrize('kind', ['paper', 'balanced'])
@pytest.mark.parametrize('positive', [True, False])
def test_logistic_loss_equals_a_loop_over_cells(kind, positive):
    response = torch.randn(1, 1, 5, 5)
    distance = cell_distances(5, 8, torch.zeros(1, 2))
    cells = {(2, 2), (1, 2), (3, 2), (2, 1), (2, 3)} if positive else set()
    loss = logistic_loss(response, distance, torch.tensor([positive]), 1.0, kind)
    assert loss.item() == pytest.approx(naive_logistic(response[0, 0], cells, kind), rel=1e-4)


def test_paper_radius_of_two_cells_marks_thirteen():
    distance = cell_distances(33, 4, torch.zeros(1, 2))
    assert int((distance <= 2).sum()) == 13


def test_hinge_loss_looks_at_the_hardest_negatives_only():
    distance = cell_distances(9, 8, torch.zeros(1, 2))
    response = torch.full((1, 1, 9, 9), -5.0)
    response[0, 0, 4, 4] = 5
    response[0, 0, 3:6, 3:6] = 5
    easy = logistic_loss(response, distance, torch.tensor([True]), 1.0, 'hinge')
    response[0, 0, 0, 0] = 3
    hard = logistic_loss(response, distance, torch.tensor([True]), 1.0, 'hinge')
    assert hard - easy == pytest.approx(4 / 15)


def test_the_loss_of_a_branch_is_weighed_by_its_name(pool):
    def terms(**loss):
        values = {'model': 'mmnet_fast', 'sources': [{'kind': 'simulator'}], 'loss': loss}
        torch.manual_seed(0)
        module = MatchingModule(make_config(values))
        return module.losses(PairBatch(torch.arange(4), torch.arange(4), torch.zeros(4), 1), pool)[
            0
        ]

    plain, weighed = terms(), terms(branches={'fine': 0.25})
    torch.testing.assert_close(weighed['fine'], 0.25 * plain['fine'])
    torch.testing.assert_close(weighed['discriminative'], plain['discriminative'])
    with pytest.raises(ValueError, match="no branch 'coarse', but discriminative, fine"):
        terms(branches={'coarse': 1.0})


def test_strangers_are_search_regions_of_other_objects(pool):
    def strangers(templates, searches):
        values = {
            'model': 'cfnet_fast',
            'sources': [{'kind': 'simulator'}],
            'loss': {'strangers': 1.0},
        }
        module = MatchingModule(make_config(values))
        pairs = PairBatch(torch.tensor(templates), torch.tensor(searches), torch.zeros(4), 1)
        return module.losses(pairs, pool)[0]['strangers'].item()

    # Views 0 to 2 show one object, view 3 another one.
    assert strangers([0, 1, 2, 0], [1, 2, 0, 1]) == 0
    assert strangers([0, 1, 2, 3], [1, 2, 0, 3]) > 0


def test_softmax_loss_prefers_the_peak_on_the_target():
    distance = cell_distances(19, 8, torch.tensor([[16.0, 0.0]]))
    right, wrong = torch.zeros(1, 1, 19, 19), torch.zeros(1, 1, 19, 19)
    right[0, 0, 9, 11] = wrong[0, 0, 9, 9] = 8.0
    yes = torch.tensor([True])
    assert softmax_loss(right, distance, yes, 0.7) < softmax_loss(wrong, distance, yes, 0.7) - 2
    assert softmax_loss(right, distance, ~yes, 0.7) == 0


@pytest.mark.parametrize('kind', ['paper', 'balanced', 'hinge'])
def test_a_target_outside_of_the_map_makes_no_cell_positive(kind):
    outside = cell_distances(19, 8, torch.tensor([[120.0, 0.0]]))
    response = torch.full((1, 1, 19, 19), -1.0)
    yes = torch.tensor([True])
    as_negative = logistic_loss(response, outside, ~yes, 1.0, kind)
    torch.testing.assert_close(logistic_loss(response, outside, yes, 1.0, kind), as_negative)
    assert softmax_loss(response, outside, yes, 0.7) == 0
    # The last cell is 9 cells from the middle: 72 pixels, and half a cell more.
    border = cell_distances(19, 8, torch.tensor([[75.0, 0.0]]))
    assert logistic_loss(response, border, yes, 1.0, kind) != as_negative


# ------------------------------------------------------------------------------- configuration
def test_an_unknown_key_is_an_error(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('model: mmnet_fast\nsources: [{kind: simulator}]\nepoch: 3\n')
    with pytest.raises(ValueError, match='run.yaml: epoch: .*not permitted'):
        read_config(path)


def test_changes_on_the_command_line_reach_nested_keys(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('sources: [{kind: simulator}]\n')
    config = read_config(path, ['epochs=3', 'loss.fused=0.5', 'loss.logistic=paper'])
    assert (config.epochs, config.loss.fused, config.loss.logistic) == (3, 0.5, 'paper')
    with pytest.raises(ValueError, match="change 'epochs' is not KEY=VALUE"):
        read_config(path, ['epochs'])


def test_a_configuration_can_change_another_one(tmp_path):
    (tmp_path / 'base.yaml').write_text(
        'model: cfnet_fast\nsources: [{kind: simulator}]\nloss: {fused: 0.5, radius: 2}\n'
    )
    (tmp_path / 'own').mkdir()
    path = tmp_path / 'own' / 'other.yaml'
    path.write_text('extends: ../base.yaml\nmodel: mmnet_fast\nloss: {radius: 3}\n')
    config = read_config(path, ['loss.fused=0.25'])
    assert (config.model, config.loss.fused, config.loss.radius) == ('mmnet_fast', 0.25, 3)
    assert [source.kind for source in config.sources] == ['simulator']


def test_a_configuration_that_extends_itself_is_refused_in_one_line(tmp_path):
    (tmp_path / 'a.yaml').write_text('extends: b.yaml\n')
    (tmp_path / 'b.yaml').write_text('extends: a.yaml\n')
    with pytest.raises(
        ValueError, match="^'.*b.yaml' extends 'a.yaml', which extends it in turn$"
    ):
        read_config(tmp_path / 'a.yaml')


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('- model: mmnet_fast\n', 'holds a list; a configuration is a mapping'),
        ('model: [\n', 'is no YAML file'),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_line(tmp_path, text, reason):
    path = tmp_path / 'run.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^'.*run.yaml' {reason}.*$"):
        read_config(path)


def test_every_wrong_key_is_told_in_one_line(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('sources: [{kind: simulator}]\nepoch: 3\nloss: {fused: -1}\n')
    with pytest.raises(ValueError, match='run.yaml: loss.fused: .*; epoch: .*not permitted$'):
        read_config(path)
    with pytest.raises(ValueError, match="change 'epochs.last=3': 'epochs' has no keys"):
        read_config(CONFIGS / 'fast.yaml', ['epochs.last=3'])


@pytest.mark.parametrize('path', sorted(CONFIGS.rglob('*.yaml')), ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path):
    config = read_config(path)
    parameters = [name for name, _ in build(config.model).named_parameters()]
    for prefix in config.freeze:
        assert any(name.startswith(prefix) for name in parameters), prefix


def test_no_class_is_not_a_class(pool):
    builder = PoolBuilder(448, 95)
    builder.source('a')
    builder.video()
    builder.add_track([(0, np.zeros((90, 90), np.uint8), Box(30, 30, 20, 20))])
    assert builder.build().label.tolist() == [NO_CLASS]
    assert make_config({'sources': [{'kind': 'simulator'}]}).model == 'mmnet_fast'


# ------------------------------------------------------------------------------- proposals
SIZES = AnchorShape().sizes(8)


def labels_of(boxes, positive=True, **changes):
    boxes = torch.tensor(boxes)
    return anchor_labels(
        boxes,
        torch.full((len(boxes),), positive),
        SIZES,
        8,
        255,
        17,
        ProposalLossConfig(**changes),
        torch.Generator().manual_seed(0),
    )


def overlaps_of(box):
    """Overlap of a box with each anchor, one by one."""
    place = np.ndindex(5, 17, 17)
    values = [
        Box.from_center(127.5 + 8 * (j - 8), 127.5 + 8 * (i - 8), *SIZES[k].tolist()).iou(box)
        for k, i, j in place
    ]
    return np.array(values).reshape(5, 17, 17)


def test_sizes_of_targets_follow_the_crops(pool):
    for changes in ({}, {'scale': 0.25, 'aspect': 0.2, 'translation': 30, 'flip': 0.5}):
        crops = crops_of(pool, **changes)
        for crop, size in zip(crops.search[:, 0], crops.size):
            bright = crop > 0.5
            seen = [int(bright.any(dim=axis).sum()) for axis in (0, 1)]
            assert seen == pytest.approx(size.tolist(), abs=2)


def test_a_turned_target_is_an_ellipse(pool):
    crops = crops_of(pool, rotation=45)
    shares = crops.size / crops_of(pool).size
    assert shares.std(dim=0).min() > 0.01
    # A target of 40 x 30 that is turned becomes narrower and taller.
    assert shares[:, 0].max() < 1.001 and shares[:, 1].min() > 0.999


def test_anchors_are_labelled_as_in_the_paper():
    box = Box(90, 100, 60, 68)
    overlap = overlaps_of(box)
    [labels] = labels_of([tuple(map(float, box))], positives=1445, negatives=1445).numpy()
    assert ((labels == 1) == (overlap >= 0.6)).all()
    assert ((labels == 0) == (overlap < 0.3)).all()
    [few] = labels_of([tuple(map(float, box))], positives=2, negatives=7).numpy()
    assert (few == 1).sum() == 2 and (few == 0).sum() == 7
    assert (labels[few >= 0] == few[few >= 0]).all()


def test_a_long_thin_target_has_the_anchor_that_fits_best():
    box = Box(20, 120, 200, 8)
    [labels] = labels_of([tuple(map(float, box))]).numpy()
    overlap = overlaps_of(box)
    assert overlap.max() < 0.6
    assert (overlap[labels == 1] == overlap.max()).all() and (labels == 1).any()


def test_a_target_outside_of_the_crop_has_no_anchor():
    labels = labels_of([(900.0, 900.0, 40.0, 40.0)])
    assert not (labels == 1).any() and (labels == 0).sum() == 48


def test_of_a_negative_pair_the_anchors_around_the_object_are_no_target():
    [labels] = labels_of([(119.5, 135.5, 32.0, 32.0)], positive=False, positives=1445).numpy()
    assert not (labels == 1).any()
    rows, columns = (np.unique(axis) for axis in np.nonzero(labels == 0)[1:])
    # The object is one cell to the right of the middle and three below.
    assert rows.tolist() == list(range(8, 15)) and columns.tolist() == list(range(6, 13))
    assert (labels_of([(119.5, 135.5, 32.0, 32.0)], positive=False) == 0).sum() == 16


def test_losses_of_proposals_are_those_of_the_authors():
    torch.manual_seed(0)
    scores, offsets, wanted = (
        torch.randn(3, 5, 4, 4), torch.randn(3, 4, 5, 4, 4), torch.randn(3, 4, 5, 4, 4)
    )  # fmt: skip
    labels = torch.randint(-1, 2, (3, 5, 4, 4))
    labels[2][labels[2] == 1] = 0
    both = torch.stack([torch.zeros_like(scores), scores], dim=-1).log_softmax(dim=-1)
    expected = -0.5 * (both[labels == 1][:, 1].mean() + both[labels == 0][:, 0].mean())
    torch.testing.assert_close(score_loss(scores, labels), expected)
    total = 0.0
    for index in range(2):
        error = (offsets - wanted)[index].abs().sum(dim=0)
        total += error[labels[index] == 1].sum() / (labels[index] == 1).sum()
    torch.testing.assert_close(offset_loss(offsets, wanted, labels), total / 3)
    nothing = torch.full_like(labels, -1)
    assert score_loss(scores, nothing) == 0 and offset_loss(offsets, wanted, nothing) == 0


def test_a_proposal_network_learns_where_a_target_is(pool):
    torch.manual_seed(0)
    module = ProposalModule(
        make_config({'model': 'siamrpn_fast', 'sources': [{'kind': 'simulator'}]})
    )
    index = torch.arange(4)
    kind = torch.tensor([0, 0, 0, 1])
    pairs = PairBatch(index, torch.tensor([1, 2, 0, 9]), kind, 5)
    optimiser = torch.optim.Adam(module.model.parameters(), 2e-3)
    totals = []
    for _ in range(8):
        terms, _ = module.losses(pairs, pool)
        total = sum(terms.values())
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(total.item())
    assert set(terms) == {'scores', 'offsets'}
    assert totals[-1] < 0.6 * totals[0]


def masked_pool():
    """Six views of one bright ellipse in its mask, and one of another without a mask."""
    builder = PoolBuilder(448, 95)
    builder.source('a')
    builder.video()

    def frames(masked):
        for time in range(6 if masked else 1):
            box = Box(100, 90 + 4 * time, 50, 30)
            mask = np.zeros((256, 320), np.float32)
            centre = int(box.cx), int(box.cy)
            cv2.ellipse(mask, centre, (int(box.w / 2), int(box.h / 2)), 0, 0, 360, 1.0, -1)
            image = (60 + 170 * mask).astype(np.uint8)
            yield time, image, box, mask if masked else None

    builder.add_track(frames(True))
    builder.add_track(frames(False))
    return builder.build()


def test_masks_follow_the_crops(pool):
    views = masked_pool()
    preset = find_preset('siammask_fast')
    changes = {'translation': 40, 'scale': 0.25, 'aspect': 0.1, 'flip': 0.5, 'rotation': 20}
    augmentation = CropAugmentation(
        AugmentationConfig(**{**STILL, **changes}), 127, 255, preset.context,
        preset.search_context, masks=True,
    )  # fmt: skip
    index = torch.arange(7)
    crops = augmentation(views, PairBatch(index, index, torch.zeros(7, dtype=torch.long), 2))
    assert crops.masked.tolist() == [True] * 6 + [False]
    for crop, mask in zip(crops.search[:6, 0] > 0.5, crops.mask[:6, 0] > 0.5):
        assert (crop & mask).sum() / (crop | mask).sum() > 0.93
    assert not crops.mask[6].any()
    assert crops_of(pool).mask is None


def test_a_network_with_masks_learns_to_draw_them():
    torch.manual_seed(0)
    config = make_config({'model': 'siammask_fast', 'sources': [{'kind': 'simulator'}]})
    module, pool = ProposalModule(config), masked_pool()
    module.check(pool)
    pairs = PairBatch(torch.tensor([0, 1, 6]), torch.tensor([2, 4, 6]), torch.zeros(3).long(), 5)
    optimiser = torch.optim.Adam(module.model.parameters(), 3e-3)
    costs = []
    for _ in range(12):
        terms, _ = module.losses(pairs, pool)
        optimiser.zero_grad()
        sum(terms.values()).backward()
        optimiser.step()
        costs.append(terms['masks'].item())
    assert set(terms) == {'scores', 'offsets', 'masks'}
    assert costs[0] == pytest.approx(36 * math.log(2), rel=0.5)
    assert costs[-1] < 0.7 * costs[0]


def test_a_network_with_masks_refuses_data_without_them(pool):
    config = make_config({'model': 'siammask_fast', 'sources': [{'kind': 'simulator'}]})
    with pytest.raises(ValueError, match="'siammask_fast' draws masks, and the data hold none"):
        ProposalModule(config).check(pool)


def test_the_simulator_gives_masks_of_what_is_not_hidden():
    source = {'kind': 'simulator', 'tracks': 6, 'views_per_track': 4, 'category': 'occlusion'}
    pool = build_pools(make_config({'sources': [source]}))[0]
    masks, known = pool.masks(torch.arange(len(pool)))
    assert known.any() and not known.all()
    for mask, size in zip(masks[known, 0] > 127, pool.size[known]):
        rows, columns = (torch.nonzero(mask.any(dim=axis)).flatten() for axis in (1, 0))
        sides = [(one[-1] - one[0] + 1).item() / pool.side for one in (columns, rows)]
        # The box surrounds what the mask covers, but for the blur of small targets.
        assert sides == pytest.approx(size.tolist(), abs=0.04)


@pytest.mark.parametrize('masked', [False, True])
def test_a_decoded_pool_gives_the_same_images_and_masks(pool, masked):
    pool = masked_pool() if masked else pool
    decoded = replace(pool)
    decoded.to(torch.device('cpu'), decoded=True)
    index = torch.tensor([2, 0, 2, len(pool) - 1])
    assert torch.equal(decoded.images(index), pool.images(index))
    for one, expected in zip(decoded.masks(index), pool.masks(index)):
        assert torch.equal(one, expected)


def test_packs_keep_masks_and_those_without_are_read(tmp_path):
    pool = masked_pool()
    config = make_config({'sources': [{'kind': 'simulator'}]})
    write_pack(tmp_path / 'pack', config, (pool, masked_pool()))
    again = read_pack(tmp_path / 'pack')[0]
    assert torch.equal(again.masks(torch.arange(7))[0], pool.masks(torch.arange(7))[0])
    with safe_open(tmp_path / 'pack', 'pt') as file:
        metadata = file.metadata()
        tensors = {
            name: file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118 (no dict)
            if 'mask_span' not in name
        }
    save_file(tensors, tmp_path / 'old', metadata)
    assert not read_pack(tmp_path / 'old')[0].masks(torch.arange(7))[1].any()
