# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `track` and `replay` share: options, the stream, progress and the last line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
import sys
from typing import Any

from tqdm import tqdm

from .. import __version__
from ..geometry import Box
from ..imaging.border import Margins, NO_MARGINS
from ..imaging.gain import GainSettings, MODES
from ..imaging.radiometry import CAMERAS, Radiometry
from ..imaging.thermal_image import ThermalImage
from ..tracking.inits import InitRequest, named
from ..tracking.loading import load_tracker
from ..tracking.stream import Stream
from ..tracking.stream_settings import StreamSettings
from ..tracking.target import Answer, Status, TargetIds
from .run_folder import DRAWN, RunFolder

_OUTSIDE = 0.005
"""Share of a box that may lie outside of the image without a word: rounding, no mistake."""


def add_following_arguments(parser: ArgumentParser) -> None:
    """Add the options of model, gain and output."""
    parser.add_argument('--topic', help='image topic of a bag; default: its only one')
    parser.add_argument(
        '--out', type=Path, help='folder of the results; default runs/NAME, or the next free one'
    )
    parser.add_argument('--max-frames', type=int, help='stop after so many images')
    parser.add_argument('--model', default='auto', help='preset, see `tir-tracker models`')
    parser.add_argument('--weights', type=Path, help='safetensors file; default: the shipped one')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument(
        '--threads', type=int, default=1, help='CPU threads; default 1; 0: as they are'
    )
    parser.add_argument('--gain', choices=MODES, default='percentile', help='range of counts')
    parser.add_argument(
        '--gain-range',
        metavar='MIN,MAX',
        help='counts that become 0 and 1 with --gain fixed; with --radiometric, degrees Celsius',
    )
    parser.add_argument(
        '--radiometric',
        metavar='CAMERA',
        help='measure temperatures inside of the box: SCALE,OFFSET (degrees Celsius = scale x '
        f'counts + offset) or one of {", ".join(CAMERAS)}',
    )
    parser.add_argument(
        '--crop',
        metavar='TOP,BOTTOM,LEFT,RIGHT',
        help='rows and columns at the border that are no image, such as telemetry; boxes stay '
        'those of the whole image',
    )
    parser.add_argument(
        '--draw',
        default='response,number,mask',
        metavar='WHAT,...',
        help=f'what annotated.mp4 shows beside the box: none, or of {", ".join(DRAWN)}; default '
        'response,number,mask',
    )
    parser.add_argument(
        '--rotated-box',
        action='store_true',
        help='the smallest box around the mask, by a model with masks; boxes.csv gets its angle '
        'and corners',
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')


def stream_settings(arguments: Namespace, max_targets: int = 1) -> StreamSettings:
    """Return the settings that the options ask for; raises ValueError that names a bad one."""
    if arguments.max_frames is not None and arguments.max_frames < 1:
        raise ValueError(f'--max-frames {arguments.max_frames} is not 1 or more')
    crop = NO_MARGINS if arguments.crop is None else Margins.parse(arguments.crop)
    try:
        radiometry = Radiometry.parse(arguments.radiometric) if arguments.radiometric else None
    except ValueError as error:
        raise ValueError(f'--radiometric {arguments.radiometric}: {error}') from None
    if arguments.gain_range is None:
        gain = GainSettings(arguments.gain, crop=crop)
        return StreamSettings(gain, radiometry=radiometry, max_targets=max_targets)
    try:
        minimum, maximum = map(float, arguments.gain_range.split(','))
    except ValueError:
        raise ValueError(f"--gain-range '{arguments.gain_range}' is not MIN,MAX") from None
    if arguments.gain != 'fixed':
        raise ValueError(f'--gain-range needs --gain fixed, not {arguments.gain}')
    # A range that was asked for holds for 8-bit images, too.
    gain = GainSettings('fixed', minimum=minimum, maximum=maximum, stretch_8bit=True, crop=crop)
    return StreamSettings(
        radiometry.in_counts(gain) if radiometry else gain,
        radiometry=radiometry,
        max_targets=max_targets,
    )


def make_stream(
    arguments: Namespace,
    settings: StreamSettings,
    on_image: Callable[[list[Answer]], object],
    on_status: Callable[[Status], object] = lambda status: None,
) -> Stream:
    """Load the model, and make a stream that tells every change of state, and hands it on."""
    changes: dict[str, Any] = {'rotated_box': True} if arguments.rotated_box else {}
    tracker = load_tracker(
        arguments.model, arguments.device, arguments.weights, arguments.threads, **changes
    )
    # The ids are its own, so that a second run in the same process gives the same ones.
    several = settings.max_targets > 1

    def tell_status(status: Status) -> None:
        whose = f'target {status.id} ' if several and status.id else ''
        tell(f'after {status.details["images"]} images: {whose}{status.state}: {status.reason}')
        on_status(status)

    return Stream(
        tracker, settings, warn=tell, on_status=tell_status, ids=TargetIds(), on_image=on_image
    )


def tell(text: str) -> None:
    """Print a line on stderr, above the progress bar."""
    tqdm.write(text, file=sys.stderr)


def make_progress(arguments: Namespace, total: int | None) -> tqdm[Any]:
    """Make the progress bar, counting images, on stderr."""
    if arguments.max_frames is not None:
        total = min(arguments.max_frames, total or arguments.max_frames)
    return tqdm(total=total, unit='image', disable=arguments.quiet)


def drawn_by(arguments: Namespace) -> list[str]:
    """Return what the video shows beside the box; raises ValueError that names what it cannot."""
    drawn = [word for word in arguments.draw.split(',') if word not in ('', 'none')]
    unknown = [word for word in drawn if word not in DRAWN]
    if unknown:
        raise ValueError(f"--draw '{unknown[0]}' is not none or of {', '.join(DRAWN)}")
    return drawn


def check_init(stream: Stream, request: InitRequest, image: ThermalImage) -> None:
    """
    Refuse a box of --init that cannot be followed, and tell of one that is partly outside.

    Raises ValueError. Both may come from two corners in place of x, y, width and height.
    """
    form = '--init is x,y,w,h: left, top, width and height in pixels, not two corners'
    try:
        stream.check(request)
    except ValueError as error:
        raise ValueError(f'{error} ({form})') from error
    box, inside = request.box, request.box.clipped(image.width, image.height)
    if box.area - inside.area > _OUTSIDE * box.area:
        share = inside.area / box.area
        tell(
            f'{named(request)}: only {100 * share:.0f} % of it lie inside of the image of '
            f'{image.width} x {image.height} pixels ({form})'
        )


@contextmanager
def open_run(
    arguments: Namespace,
    folder: Path,
    source: str,
    inits: Sequence[Box],
    stream: Stream,
    rate: float,
) -> Iterator[RunFolder]:
    """Open the folder of a run, and finish its files whatever happens, telling where they are."""
    found = [list(box) for box in inits]
    facts = {
        'source': source,
        'init': found[0] if len(found) == 1 else found or None,
        'model': stream.tracker.name,
        'device': str(stream.tracker.device),
        'threads': arguments.threads,
        'version': __version__,
    }
    drawn, rotated = drawn_by(arguments), arguments.rotated_box
    run = RunFolder(folder, rate, stream.settings, drawn, facts, rotated)
    try:
        yield run
    except BaseException:
        run.interrupt()
        done = len(run.frames)
        print(f'stopped after {done} images; their results are in {folder}', file=sys.stderr)
        with suppress(OSError):  # of a disk that is full, say; the first error is the one to tell
            run.close(complete=False)
        raise
    run.close()


def conclude(run: RunFolder, reason: str) -> int:
    """Print what was done; raises ValueError with the reason when no image was answered."""
    if not run.answered:
        raise ValueError(f'none of {len(run.frames)} images was answered: {reason}')
    lost = f'{100 * run.lost / run.answered:.1f} % ({run.lost}) of {run.answered} answers'
    print(
        f'{len(run.frames)} images, {run.summary["images_per_second"]:.1f} a second; the target '
        f'was lost in {lost}; results in {run.folder}'
    )
    return 0
