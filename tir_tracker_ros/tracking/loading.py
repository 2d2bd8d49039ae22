# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From the name of a model to a tracker that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from ..models.matching import MatchingNet
    from .matching_tracker import MatchingTracker
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
) -> MatchingTracker:
    """
    Load a model, its weights and its tracking settings.

    model: a preset's name; `auto` is `mmnet` on CUDA where its weights are shipped, else
    `mmnet_fast`. device: `auto`, `cpu`, `cuda`, `cuda:N`. weights: a safetensors file; None takes
    the shipped one. threads: of torch and OpenCV for the whole process; 0 leaves both as they are.
    precision: see `models.inference`. tracking: `default` or `paper`, changed by `settings`.

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
    if model == 'auto':
        full_size = place.type == 'cuda' and zoo.shipped_weights('mmnet') is not None
        model = 'mmnet' if full_size else 'mmnet_fast'
    network, facts = zoo.load_model(model, weights or None)
    network = inference.prepare(network, place, inference.find_precision(precision, place))
    return build_tracker(network, TrackingSettings.named(tracking, **settings), facts)


def build_tracker(
    network: MatchingNet,
    settings: TrackingSettings | None = None,
    facts: Mapping[str, Any] | None = None,
) -> MatchingTracker:
    """
    Put a prepared network to work, beside the shipped box refiner where the settings ask for it.

    Raises OSError or ValueError where that cannot be read.
    """
    from ..models import inference, zoo
    from .matching_tracker import MatchingTracker
    from .settings import TrackingSettings

    settings = settings or TrackingSettings()
    refiner = None
    if settings.scale == 'refiner':
        device = next(network.parameters()).device
        refiner = inference.prepare_refiner(zoo.load_refiner(), device, network.dtype)
    return MatchingTracker(network, settings, facts, refiner)
