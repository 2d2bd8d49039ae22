# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From the name of a model to an engine that is ready to run, on torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from ..models.network import Network
    from .engine import Engine
    from .settings import TrackingSettings

INSTALL = 'pip install torch safetensors'


def load_tracker(
    model: str = 'auto',
    device: str = 'auto',
    weights: str | Path | None = None,
    threads: int = 0,
    precision: str = 'auto',
    tracking: str = 'default',
    **settings,
) -> Engine:
    """
    Load a model, its weights and its tracking settings.

    model: a preset's name; `auto` is that of `weights`; without any, `mmnet_fast`. device: `auto`,
    `cpu`, `cuda`, `cuda:N`. weights: a safetensors file; None takes the shipped one. threads: of
    torch and OpenCV for the whole process; 0 leaves both as they are. precision: see
    `models.inference`. tracking: `default` or `paper`, changed by `settings`.

    Raises ImportError that says how to install torch, ValueError or OSError for all else.
    """
    try:
        import torch

        from ..models import inference, zoo
    except ImportError as error:
        raise ImportError(
            f'{error.name or "torch"} cannot be imported ({error}); install it with: {INSTALL}'
        ) from error
    from .settings import TrackingSettings

    if threads < 0:
        raise ValueError(f'threads {threads} is negative; 0 leaves the number as it is')
    if threads:
        import cv2

        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    place = inference.find_device(device)
    if model == 'auto' and weights:
        model, *_ = zoo.read_weights(weights)
    elif model == 'auto':
        model = 'mmnet_fast'
    network, facts = zoo.load_model(model, weights or None)
    network = inference.prepare(network, place, inference.find_precision(precision, place))
    chosen = TrackingSettings.of(network.preset, tracking, **settings)
    return build_engine(network, chosen, facts)


def build_engine(
    network: Network,
    settings: TrackingSettings | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Engine:
    """
    Put a prepared network to work, beside the shipped box refiner where the settings ask for it.

    settings: None takes the default tracking of the network's preset. Raises OSError or ValueError
    where the refiner cannot be read, and ValueError for rotated boxes without masks.
    """
    from ..models import inference, zoo
    from .engine import Engine
    from .refinement import RefinerSize
    from .settings import TrackingSettings
    from .size import NetworkSize, PyramidSize, Size
    from .torch_runtime import TorchRefiner, TorchRuntime

    settings = settings or TrackingSettings.of(network.preset)
    if settings.rotated_box and not network.has_masks:
        raise ValueError(
            f"rotated_box needs a model that draws masks, as siammask_fast, but '{network.name}' "
            'draws none'
        )
    size: Size
    if settings.size == 'refiner':
        device = next(network.parameters()).device
        refiner = inference.prepare(zoo.load_refiner(), device, network.dtype)
        size = RefinerSize(settings, TorchRefiner(refiner))
    else:
        size = {one.name: one for one in (PyramidSize, NetworkSize)}[settings.size](settings)
    if settings.raw_maps:
        network = network.with_raw_maps()
    if settings.target_model:
        network = network.with_features()
    return Engine(TorchRuntime(network), size, settings, facts)
