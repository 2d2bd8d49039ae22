# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The two halves of a set: one on which settings are chosen, and one on which results are reported.

The half of a sequence follows from the name of its scene alone. So it stays the same whatever else
is in the set, and sequences of one recording are in one half.
"""

from __future__ import annotations

import re
import zlib

from .sequence import Sequence

HALVES = ('settings', 'reporting')

_CAMERAS = re.compile(r'(ir|v)_')
"""Before the name of a recording, the camera: the drone detection set has each scene twice."""
_DATE_AND_TIME = re.compile(r'(\d{8}_\d{6})_.+')
"""Of Anti-UAV, whose recordings are cut into `<date>_<time>_<part>_<part>`."""
_SEED = re.compile(r'.+_(\d{6})')
"""Of the simulator: `<category>_<seed>`; one seed may give one background to all categories."""


def scene_of(sequence: Sequence) -> str:
    """
    Return the name of the scene that a sequence shows.

    It is that of the recording (`Sequence.video`) in lower case, without a last part behind `_`
    that has a letter: `hall_walk` and `hall_pause` are `hall`, `bird_009` is itself.
    """
    recording = re.sub(r'\.\w+$', '', sequence.video or sequence.name).lower()
    if match := _DATE_AND_TIME.fullmatch(recording):
        return match[1]
    if sequence.layout == 'plain' and (match := _SEED.fullmatch(recording)):
        return match[1]
    recording = _CAMERAS.sub('', recording, count=1) if _CAMERAS.match(recording) else recording
    place, _, last = recording.rpartition('_')
    return place if place and re.search('[a-z]', last) else recording


def half_of(sequence: Sequence) -> str:
    """
    Return the half that the sequence is in, of `HALVES`.

    A seed of the simulator is in the first where it is even, any other scene where the CRC-32 of
    its name (UTF-8) is.
    """
    scene = scene_of(sequence)
    seed = sequence.layout == 'plain' and scene.isdecimal() and len(scene) == 6
    return HALVES[(int(scene) if seed else zlib.crc32(scene.encode())) % 2]
