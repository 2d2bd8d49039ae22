# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""MAT-files of MatConvNet, made here from the documented structure: no real one is at hand."""

import struct
import zlib

import numpy as np
import pytest
import torch

from tir_tracker_ros.cli import main
from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.attention import SpatialTransformer, SummedContext
from tir_tracker_ros.models.families import build
from tir_tracker_ros.models.imports import import_weights
from tir_tracker_ros.models.mat_file import MatError, read_mat
from tir_tracker_ros.models.matconvnet import _Affine

CLASSES = {np.dtype(kind): code for kind, code in (('f8', 6), ('f4', 7), ('i4', 12), ('u1', 9))}
KINDS = {np.dtype(kind): code for kind, code in (('f8', 9), ('f4', 7), ('i4', 5), ('u1', 2))}


def element(kind, data):
    if 0 < len(data) <= 4:
        return struct.pack('<HH', kind, len(data)) + data.ljust(4, b'\0')
    return struct.pack('<II', kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(value, name=''):
    """Write a value as MATLAB would: arrays, text, lists (cells), dicts and tuples of dicts."""
    code, shape, content = 0, (1, 1), b''
    if isinstance(value, str):
        code, shape = 4, (1, len(value))
        content = element(16, value.encode())
    elif isinstance(value, list):
        code, shape = 1, (1, len(value))
        content = b''.join(matrix(one) for one in value)
    elif isinstance(value, (dict, tuple)):
        structs = value if isinstance(value, tuple) else (value,)
        code, shape = 2, (1, len(structs))
        fields = list(structs[0])
        content = element(5, struct.pack('<i', 32))
        content += element(1, b''.join(one.encode().ljust(32, b'\0') for one in fields))
        content += b''.join(matrix(one[field]) for one in structs for field in fields)
    else:
        value = np.atleast_2d(value)
        code, shape = CLASSES[value.dtype], value.shape
        content = element(KINDS[value.dtype], value.tobytes(order='F'))
    head = element(6, struct.pack('<II', code, 0))
    head += element(5, struct.pack(f'<{len(shape)}i', *shape)) + element(1, name.encode())
    body = head + content
    return struct.pack('<II', 14, len(body)) + body


def mat(packed=False, **variables):
    """Write the bytes of a MAT-file."""
    text = b'MATLAB 5.0 MAT-file, made by a test'.ljust(124) + struct.pack('<H', 0x0100) + b'IM'
    for name, value in variables.items():
        data = matrix(value, name)
        if packed:
            data = zlib.compress(data)
            data = struct.pack('<II', 15, len(data)) + data
        text += data
    return text


def random_network(name):
    """Make a network, and the parameters that its file in MatConvNet would have, in order."""
    torch.manual_seed(0)
    network = build(name).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    parameters = []

    def add(key, value):
        value = value.detach().numpy().astype(np.float32)
        if value.ndim == 4:
            value = value.transpose(2, 3, 1, 0)
            while value.ndim > 2 and value.shape[-1] == 1:
                value = value[..., 0]
        parameters.append({'name': key, 'value': np.atleast_2d(value)})

    for index, (conv, norm) in enumerate(zip(network.backbone.convs, network.backbone.norms)):
        weight = conv.weight
        if not index:  # of three channels, in three unequal parts
            weight = torch.cat([0.2 * weight, 0.5 * weight, 0.3 * weight], dim=1)
        add(f'conv{index + 1}f', weight)
        add(f'conv{index + 1}b', conv.bias[:, None])
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            add(f'bn{index + 1}m', norm.weight[:, None])
            add(f'bn{index + 1}b', norm.bias[:, None])
            deviation = (norm.running_var + norm.eps).sqrt()
            add(f'bn{index + 1}x', torch.stack([norm.running_mean, deviation], dim=1))
    add_embeddings(network, name, add)
    deep_first = network.branches if name.startswith('mmnet') else network.branches[::-1]
    for branch in deep_first:
        add('adjustf', branch.gain[None])
        add('adjustb', branch.bias[None])
    if network.classifier is not None:
        add('classf', network.classifier.weight)
        add('classb', network.classifier.bias[:, None])
    return network, parameters


def add_embeddings(network, name, add):
    """Add what lies between backbone and adjustment, in the authors' order."""

    def add_conv(key, conv):
        add(f'{key}f', conv.weight)
        add(f'{key}b', conv.bias[:, None])

    def add_norm(key, norm):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        add(f'{key}_f', norm.weight[:, None])
        add(f'{key}_b', norm.bias[:, None])
        deviation = (norm.running_var + norm.eps).sqrt()
        add(f'{key}_m', torch.stack([norm.running_mean, deviation], dim=1))

    if name == 'mmnet-released':
        fanet = network.branches[1].embedding.fanet
        add_conv('dimred', fanet.reduce)
        for key in ('query', 'key'):  # these have no effect
            add_conv(f'{key}_conv', torch.nn.Conv2d(64, 64, 1))
            add_norm(f'{key}_bn', torch.nn.BatchNorm2d(64))
        add_conv('value_conv', fanet.pixel.value[0])
        add_norm('value_bn', fanet.pixel.value[1])
        add_conv('out', fanet.pixel.out)
        for key in ('encode1', 'encode2', 'decode1', 'decode2'):
            add_conv(key, getattr(fanet.holistic, key))
        # The pixel-level correlation comes first there.
        holistic, pixel = fanet.fuse.weight.chunk(2, dim=1)
        add('fusionf', torch.cat([pixel, holistic], dim=1))
        add('fusionb', fanet.fuse.bias[:, None])
        for size in (49, 53):
            add(f'window{size}', torch.ones(size, size))
            add(f'target{size}', torch.ones(size, size))
    if name.startswith('hssnet'):
        (match,) = (branch.embedding for branch in network.branches)
        for index, norm in enumerate(match.norms):
            add_norm(f'bn{index}', norm)
        add_conv('conv6', match.fuse)
        for index in (1, 4, 6):
            add_conv(f'lc{index}', match.transformer.localiser[index])
        theta = match.transformer.theta
        # Rows of x' and y' become p1 .. p6, see `test_an_affine_map_...`.
        weight, bias = (one.detach().clone() for one in (theta.weight, theta.bias))
        for one in (weight, bias):
            one[[2, 5]] *= match.transformer.size / (match.transformer.size - 1)
        order = [4, 3, 1, 0, 5, 2]
        add('lof', weight[order])
        add('lob', bias[order][:, None])
        for index in (0, 2):
            add_conv(f'conv1{index}', match.gate.mlp[index])
    if name.startswith('mlssnet'):
        structural, semantic = (branch.embedding for branch in network.branches)
        add_conv('dimred', structural.reduce)
        for index in (0, 2):
            add_conv(f'conv5{index}', semantic.gate.mlp[index])
        for key in ('encode1', 'encode2', 'decode1', 'decode2'):
            add_conv(key, getattr(structural.gate, key))


@pytest.mark.parametrize('packed', [False, True], ids=['v6', 'v7'])
def test_values_come_back_from_a_file(packed, tmp_path):
    path = tmp_path / 'values.mat'
    numbers = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    values = {
        'numbers': numbers,
        'one': np.array([[5]], np.uint8),
        'text': 'meter',
        'cells': ['a', np.array([[1.5, 2.5]]), []],
        'structs': ({'name': 'x', 'value': numbers}, {'name': 'y', 'value': np.zeros((1, 1))}),
        'deep': {'inner': {'last': 'end'}},
    }
    path.write_bytes(mat(packed, **values))
    found = read_mat(path)
    np.testing.assert_array_equal(found['numbers'], numbers)
    assert found['one'].tolist() == [[5]] and found['text'] == 'meter'
    assert found['cells'][0] == 'a' and found['cells'][1].tolist() == [[1.5, 2.5]]
    assert [one['name'] for one in found['structs']] == ['x', 'y']
    assert found['deep'] == {'inner': {'last': 'end'}}


@pytest.mark.parametrize('kind', ['graph', 'simple'])
@pytest.mark.parametrize('name', ['siamfc', 'cfnet', 'cfnet_fast', 'hssnet', 'mlssnet'])
def test_a_network_of_matconvnet_fills_the_model(name, kind, tmp_path):
    network, parameters = random_network(name)
    momentum = {'name': 'momentum', 'value': np.ones((9, 9), np.float32)}
    net = {'params': (*parameters, momentum)}
    if kind == 'simple':
        values = [one['value'] for one in (*parameters, momentum)]
        net = {'layers': [{'name': 'all', 'weights': values}]}
    path = tmp_path / 'network.mat'
    path.write_bytes(mat(True, net=net))
    found, facts = import_weights(path, name)
    assert facts['imported']['project'] == 'MatConvNet'
    assert len(facts['imported']['left_over']) == 1
    wanted = network.state_dict()
    for key, value in found.state_dict().items():
        if 'log_ridge' not in key and key != 'ensemble.weights':
            torch.testing.assert_close(value, wanted[key], rtol=1e-4, atol=1e-4)


def test_a_file_of_mmnet_fills_what_its_code_computes(tmp_path):
    network, parameters = random_network('mmnet-released')
    path = tmp_path / 'network.mat'
    path.write_bytes(mat(True, net={'params': tuple(parameters)}))
    found, facts = import_weights(path, 'mmnet-released')
    wanted = network.state_dict()
    for key, value in found.state_dict().items():
        if 'log_ridge' not in key:
            torch.testing.assert_close(value, wanted[key], rtol=1e-4, atol=1e-4)
    without_use = {
        f'{part}_{own}'
        for part in ('query', 'key')
        for own in ('convf', 'convb', 'bn_f', 'bn_b', 'bn_m')
    }
    fixed = {f'{name}{size}' for name in ('window', 'target') for size in (49, 53)}
    assert set(facts['imported']['left_over']) == without_use | fixed


def test_the_context_of_mmnets_code_is_that_of_a_softmax_over_one_element():
    context = SummedContext(4, cells=30).eval()
    x = torch.randn(2, 4, 6, 5)
    with torch.no_grad():
        value = context.value(x).flatten(2).transpose(1, 2)
        # Affinities are cells x cells x 1, and the softmax of the code runs over the last.
        share = torch.randn(2, 30, 30, 1).softmax(dim=3)[..., 0]
        gathered = (share @ value).transpose(1, 2).reshape(x.shape)
        torch.testing.assert_close(context(x), x + context.out(gathered))
        larger = torch.nn.functional.interpolate(x, scale_factor=2)
        torch.testing.assert_close(
            context(larger) - larger, (context(x) - x).mean((2, 3), True).expand_as(larger)
        )


def test_an_affine_map_of_matconvnet_moves_the_same_cells():
    """
    Its grid is `[y x] L + t` with L the 2 x 2 of p1 .. p4 by columns, and t = p5, p6.

    -1 and 1 are the middles of the outermost cells there (AffineGridGenerator.m).
    """
    size, p = 9, np.array([0.9, -0.2, 0.3, 1.1, 0.25, -0.5], np.float32)
    steps = np.linspace(-1, 1, size)
    y, x = np.meshgrid(steps, steps, indexing='ij')
    y, x = (p[0] * y + p[1] * x + p[4], p[2] * y + p[3] * x + p[5])
    rows, columns = ((one + 1) / 2 * (size - 1) for one in (y, x))
    features = torch.rand(1, 1, size, size)
    padded = np.pad(features[0, 0].numpy(), 3)
    expected = np.zeros((size, size))
    for i, j in np.ndindex(size, size):
        row, column = rows[i, j] + 3, columns[i, j] + 3
        top, left = int(np.floor(row)), int(np.floor(column))
        if 0 <= top < size + 5 and 0 <= left < size + 5:
            part, down, right = padded[top : top + 2, left : left + 2], row - top, column - left
            expected[i, j] = [1 - down, down] @ part @ [1 - right, right]
    transformer = SpatialTransformer(1, size, ((2, 3),))
    torch.nn.init.zeros_(transformer.theta.weight)
    slot = _Affine(transformer.theta.bias, size)
    assert slot.fill(p[:, None])
    with torch.no_grad():
        found = transformer(features)[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert slot.fill(np.array([[1, 0, 0, 1, 0, 0]], np.float32).T)
    assert transformer.theta.bias.tolist() == [1, 0, 0, 0, 1, 0], 'the identity'


def test_the_command_names_what_it_does_not_use(tmp_path, capsys):
    _, parameters = random_network('siamfc')
    path, out = tmp_path / 'network.mat', tmp_path / 'siamfc.safetensors'
    extra = {'name': 'momentum', 'value': np.ones((9, 9), np.float32)}
    path.write_bytes(mat(net={'params': (*parameters, extra)}))
    command = ['import-weights', str(path), '--model', 'siamfc', '--out', str(out)]
    assert main([*command, '--no-calibration']) == 0
    assert 'not used: momentum' in capsys.readouterr().out
    assert zoo.load_model('siamfc', out)[1]['imported']['project'] == 'MatConvNet'


def test_a_network_that_lacks_something_is_refused(tmp_path):
    _, parameters = random_network('cfnet')
    path = tmp_path / 'network.mat'
    path.write_bytes(mat(net={'params': tuple(parameters[:-2])}))
    with pytest.raises(zoo.WeightsError, match='for match.gain, match.bias; left over nothing'):
        import_weights(path, 'cfnet')
    path.write_bytes(mat(net={'params': tuple(parameters)}))
    # The released code of MMNet has no factor on its pixel-level context, see `mmnet-released`.
    with pytest.raises(zoo.WeightsError, match='does not fit the model .mmnet.: nothing of'):
        import_weights(path, 'mmnet')


@pytest.mark.parametrize(
    'content, reason',
    [
        (b'', 'no MAT-file'),
        (b'MATLAB 7.3 MAT-file'.ljust(512), 'of version 7.3; save it again with -v7'),
        (mat(other='text'), 'no network `net`, but other'),
        (mat(net={'params': {'name': 'a', 'value': 'text'}}), 'not all numbers'),
        (mat(net={'params': {'name': 'a', 'value': np.ones((40, 40))}})[:-300], 'truncated'),
        (
            mat() + element(14, element(6, struct.pack('<II', 17, 0)) + element(1, b'net') * 2),
            'holds an object or a function',
        ),
        (mat() + struct.pack('<II', 15, 8) + b'no zlib!', 'damaged'),
    ],
)
def test_files_of_something_else_get_a_reason_of_one_line(content, reason, tmp_path):
    path = tmp_path / 'network.mat'
    path.write_bytes(content)
    with pytest.raises(zoo.WeightsError, match=reason) as refused:
        import_weights(path, 'siamfc')
    assert '\n' not in str(refused.value)


def test_cells_without_end_are_refused(tmp_path):
    value = 'end'
    for _ in range(60):
        value = [value]
    path = tmp_path / 'deep.mat'
    path.write_bytes(mat(net=value))
    with pytest.raises(MatError, match='too deep in each other'):
        read_mat(path)


def test_whatever_bytes_are_changed_reading_ends_in_a_reason(tmp_path):
    whole = mat(net={'params': ({'name': 'a', 'value': np.ones((3, 3))},) * 2})
    path, random = tmp_path / 'changed.mat', np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(whole)
        for place in random.integers(128, len(content), 3):
            content[place] = random.integers(256)
        path.write_bytes(content)
        try:
            read_mat(path)
        except MatError as error:
            assert '\n' not in str(error)
