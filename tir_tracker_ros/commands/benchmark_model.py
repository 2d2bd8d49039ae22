# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker benchmark model`: frames per second and milliseconds per stage of each preset."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
import json
from pathlib import Path
import time
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np

from ..geometry import Box

if TYPE_CHECKING:
    import torch

    from ..tracking.engine import Engine

_BOX = Box(140.0, 108.0, 40.0, 40.0)
STAGES = ('template', 'search', 'size', 'update')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('--models', default='', help='presets, separated by commas; default all')
    parser.add_argument('--threads', default='1,2', help='numbers of CPU threads')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--precision', default='auto', help='auto, float32, bfloat16 or float16')
    parser.add_argument('--tracking', default='default', help='default or paper')
    parser.add_argument('--targets', default='1', help='numbers of targets in one batch')
    parser.add_argument('--frames', type=int, default=40, help='images of each measurement')
    parser.add_argument('--json', type=Path, help='file for the figures')


def run(arguments: argparse.Namespace) -> int:
    """Measure, print a table and write JSON."""
    from ..models.families import PRESETS

    names = arguments.models.split(',') if arguments.models else list(PRESETS)
    if arguments.frames < 3:
        raise ValueError(f'--frames {arguments.frames} is less than 3')
    threads = _numbers('--threads', arguments.threads)
    targets = _numbers('--targets', arguments.targets)
    if min(targets) < 1:
        raise ValueError(f'--targets {arguments.targets} is not 1 or more')
    rows: list[dict[str, Any]] = []
    print(
        f'{"model":18}{"device":>8}{"precision":>10}{"threads":>8}{"targets":>8}{"frames/s":>10}'
        + ''.join(f'{stage + " ms":>13}' for stage in STAGES)
    )
    for name in names:
        for count in threads:
            row = measure(
                name,
                count,
                arguments.device,
                arguments.precision,
                arguments.tracking,
                arguments.frames,
                targets,
            )
            for number, update_ms in row['targets_ms'].items():
                rows.append({**row, 'targets': number, 'update_ms': update_ms})
                rows[-1]['fps'] = round(1e3 / update_ms, 2)
                times = ''.join(f'{rows[-1][f"{stage}_ms"]:13.2f}' for stage in STAGES)
                print(
                    f'{name:18}{row["device"]:>8}{row["precision"]:>10}{count:8}{number:8}'
                    f'{rows[-1]["fps"]:10.1f}{times}',
                    flush=True,
                )
    for row in rows:
        del row['targets_ms']
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(rows, indent=2) + '\n')
    return 0


def _numbers(option: str, text: str) -> list[int]:
    """Read numbers separated by commas; raises ValueError that names the option."""
    try:
        return [int(word) for word in text.split(',')]
    except ValueError as error:
        raise ValueError(f"{option} '{text}' is not numbers separated by commas") from error


def measure(
    name: str,
    threads: int,
    device: str,
    precision: str,
    tracking: str,
    frames: int,
    targets: Sequence[int] = (1,),
) -> dict[str, Any]:
    """
    Measure one preset on a 320 x 256 image with a 40 px target.

    Medians in milliseconds, crops included: `template` a new template, `search` one whole search
    region, `size` what follows the size, `update` all of `update()` for a target that rests, and
    so is found nearby; `fps` is 1000 / update. The weights are random, which makes no difference
    to such a target. `targets_ms` has the time of `update()` for each number of `targets`.
    """
    import torch

    from ..models import families, inference
    from ..tracking.loading import build_engine
    from ..tracking.settings import TrackingSettings
    from ..tracking.size import Found

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    place = inference.find_device(device)
    kind = inference.find_precision(precision, place)
    model = inference.prepare(families.build_tracker_network(name).eval(), place, kind)
    engine = build_engine(model, TrackingSettings.of(model.preset, tracking))
    engine.warm_up()
    images = _images()
    track = engine.start(images[0], _BOX)
    region, runtime, found = engine.region, engine.runtime, [Found(track, _BOX)]
    windows = [region.window(_BOX, region.size, one, track.fill) for one in engine.size.factors]
    templates = [track.template] * len(windows)

    def timed(function: Callable[[np.ndarray], object]) -> float:
        return _median_time(lambda index: function(images[index % 4]), frames, place) * 1e3

    stages = {
        'template': timed(
            lambda image: runtime.template(image, [region.template_window(_BOX, track.fill)])
        ),
        'search': timed(lambda image: runtime.search(image, windows, templates, region.size)),
        'size': timed(lambda image: engine.size.measure(image, found)),
    }
    times = {number: round(update_time(engine, frames, number) * 1e3, 3) for number in targets}
    stages['update'] = next(iter(times.values()))
    return {
        'model': name,
        'device': str(place),
        'precision': str(kind).removeprefix('torch.'),
        'threads': threads,
        'tracking': tracking,
        'fps': round(1e3 / stages['update'], 2),
        **{f'{stage}_ms': round(stages[stage], 3) for stage in STAGES},
        'targets_ms': times,
    }


def update_time(engine: Engine, frames: int, targets: int = 1) -> float:
    """
    Measure the median seconds of `update()` on the images and the target of `measure`.

    Several targets rest at different places of the image.
    """
    import torch

    images = _images()
    boxes = [Box(_BOX.x - 20.0 * n, _BOX.y + 10.0 * (n % 5), _BOX.w, _BOX.h) for n in range(-4, 4)]
    boxes = [_BOX, *(box for box in boxes if box != _BOX)]
    places = [boxes[n % len(boxes)] for n in range(targets)]
    tracks = [engine.start(images[0], place) for place in places]

    def update(index: int) -> None:
        # A target that wanders into the padding would be measured at another scale.
        for track, place in zip(tracks, places):
            track.box = place
        engine.update(images[index % len(images)], tracks)

    return _median_time(update, frames, torch.device(engine.device))


def _images() -> list[np.ndarray]:
    """Make four images of a scene that rests, each with noise of its own."""
    random = np.random.default_rng(0)
    scene = cv2.GaussianBlur(random.random((256, 320), np.float32), (0, 0), 2)
    return [scene + 0.005 * random.standard_normal(scene.shape, np.float32) for _ in range(4)]


def _median_time(function: Callable[[int], object], frames: int, place: torch.device) -> float:
    times = []
    for index in range(frames + 3):
        started = time.perf_counter()
        function(index)
        if place.type == 'cuda':
            import torch

            torch.cuda.synchronize(place)
        times.append(time.perf_counter() - started)
    return float(np.median(times[3:]))
