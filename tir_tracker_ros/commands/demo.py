# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
`tir-tracker demo`: play a bag over DDS into the node in another process, and report.

Leaves in its folder: the bag of the answers, an annotated video, a plot of the overlap over time
and a summary of five lines, also as summary.json.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from contextlib import closing
import csv
from dataclasses import dataclass, replace
import json
import os
from pathlib import Path
import shlex
import sys

from ..evaluation.node_run import describe, Detected, summarize
from ..geometry import Box
from ..imaging.gain import GainControl, GainSettings
from ..imaging.overlay import draw_overlay
from ..imaging.thermal_image import ThermalImage
from ..sequences.source import open_source
from ..tracking.inits import InitRequest
from .output import check_folder
from .recording import open_recording

TOPIC = '/thermal/image_raw'
DETECTION_TOPIC = '/tracker/detection'
SECOND = 10**9


@dataclass(frozen=True)
class Scene:
    """What the demo plays."""

    bag: Path
    topic: str
    init: InitRequest
    """Where the target is in the first image."""
    truth: Mapping[int, Box] | None
    """Where the target is, by stamp, in the images in which it can be seen; None: not known."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `demo`."""
    parser.add_argument('--out', type=Path, default=Path('demo'), help='folder of the results')
    parser.add_argument('--source', help='as of `track`; default: a simulated scene')
    parser.add_argument('--topic', help='image topic of a bag; default: its only one')
    parser.add_argument(
        '--init', metavar='X,Y,W,H', help='box to follow in the first image of --source, pixels'
    )
    parser.add_argument('--category', default='demo', help='of the simulated scene')
    parser.add_argument('--seed', type=int, default=0, help='of the simulated scene')
    parser.add_argument('--frames', type=int, default=240, help='of the simulated scene')
    parser.add_argument('--rate', type=float, default=20.0, help='images per second, simulated')
    parser.add_argument('--model', default='auto', help='preset, see `tir-tracker models`')
    parser.add_argument('--weights', default='', help='safetensors file; default: the shipped one')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads; 0: as they are')


def run(arguments: Namespace) -> int:
    """Play, follow and report; returns 1 when no image was answered."""
    try:
        from ..nodes.harness.isolation import isolated_environment
        from ..nodes.harness.playback import play
    except ImportError as error:
        raise ImportError(
            f'{error}: the demo needs ROS 2; source it, or use `make demo`, which makes its own'
        ) from error

    from ..evaluation.plots import plot_run

    out: Path = arguments.out
    check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    os.environ.update(isolated_environment())
    scene = _simulated(arguments) if arguments.source is None else _given(arguments)
    record = out / 'record.csv'
    parameters = {
        'model': arguments.model,
        'weights': arguments.weights,
        'threads': arguments.threads,
        'record_path': str(record),
    }
    print(f'playing {scene.bag} into the node', flush=True)
    messages = play(scene.bag, scene.topic, scene.init, parameters, out)
    answers = _keep(out / 'detections', messages)
    with record.open(newline='') as file:
        processed = list(csv.DictReader(file))
    states = {int(line['stamp']): line['state'] for line in processed}
    stamps = _draw(scene, answers, states, out / 'annotated.mp4')
    summary = summarize(stamps, processed, answers, scene.truth)
    (out / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n')
    plot_run(out / 'overlap.png', stamps, answers, scene.truth)
    text = describe(summary)
    (out / 'summary.txt').write_text(text + '\n')
    print(text)
    print(f'to see it on a page, and choose other targets: {view_command(scene, arguments)}')
    return 0 if summary['answered'] else 1


def view_command(scene: Scene, arguments: Namespace) -> str:
    """Return the command that plays the recording again, with the page of the viewer."""
    python = os.path.relpath(sys.executable)
    program = sys.executable if python.startswith('..') else python
    box = ','.join(f'{value:.1f}' for value in scene.init.box)
    words = [program, '-m', 'tir_tracker_ros.cli', 'track', str(scene.bag)]
    if arguments.source is not None:
        words += ['--topic', scene.topic]
    words += [f'--init={box}', '--view']
    for name, usual in (('model', 'auto'), ('weights', ''), ('threads', 1)):
        if (value := getattr(arguments, name)) != usual:
            words += [f'--{name}', str(value)]
    return shlex.join(words)


def _simulated(arguments: Namespace) -> Scene:
    from ..simulation import render

    if arguments.init is not None:
        raise ValueError(f'--init {arguments.init} needs --source; the simulation has its own box')
    scene = render(
        arguments.category, arguments.seed, arguments.frames, bits=16, rate=arguments.rate
    )
    truth: dict[int, Box] = {}

    def images() -> Iterable[ThermalImage]:
        for image, box in scene:
            if box is not None:
                truth[image.stamp] = box
            yield image

    first = _write_bag(arguments.out / 'scene', images())
    init = InitRequest(truth[first.stamp], first.stamp, class_id=scene.target_class)
    return Scene(arguments.out / 'scene', TOPIC, init, truth)


def _given(arguments: Namespace) -> Scene:
    from ..sequences.bags import BagReader, BagSource, IMAGE

    recording = open_recording(arguments.source, arguments.topic)
    source = recording.source
    if arguments.init is None and recording.boxes is None:
        raise ValueError('--source needs --init x,y,w,h: the box to follow in its first image')
    box = recording.box(0) if arguments.init is None else Box.parse(arguments.init)
    if isinstance(source, BagSource):
        with BagReader(source.path) as bag:
            playable = bag.types[source.topic] == IMAGE
        if playable:
            first = next(iter(source))
            return Scene(source.path, source.topic, InitRequest(box, first.stamp), None)
    first = _write_bag(arguments.out / 'source', (_later(image) for image in source))
    return Scene(arguments.out / 'source', TOPIC, InitRequest(box, first.stamp), None)


def _later(image: ThermalImage) -> ThermalImage:
    """Stamp it a second later: a video starts at 0, which in an init means the newest image."""
    return replace(image, stamp=image.stamp + SECOND)


def _write_bag(path: Path, images: Iterable[ThermalImage]) -> ThermalImage:
    """Write a bag of images and return the first one; raises ValueError when there is none."""
    from ..sequences.bags import BagWriter, image_message

    first = None
    with closing(BagWriter(path)) as writer:
        for image in images:
            first = first or image
            writer.write(TOPIC, image_message(image, 'thermal_optical'), image.stamp)
    if first is None:
        raise ValueError(f'there is no image to write into {path}')
    return first


def _keep(path: Path, messages: Iterable[tuple[int, bytes]]) -> dict[int, Detected]:
    """Write the detections, as they came, into a bag; return what they say, by stamp."""
    from ..sequences.bags import BagWriter, box_of, DETECTION, Message, stamp_of

    answers = {}
    with closing(BagWriter(path)) as writer:
        for arrival, data in messages:
            detection = Message(DETECTION_TOPIC, DETECTION, arrival, data).decoded()
            writer.write(DETECTION_TOPIC, detection, arrival)
            score = detection.results[0].hypothesis.score if detection.results else None
            answers[stamp_of(detection.header)] = Detected(box_of(detection), score)
    return answers


def _draw(
    scene: Scene, answers: Mapping[int, Detected], states: Mapping[int, str], path: Path
) -> list[int]:
    """Draw the answers over the images of the bag; returns the stamps of the images."""
    from ..sequences.videos import VideoWriter

    source = open_source(scene.bag, scene.topic)
    gain = GainControl(GainSettings())
    stamps = []
    with closing(VideoWriter(path, source.rate)) as video:
        for image in source:
            stamps.append(image.stamp)
            answer = answers.get(image.stamp)
            if answer is None:
                picture = draw_overlay(gain(image), state='no answer')
            else:
                state = states[image.stamp]
                picture = draw_overlay(gain(image), answer.box, state, answer.score)
            video.write(picture)
    return stamps
