# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker calibrate`: make the scores of weight files probabilities."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('files', nargs='+', type=Path, metavar='FILE', help='written anew')
    parser.add_argument('--threads', type=int, default=1, help='of torch')


def run(arguments: argparse.Namespace) -> int:
    """Calibrate one file after the other; prints the weights for each way to follow the size."""
    import torch

    from ..training.calibration import recalibrate

    torch.set_num_threads(arguments.threads)
    for path in arguments.files:
        for size, weights in recalibrate(path).items():
            print(f'{path} {size}: {", ".join(f"{one:.3f}" for one in weights)}', flush=True)
    return 0
