# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker benchmark node`: what the node adds to the model, a camera in another process."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
import csv
import json
import os
from pathlib import Path
import tempfile
import time
from typing import Any

import numpy as np

from ..simulation import render

BITS = {'mono8': 8, 'mono16': 16}
SCENE_FRAMES = 60
TIMES = {
    'overhead': 'arrival to published, less the model and the wait',
    'wait': 'for the model to be done with the image before',
    'model': "the model's own time",
    'age': 'stamp to published',
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `benchmark node`."""
    parser.add_argument('--hz', type=float, default=60.0, help='images per second')
    parser.add_argument('--seconds', type=float, default=20.0, help='how long')
    parser.add_argument('--width', type=int, default=640, help='of the images, pixels')
    parser.add_argument('--height', type=int, default=512, help='of the images, pixels')
    parser.add_argument('--encoding', default='mono16', choices=BITS, help='of the images')
    parser.add_argument('--model', default='auto', help='preset, see `tir-tracker models`')
    parser.add_argument('--weights', default='', help='safetensors file; default: the shipped one')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads; 0: as they are')
    parser.add_argument(
        '--view', action='store_true', help='with an open page of the viewer, and what it takes'
    )
    parser.add_argument('--json', type=Path, help='file for the measured times')


def run(arguments: Namespace) -> int:
    """Stream, measure, print and write; returns 1 when no image was answered."""
    for name in ('hz', 'seconds'):
        if not 0 < getattr(arguments, name) <= 3600:
            raise ValueError(f'--{name} {getattr(arguments, name)} is not above 0, up to 3600')
    try:
        from ..nodes.harness.isolation import isolated_environment

        os.environ.update(isolated_environment())
        stamps, rows, taken = _streamed(arguments)
    except ModuleNotFoundError as error:
        raise ImportError(
            f'{error}: this benchmark needs ROS 2; source it, or run `make desk` in the checkout'
        ) from error
    measured = summarize(stamps, rows)
    names = ('hz', 'width', 'height', 'encoding', 'model', 'device', 'threads')
    measured = {name: getattr(arguments, name) for name in names} | measured | taken
    print(
        f'{arguments.width} x {arguments.height} {arguments.encoding} at {arguments.hz:g} Hz: '
        f'{measured["published"]} published, {measured["answered"]} answered'
    )
    print(f'{"milliseconds":60}{"p50":>9}{"p99":>9}')
    for name, meaning in TIMES.items():
        p50, p99 = (measured[f'{name}_ms_{percent}'] for percent in ('p50', 'p99'))
        print(f'{f"{name} ({meaning})":60}{p50:>9}{p99:>9}')
    for name, value in taken.items():
        print(f'{name.replace("_", " "):60}{value:>9}')
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(measured, indent=2) + '\n')
    return 0 if measured['answered'] else 1


def summarize(stamps: Iterable[int], rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """
    Count and measure from the stamps that were published, ns, and the node's own record.

    The overhead leaves out the wait for the image before, which is the model's time, too: with a
    model slower than the camera, it is what newest-image-wins comes to. Percentiles are None
    where nothing was answered.
    """
    published = set(stamps)
    answered = [row for row in rows if row['publish_ns'] and int(row['stamp']) in published]
    values: dict[str, list[float]] = {name: [] for name in TIMES}
    for row in answered:
        model, wait = float(row['model_ms']), float(row['wait_ms'])
        done = int(row['publish_ns'])
        values['overhead'].append((done - int(row['arrival_ns'])) / 1e6 - model - wait)
        values['wait'].append(wait)
        values['model'].append(model)
        values['age'].append((done - int(row['stamp'])) / 1e6)
    times: dict[str, Any] = {'published': len(published), 'answered': len(answered)}
    for name, numbers in values.items():
        for percent in (50, 99):
            value = round(float(np.percentile(numbers, percent)), 3) if numbers else None
            times[f'{name}_ms_p{percent}'] = value
    return times


def _streamed(
    arguments: Namespace,
) -> tuple[list[int], list[dict[str, str]], dict[str, float]]:
    """
    Run the processes.

    Returns the stamps of the images, the node's record, and what the processes took while images
    were sent: percent of a core, and the images that the page got.
    """
    import rclpy

    from ..nodes.harness.audience import Audience
    from ..nodes.harness.process import node_command, Process
    from ..nodes.harness.streamer import Streamer, TOPIC

    scene = render(
        'easy',
        seed=1,
        frames=SCENE_FRAMES,
        size=(arguments.width, arguments.height),
        bits=BITS[arguments.encoding],
    )
    images, boxes = zip(*scene)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, 'record.csv')
        names = ('model', 'weights', 'device', 'threads')
        parameters = {name: getattr(arguments, name) for name in names}
        parameters['record_path'] = str(record)
        rclpy.init()
        try:
            streamer = Streamer(images, arguments.encoding)
            log = Path(folder, 'tracker.log')
            command = node_command('tracker', parameters, {'image': TOPIC})
            with ExitStack() as stack:
                tracker = stack.enter_context(Process('tracker', command, log))
                processes = {'node': tracker}
                audience = None
                if arguments.view:
                    audience = stack.enter_context(Audience(TOPIC, Path(folder, 'viewer.log')))
                    audience.open(streamer.wait)
                    processes['viewer'] = audience.process
                streamer.start(tracker, boxes[0])
                before = {name: one.cpu_seconds() for name, one in processes.items()}
                began = time.monotonic()
                stamps = streamer.stream(arguments.hz, arguments.seconds)
                percent = 100 / (time.monotonic() - began)
                taken = {
                    f'{name}_cpu_percent': round(percent * (one.cpu_seconds() - before[name]), 1)
                    for name, one in processes.items()
                }
                if audience is not None:
                    taken['images_on_the_page'] = audience.images
                streamer.drain()
                tracker.check()
            with record.open(newline='') as file:
                rows = list(csv.DictReader(file))
        finally:
            rclpy.try_shutdown()
    return stamps, rows, taken
