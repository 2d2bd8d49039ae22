# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker pack`: put the training data of a configuration into one small file."""

from __future__ import annotations

import argparse
from pathlib import Path

from .train import add_config_arguments, configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_arguments(parser)
    parser.add_argument('--out', type=Path, default=Path('pack.safetensors'), help='the file')


def run(arguments: argparse.Namespace) -> int:
    """Read all sources and write the pack; prints what it holds."""
    from ..training.pack import write_pack
    from ..training.pools import build_pools

    config = configuration(arguments)
    pools = build_pools(config)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_pack(arguments.out, config, pools)
    for index, source in enumerate(pools[0].sources):
        chosen = [pool.source == index for pool in pools]
        tracks = sum(int(pool.track[one].unique().numel()) for pool, one in zip(pools, chosen))
        train, val = (int(one.sum()) for one in chosen)
        print(f'{source:32} {tracks:6} tracks {train:6} views {val:5} for validation')
    size = arguments.out.stat().st_size / 1e6
    print(f'{arguments.out}: {len(pools[0])} + {len(pools[1])} views, {size:.1f} MB')
    return 0
