# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker weights`: list and verify the installed weight files, or those named."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('files', nargs='*', type=Path, help='weight files; the shipped by default')
    parser.add_argument('--json', action='store_true', help='print JSON with all facts')


def run(arguments: argparse.Namespace) -> int:
    """Print one line for each file; returns 1 when one of them cannot be used."""
    from ..models import families, zoo

    paths = arguments.files or sorted(zoo.SHIPPED.glob('*.safetensors'))
    rows, failed = [], False
    for path in paths:
        try:
            preset, facts, _ = zoo.read_weights(path)
            zoo.load_weights(families.build(preset), path)
        except (OSError, ValueError) as error:
            print(f'tir-tracker weights: {error}', file=sys.stderr)
            failed = True
        else:
            rows.append(
                {
                    'file': path.name,
                    'model': preset,
                    'megabytes': round(path.stat().st_size / 1e6, 2),
                    'facts': facts,
                }
            )
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            facts = row['facts']
            print(
                f'{row["file"]:32}{row["model"]:18}{row["megabytes"]:6.2f} MB  sound; seed '
                f'{facts.get("seed", "-")}, {facts.get("pairs", "-")} pairs of '
                f'{", ".join(facts.get("data", ["unknown data"]))}'
            )
        if not rows and not failed:
            print('no weights are installed')
    return int(failed)
