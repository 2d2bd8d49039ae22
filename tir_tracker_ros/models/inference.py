# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From a trained network to the same network made fast: folded, on a device, in a precision."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .box_refiner import BoxRefiner
from .matching import MatchingNet

PRECISIONS = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


def find_device(name: str) -> torch.device:
    """
    Turn `auto`, `cpu`, `cuda` or `cuda:1` into a device; `auto` is CUDA where there is one.

    Raises ValueError for a name that torch does not know, or CUDA where there is none.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device '{name}' is not auto, cpu, cuda or cuda:N") from error
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device '{name}' is not here: torch {torch.__version__} sees "
            f'{torch.cuda.device_count()} CUDA devices'
        )
    return device


def find_precision(name: str, device: torch.device) -> torch.dtype:
    """
    Turn `auto`, `float32`, `bfloat16` or `float16` into a type.

    `auto` is bfloat16 where the device computes in it natively, else float32.
    """
    if name != 'auto':
        if name not in PRECISIONS:
            raise ValueError(f"precision '{name}' is not auto, {', '.join(PRECISIONS)}")
        return PRECISIONS[name]
    if device.type == 'cuda':
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Emulated bfloat16 is slower than float32.
        native = getattr(torch.cpu, '_is_avx512_bf16_supported', lambda: False)()
    return torch.bfloat16 if native else torch.float32


def prepare(model: MatchingNet, device: torch.device, precision: torch.dtype) -> MatchingNet:
    """
    Return a copy for tracking: batch norm folded into the convolutions, channels last.

    Features are computed in `precision`; filters and responses always in float32. The norm of a
    stage whose raw output a branch matches on stays as it is.
    """
    model = copy.deepcopy(model).eval()
    tapped = {tap for branch in model.branches for tap in branch.embedding.taps}
    backbone = model.backbone
    for index, norm in enumerate(backbone.norms):
        conv = backbone.convs[index]
        if (
            isinstance(norm, nn.BatchNorm2d)
            and isinstance(conv, nn.Conv2d)
            and f'conv{index + 1}' not in tapped
        ):
            backbone.convs[index] = fuse_conv_bn_eval(conv, norm)
            backbone.norms[index] = nn.Identity()
    model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    backbone.to(precision)
    for branch in model.branches:
        _fold_norms(branch.embedding)
        branch.embedding.to(precision)
    return model.requires_grad_(False)


def prepare_refiner(
    refiner: BoxRefiner, device: torch.device, precision: torch.dtype
) -> BoxRefiner:
    """Return a copy for tracking, as `prepare` does; offsets are always computed in float32."""
    refiner = copy.deepcopy(refiner).eval()
    for part in (refiner.features, refiner.mix):
        _fold_norms(part)
        part.to(precision)
    refiner.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return refiner.requires_grad_(False)


def _fold_norms(network: nn.Module) -> None:
    """Fold each batch norm that follows a convolution in a sequence into it."""
    for sequence in network.modules():
        if not isinstance(sequence, nn.Sequential):
            continue
        for index, (conv, norm) in enumerate(zip(list(sequence), list(sequence)[1:])):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(conv, norm)
                sequence[index + 1] = nn.Identity()
