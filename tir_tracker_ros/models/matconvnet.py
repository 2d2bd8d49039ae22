# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Import of matching networks that were trained with MatConvNet (SiamFC, CFNet and relatives)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor

from .attention import FANet, SpatialTransformer, SummedContext
from .mat_file import MatError, read_mat
from .matching import MatchingNet
from .zoo import WeightsError


def fill_from_mat(network: MatchingNet, path: Path) -> list[str]:
    """
    Fill a network from a MAT-file; returns the names of the parameters that it had no use for.

    The names in such files are free, so parameters go by their order and shapes, see `_slots`.
    Raises WeightsError, of one line, for a file that leaves anything of the network unfilled.
    """
    try:
        parameters = _parameters(read_mat(path))
    except MatError as error:
        raise WeightsError(f"'{path}' cannot be read: {error}") from error
    missing, without_use = [], []
    for name, slot in _slots(network):
        for index, (own, value) in enumerate(parameters):
            if slot.fill(value):
                del parameters[index]
                if isinstance(slot, _Spare):
                    without_use.append(own)
                break
        else:
            missing.append(name)
    left_over = without_use + [name for name, _ in parameters]
    if missing:
        raise WeightsError(
            f"'{path}' does not fit the model '{network.name}': nothing of the right shape for "
            f'{", ".join(missing[:3])}{", ..." * (len(missing) > 3)}; left over '
            f'{", ".join(left_over[:3]) or "nothing"}{", ..." * (len(left_over) > 3)}'
        )
    return left_over


class _Slot:
    """A tensor of the network that is to be filled."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def converted(self, value: np.ndarray) -> Tensor | None:
        """Bring numbers of a file into the shape of the tensor; None where they do not fit."""
        shape = self.tensor.shape
        if len(shape) < 2:
            fits = value.size == self.tensor.numel() and value.ndim == 2
            return torch.from_numpy(value.astype(np.float32)).reshape(shape) if fits else None
        # Height, width, inputs, outputs; MATLAB leaves out last sizes of 1.
        value = value.reshape(value.shape + (1,) * (4 - value.ndim)).transpose(3, 2, 0, 1)
        if value.shape[1] == 3 and shape[1] == 1:
            value = value.sum(axis=1, keepdims=True)
        return torch.from_numpy(value.astype(np.float32)) if value.shape == shape else None

    def fill(self, value: np.ndarray) -> bool:
        """Take numbers of a file, if they fit."""
        found = self.converted(value)
        if found is None or not found.isfinite().all():
            return False
        with torch.no_grad():
            self.tensor.copy_(found)
        return True


class _Never(_Slot):
    """A tensor that nothing in the files stands for."""

    def fill(self, value: np.ndarray) -> bool:
        """Take nothing."""
        return False


class _Spare(_Slot):
    """Parameters of a file that have no effect there, and no place in the network."""

    def fill(self, value: np.ndarray) -> bool:
        """Take numbers of that shape, to no effect."""
        return self.converted(value) is not None


class _SpareMoments(_Spare):
    """Those of a batch norm that has no effect."""

    def fill(self, value: np.ndarray) -> bool:
        """Take two columns of that length, to no effect."""
        return value.shape == (len(self.tensor), 2)


class _Halves(_Slot):
    """What fuses FANet's correlations, of which the files have the pixel-level one first."""

    def converted(self, value: np.ndarray) -> Tensor | None:
        """Bring the inputs into our order."""
        found = super().converted(value)
        return None if found is None else found.roll(found.shape[1] // 2, dims=1)


class _Moments(_Slot):
    """Mean and variance of a batch norm: a file has a column of means and one of deviations."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        assert norm.running_mean is not None and norm.running_var is not None
        super().__init__(norm.running_mean)
        self.variance, self.smallest = norm.running_var, norm.eps

    def fill(self, value: np.ndarray) -> bool:
        """Take the two columns, if they fit."""
        if value.shape != (len(self.tensor), 2) or not np.isfinite(value).all():
            return False
        mean, deviation = torch.from_numpy(value.astype(np.float32)).unbind(dim=1)
        self.tensor.copy_(mean)
        self.variance.copy_((deviation.square() - self.smallest).clamp(min=0))
        return True


class _Affine(_Slot):
    """
    What the last layer of a spatial transformer tells, six outputs along the first axis.

    MatConvNet's go `y' = p1 y + p2 x + p5`, `x' = p3 y + p4 x + p6`, with -1 and 1 in the middle
    of the outermost cells; ours are those of `affine_grid`, with -1 and 1 at their outer borders.
    """

    def __init__(self, tensor: Tensor, size: int) -> None:
        super().__init__(tensor)
        self.shrink = (size - 1) / size

    def converted(self, value: np.ndarray) -> Tensor | None:
        """Bring the outputs into our order, and shifts to our scale."""
        found = super().converted(value)
        if found is None:
            return None
        found = found[[3, 2, 5, 1, 0, 4]]
        found[[2, 5]] *= self.shrink
        return found


def _slots(network: MatchingNet) -> Iterator[tuple[str, _Slot]]:
    """
    Yield what is to be filled, in the order of MatConvNet's files.

    The stages of the backbone come first, then the reductions of taps, then the branches from deep
    to shallow, and last their gains and biases in the same order (make_HSSNet.m and
    make_siamese_MLSSNet.m of the authors).
    """
    for index, (conv, norm) in enumerate(zip(network.backbone.convs, network.backbone.norms)):
        yield from _of_module(f'backbone.convs.{index}', conv)
        yield from _of_module(f'backbone.norms.{index}', norm)
    names = network.backbone.names
    branches = sorted(network.branches, key=lambda one: -names.index(one.embedding.tap))
    parts = [
        (f'{branch.name}.{name}', module, name == 'reduce')
        for branch in branches
        for name, module in branch.embedding.named_modules()
    ]
    affine = {one.theta: one.size for _, one, _ in parts if isinstance(one, SpatialTransformer)}
    fuses = [
        one.fuse for _, one, _ in parts if isinstance(one, FANet) and one.pixel and one.holistic
    ]
    for name, module, _ in sorted(parts, key=lambda part: not part[2]):
        if module in affine:
            for own, parameter in module.named_parameters(recurse=False):
                yield f'{name}.{own}', _Affine(parameter, affine[module])
        elif module in fuses:
            yield f'{name}.weight', _Halves(module.weight)
            yield f'{name}.bias', _Slot(module.bias)
        elif isinstance(module, SummedContext):
            # Queries and keys, which are like values, precede those.
            for own in ('query', 'key'):
                for inner in module.value:
                    for one, slot in _of_module(f'{name}.{own}', inner):
                        moments = isinstance(slot, _Moments)
                        yield one, (_SpareMoments if moments else _Spare)(slot.tensor)
        else:
            yield from _of_module(name, module)
    for branch in branches:
        yield f'{branch.name}.gain', _Slot(branch.gain)
        yield f'{branch.name}.bias', _Slot(branch.bias)
    if network.classifier is not None:
        yield from _of_module('classifier', network.classifier)


def _of_module(name: str, module: nn.Module) -> Iterator[tuple[str, _Slot]]:
    for own, parameter in module.named_parameters(recurse=False):
        # Single numbers that scale a part of an embedding have no counterpart in the files.
        yield f'{name}.{own}', _Slot(parameter) if parameter.ndim else _Never(parameter)
    if isinstance(module, nn.BatchNorm2d):
        yield f'{name}.moments', _Moments(module)


def _parameters(variables: Mapping[str, Any]) -> list[tuple[str, np.ndarray]]:
    """List the parameters of a network, of either of MatConvNet's two kinds, with their names."""
    network = variables.get('net')
    if not isinstance(network, Mapping):
        raise MatError(f'it has no network `net`, but {", ".join(variables) or "nothing"}')
    found = []
    parameters = network.get('params')
    if parameters is not None:
        for one in parameters if isinstance(parameters, list) else [parameters]:
            found.append((str(one.get('name')), one.get('value')))
    else:
        for layer in network.get('layers', ()):
            for index, value in enumerate(layer.get('weights', ())):
                found.append((f'{layer.get("name", "layer")}.{index}', value))
    if any(not isinstance(value, np.ndarray) for _, value in found):
        raise MatError('its parameters are not all numbers')
    return found
