# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker models`: the presets, what they cost and where they come from."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .benchmark_model import update_time

_TIMED_IMAGES = 7
_TIMED_BELOW = 8e9
"""Multiply-adds of a search image from which a model takes too long to be timed here."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('--json', action='store_true', help='print JSON instead of a table')
    parser.add_argument(
        '--no-speed', action='store_true', help='do not time the models, which takes seconds'
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one line for each preset."""
    from ..models.families import PRESETS

    rows = [describe(name, timed=not arguments.no_speed) for name in PRESETS]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    print(
        f'{"model":18}{"parameters":>12}{"multiply-adds":>15}{"template":>10}{"search":>8}'
        f'{"stride":>8}{"frames/s":>10}  {"weights":9}source'
    )
    for row in rows:
        print(
            f'{row["name"]:18}{row["parameters"]:12,}{row["multiply_adds"] / 1e9:13.2f} G'
            f'{row["template_size"]:10}{row["search_size"]:8}{row["stride"]:8}'
            f'{format(row["speed"], "10.1f") if row["speed"] else format("-", ">10")}  '
            f'{"shipped" if row["weights"] else "-":9}{row["source"]}'
        )
    return 0


def describe(name: str, timed: bool = True) -> dict[str, Any]:
    """
    Describe a preset.

    `multiply_adds` are those of one search image: backbone, embeddings and correlation, without
    the template and what follows the size. `speed` is in images a second, of the whole
    tracker with its default settings on this machine: the median of a few images, so a rough
    figure (`tir-tracker benchmark model` measures); None unless `timed`, and for models that would
    take long.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ..models import families, zoo

    # Tensors without content: to count takes no time.
    with torch.device('meta'), torch.no_grad():
        model = families.build_tracker_network(name).eval()
        preset = model.preset
        template = model.template(torch.zeros(1, 1, preset.template_size, preset.template_size))
        with FlopCounterMode(display=False) as counter:
            model.search(torch.zeros(1, 1, preset.search_size, preset.search_size), template)
    # The counter takes a multiplication and an addition for two operations.
    multiply_adds = counter.get_total_flops() // 2
    return {
        'name': name,
        'source': preset.source,
        'parameters': sum(parameter.numel() for parameter in model.parameters()),
        'multiply_adds': multiply_adds,
        'template_size': preset.template_size,
        'search_size': preset.search_size,
        'stride': model.stride,
        'speed': _speed(name) if timed and multiply_adds < _TIMED_BELOW else None,
        'weights': zoo.shipped_weights(name) is not None,
    }


def _speed(name: str) -> float:
    from ..models import families, inference
    from ..tracking.loading import build_engine

    model = families.build_tracker_network(name).eval()
    device = inference.find_device('auto')
    precision = inference.find_precision('auto', device)
    return 1 / update_time(
        build_engine(inference.prepare(model, device, precision)), _TIMED_IMAGES
    )
