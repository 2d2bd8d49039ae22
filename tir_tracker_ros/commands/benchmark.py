# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker benchmark model|imaging|node`: measure, print a table and write JSON."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from importlib import import_module

PARTS = {
    'model': 'frames per second and milliseconds per stage of each preset',
    'imaging': 'decoding, gain and sub-windows',
    'node': 'what the node adds to the model, with a camera in another process',
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the three benchmarks, each with options of its own."""
    subparsers = parser.add_subparsers(dest='part', required=True, metavar='PART')
    for part, summary in PARTS.items():
        module = import_module(f'{__package__}.benchmark_{part}')
        module.add_arguments(subparsers.add_parser(part, help=summary, description=summary))


def run(arguments: Namespace) -> int:
    """Run the chosen benchmark; returns its exit status."""
    return import_module(f'{__package__}.benchmark_{arguments.part}').run(arguments)
