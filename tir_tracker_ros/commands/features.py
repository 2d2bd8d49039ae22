# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker features`: draw what the branches of a model see of one target."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..geometry import Box, context_side


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('source', help='as of `track`')
    parser.add_argument(
        '--init',
        required=True,
        type=Box.parse,
        metavar='X,Y,W,H',
        help='box of the target in the first image, pixels',
    )
    parser.add_argument('--frame', type=int, default=1, help='image that is searched')
    parser.add_argument('--model', default='mmnet_fast', help='preset')
    parser.add_argument('--weights', help='safetensors file; the shipped one by default')
    parser.add_argument('--out', type=Path, default=Path('features.png'), help='picture')


def run(arguments: argparse.Namespace) -> int:
    """Draw one row: template, search region, the mean of each tap and embedding, responses."""
    import itertools

    import matplotlib
    import numpy as np
    import torch

    from ..imaging.gain import GainControl
    from ..imaging.subwindow import crop
    from ..models import zoo
    from .recording import open_recording

    matplotlib.use('Agg')
    from matplotlib import pyplot

    if arguments.frame < 0:
        raise ValueError(f'--frame {arguments.frame} is negative')
    model, _ = zoo.load_model(arguments.model, arguments.weights)
    images = list(itertools.islice(open_recording(arguments.source).source, arguments.frame + 1))
    if len(images) <= arguments.frame:
        raise ValueError(
            f"'{arguments.source}' has {len(images)} images: no --frame {arguments.frame}"
        )
    gain = GainControl()
    gray = [gain(image) for image in images]
    preset, box = model.preset, arguments.init
    side = context_side(box)

    def cut(image, context, size):
        square = crop(image, box.cx, box.cy, context * side, context * side, size, size)
        return torch.from_numpy(square)[None, None]

    template = cut(gray[0], preset.context, preset.template_size)
    search = cut(gray[-1], preset.search_context, preset.search_size)
    panels = {'template': template[0, 0], 'search region': search[0, 0]}
    with torch.inference_mode():
        panels |= model.inspect(template, search)
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(2.2 * len(panels), 2.5), layout='constrained'
    )
    for axis, (title, values) in zip(np.atleast_1d(axes), panels.items()):
        gray_panel = title in ('template', 'search region')
        axis.imshow(values.numpy(), cmap='gray' if gray_panel else 'inferno')
        axis.set_title(title, fontsize=8)
        axis.axis('off')
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.out, dpi=120)
    print(arguments.out)
    return 0
