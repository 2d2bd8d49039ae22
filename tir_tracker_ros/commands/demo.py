# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
`tir-tracker demo`: play a bag over DDS into the node in another process, and report.

Leaves in its folder: the bag of the answers, an annotated video, a plot of the overlap over time
and a summary of five lines, also as summary.json.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
import csv
from dataclasses import dataclass, replace
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..geometry import Box
from ..imaging.gain import GainControl, GainSettings
from ..imaging.overlay import draw_overlay
from ..imaging.thermal_image import ThermalImage
from ..sequences.opening import open_source

TOPIC = '/thermal/image_raw'
DETECTION_TOPIC = '/tracker/detection'
SECOND = 10**9


@dataclass(frozen=True)
class Answer:
    """What came back for one image."""

    box: Box
    score: float | None
    """0..1, or None while the target is lost; the box then is the last estimate."""


@dataclass(frozen=True)
class Scene:
    """What the demo plays."""

    bag: Path
    topic: str
    init: Box
    """Where the target is in the first image, pixels."""
    stamp: int
    """Stamp of the first image, nanoseconds."""
    class_id: str
    truth: Mapping[int, Box] | None
    """Where the target is, by stamp, in the images in which it can be seen; None: not known."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `demo`."""
    parser.add_argument('--out', type=Path, default=Path('demo'), help='folder of the results')
    parser.add_argument('--source', help='video, image folder or bag; default: a simulated scene')
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
        from ..nodes import conductor, isolation
    except ImportError as error:
        raise ImportError(
            f'{error}: the demo needs ROS 2; source it, or use `make demo`, which makes its own'
        ) from error

    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    os.environ.update(isolation.isolated_environment())
    scene = _simulated(arguments) if arguments.source is None else _given(arguments)
    record = out / 'record.csv'
    parameters = {
        'model': arguments.model,
        'weights': arguments.weights,
        'threads': arguments.threads,
        'record_path': str(record),
    }
    print(f'playing {scene.bag} into the node', flush=True)
    start = conductor.Start(scene.init, scene.stamp, scene.class_id)
    messages = conductor.play(scene.bag, scene.topic, start, parameters, out)
    answers = _keep(out / 'detections', messages)
    with record.open(newline='') as file:
        processed = list(csv.DictReader(file))
    states = {int(line['stamp']): line['state'] for line in processed}
    stamps = _draw(scene, answers, states, out / 'annotated.mp4')
    summary = summarize(stamps, processed, answers, scene.truth)
    (out / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n')
    _plot(out / 'overlap.png', stamps, answers, scene.truth)
    text = describe(summary)
    (out / 'summary.txt').write_text(text + '\n')
    print(text)
    return 0 if summary['answered'] else 1


def summarize(
    stamps: Iterable[int],
    processed: Iterable[Mapping[str, str]],
    answers: Mapping[int, Answer],
    truth: Mapping[int, Box] | None,
) -> dict[str, Any]:
    """
    Count and measure.

    `stamps` are those of the published images, from the init image on, in nanoseconds;
    `processed` the lines of the node's own record. An image is dropped when the node never
    processed it, answered when a detection came. The mean overlap is over the answered images in
    which the target can be seen, with 0 where the node says that it is lost; None without ground
    truth. The latency is from the arrival of an image at the node to its detection published.
    """
    published = Counter(stamps)
    lines = [line for line in processed if int(line['stamp']) in published]
    dropped = published - Counter(int(line['stamp']) for line in lines)
    answered = [stamp for stamp in published.elements() if stamp in answers]
    latency = [
        (int(line['publish_ns']) - int(line['arrival_ns'])) / 1e6
        for line in lines
        if line['publish_ns']
    ]
    overlaps = [value for _, value in overlap(answered, answers, truth or {})]
    p50, p99 = np.percentile(latency, [50, 99]).tolist() if latency else (None, None)
    return {
        'frames': published.total(),
        'dropped': dropped.total(),
        'answered': len(answered),
        'mean_overlap': float(np.mean(overlaps)) if overlaps else None,
        'latency_ms_p50': p50,
        'latency_ms_p99': p99,
    }


def overlap(
    stamps: Iterable[int], answers: Mapping[int, Answer], truth: Mapping[int, Box]
) -> list[tuple[int, float]]:
    """Return stamp and overlap (0..1) of each answered image in which the target can be seen."""
    return [
        (stamp, 0.0 if answers[stamp].score is None else truth[stamp].iou(answers[stamp].box))
        for stamp in stamps
        if stamp in answers and stamp in truth
    ]


def describe(summary: Mapping[str, Any]) -> str:
    """Write the summary in five lines."""

    def number(name: str, form: str) -> str:
        return 'not known' if summary[name] is None else form.format(summary[name])

    return '\n'.join(
        [
            f'frames        {summary["frames"]} published from the init image on',
            f'answered      {summary["answered"]} with a detection',
            f'mean overlap  {number("mean_overlap", "{:.3f}")}',
            f'latency       p50 {number("latency_ms_p50", "{:.1f} ms")}, '
            f'p99 {number("latency_ms_p99", "{:.1f} ms")}, from arrival to detection',
            f'dropped       {summary["dropped"]} never processed by the node',
        ]
    )


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
    init, name = truth[first.stamp], scene.target_class
    return Scene(arguments.out / 'scene', TOPIC, init, first.stamp, name, truth)


def _given(arguments: Namespace) -> Scene:
    from ..sequences.bags import BagReader, BagSource, IMAGE

    if arguments.init is None:
        raise ValueError('--source needs --init x,y,w,h: the box to follow in its first image')
    init = Box.parse(arguments.init)
    source = open_source(arguments.source, arguments.topic)
    if isinstance(source, BagSource):
        with BagReader(source.path) as bag:
            playable = bag.types[source.topic] == IMAGE
        if playable:
            first = next(iter(source))
            return Scene(source.path, source.topic, init, first.stamp, '', None)
    first = _write_bag(arguments.out / 'source', (_later(image) for image in source))
    return Scene(arguments.out / 'source', TOPIC, init, first.stamp, '', None)


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


def _keep(path: Path, messages: Iterable[tuple[int, bytes]]) -> dict[int, Answer]:
    """Write the detections, as they came, into a bag; return what they say, by stamp."""
    from ..sequences.bags import BagWriter, box_of, DETECTION, Message, stamp_of

    answers = {}
    with closing(BagWriter(path)) as writer:
        for arrival, data in messages:
            detection = Message(DETECTION_TOPIC, DETECTION, arrival, data).decoded()
            writer.write(DETECTION_TOPIC, detection, arrival)
            score = detection.results[0].hypothesis.score if detection.results else None
            answers[stamp_of(detection.header)] = Answer(box_of(detection), score)
    return answers


def _draw(
    scene: Scene, answers: Mapping[int, Answer], states: Mapping[int, str], path: Path
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


def _plot(
    path: Path,
    stamps: list[int],
    answers: Mapping[int, Answer],
    truth: Mapping[int, Box] | None,
) -> None:
    """Plot overlap, or where it is not known the score, over time."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3), layout='constrained')
    series: dict[str, Sequence[tuple[int, float | None]]]
    series = {'score': [(stamp, answers[stamp].score) for stamp in stamps if stamp in answers]}
    if truth is not None:
        series['overlap'] = overlap(stamps, answers, truth)
    for name, points in series.items():
        seconds = [(stamp - stamps[0]) / SECOND for stamp, _ in points]
        values = [np.nan if value is None else value for _, value in points]
        axes.plot(seconds, values, label=name)
    axes.set(xlabel='seconds of the recording', ylabel='0 to 1', ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
