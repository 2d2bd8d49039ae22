# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker import-weights`: convert a checkpoint of another project to a weight file."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        'file',
        type=Path,
        metavar='FILE',
        help="checkpoint of pysot, of SiamMask's own code or of DaSiamRPN; MAT-file of MatConvNet",
    )
    parser.add_argument('--model', required=True, help='the preset that the checkpoint belongs to')
    parser.add_argument('--out', type=Path, required=True, help='the weight file to write')
    parser.add_argument(
        '--scenes',
        type=int,
        default=1,
        help='simulated scenes of each category that the score is calibrated on',
    )
    parser.add_argument(
        '--no-calibration',
        action='store_true',
        help='leave the score uncalibrated; targets are then never told as tracking',
    )
    parser.add_argument('--threads', type=int, default=0, help='of torch; 0 takes its own number')


def run(arguments: argparse.Namespace) -> int:
    """Convert, calibrate and write; prints what was done."""
    import torch

    from ..models import zoo
    from ..models.imports import import_weights

    if arguments.scenes < 1:
        raise ValueError(f'--scenes {arguments.scenes} is less than 1')
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    network, facts = import_weights(arguments.file, arguments.model)
    print(f'{arguments.file}: {facts["imported"]["project"]}, fits {arguments.model}', flush=True)
    if left_over := facts['imported']['left_over']:
        print(f'not used: {", ".join(left_over)}')
    if arguments.no_calibration:
        print('not calibrated: the score is no probability, so a target is at best uncertain')
    else:
        from ..training.calibration import calibrated_scores

        facts['score'] = calibrated_scores(network, arguments.scenes)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    # Half precision could not hold every variance of images of 0..255.
    zoo.save_weights(network, arguments.out, facts, torch.float32)
    size = arguments.out.stat().st_size / 1e6
    print(f'{arguments.out}: {size:.1f} MB; use it as model {arguments.model}')
    return 0
