# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `track` and `replay` share: options, the stream, progress and the last line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
import sys
from typing import Any

from tqdm import tqdm

from ..imaging.border import Margins, NO_MARGINS
from ..imaging.gain import GainSettings, MODES
from ..tracking.loading import load_tracker
from ..tracking.stream import Stream, StreamSettings
from ..tracking.target import Answer, Status, TargetIds
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
    parser.add_argument(
        '--crop',
        metavar='TOP,BOTTOM,LEFT,RIGHT',
        help='rows and columns at the border that are no image, such as telemetry; boxes stay '
        'those of the whole image',
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')


def stream_settings(arguments: Namespace) -> StreamSettings:
    """Return the settings that the options ask for; raises ValueError that names a bad one."""
    if arguments.max_frames is not None and arguments.max_frames < 1:
        raise ValueError(f'--max-frames {arguments.max_frames} is not 1 or more')
    crop = NO_MARGINS if arguments.crop is None else Margins.parse(arguments.crop)
    if arguments.gain_range is None:
        return StreamSettings(GainSettings(arguments.gain, crop=crop))
    try:
        minimum, maximum = map(float, arguments.gain_range.split(','))
    except ValueError:
        raise ValueError(f"--gain-range '{arguments.gain_range}' is not MIN,MAX") from None
    if arguments.gain != 'fixed':
        raise ValueError(f'--gain-range needs --gain fixed, not {arguments.gain}')
    # A range that was asked for holds for 8-bit images, too.
    return StreamSettings(
        GainSettings('fixed', minimum=minimum, maximum=maximum, stretch_8bit=True, crop=crop)
    )


def make_stream(
    arguments: Namespace, settings: StreamSettings, on_answer: Callable[[Answer], object]
) -> Stream:
    """Load the model, and make a stream that tells every change of state."""
    tracker = load_tracker(arguments.model, arguments.device, arguments.weights, arguments.threads)
    # The ids are its own, so that a second run in the same process gives the same ones.
    return Stream(tracker, settings, on_answer, tell, _tell_status, TargetIds())


def tell(text: str) -> None:
    """Print a line on stderr, above the progress bar."""
    tqdm.write(text, file=sys.stderr)


def _tell_status(status: Status) -> None:
    tell(f'after {status.details["images"]} images: {status.state}: {status.reason}')


def make_progress(arguments: Namespace, total: int | None) -> tqdm[Any]:
    """Make the progress bar, counting images, on stderr."""
    if arguments.max_frames is not None:
        total = min(arguments.max_frames, total or arguments.max_frames)
    return tqdm(total=total, unit='image', disable=arguments.quiet)


@contextmanager
def open_run(folder: Path, rate: float, settings: StreamSettings) -> Iterator[RunFolder]:
    """Open the folder of a run, and finish its files whatever happens, telling where they are."""
    run = RunFolder(folder, rate, settings)
    try:
        yield run
    except BaseException:
        done = len(run.frames)
        print(f'stopped after {done} images; their results are in {folder}', file=sys.stderr)
        raise
    finally:
        run.close()


def conclude(run: RunFolder, folder: Path, reason: str) -> int:
    """Print what was done; raises ValueError with the reason when no image was answered."""
    if not run.answered:
        raise ValueError(f'none of {len(run.frames)} images was answered: {reason}')
    print(
        f'{len(run.frames)} images, {run.answered} answered, '
        f'{run.lost} of them without the target; results in {folder}'
    )
    return 0
