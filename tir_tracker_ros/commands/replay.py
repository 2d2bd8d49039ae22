# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
`tir-tracker replay BAG`: every image of a bag through the node's own logic, without a clock.

No image is dropped and nothing depends on the speed of the machine, so the same bag gives the
same files, to the byte; all but summary.json, which says how long it took.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path
from typing import Any

from ..geometry import Box
from ..sequences import bags
from ..sequences.base import is_bag
from ..tracking.inits import InitRequest
from ..tracking.target import Answer
from .following import (
    add_following_arguments,
    check_init,
    conclude,
    drawn_by,
    make_progress,
    make_stream,
    open_run,
    stream_settings,
    tell,
)
from .output import full_name, results_folder

DETECTION_TOPIC = '/tracker/detection'


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `replay`."""
    parser.add_argument('bag', type=Path, help='bag folder, .mcap or .db3')
    parser.add_argument(
        '--init',
        metavar='X,Y,W,H',
        help='box to follow from the first image on; default: the init messages of the bag',
    )
    parser.add_argument(
        '--init-topic', help='Detection2D topic of the init messages; default: the only */init'
    )
    parser.add_argument(
        '--max-targets',
        type=int,
        default=1,
        help='targets followed at once; default 1: each init replaces the target',
    )
    add_following_arguments(parser)


def run(arguments: Namespace) -> int:
    """Replay, and write the folder of the run with the bag `detections`."""
    box = None if arguments.init is None else Box.parse(arguments.init)
    if box is not None and arguments.init_topic is not None:
        raise ValueError(f'--init {arguments.init} and --init-topic exclude each other')
    settings = stream_settings(arguments, arguments.max_targets)
    drawn_by(arguments)  # a bad one is refused before the model is loaded
    path: Path = arguments.bag
    if not path.exists():
        raise FileNotFoundError(f'bag {path} does not exist')
    if not is_bag(path):
        raise ValueError(f'{path} is not a bag: neither .mcap nor .db3, nor a folder with one')
    out = arguments.out
    if out is not None and (out / 'detections').resolve() in (
        path.resolve(),
        path.resolve().parent,
    ):
        raise ValueError(f'bag {path} would be replaced by its own results; choose another --out')
    with bags.BagReader(path) as bag:
        images = bag.image_topic(arguments.topic)
        inits = None if box is not None else bag.init_topic(arguments.init_topic)
        if box is None and inits is None:
            raise ValueError(f'bag {path} has no init messages (on */init), so --init is needed')
        name = full_name(path)
        folder = results_folder(out, path.stem, name)
        headers: list[tuple[Any, int]] = []  # of the images, and when they were recorded

        def take(answers: list[Answer]) -> None:
            run_folder.answers(answers)
            header, at = headers[answers[0].index]
            for answer in answers:
                detection = bags.detection_message(
                    header, answer.box, answer.score, answer.id, answer.class_id, answer.theta
                )
                writer.write(DETECTION_TOPIC, detection, at)

        stream = make_stream(arguments, settings, take)
        with (
            make_progress(arguments, bag.counts[images]) as progress,
            closing(bags.BagWriter(folder / 'detections')) as writer,
            open_run(
                arguments, folder, name, [box] if box else [], stream, bags.rate_of(bag, images)
            ) as run_folder,
        ):
            frame = -1
            for message in bag.messages([images, inits or images]):
                # What the node would report and survive is reported here, too.
                if message.topic == inits:
                    try:
                        stream.init(_request(message))
                    except ValueError as error:
                        tell(str(error))
                    continue
                frame += 1
                if frame == arguments.max_frames:
                    break
                progress.update()
                try:
                    decoded = message.decoded()
                    image = bags.image_of(decoded)
                except ValueError as error:
                    tell(f'image {frame} is left out: {error}')
                    continue
                headers.append((decoded.header, message.time))
                run_folder.image(frame, image)
                stream.image(image)
                if box is not None:
                    check_init(stream, InitRequest(box), image)
                    stream.init(InitRequest(box))
                    box = None
    return conclude(run_folder, stream.status.reason)


def _request(message: bags.Message) -> InitRequest:
    detection = message.decoded()
    return InitRequest(
        bags.box_of(detection),
        bags.stamp_of(detection.header),
        detection.id,
        detection.results[0].hypothesis.class_id if detection.results else '',
        detection.bbox.center.theta,
    )
