# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `track` and `replay` share: options, the follower, progress and the last line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import sys
from typing import Any

from tqdm import tqdm

from ..imaging.gain import GainSettings, MODES
from ..tracking.follower import Follower, FollowerSettings, Status, TargetIds
from ..tracking.loading import load_tracker
from .run_folder import RunFolder


def add_following_arguments(parser: ArgumentParser) -> None:
    """Add the options of model, gain and output."""
    parser.add_argument('--topic', help='image topic of a bag; default: its only one')
    parser.add_argument('--out', type=Path, help='folder of the results, default runs/NAME')
    parser.add_argument('--max-frames', type=int, help='stop after so many images')
    parser.add_argument('--model', default='auto', help='preset, see `tir-tracker models`')
    parser.add_argument('--weights', type=Path, help='safetensors file; default: the shipped one')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--threads', type=int, default=0, help='CPU threads; 0: as they are')
    parser.add_argument('--gain', choices=MODES, default='percentile', help='range of counts')
    parser.add_argument(
        '--gain-range', metavar='MIN,MAX', help='counts that become 0 and 1 with --gain fixed'
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')


def follower_settings(arguments: Namespace) -> FollowerSettings:
    """Return the settings that the options ask for; raises ValueError that names a bad one."""
    if arguments.max_frames is not None and arguments.max_frames < 1:
        raise ValueError(f'--max-frames {arguments.max_frames} is not 1 or more')
    if arguments.gain_range is None:
        return FollowerSettings(GainSettings(arguments.gain))
    try:
        minimum, maximum = map(float, arguments.gain_range.split(','))
    except ValueError:
        raise ValueError(f"--gain-range '{arguments.gain_range}' is not MIN,MAX") from None
    if arguments.gain != 'fixed':
        raise ValueError(f'--gain-range needs --gain fixed, not {arguments.gain}')
    # A range that was asked for holds for 8-bit images, too.
    return FollowerSettings(
        GainSettings('fixed', minimum=minimum, maximum=maximum, stretch_8bit=True)
    )


def make_follower(arguments: Namespace, settings: FollowerSettings) -> Follower:
    """Load the model; the follower tells of every change of state."""
    tracker = load_tracker(arguments.model, arguments.device, arguments.weights, arguments.threads)
    # Ids of its own, so that a second run in the same process gives the same ones.
    return Follower(tracker, settings, tell, _tell_status, TargetIds())


def tell(text: str) -> None:
    """Print a line on stderr, above the progress bar."""
    tqdm.write(text, file=sys.stderr)


def _tell_status(status: Status) -> None:
    tell(f'after {status.figures["images"]} images: {status.state}: {status.reason}')


def make_progress(arguments: Namespace, total: int | None) -> tqdm[Any]:
    """Make the progress bar, counting images, on stderr."""
    if arguments.max_frames is not None:
        total = min(arguments.max_frames, total or arguments.max_frames)
    return tqdm(total=total, unit='image', disable=arguments.quiet)


@contextmanager
def open_results(folder: Path, rate: float, settings: FollowerSettings) -> Iterator[RunFolder]:
    """Open the results, and finish them whatever happens, telling where they are."""
    results = RunFolder(folder, rate, settings)
    try:
        yield results
    except BaseException:
        done = len(results.frames)
        print(f'stopped after {done} images; their results are in {folder}', file=sys.stderr)
        raise
    finally:
        results.close()


def conclude(results: RunFolder, folder: Path, reason: str) -> int:
    """Print what was done; raises ValueError with the reason when no image was answered."""
    if not results.answered:
        raise ValueError(f'none of {len(results.frames)} images was answered: {reason}')
    print(
        f'{len(results.frames)} images, {results.answered} answered, '
        f'{results.lost} of them without the target; results in {folder}'
    )
    return 0
