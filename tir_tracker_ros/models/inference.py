# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From a trained network to the same network made fast: folded, on a device, in a precision."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch

from .box_refiner import BoxRefiner
from .network import Network

AnyNetwork = TypeVar('AnyNetwork', Network, BoxRefiner)
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


def prepare(network: AnyNetwork, device: torch.device, precision: torch.dtype) -> AnyNetwork:
    """
    Return a copy for inference: batch norms folded, channels last, features in `precision`.

    Filters, scores and corrections of boxes are always computed in float32.
    """
    network = copy.deepcopy(network).eval()
    network.fold()
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.use_precision(precision)
    return network.requires_grad_(False)
