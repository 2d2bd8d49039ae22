# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The networks: shapes of the papers, the correlation filter's algebra, weight files."""

import dataclasses

import numpy as np
import pytest
import torch

from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.attention import (
    ChannelGate,
    FANet,
    HolisticGate,
    PixelContext,
    SpatialTransformer,
)
from tir_tracker_ros.models.correlation import (
    correlate_diagonals,
    correlate_unfolded,
    CropTemplate,
    cross_correlate,
    FilterTemplate,
    LocalCorrelation,
)
from tir_tracker_ros.models.ensembles import EntropyEnsemble
from tir_tracker_ros.models.families import (
    build,
    FAMILIES,
    family_of,
    find_preset,
    PRESETS,
)
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.models.matching import MatchingNet
from tir_tracker_ros.models.presets import (
    MATCHING_ABLATIONS,
    STRIDE_4,
    STRIDE_8_FAST,
    STRIDE_8_SIAMFC,
)
from tir_tracker_ros.simulation import render
from tir_tracker_ros.tracking.loading import load_tracker

MATCHING = list(FAMILIES['matching'].presets)
SMALL = [name for name in MATCHING if name.endswith('_fast')]
SMALL_ABLATIONS = [name for name in MATCHING_ABLATIONS if name.startswith('mmnet_fast-')]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


# ------------------------------------------------------------------------------- shapes
@pytest.mark.parametrize(
    'shape, input_size, expected, stride',
    [
        (
            STRIDE_4,
            255,
            {
                'conv1': (96, 123),
                'conv2': (256, 57),
                'conv3': (384, 53),
                'conv4': (384, 51),
                'conv5': (64, 49),
            },
            4,
        ),
        (STRIDE_8_SIAMFC, 127, {'conv5': (256, 6)}, 8),
        (STRIDE_8_SIAMFC, 255, {'conv5': (256, 22)}, 8),
        (STRIDE_8_FAST, 191, {'conv3': (128, 18), 'conv5': (48, 14)}, 8),
        (STRIDE_8_FAST, 287, {'conv3': (128, 30), 'conv5': (48, 26)}, 8),
    ],
)
def test_backbone_has_the_shapes_of_the_tables(shape, input_size, expected, stride):
    backbone = shape.build().eval()
    with torch.inference_mode():
        taps = backbone(torch.rand(1, 1, input_size, input_size))
    assert backbone.stride == stride
    for tap, (channels, size) in expected.items():
        assert taps[tap].shape == (1, channels, size, size)
        assert (backbone.channels(tap), backbone.size(tap, input_size)) == (channels, size)


def test_backbone_names_its_taps_when_asked_for_another():
    with pytest.raises(ValueError, match="no tap 'conv9'.*conv1, .*conv5"):
        STRIDE_4.build().channels('conv9')


def test_backbone_starts_with_he_fan_out():
    weight = STRIDE_4.build().convs[1].weight
    assert weight.std().item() == pytest.approx((2 / (25 * 256)) ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    'name, templates, response',
    [
        ('mmnet', [(64, 17), (64, 21)], 33),
        ('cfnet', [(32, 17)], 33),
        ('siamfc', [(256, 6)], 17),
        ('mmnet_fast', [(48, 8), (32, 12)], 19),
        ('cfnet_fast', [(48, 8)], 19),
        ('siamfc_fast', [(48, 6)], 21),
        ('hssnet', [(256, 17)], 33),
        ('hssnet_fast', [(48, 8)], 19),
        ('mlssnet', [(64, 21), (64, 17)], 33),
        ('mlssnet_fast', [(32, 12), (48, 8)], 19),
        ('tdsiam_fast', [(48, 8)], 19),
    ],
)
def test_presets_have_the_template_and_response_sizes_of_the_tables(name, templates, response):
    preset = find_preset(name)
    model = MatchingNet(preset).eval()
    with torch.inference_mode():
        made = model.template(torch.rand(1, 1, preset.template_size, preset.template_size))
        found = model.search(torch.rand(1, 1, preset.search_size, preset.search_size), made)
    assert [tuple(one.shape) for one in made] == [(1, c, s, s) for c, s in templates]
    assert found.scores.shape == (1, 1, response, response)
    assert found.boxes is None and model.cells(preset.search_size) == response


def test_mmnet_has_the_size_of_the_paper():
    count = sum(parameter.numel() for parameter in MatchingNet(find_preset('mmnet')).parameters())
    # 2.11 M with three input channels; one gray channel saves 2 x 96 x 11 x 11.
    assert count == pytest.approx(2.11e6 - 2 * 96 * 121, rel=0.01)


def test_class_head_sees_the_template_alone():
    model = MatchingNet(find_preset('mmnet_fast')).eval()
    template, search = torch.rand(2, 1, 191, 191), torch.rand(2, 1, 287, 287)
    with torch.inference_mode():
        logits = model(template, search).logits
        other = model(template, torch.rand(2, 1, 287, 287)).logits
    assert logits.shape == (2, 30)
    torch.testing.assert_close(logits, other)


def test_unknown_preset_lists_the_valid_ones():
    with pytest.raises(ValueError, match="no model 'yolo'.*mmnet, mmnet_fast"):
        find_preset('yolo')


# ------------------------------------------------------------------------------- fine-grained
@pytest.mark.parametrize('size', [18, 26, 30, 53])
def test_fanet_keeps_the_size_of_the_map(size):
    assert FANet(24, 16).eval()(torch.rand(2, 24, size, size)).shape == (2, 16, size, size)


def test_pixel_context_is_the_softmax_over_keys_of_equation_7():
    context = PixelContext(6).eval()
    torch.nn.init.constant_(context.delta, 0.7)
    x = torch.randn(1, 6, 5, 4)
    flat = [part(x)[0].flatten(1) for part in (context.query, context.key, context.value)]
    weights = torch.softmax(flat[0].T @ flat[1], dim=1)
    expected = x[0].flatten(1) + 0.7 * flat[2] @ weights.T
    torch.testing.assert_close(context(x)[0].flatten(1), expected, rtol=1e-4, atol=1e-5)


def test_pixel_context_starts_as_the_identity():
    x = torch.randn(1, 6, 9, 9)
    torch.testing.assert_close(PixelContext(6).eval()(x), x)


def test_holistic_gate_starts_at_one_half_and_is_trainable():
    gate = HolisticGate(16)
    x = torch.rand(1, 16, 26, 26)
    values = gate.gate(x)
    assert values.shape == (1, 1, 26, 26)
    torch.testing.assert_close(values, torch.full_like(values, 0.5))
    optimiser = torch.optim.SGD(gate.parameters(), 1.0)
    before = [parameter.clone() for parameter in gate.parameters()]
    for _ in range(3):
        optimiser.zero_grad()
        (gate.gate(x) * torch.rand(26, 26)).mean().backward()
        optimiser.step()
    assert all(not torch.equal(a, b) for a, b in zip(before, gate.parameters()))


def test_fanet_without_either_correlation_is_refused():
    with pytest.raises(ValueError, match='needs the pixel-level or the holistic'):
        FANet(8, 8, pixel=False, holistic=False)


# ------------------------------------------------------------------------------- other gates
def test_spatial_transformer_starts_as_the_identity_and_moves_where_it_is_told_to():
    transformer = SpatialTransformer(6, 14, ((2, 3), (1, 3)))
    x = torch.rand(2, 6, 14, 14)
    torch.testing.assert_close(transformer(x), x)
    with torch.no_grad():
        transformer.theta.bias[2] = 2 / 14  # one cell to the right of what was there
    torch.testing.assert_close(transformer(x)[..., :-1], x[..., 1:])


def test_spatial_transformer_at_paper_size_has_the_maps_of_the_table():
    transformer = SpatialTransformer(256, 49, ((2, 5), (2, 5)))
    sizes = []
    for layer in transformer.localiser:
        layer.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:3])))
    transformer(torch.rand(1, 256, 49, 49))
    assert sizes == [
        (256, 24), (20, 20), (20, 20), (20, 10), (20, 6), (20, 6), (50, 1), (50, 1)
    ]  # fmt: skip


def test_spatial_transformer_refuses_maps_that_are_too_small():
    with pytest.raises(ValueError, match='leave nothing of the features'):
        SpatialTransformer(6, 14, ((2, 5), (2, 5)))


@pytest.mark.parametrize('maximum', [True, False])
def test_channel_gate_is_one_factor_for_each_channel(maximum):
    gate = ChannelGate(8, 4, maximum)
    x = torch.rand(2, 8, 5, 5) + 0.1
    factors = gate(x) / x
    torch.testing.assert_close(factors, factors[..., :1, :1].expand_as(factors))
    assert factors.min() > 0 and factors.max() < 1
    brighter = x.clone()
    brighter[:, :, 2, 2] += 5
    brighter *= x.mean(dim=(2, 3), keepdim=True) / brighter.mean(dim=(2, 3), keepdim=True)
    same = torch.allclose(gate(brighter) / brighter, factors, rtol=1e-4)
    assert same != maximum, 'with the same mean, only a gate that looks at the maximum changes'


def test_ensemble_minimises_the_weighted_relative_entropy():
    ensemble = EntropyEnsemble(2)
    with torch.no_grad():
        ensemble.weights.copy_(torch.tensor([0.3, -0.6]))
    responses = [torch.randn(1, 1, 4, 4, dtype=torch.float64) * 2 for _ in range(2)]
    places = [one.flatten().softmax(0) for one in responses]
    shares = ensemble.weights.detach().double().softmax(0)

    logits = torch.zeros(16, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-12)

    def divergence():
        solver.zero_grad()
        log_q = logits.log_softmax(0)
        total = sum(w * (p * (p.log() - log_q)).sum() for w, p in zip(shares, places))
        total.backward()
        return total

    solver.step(divergence)
    fused = ensemble(responses).detach()
    torch.testing.assert_close(
        fused.flatten().exp() / 16, logits.detach().softmax(0), rtol=1e-4, atol=1e-6
    )


# ------------------------------------------------------------------------------- filter
def test_filter_solves_the_ridge_regression():
    """The template equals a float64 solution of the regression over all circular shifts."""
    size, channels, ridge, sigma = 6, 3, 0.5, 1.0
    maker = FilterTemplate(size, 0, ridge, sigma)
    features = torch.randn(1, channels, size, size)
    x = (features[0].double() * maker.window.double()).numpy()
    cells = size * size
    offsets = np.minimum(np.arange(size), size - np.arange(size)).astype(float)
    label = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * sigma**2)).ravel()
    # Row (u, v) holds the features seen when a template is laid at shift (u, v).
    shifts = np.stack(
        [np.roll(x, (-u, -v), axis=(1, 2)).ravel() for u in range(size) for v in range(size)]
    )
    # min |A w - y|^2 + n ridge |w|^2, in its dual form with one dual vector for all channels.
    dual = np.linalg.solve(shifts @ shifts.T / cells + ridge * np.eye(cells), label / cells)
    expected = (shifts.T @ dual).reshape(channels, size, size)
    np.testing.assert_allclose(maker(features)[0].numpy(), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('size, margin', [(49, 16), (53, 16), (14, 3), (18, 3)])
def test_filter_answers_its_own_features_in_the_centre(size, margin):
    maker = FilterTemplate(size, margin, 0.01)
    features = torch.randn(1, 8, size, size)
    # Under the window that it was learned with, the answer is the label's 1, less the ridge.
    response = cross_correlate(features * maker.window, maker(features))[0, 0]
    row, column = divmod(int(response.argmax()), response.shape[1])
    assert (row, column) == (margin, margin)
    assert 0.5 < response.max() < 1


@pytest.mark.parametrize('move', [(0, 0), (1, 0), (-2, 3)])
def test_local_correlation_finds_by_how_many_cells_features_moved(move):
    reference = torch.randn(1, 64, 12, 12)
    current = torch.roll(reference, move, dims=(2, 3))
    compared = LocalCorrelation(12, reach=3)(reference, current)
    rows, columns = divmod(int(compared[0, :, 5, 6].argmax()), 7)
    assert (3 - rows, 3 - columns) == move
    assert compared[0, :, 5, 6].max().item() == pytest.approx(1)
    # What lies to the upper left of the first cell is outside.
    assert compared[0, 0, 0, 0] == 0


def test_filter_is_differentiable_to_features_and_ridge():
    maker = FilterTemplate(7, 1, 0.1, 1.0, learn_ridge=True).double()
    features = torch.randn(1, 2, 7, 7, dtype=torch.float64, requires_grad=True)
    search = torch.randn(1, 2, 9, 9, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda one: cross_correlate(search, maker(one)), (features,), atol=1e-6
    )
    cross_correlate(search, maker(features)).square().sum().backward()
    assert maker.log_ridge.grad.abs() > 0


def test_filter_refuses_features_of_another_size():
    with pytest.raises(ValueError, match=r'features are \(5, 5\) cells'):
        FilterTemplate(7, 1)(torch.rand(1, 2, 5, 5))


def test_crop_template_and_batched_cross_correlation_agree_with_a_loop():
    search, features = torch.randn(3, 4, 9, 9), torch.randn(3, 4, 7, 7)
    templates = CropTemplate(7, 2)(features)
    assert templates.shape == (3, 4, 3, 3)
    together = cross_correlate(search, templates)
    for index in range(3):
        torch.testing.assert_close(
            together[index : index + 1],
            cross_correlate(search[index : index + 1], templates[index : index + 1]),
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.parametrize('correlate', [cross_correlate, correlate_diagonals, correlate_unfolded])
@pytest.mark.parametrize('targets', [1, 3], ids=['one for all', 'one each'])
def test_every_way_to_correlate_is_a_convolution(correlate, targets):
    search, template = torch.randn(3, 4, 9, 7), torch.randn(targets, 4, 3, 2)
    each = template.expand(3, -1, -1, -1)
    expected = torch.cat(
        [torch.nn.functional.conv2d(one[None], kernel[None]) for one, kernel in zip(search, each)]
    )
    found = correlate(search.to(memory_format=torch.channels_last), template)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_targets_searched_together_and_one_by_one_are_seen_alike():
    preset = find_preset('mmnet_fast')
    model = prepare(MatchingNet(preset), torch.device('cpu'), torch.float32)
    crops = torch.rand(3, 1, preset.search_size, preset.search_size)
    with torch.inference_mode():
        template = model.template(torch.rand(3, 1, preset.template_size, preset.template_size))
        together = model.search(crops, template).scores
        alone = [
            model.search(crops[i : i + 1], tuple(one[i : i + 1] for one in template)).scores
            for i in range(3)
        ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-3, atol=1e-3)


def test_raw_maps_differ_by_gain_and_bias_alone():
    model = MatchingNet(find_preset('cfnet_fast')).eval()
    template, search = torch.rand(1, 1, 191, 191), torch.rand(1, 1, 287, 287)
    with torch.inference_mode():
        kernels = model.template(template)
        adjusted = model.search(search, kernels).scores
        raw = model.with_raw_maps().search(search, kernels).scores
        again = model.search(search, kernels).scores
    torch.testing.assert_close(adjusted, 20 * raw - 0.5)
    assert torch.equal(again, adjusted)


# ------------------------------------------------------------------------------- whole nets
@pytest.mark.parametrize('name', [*SMALL, *SMALL_ABLATIONS])
def test_gradient_reaches_every_trained_parameter(name):
    preset = find_preset(name)
    model = MatchingNet(preset)
    for module in model.modules():  # off their zero starts, where some gradients vanish
        if isinstance(module, PixelContext):
            torch.nn.init.constant_(module.delta, 0.1)
        if isinstance(module, HolisticGate):
            torch.nn.init.normal_(module.decode2.weight, std=0.1)
        if isinstance(module, SpatialTransformer):
            torch.nn.init.normal_(module.theta.weight, std=0.001)
    matching = model(
        torch.rand(2, 1, preset.template_size, preset.template_size),
        torch.rand(2, 1, preset.search_size, preset.search_size),
    )
    loss = matching.fused.square().mean()
    if matching.logits is not None:
        loss = loss + matching.logits.square().mean()
    loss.backward()
    # A bias right before a batch norm or a softmax has no effect, so its gradient is rounding,
    # and before the softmax of the entropy ensemble now and then nothing at all.
    softmax = preset.ensemble == 'entropy'
    silent = [
        key
        for key, parameter in model.named_parameters()
        if parameter.requires_grad
        and (parameter.grad is None or not parameter.grad.any())
        and not (softmax and key in ('branches.0.bias', 'branches.1.bias'))
    ]
    assert not silent


@pytest.mark.parametrize('name', SMALL)
def test_template_and_search_stream_see_a_target_alike(name):
    """The same picture in both streams answers in the middle, moved in the search, off it."""
    preset = find_preset(name)
    model = MatchingNet(preset).eval()
    margin = (preset.search_size - preset.template_size) // 2
    search = torch.nn.functional.interpolate(
        torch.rand(1, 1, 36, 36), size=(preset.search_size,) * 2, mode='bicubic'
    ).clamp(0, 1)
    inner = search[..., margin:-margin, margin:-margin]
    stride = model.stride
    with torch.inference_mode():
        template = model.template(inner)
        for dx, dy in ((0, 0), (2, -3)):
            moved = search.roll((dy * stride, dx * stride), dims=(2, 3))
            response = model.search(moved, template).scores[0, 0]
            row, column = divmod(int(response.argmax()), response.shape[1])
            middle = response.shape[0] // 2
            assert (column - middle, row - middle) == (dx, dy)


@pytest.mark.parametrize('name', SMALL)
def test_prepared_network_answers_like_the_trained_one(name):
    preset = find_preset(name)
    model = MatchingNet(preset)
    for norm in model.backbone.norms:
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_(std=0.1)
            norm.running_var.uniform_(0.5, 2)
    model.eval()
    fast = prepare(model, torch.device('cpu'), torch.float32)
    template = torch.rand(1, 1, preset.template_size, preset.template_size)
    search = torch.rand(1, 1, preset.search_size, preset.search_size)
    with torch.inference_mode():
        plain, folded = (
            one.search(search, one.template(template)).scores for one in (model, fast)
        )
    torch.testing.assert_close(plain, folded, rtol=1e-3, atol=1e-4)


def test_every_network_is_built_by_its_family():
    assert build('box_refiner').name == 'box_refiner' and build('cfnet_fast').name == 'cfnet_fast'
    assert family_of('mmnet').tracks and not family_of('box_refiner').tracks
    with pytest.raises(ValueError, match="'box_refiner' follows no target; the models are mmnet"):
        find_preset('box_refiner')


def test_ablations_are_the_preset_with_a_part_less():
    def parts(name):
        names = list(MatchingNet(find_preset(name)).state_dict())
        return {
            part
            for part in ('classifier', 'branches.0', 'holistic', 'pixel')
            if any(part in one for one in names)
        }

    assert parts('mmnet_fast') == {'classifier', 'branches.0', 'holistic', 'pixel'}
    assert parts('mmnet_fast-dis') == {'classifier', 'branches.0'}
    assert parts('mmnet_fast-hc') == {'classifier', 'branches.0', 'holistic'}
    assert parts('mmnet_fast-pc') == {'classifier', 'branches.0', 'pixel'}


def test_presets_are_closed_and_consistent():
    for preset in (*map(find_preset, MATCHING), *MATCHING_ABLATIONS.values()):
        sizes = set()
        backbone = preset.backbone.build()
        for branch in preset.branches:
            template = backbone.size(branch.tap, preset.template_size) - 2 * branch.margin
            sizes.add(backbone.size(branch.tap, preset.search_size) - template + 1)
        assert len(sizes) == 1, f'{preset.name}: responses of sizes {sizes} cannot be summed'
    with pytest.raises(TypeError):
        dataclasses.replace(find_preset('mmnet'), widht=3)


# ------------------------------------------------------------------------------- weight files
@pytest.fixture
def saved(tmp_path):
    model = MatchingNet(find_preset('cfnet_fast'))
    path = tmp_path / 'weights.safetensors'
    zoo.save_weights(model, path, {'classes': ['person'], 'seed': 3})
    return model, path


@pytest.mark.parametrize('name', [*MATCHING, *SMALL_ABLATIONS])
def test_weights_come_back_with_their_facts_and_fit_no_other_model(name, tmp_path):
    model = MatchingNet(find_preset(name))
    path = tmp_path / 'weights.safetensors'
    zoo.save_weights(model, path, {'classes': ['person'], 'seed': 3})
    assert path.stat().st_size < 12e6
    again, facts = zoo.load_model(name, path)
    assert facts == {'classes': ['person'], 'seed': 3}
    for key, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=1e-3, atol=1e-3)
    other = next(one for one in PRESETS if one != name)
    with pytest.raises(zoo.WeightsError, match=f"holds the model '{name}', not '{other}'"):
        zoo.load_model(other, path)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no weight file .*nowhere.safetensors'):
        zoo.load_model('cfnet_fast', tmp_path / 'nowhere.safetensors')


@pytest.mark.parametrize('keep', [0, 5, 1000, -100])
def test_truncated_weights_are_told(saved, keep):
    _, path = saved
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(zoo.WeightsError, match='damaged or truncated'):
        zoo.read_weights(path)


@pytest.mark.parametrize('old', [False, True], ids=['zip', 'pickle'])
def test_a_checkpoint_of_pytorch_is_named_as_such(tmp_path, old):
    path = tmp_path / 'model.pth'
    state = {'epoch': 20, 'state_dict': {'backbone.layer1.0.weight': torch.zeros(4, 3, 3, 3)}}
    torch.save(state, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(
        zoo.WeightsError, match='checkpoint.* convert it with `tir-tracker import-w'
    ):
        zoo.read_weights(path)


def test_changed_weights_do_not_match_their_checksum(saved):
    _, path = saved
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(zoo.WeightsError, match='has the checksum .* but says'):
        zoo.read_weights(path)


def test_weights_of_another_program_are_refused(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / 'other.safetensors'
    save_file({'a': torch.zeros(3)}, path)
    with pytest.raises(zoo.WeightsError, match='metadata lack facts, preset, sha256'):
        zoo.read_weights(path)


@pytest.mark.parametrize('name', [*SMALL, 'mmnet', 'cfnet', 'siamfc'])
def test_shipped_weights_are_small_say_where_they_come_from_and_follow_a_target(name):
    path = zoo.shipped_weights(name)
    assert path is not None and path.stat().st_size < 12e6
    tracker = load_tracker(name, 'cpu')
    assert {'classes', 'data', 'seed', 'score', 'pairs'} <= set(tracker.facts)
    # The others take a tenth of a second an image and more on a CPU.
    scene = render('easy', seed=4, frames=40 if name in SMALL else 12)
    overlaps = []
    for index, (image, box) in enumerate(scene):
        image01 = image.pixels.astype(np.float32) / 255
        if index == 0:
            track = tracker.start(image01, box)
        else:
            overlaps.append(tracker.update(image01, [track])[0].box.iou(box))
    assert np.mean(overlaps) > 0.6
