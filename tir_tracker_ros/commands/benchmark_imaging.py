# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker benchmark imaging`: milliseconds of decoding, gain, guard and cropping."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
import json
from pathlib import Path
import time
from typing import Any, TypeVar

import cv2
import numpy as np

from ..imaging.decode import decode_image
from ..imaging.gain import GainControl
from ..imaging.guard import FrozenFrameGuard
from ..imaging.subwindow import crop
from ..imaging.thermal_image import ThermalImage

CASES = (
    # width, height, encoding, big endian, bytes of padding per row
    (160, 120, 'mono16', False, 0),
    (320, 256, 'mono16', False, 0),
    (640, 512, 'mono8', False, 0),
    (640, 512, 'bgr8', False, 0),
    (640, 512, 'mono16', False, 0),
    (640, 512, 'mono16', False, 64),
    (640, 512, 'mono16', True, 0),
    (640, 512, '32FC1', False, 0),
    (1280, 1024, 'mono16', False, 0),
)
STEPS = ('decode', 'gain', 'decode_gain', 'guard', 'crop')
Result = TypeVar('Result')
PIXEL_TYPES = {'mono8': 'u1', 'bgr8': 'u1', 'mono16': 'u2', '32FC1': 'f4'}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `benchmark imaging`."""
    parser.add_argument('--repeat', type=int, default=300, help='images of each kind')
    parser.add_argument('--json', type=Path, help='file for the milliseconds')


def run(arguments: Namespace) -> int:
    """Measure, print and write."""
    benchmark_imaging(arguments.repeat, arguments.json)
    return 0


def benchmark_imaging(repeat: int = 300, json_file: Path | None = None) -> list[dict[str, object]]:
    """
    Measure decoding, gain, frozen-frame guard and a 255 x 255 crop, on one thread.

    Prints a table of milliseconds (median, and 99th percentile of decoding with gain) and
    returns, and writes to `json_file`, one entry for each kind of image. Raises ValueError when
    `repeat` is below 1.
    """
    if repeat < 1:
        raise ValueError(f'--repeat {repeat} is not 1 or more')
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        measurements = [_measure(repeat, *case) for case in CASES]
    finally:
        cv2.setNumThreads(threads)
    print(
        f'{"milliseconds, 1 thread":30}' + ''.join(f'{step:>13}' for step in STEPS) + f'{"p99":>9}'
    )
    for entry in measurements:
        print(
            f'{entry["image"]:30}'
            + ''.join(f'{entry[f"{step}_ms_p50"]:13.3f}' for step in STEPS)
            + f'{entry["decode_gain_ms_p99"]:9.3f}'
        )
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(measurements, indent=2) + '\n')
    return measurements


def _measure(
    repeat: int, width: int, height: int, encoding: str, big_endian: bool, padding: int
) -> dict[str, object]:
    channels = 3 if encoding == 'bgr8' else 1
    stored = np.dtype(PIXEL_TYPES[encoding]).newbyteorder('>' if big_endian else '<')
    step = width * channels * stored.itemsize + padding
    random = np.random.default_rng(0)
    mean = 120 if stored.itemsize == 1 else 8000
    messages = []
    for _ in range(4):  # different ones, since the same one is found in the cache and frozen
        rows = np.zeros((height, step), np.uint8)
        counts = random.normal(mean, mean / 8, (height, width * channels)).astype(stored)
        rows[:, : step - padding] = counts.view(np.uint8)
        messages.append(rows.tobytes())
    gain, guard = GainControl(), FrozenFrameGuard()
    times: dict[str, list[float]] = {step: [] for step in STEPS}
    for index in range(repeat + 3):
        data = messages[index % len(messages)]
        pixels, decode = _timed(decode_image, data, height, width, encoding, step, big_endian)
        image = ThermalImage(pixels, index, encoding, big_endian)
        image01, stretch = _timed(gain, image)
        _, judge = _timed(guard, image)
        _, cut = _timed(crop, image01, width / 2, height / 2, 300, 300, 255, 255, 0.5)
        if index >= 3:  # the first ones warm up
            spent = (decode, stretch, decode + stretch, judge, cut)
            for name, milliseconds in zip(STEPS, spent):
                times[name].append(milliseconds)
    order = ' big endian' if big_endian else ''
    padded = f' step +{padding}' if padding else ''
    entry: dict[str, object] = {'image': f'{width}x{height} {encoding}{order}{padded}'}
    for name, values in times.items():
        entry[f'{name}_ms_p50'] = round(float(np.percentile(values, 50)), 4)
        entry[f'{name}_ms_p99'] = round(float(np.percentile(values, 99)), 4)
    return entry


def _timed(function: Callable[..., Result], *arguments: Any) -> tuple[Result, float]:
    started = time.perf_counter()
    result = function(*arguments)
    return result, (time.perf_counter() - started) * 1e3
