# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other projects with seeded weights, and what those projects' code answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
import zlib

import numpy as np
import torch

_RECORDED = Path(__file__).parent / 'data' / 'checkpoints' / 'fingerprints.json'


def recorded() -> dict[str, Any]:
    """
    Read what was recorded of each configuration, by its name.

    `keys` are the names and shapes in its checkpoints; `scores`, `offsets` and `mask` are
    fingerprints of what the public code computes, in float64, with `seeded` weights for `crops`.
    """
    return json.loads(_RECORDED.read_text())


def seeded(keys: dict[str, str]) -> dict[str, torch.Tensor]:
    """Make the tensors of a checkpoint from their names and shapes."""
    tensors = {}
    for name, shape in keys.items():
        random = np.random.RandomState(zlib.crc32(name.encode()))
        sizes = [int(size) for size in shape.split()]
        if name.endswith('running_var'):
            values = random.uniform(0.5, 2.0, sizes)
        elif len(sizes) > 1:
            values = random.standard_normal(sizes) * (2 / np.prod(sizes[1:])) ** 0.5
        elif name.endswith('weight'):
            values = random.uniform(0.5, 1.5, sizes)
        else:
            values = random.standard_normal(sizes) * 0.1
        tensors[name] = torch.from_numpy(values).float()
    return tensors


def crops(search_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a template crop and a search crop, gray, 0..1."""
    random = np.random.RandomState(0)
    return tuple(
        torch.from_numpy(random.random_sample((1, 1, size, size))).float()
        for size in (127, search_size)
    )


def fingerprint(values: torch.Tensor) -> list[float]:
    """Sum up a tensor: its sum, that of its absolute values, its maximum and seven values."""
    flat = values.double().flatten()
    some = flat[torch.linspace(0, len(flat) - 1, 7).long()]
    return [flat.sum().item(), flat.abs().sum().item(), flat.abs().max().item(), *some.tolist()]
