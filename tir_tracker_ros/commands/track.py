# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker track SOURCE --init x,y,w,h`: follow a target through a recording or a camera."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from itertools import dropwhile, takewhile
from pathlib import Path

from ..geometry import Box
from ..sequences.source import open_source
from ..tracking.inits import InitRequest
from .following import (
    add_following_arguments,
    conclude,
    make_progress,
    make_stream,
    open_run,
    stream_settings,
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `track`."""
    parser.add_argument(
        'source',
        help='video, image folder or file, bag, address (rtsp://, http://) or camera (its index)',
    )
    parser.add_argument(
        '--init', required=True, metavar='X,Y,W,H', help='box to follow, pixels of the first image'
    )
    parser.add_argument('--start', type=int, default=0, help='first image, from 0; default 0')
    add_following_arguments(parser)


def run(arguments: Namespace) -> int:
    """Follow, and write boxes.csv and annotated.mp4; raises what cannot be read or followed."""
    box = Box.parse(arguments.init)
    settings = stream_settings(arguments)
    start, count = arguments.start, arguments.max_frames
    if start < 0:
        raise ValueError(f'--start {start} is negative')
    source = open_source(arguments.source, arguments.topic)
    folder = arguments.out or Path('runs', source.name)
    request = InitRequest(box)
    stream = make_stream(arguments, settings, lambda answer: run_folder.answer(answer))
    with make_progress(arguments, source.length and max(source.length - start, 0)) as progress:
        # By number, since an image that cannot be read is left out.
        end = float('inf') if count is None else start + count
        until_end = takewhile(lambda each: each[0] < end, source.numbered())
        images = dropwhile(lambda each: each[0] < start, until_end)
        first = next(images, None)
        if first is None:
            raise ValueError(f'--start {start} is behind the last image of {arguments.source}')
        stream.image(first[1])
        stream.check(request)  # a bad box is refused before a file is touched
        with open_run(folder, source.rate, settings) as run_folder:
            run_folder.image(*first)
            stream.init(request)
            progress.update()
            for frame, image in images:
                run_folder.image(frame, image)
                stream.image(image)
                progress.update()
    return conclude(run_folder, folder, stream.status.reason)
