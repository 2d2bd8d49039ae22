# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packs: the views of all sources of a training in one file, which is read in a second."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open, SafetensorError
from safetensors.torch import save_file
import torch

from .config import TrainConfig
from .views import ViewPool

_FORMAT = 'tir_tracker_ros pack 1'
_COLUMNS = ('codes', 'span', 'mask_span', 'size', 'track', 'video', 'time', 'label', 'source')
_PARTS = ('train', 'val')


def write_pack(path: str | Path, config: TrainConfig, pools: tuple[ViewPool, ViewPool]) -> None:
    """Write the pools for training and for validation, with the sources they were made of."""
    tensors = {
        f'{part}.{name}': getattr(pool, name).contiguous()
        for part, pool in zip(_PARTS, pools)
        for name in _COLUMNS
    }
    made_of = config.model_dump(mode='json', include={'sources', 'views', 'seed'})
    metadata = {
        'format': _FORMAT,
        'made_of': json.dumps(made_of),
        'sources': json.dumps(pools[0].sources),
        'classes': json.dumps(pools[0].classes),
        'side': str(pools[0].side),
    }
    save_file(tensors, path, metadata)
    Path(path).chmod(0o644)


def read_pack(path: str | Path) -> tuple[ViewPool, ViewPool]:
    """
    Read the pools for training and for validation.

    Raises FileNotFoundError, or ValueError for a file that is damaged or no pack.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no pack '{path}'; `tir-tracker pack` makes one")
    try:
        with safe_open(path, framework='pt') as file:
            metadata = file.metadata() or {}
            if metadata.get('format') != _FORMAT:
                raise ValueError(f"'{path}' is no pack of this version of tir_tracker_ros")
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (no dict)
    except SafetensorError as error:
        raise ValueError(
            f"pack '{path}' is damaged or truncated ({error}); copy it anew"
        ) from None
    for part in _PARTS:  # older packs have no masks
        tensors.setdefault(f'{part}.mask_span', torch.zeros_like(tensors[f'{part}.span']))
    training, validation = (
        ViewPool(
            **{name: tensors[f'{part}.{name}'] for name in _COLUMNS},
            side=int(metadata['side']),
            sources=tuple(json.loads(metadata['sources'])),
            classes=tuple(json.loads(metadata['classes'])),
        )
        for part in _PARTS
    )
    return training, validation
