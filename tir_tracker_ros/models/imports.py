# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Import of weights of other projects: pysot, SiamMask's own code, DaSiamRPN, MatConvNet."""

from __future__ import annotations

from collections.abc import Mapping
import hashlib
from pathlib import Path
import re
from typing import Any

import torch
from torch import nn, Tensor

from .families import build, FAMILIES, find_preset
from .matching import MatchingNet
from .matconvnet import fill_from_mat
from .network import Network
from .proposals import ProposalNet
from .zoo import WeightsError

# Places of the convolutions and norms of an AlexNet that is one list of layers.
_ALEXNET = {
    layer: f'{part}.{index}'
    for part, layers in (('convs', (0, 4, 8, 11, 14)), ('norms', (1, 5, 9, 12, 15)))
    for index, layer in enumerate(layers)
}
_BLOCK = {'conv1': 0, 'bn1': 1, 'conv2': 3, 'bn2': 4, 'conv3': 6, 'bn3': 7}
_MATCH = {'cls': 'scores', 'loc': 'offsets'}
_PART = {'conv_kernel': 'template', 'conv_search': 'search', 'head': 'output'}

_SIAMMASK = (
    (r'features\.features\.', 'backbone.'),
    (r'features\.downsample\.', 'neck.downsample.'),
    (r'rpn_model\.', 'rpn_head.'),
    (r'mask_model\.mask\.', 'mask_head.'),
    (r'refine_model\.', 'refine_head.'),
)
"""From the names of SiamMask's own code to those of pysot: the beginnings of names."""
_DASIAMRPN = (
    (r'featureExtract\.', 'backbone.features.'),
    (r'conv_cls1\.', 'rpn_head.template_cls_conv.'),
    (r'conv_cls2\.', 'rpn_head.search_cls_conv.'),
    (r'conv_r1\.', 'rpn_head.template_loc_conv.'),
    (r'conv_r2\.', 'rpn_head.search_loc_conv.'),
    (r'regress_adjust\.', 'rpn_head.loc_adjust.'),
)
_PYSOT: tuple[tuple[str, Any], ...] = (
    (r'backbone\.features\.(\d+)\.', lambda m: f'backbone.{_ALEXNET.get(int(m[1]), m[1])}.'),
    (
        r'backbone\.layer([1-5])\.([01])\.(?=weight|bias|running)',
        lambda m: f'backbone.{"norms" if m[2] == "1" else "convs"}.{int(m[1]) - 1}.',
    ),
    (r'backbone\.conv1\.', 'backbone.stem.0.'),
    (r'backbone\.bn1\.', 'backbone.stem.1.'),
    (
        r'backbone\.layer(\d)\.(\d+)\.((?:conv|bn)\d)\.',
        lambda m: f'backbone.stages.{int(m[1]) - 1}.{m[2]}.body.{_BLOCK.get(m[3], m[3])}.',
    ),
    (
        r'backbone\.layer(\d)\.(\d+)\.downsample\.',
        lambda m: f'backbone.stages.{int(m[1]) - 1}.{m[2]}.shortcut.',
    ),
    (r'backbone\.layer0\.(\d)\.', r'backbone.stages.0.\1.'),
    (r'backbone\.layer(\d)\.(\d+)\.conv\.', r'backbone.stages.\1.\2.body.'),
    (r'neck\.downsample(\d?)\.downsample\.', lambda m: f'necks.{_level(m[1])}.'),
    (
        r'rpn_head\.(?:rpn(\d)\.)?(cls|loc)\.(\w+)\.',
        lambda m: f'heads.{_level(m[1])}.{_MATCH[m[2]]}.{_PART.get(m[3], m[3])}.',
    ),
    (r'rpn_head\.cls_weight', 'score_sum.weights'),
    (r'rpn_head\.loc_weight', 'offset_sum.weights'),
    (
        r'rpn_head\.(template|search)_(cls|loc)_conv\.',
        lambda m: f'heads.0.{_MATCH[m[2]]}.{m[1]}.',
    ),
    (r'rpn_head\.loc_adjust\.', 'heads.0.offsets.output.'),
    (r'mask_head\.(\w+)\.', lambda m: f'masks.match.{_PART.get(m[1], m[1])}.'),
    (r'refine_head\.v(\d)\.', lambda m: f'masks.skips.{2 - int(m[1])}.'),
    (r'refine_head\.h(\d)\.', lambda m: f'masks.below.{2 - int(m[1])}.'),
    (r'refine_head\.post(\d)\.', r'masks.joined.\1.'),
    (r'refine_head\.deconv\.', 'masks.expand.'),
)
"""From the names of pysot to those of `ProposalNet`: the beginnings of names."""

_PROJECTS: dict[str, tuple[str, tuple[tuple[str, Any], ...]]] = {
    "SiamMask's own code": ('features.features.', _SIAMMASK),
    'DaSiamRPN': ('featureExtract.', _DASIAMRPN),
    'pysot': ('backbone.', ()),
}
"""By the name of a project, how a name in its checkpoints begins, and the way to pysot's names."""

_FIRST = ('backbone.stem.0.weight', 'backbone.stages.0.0.weight', 'backbone.convs.0.weight')
"""Weights of the first convolution, of three channels there and one here."""
_SHOWN = 3
"""Names of weights that an error gives."""


def import_weights(path: str | Path, name: str) -> tuple[Network, dict[str, Any]]:
    """
    Fill a model with the weights of another project; returns it with the facts of their source.

    Models that propose boxes take checkpoints of torch, matching models networks of MatConvNet.
    Nothing in the file is executed. Raises OSError for a file that cannot be read, ValueError for
    an unknown model, WeightsError, of one line, for a file that is something else or belongs to
    another model.
    """
    path = Path(path)
    network = build(find_preset(name).name)
    if not path.is_file():
        raise FileNotFoundError(f"no file '{path}'")
    left_over: list[str] = []
    if isinstance(network, MatchingNet):
        project, left_over = 'MatConvNet', fill_from_mat(network, path)
    else:
        project = _fill_from_checkpoint(network, path)
    facts = {
        'data': [f'imported from {project}, {path.name}'],
        'imported': {
            'project': project,
            'file': path.name,
            'sha256': hashlib.sha256(path.read_bytes()).hexdigest(),
            'left_over': left_over,
        },
    }
    return network.eval(), facts


def _fill_from_checkpoint(network: ProposalNet, path: Path) -> str:
    """Fill a network from a checkpoint of torch; returns the name of its project."""
    project, tensors = convert(_read(path), path)
    if network.preset.weighted and 'score_sum.weights' not in tensors:
        # Some of pysot's configurations take the mean of the levels: equal weights.
        equal = torch.ones(len(network.preset.levels))
        tensors |= {'score_sum.weights': equal, 'offset_sum.weights': equal}
    _check(path, network, tensors)
    network.load_state_dict({**network.state_dict(), **tensors})
    return project


def convert(tensors: Mapping[str, Tensor], path: str | Path) -> tuple[str, dict[str, Tensor]]:
    """
    Turn the tensors of another project's checkpoint into those of a `ProposalNet`.

    Returns the name of the project, too; names that are unknown stay as they are. The first
    convolution adds up its three channels, and of two outputs, background and target, the
    difference is left. Raises WeightsError naming `path` for tensors of no known project.
    """
    names = {name: name.removeprefix('module.') for name in tensors}
    # Counters of training steps, which not all files have; the answers do not depend on them.
    names = {old: new for old, new in names.items() if not new.endswith('num_batches_tracked')}
    known = [
        project
        for project, (sign, _) in _PROJECTS.items()
        if any(new.startswith(sign) for new in names.values())
    ]
    if not known:
        shown = ', '.join(sorted(names.values())[:_SHOWN]) or 'nothing'
        raise WeightsError(
            f"'{path}' is no checkpoint of {', '.join(_PROJECTS)}: it holds {shown}"
        )
    rules = _PROJECTS[known[0]][1]
    converted = {}
    for old, new in names.items():
        value = tensors[old]
        new = _renamed(_renamed(new, rules), _PYSOT)
        if new in _FIRST and value.dim() == 4:
            value = value.sum(dim=1, keepdim=True)
        last = r'heads\.\d\.scores\.(output\.3|template)\.(weight|bias)'
        if re.fullmatch(last, new) and value.dim() and len(value) % 2 == 0:
            background, target = value.chunk(2)
            value = target - background
        converted[new] = value
    return known[0], converted


def _renamed(name: str, rules: tuple[tuple[str, Any], ...]) -> str:
    for pattern, replacement in rules:
        new, count = re.subn(f'^{pattern}', replacement, name)
        if count:
            return new
    return name


def _level(number: str | None) -> int:
    """Count levels from 0; pysot counts them from 2, and a single one not at all."""
    return int(number or 2) - 2


def _read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file by their names, without executing what is in it."""
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # a hostile file may raise anything
        # torch's own message advises to execute what is in the file.
        called = re.search(r'GLOBAL ([\w.]+)', str(error))
        if called:
            reason = f'holds more than tensors, and would call {called[1]}: it is not read'
        else:
            reason = 'is no checkpoint of torch, or damaged'
        raise WeightsError(f"'{path}' {reason}") from error
    for key in ('state_dict', 'model'):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(
            f"'{path}' holds a {type(content).__name__}, not tensors by their names"
        )
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise WeightsError(
                f"'{path}' holds a {type(value).__name__} as {name!r}, where a tensor should be"
            )
        if not _is_plain(value):
            raise WeightsError(
                f"'{path}' holds a tensor '{name}' that is sparse, shared or strange"
            )
        if value.is_floating_point() and not value.isfinite().all():
            raise WeightsError(f"'{path}' holds values in '{name}' that are not finite")
    return dict(content)


def _is_plain(value: Tensor) -> bool:
    """Tell whether each number of a tensor lies in memory, and is a real one."""
    if value.layout != torch.strided or value.device.type != 'cpu':
        return False
    # One number may stand for any count of them, which would fill the memory.
    held = value.untyped_storage().nbytes()
    real = not value.is_complex() and not value.is_quantized
    return real and held >= value.numel() * value.element_size()


def _check(path: Path, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Raise WeightsError for tensors that do not fit: missing, left over, of another shape."""
    faults = _faults(network, tensors)
    if not faults:
        return
    with torch.device('meta'):
        others = [
            name for name in FAMILIES['proposals'].presets if not _faults(build(name), tensors)
        ]
    hint = f'; it fits the model {" or ".join(others)}' if others else ''
    raise WeightsError(f"'{path}' does not fit the model '{network.name}': {faults}{hint}")


def _faults(network: nn.Module, tensors: Mapping[str, Tensor]) -> str:
    wanted = {
        name: tuple(value.shape)
        for name, value in network.state_dict().items()
        if not name.endswith('num_batches_tracked')
    }
    missing = sorted(set(wanted) - set(tensors))
    left_over = sorted(set(tensors) - set(wanted))
    misshaped = [
        f'{name} {tuple(tensors[name].shape)} instead of {shape}'
        for name, shape in wanted.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    return '; '.join(
        f'{len(names)} {kind} ({", ".join(names[:_SHOWN])}{", ..." * (len(names) > _SHOWN)})'
        for kind, names in (
            ('missing', missing),
            ('left over', left_over),
            ('of another shape', misshaped),
        )
        if names
    )
