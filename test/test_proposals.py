# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The proposal family: dimensions of the papers, anchors and boxes, heads, masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.anchors import AnchorShape, centres, decode, encode
from tir_tracker_ros.models.backbones import AlexNetShape, ConvStage
from tir_tracker_ros.models.correlation import correlate_each_channel, correlate_up_channels
from tir_tracker_ros.models.families import build, FAMILIES, find_preset, PRESETS
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.models.mobilenet import MobileNetShape
from tir_tracker_ros.models.proposal_heads import LevelSum
from tir_tracker_ros.models.proposals import ProposalNet
from tir_tracker_ros.models.resnet import ResNetShape, ResStage
from tir_tracker_ros.simulation import render
from tir_tracker_ros.tracking.loading import load_tracker

PROPOSALS = list(FAMILIES['proposals'].presets)
SMALL = [name for name in PROPOSALS if name.endswith('_fast')]
# The backbones of the full size, made narrow.
NARROW = {
    'bottleneck': replace(
        find_preset('siamrpnpp_r50'),
        backbone=ResNetShape(
            (ResStage(2, 32), ResStage(2, 32, 2), ResStage(2, 48, 1, 2), ResStage(1, 64, 1, 4)),
            stem=8,
            bottleneck=True,
        ),
        necks=(16, 16, 16),
    ),
    'basic': replace(
        find_preset('siamrpn_r18'),
        backbone=ResNetShape((ResStage(2, 16), ResStage(2, 24, 2), ResStage(2, 32, 1, 2)), stem=8),
        necks=(16,),
    ),
    'up_channel': replace(
        find_preset('siamrpn'),
        backbone=AlexNetShape(
            (
                ConvStage(12, 11, 2, pool=(3, 2)),
                ConvStage(16, 5, pool=(3, 2)),
                ConvStage(16, 3),
                ConvStage(16, 3),
                ConvStage(12, 3, activate=False),
            ),
            normed=True,
        ),
    ),
    'mobilenet': replace(
        find_preset('siamrpn_mobilenet'), backbone=MobileNetShape(0.3), necks=(16, 16, 16)
    ),
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def small(name):
    """Build a network that is quick: a fast preset, or the narrow form of a backbone."""
    return ProposalNet(NARROW[name]) if name in NARROW else build(name)


def crops(preset, count=1):
    """Make random template and search crops."""
    return tuple(
        torch.rand(count, 1, size, size) for size in (preset.template_size, preset.search_size)
    )


# ------------------------------------------------------------------------------- shapes
@pytest.mark.parametrize(
    'name, size, expected',
    [
        ('siamrpnpp_r50', 127, {'layer2': (512, 15), 'layer3': (1024, 15), 'layer4': (2048, 15)}),
        ('siamrpnpp_r50', 255, {'layer2': (512, 31), 'layer3': (1024, 31), 'layer4': (2048, 31)}),
        ('siammask_r50', 127, {'conv1': (64, 61), 'layer1': (256, 31), 'layer2': (512, 15)}),
        ('siammask_r50', 255, {'conv1': (64, 125), 'layer1': (256, 63), 'layer3': (1024, 31)}),
        ('siamrpn_r18', 255, {'layer1': (64, 63), 'layer2': (128, 31), 'layer3': (256, 31)}),
        ('siamrpn_r34', 127, {'layer2': (128, 15), 'layer3': (256, 15)}),
        ('siamrpn_mobilenet', 127, {'layer3': (44, 15), 'layer5': (134, 15), 'layer7': (448, 15)}),
        ('siamrpn_mobilenet', 255, {'layer0': (44, 127), 'layer2': (33, 63), 'layer7': (448, 31)}),
        ('siamrpn_alex', 127, {'conv1': (96, 29), 'conv2': (256, 12), 'conv5': (256, 6)}),
        ('siamrpn_alex', 287, {'conv5': (256, 26)}),
        ('dasiamrpn', 271, {'conv5': (512, 24)}),
    ],
)
def test_backbones_have_the_shapes_of_the_tables(name, size, expected):
    with torch.device('meta'):
        backbone = find_preset(name).backbone.build()
        taps = backbone(torch.rand(1, 1, size, size))
    assert backbone.stride == 8
    assert set(taps) == set(backbone.names)
    for tap, (channels, side) in expected.items():
        assert taps[tap].shape == (1, channels, side, side)
        assert (backbone.channels(tap), backbone.size(tap, size)) == (channels, side)


# Of the authors' code: millions of parameters, cells of the response, thousand millions of
# multiply-adds for a search crop; and what a first convolution of three channels has more: its
# weights, its cells.
_TABLE = {
    'siamrpn_alex': (6.25, 21, 6.46, 2 * 96 * 121, 139),
    'siamrpn_mobilenet': (11.15, 25, 6.98, 2 * 44 * 9, 127),
    'siamrpnpp_r50': (53.95, 25, 48.8, 2 * 64 * 49, 125),
    'siamrpnpp_r50_lt': (60.02, 25, 51.7, 2 * 64 * 49, 125),
    'siammask_r50': (21.48, 25, 16.6 - 0.64, 2 * 64 * 49, 125),
    # Its classification has 5 outputs instead of 10, of 512 kernels of 512 channels each.
    'dasiamrpn': (90.4 - 11.8, 19, 21.1, 2 * 192 * 121, 131),
    'siamrpn': (22.6 - 2.95, 19, 5.6, 2 * 96 * 121, 131),
}


@pytest.mark.parametrize('name', _TABLE)
def test_presets_have_the_size_and_the_cost_of_the_papers(name):
    millions, cells, cost, first, first_cells = _TABLE[name]
    with torch.device('meta'), torch.no_grad():
        model = build(name).eval()
        template, search = crops(model.preset)
        made = model.template(template)
        with FlopCounterMode(display=False) as counter:
            found = model.search(search, made)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == pytest.approx(millions * 1e6 - first, rel=2e-3)
    assert found.scores.shape == (1, 5, cells, cells)
    assert counter.get_total_flops() / 2 == pytest.approx(
        cost * 1e9 - first * first_cells**2, rel=0.01
    )


@pytest.mark.parametrize('name', PROPOSALS)
def test_every_preset_gives_scores_and_boxes_of_its_anchors(name):
    with torch.device('meta'), torch.no_grad():
        model = build(name).eval()
        template, search = crops(model.preset)
        made = model.template(template.expand(2, -1, -1, -1))
        for size in (model.preset.search_size, model.preset.search_size - 16 * 3):
            found = model.search(search.expand(2, -1, -1, -1)[..., :size, :size], made)
            cells = model.cells(size)
            assert found.scores.shape == (2, 5, cells, cells)
            assert found.boxes.shape == (2, 5, 4, cells, cells)
            assert (found.mask is not None) == ('mask' in name)
    assert all(len(one) == 2 for one in made)


# ------------------------------------------------------------------------------- anchors
def test_anchors_are_those_of_the_authors():
    sizes = AnchorShape().sizes(8).tolist()
    assert sizes == [[104, 32], [88, 40], [64, 64], [40, 80], [32, 96]]
    assert (centres(25, 8, 255) - 255 / 2).tolist() == list(range(-96, 97, 8))
    assert (centres(19, 8, 271) - 271 / 2).tolist() == list(range(-72, 73, 8))


def test_boxes_come_back_from_their_offsets_at_every_anchor():
    sizes = AnchorShape().sizes(8)
    boxes = torch.tensor([[30.0, 50.0, 20.0, 90.0], [-40.0, 200.0, 150.0, 3.0]])
    again = decode(encode(boxes, sizes, 8, 255, 17), sizes, 8, 255)
    expected = boxes[:, None, :, None, None].expand_as(again)
    torch.testing.assert_close(again, expected, rtol=1e-4, atol=1e-3)


def test_boxes_of_no_offset_are_the_anchors_around_the_middle_of_the_crop():
    sizes = AnchorShape().sizes(8)
    boxes = decode(torch.zeros(1, 4, 5, 25, 25), sizes, 8, 255)
    assert boxes[0, 0, :, 12, 12].tolist() == [127.5 - 52, 127.5 - 16, 104, 32]
    # The row goes with y, the column with x.
    assert boxes[0, 2, :, 13, 10].tolist() == [127.5 - 16 - 32, 127.5 + 8 - 32, 64, 64]


@pytest.mark.parametrize('value', [-1e6, 1e6])
def test_boxes_are_finite_whatever_the_offsets(value):
    boxes = decode(torch.full((1, 4, 5, 3, 3), value), AnchorShape().sizes(8), 8, 143)
    assert boxes.isfinite().all() and (boxes[:, :, 2:] > 0).all()


# ------------------------------------------------------------------------------- heads
@pytest.mark.parametrize('targets', [1, 3], ids=['one for all', 'one each'])
def test_correlations_of_channels_are_convolutions(targets):
    search, template = torch.randn(3, 4, 9, 8), torch.randn(targets, 4, 3, 2)
    found = correlate_each_channel(search, template)
    up = correlate_up_channels(search, template.repeat(1, 2, 1, 1))
    for index in range(3):
        kernel = template[min(index, targets - 1)]
        one = torch.nn.functional.conv2d(search[index : index + 1], kernel[:, None], groups=4)
        torch.testing.assert_close(found[index : index + 1], one, rtol=1e-4, atol=1e-5)
        both = one.sum(dim=1, keepdim=True).expand(-1, 2, -1, -1)
        torch.testing.assert_close(up[index : index + 1], both, rtol=1e-4, atol=1e-5)


def test_up_channels_are_ordered_by_output_first():
    search, template = torch.rand(1, 3, 4, 4), torch.zeros(1, 6, 1, 1)
    template[0, 4] = 1.0
    found = correlate_up_channels(search, template)
    assert not found[0, 0].any()
    torch.testing.assert_close(found[0, 1], search[0, 1])


def test_levels_are_added_by_the_softmax_of_their_weights():
    maps = [torch.full((1, 1, 2, 2), value) for value in (1.0, 2.0, 6.0)]
    assert LevelSum(3, weighted=False)(maps).flatten().tolist() == [3.0] * 4
    levels = LevelSum(3, weighted=True)
    torch.testing.assert_close(levels(maps), torch.full((1, 1, 2, 2), 3.0))
    with torch.no_grad():
        levels.weights[2] = 100.0
    torch.testing.assert_close(levels(maps), maps[2])


# ------------------------------------------------------------------------------- whole nets
@pytest.mark.parametrize('name', [*SMALL, *NARROW])
def test_gradient_reaches_every_trained_parameter(name):
    model = small(name)
    found = model(*crops(model.preset, 2))
    loss = found.scores.square().mean() + found.offsets.square().mean()
    if model.masks is not None:
        drawn = model.draw(found, 1, 12, 14, model.preset.search_size)
        loss = loss + drawn.square().mean()
        loss = loss + model.masks.match.output(found.correlated).square().mean()
    loss.backward()
    silent = [
        key
        for key, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert not silent


@pytest.mark.parametrize('name', [*SMALL, *NARROW])
def test_prepared_network_answers_like_the_trained_one(name):
    model = small(name)
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_(std=0.1)
            norm.running_var.uniform_(0.5, 2)
    # In float32 the exponentials of untrained offsets would drown what is compared.
    model.eval().double()
    fast = prepare(model, torch.device('cpu'), torch.float64)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fast.modules()), (
        'all norms can be folded'
    )
    template, search = (one.double() for one in crops(model.preset))
    with torch.inference_mode():
        plain, folded = (one.search(search, one.template(template)) for one in (model, fast))
        torch.testing.assert_close(plain.scores, folded.scores, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(plain.boxes, folded.boxes, rtol=1e-8, atol=1e-6)
        if plain.mask is not None:
            masks = plain.mask(0, 3, 20), folded.mask(0, 3, 20)
            torch.testing.assert_close(*masks, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize('name', ['dasiamrpn_fast', 'siammask_fast'])
def test_networks_run_in_low_precision(name):
    model = prepare(build(name).eval(), torch.device('cpu'), torch.bfloat16)
    template, search = crops(model.preset)
    with torch.inference_mode():
        made = model.template(template)
        found = model.search(search, made)
    kinds = {one.dtype for one in (*made, found.scores, found.boxes)}
    assert kinds == {torch.float32} and model.dtype == torch.bfloat16


@pytest.mark.parametrize('name', ['siamrpnpp_fast', 'dasiamrpn_fast'])
def test_targets_searched_together_and_one_by_one_are_seen_alike(name):
    model = prepare(build(name).eval(), torch.device('cpu'), torch.float32)
    template, search = crops(model.preset, 3)
    with torch.inference_mode():
        made = model.template(template)
        together = model.search(search, made)
        for i in range(3):
            alone = model.search(search[i : i + 1], tuple(one[i : i + 1] for one in made))
            torch.testing.assert_close(together.scores[i], alone.scores[0], rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(together.boxes[i], alone.boxes[0], rtol=1e-3, atol=1e-2)


def test_a_smaller_search_crop_shows_the_middle_of_the_response():
    model = build('siamrpn_fast').eval()
    # Standardised for itself, another crop would be seen in another light.
    model.preset = replace(model.preset, standardise=False)
    template, search = crops(model.preset)
    with torch.inference_mode():
        made = model.template(template)
        whole = model.search(search, made)
        inner = model.search(search[..., 16:-16, 16:-16], made)
    torch.testing.assert_close(inner.scores, whole.scores[..., 2:-2, 2:-2], rtol=1e-3, atol=1e-3)
    moved = whole.boxes[..., 2:-2, 2:-2].clone()
    moved[:, :, :2] -= 16
    torch.testing.assert_close(inner.boxes, moved, rtol=1e-3, atol=0.1)


@pytest.mark.parametrize('place', [(0, 0), (12, 12), (3, 24)])
def test_a_mask_is_drawn_from_the_pixels_around_its_place(place):
    """The window at cell (row, column) of 25 x 25 begins at 8 row - 32, 8 column - 32 pixels."""
    model = build('siammask_fast').eval()
    for name, parameter in model.masks.named_parameters():
        if name.endswith('bias'):  # so that no unit of the decoder is silent everywhere
            torch.nn.init.constant_(parameter, 0.5)
    template, search = crops(model.preset)
    with torch.no_grad():
        found = model._propose(model.taps(search), model.template(template))
    taps = {tap: value.clone().requires_grad_() for tap, value in found.taps.items()}
    drawn = model.draw(replace(found, taps=taps), 0, *place, 255)
    assert drawn.shape == (1, 127, 127)
    drawn.sum().backward()
    for tap, stride, side in (('conv1', 2, 61), ('layer1', 4, 31), ('layer2', 8, 15)):
        seen = taps[tap].grad[0].abs().sum(dim=0)
        for axis, cell in enumerate(place):
            touched = seen.sum(dim=1 - axis).nonzero().flatten()
            first = (8 * cell - 32) // stride
            assert touched.min() == max(first, 0)
            assert touched.max() == min(first + side, seen.shape[axis]) - 1


def test_a_network_without_masks_says_so():
    model = build('siamrpnpp_fast').eval()
    with torch.device('meta'):
        assert model.search is not None and model.masks is None
    found = model(*crops(model.preset))
    with pytest.raises(ValueError, match="'siamrpnpp_fast' has no masks"):
        model.draw(found, 0, 0, 0, 255)


# ------------------------------------------------------------------------------- weight files
FULL = [pytest.param(one, marks=pytest.mark.slow) for one in PROPOSALS if one not in SMALL]


@pytest.mark.parametrize('name', [*SMALL, *FULL])
def test_weights_come_back_with_their_facts_and_fit_no_other_model(name, tmp_path):
    model = build(name)
    path = tmp_path / 'weights.safetensors'
    zoo.save_weights(model, path, {'seed': 3})
    if name in SMALL:
        assert path.stat().st_size < 3e6
    again, facts = zoo.load_model(name, path)
    assert facts == {'seed': 3}
    for key, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=1e-3, atol=1e-3)
    other = next(one for one in PRESETS if one != name)
    with pytest.raises(zoo.WeightsError, match=f"holds the model '{name}', not '{other}'"):
        zoo.load_model(other, path)


@pytest.mark.parametrize('name', PROPOSALS)
def test_weights_of_another_preset_are_refused_by_both_names(name, tmp_path):
    """Without building the networks of the full size: the name in the file is read first."""

    class Named(torch.nn.Linear):
        name = ''

    other = Named(1, 1)
    other.name = next(one for one in PROPOSALS if one != name)
    path = tmp_path / 'weights.safetensors'
    zoo.save_weights(other, path, {})
    with torch.device('meta'):
        model = build(name)
    with pytest.raises(zoo.WeightsError, match=f"holds the model '{other.name}', not '{name}'"):
        zoo.load_weights(model, path)


@pytest.mark.parametrize('name', [one for one in PROPOSALS if zoo.shipped_weights(one)])
def test_shipped_weights_are_small_say_where_they_come_from_and_follow_a_target(name):
    path = zoo.shipped_weights(name)
    assert path.stat().st_size < 3e6
    tracker = load_tracker(name, 'cpu')
    assert {'data', 'seed', 'score', 'pairs'} <= set(tracker.facts)
    scene = render('easy', seed=4, frames=40)
    overlaps = []
    for index, (image, box) in enumerate(scene):
        image01 = image.pixels.astype(np.float32) / 255
        if index == 0:
            track = tracker.start(image01, box)
        else:
            overlaps.append(tracker.update(image01, [track])[0].box.iou(box))
    assert np.mean(overlaps) > 0.6


@pytest.mark.parametrize('name', [one for one in PROPOSALS if not zoo.shipped_weights(one)])
def test_a_model_without_shipped_weights_says_where_they_may_come_from(name):
    with pytest.raises(FileNotFoundError, match=f"shipped for the model '{name}'.*import-weights"):
        zoo.load_model(name)
