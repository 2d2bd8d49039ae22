# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Binary results of vot-toolkit, the `.bin` that newer versions of it write.

All is little endian: the version (int16, 1) and the number of frames (uint32), then for each frame
a byte for the kind of its region and what belongs to it (`vot/region/io.py` of the toolkit).
"""

from __future__ import annotations

from pathlib import Path
import struct

VERSION = 1
_CODE, _RECTANGLE, _POLYGON, _MASK = range(4)


def read_trajectory(path: Path) -> list[str]:
    """
    Return the lines that the text form of the file has: codes, `x,y,w,h`, or corners `x1,y1,...`.

    Raises ValueError, naming file and frame, for another kind of file, one that is cut off or goes
    on, and masks.
    """
    content = path.read_bytes()
    place = 0

    def take(form: str) -> tuple:
        nonlocal place
        values = struct.unpack_from(f'<{form}', content, place)
        place += struct.calcsize(f'<{form}')
        return values

    lines: list[str] = []
    try:
        version, count = take('hI')
        if version != VERSION:
            raise ValueError(f'{path}: version {version} of binary results; {VERSION} is known')
        while len(lines) < count:
            (kind,) = take('B')
            if kind == _CODE:
                lines.append(str(take('I')[0]))
            elif kind in (_RECTANGLE, _POLYGON):
                values = take('4f' if kind == _RECTANGLE else f'{2 * take("H")[0]}f')
                lines.append(','.join(f'{value:.9g}' for value in values))
            elif kind == _MASK:
                raise ValueError(f'{path}: frame {len(lines)} is a mask, and boxes are expected')
            else:
                raise ValueError(f'{path}: frame {len(lines)} is of the unknown kind {kind}')
    except struct.error:
        raise ValueError(f'{path}: ends within frame {len(lines)}') from None
    if place < len(content):
        raise ValueError(f'{path}: goes on after its {count} frames')
    return lines
