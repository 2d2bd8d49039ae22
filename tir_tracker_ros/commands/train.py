# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker train`: train a model from a configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training.config import TrainConfig


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that a configuration is read from."""
    parser.add_argument('--config', required=True, type=Path, help='YAML file, see config/train/')
    parser.add_argument('--data', default=None, help="folder that the sources' roots lie in")
    parser.add_argument(
        'changes',
        nargs='*',
        metavar='KEY=VALUE',
        help='changes to the configuration, such as epochs=3 loss.fused=0.5',
    )


def configuration(arguments: argparse.Namespace) -> TrainConfig:
    """Read the configuration that the options name, with their changes."""
    from ..training.recipes import read_config

    changes = list(arguments.changes)
    if arguments.data is not None:
        changes.append(f'data={arguments.data}')
    return read_config(arguments.config, changes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_arguments(parser)
    parser.add_argument('--out', type=Path, default=Path('runs/train'), help='folder of the run')
    parser.add_argument('--resume', action='store_true', help='go on from the last checkpoint')
    parser.add_argument('--fresh', action='store_true', help='delete a run that is there already')


def run(arguments: argparse.Namespace) -> int:
    """Train; prints the path of the weight file."""
    from ..training.run import train

    config = configuration(arguments)
    print(train(config, arguments.out, arguments.resume, arguments.fresh))
    return 0


def main() -> None:
    """Run as `ros2 run tir_tracker_ros train`."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    # ros2 run may append --ros-args, which mean nothing here.
    words = sys.argv[1:]
    words = words[: words.index('--ros-args')] if '--ros-args' in words else words
    sys.exit(run(parser.parse_args(words)))
