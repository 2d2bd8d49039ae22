# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker track SOURCE --init x,y,w,h`: follow a target through a recording or a camera."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import dropwhile, takewhile
import math

from ..geometry import Box
from ..imaging.thermal_image import ThermalImage
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
)
from .output import full_name, results_folder
from .recording import open_recording
from .viewing import add_view_arguments, view_settings, Viewing


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `track`."""
    parser.add_argument(
        'source',
        help='video, image folder or file, bag, folder of an annotated sequence, address '
        '(rtsp://, http://) or camera (its index or /dev/videoN)',
    )
    parser.add_argument(
        '--init',
        action='append',
        metavar='X,Y,W,H',
        help='box to follow: left, top, width and height in pixels of the first image; default: '
        'that of an annotated sequence; several times for several targets',
    )
    parser.add_argument('--start', type=int, help='first image, from 0; default 0')
    add_following_arguments(parser)
    add_view_arguments(parser)


def run(arguments: Namespace) -> int:
    """Follow, and write the folder of the run; raises what cannot be read or followed."""
    boxes = [Box.parse(text) for text in arguments.init or ()]
    settings = stream_settings(arguments, max(len(boxes), arguments.max_targets))
    if arguments.view:
        settings = view_settings(settings)
    drawn_by(arguments)  # a bad one is refused before the model is loaded
    if arguments.start is not None and arguments.start < 0:
        raise ValueError(f'--start {arguments.start} is negative')
    recording = open_recording(arguments.source, arguments.topic)
    source, count = recording.source, arguments.max_frames
    start = recording.first if arguments.start is None else arguments.start
    if not (boxes or arguments.view):
        boxes = [recording.box(start)]
    requests = [InitRequest(box) for box in boxes]
    name = full_name(arguments.source)
    folder = results_folder(arguments.out, recording.name, name)
    end = min(recording.end or math.inf, math.inf if count is None else start + count)
    length = recording.end or source.length  # that of the source is what its container claims
    with ExitStack() as stack:
        page = None
        if arguments.view:
            page = Viewing(arguments, recording.name, settings, source)
            stack.callback(page.close)

        def take(answers: list[Answer]) -> None:
            run_folder.answers(answers)
            if page is not None:
                page.answers(answers)

        stream = make_stream(arguments, settings, take, page.status if page else lambda _: None)
        progress = stack.enter_context(make_progress(arguments, length and max(length - start, 0)))
        # By number, since an image that cannot be read is left out.
        until_end = takewhile(lambda each: each[0] < end, source.numbered())
        images: Iterator[tuple[int, ThermalImage]] = dropwhile(
            lambda each: each[0] < start, until_end
        )
        first = next(images, None)
        if first is None:
            raise ValueError(f'--start {start} is behind the last image of {arguments.source}')
        stream.image(first[1])
        for request in requests:
            check_init(stream, request, first[1])  # refused before a file is touched
        with open_run(arguments, folder, name, boxes, stream, source.rate) as run_folder:
            run_folder.image(*first)
            if page is not None:
                images = page.played(stream, first[1], images, requests)
            elif requests:
                stream.init_together(requests)
            progress.update()
            for frame, image in images:
                run_folder.image(frame, image)
                stream.image(image)
                progress.update()
        if page is not None:
            progress.close()
            page.end(str(folder))
    return conclude(run_folder, stream.status.reason)
