# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reads files of boxes and labels; errors in them are reported with file and line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import logging
import math
from pathlib import Path
import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from ..base import read_text

logger = logging.getLogger(__name__)

ABSENT = (math.nan,) * 4


def report(path: Path, line: int | None, reason: str) -> None:
    """Tell the user about an annotation that is left out."""
    logger.warning('%s: %s', path if line is None else f'{path}:{line}', reason)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, without empty ones at its end."""
    return read_text(path).rstrip().splitlines()


def read_rows(path: Path) -> tuple[list[str], int]:
    """Return the lines of a table without its header, if any, and the number of the first one."""
    lines = read_lines(path)
    words = _fields(lines[0].lstrip('#')) if lines else []
    is_header = len(words) > 1 and not any(map(_is_number, words))
    return (lines[1:], 2) if is_header else (lines, 1)


BoxParser = Callable[[str, int], tuple[float, float, float, float]]
"""Reads a line, with the coordinate of the first pixel; raises ValueError that names the text."""


def read_boxes(path: Path, origin: int = 0, parse: BoxParser | None = None) -> np.ndarray:
    """
    Read one box a line, four numbers or the corners of a quadrangle, as `N x 4`, 0-based.

    A quadrangle becomes the box around it. `origin` is the coordinate of the first pixel in the
    file, `parse` reads lines of another form. Absent targets (nan, or no size) and lines that are
    no box give nan; the latter are reported. Raises ValueError, naming file and line, for a file
    of another kind: without any box, or with a frame number before each box.
    """
    boxes, wrong = [], []
    lines, first = read_rows(path)
    begins = [_fields(line)[:1] for line in lines if len(_fields(line)) == 8]
    if len(lines) > 2 and begins == [[str(number)] for number in range(1, len(lines) + 1)]:
        raise ValueError(f'{path}:{first}: a frame number before each box (MOT); {_EXPECTED}')
    for number, line in enumerate(lines, start=first):
        try:
            boxes.append((parse or parse_box)(line, origin))
        except ValueError as error:
            wrong.append((number, error))
            boxes.append(ABSENT)
    if wrong and len(wrong) == len(lines):
        raise ValueError(f'{path}:{first}: none of {len(lines)} lines is a box: {wrong[0][1]}')
    for number, reason in wrong:
        report(path, number, f'{reason}; the frame is left out')
    return np.array(boxes, float).reshape(-1, 4)


def parse_box(text: str, origin: int = 0) -> tuple[float, float, float, float]:
    """
    Read `x,y,w,h` or the corners of a quadrangle `x1,y1,...,x4,y4`.

    Commas, blanks or tabs separate the numbers; brackets around them and a separator at the end
    are ignored. Raises ValueError that names the text when it is neither.
    """
    values = parse_numbers(text)
    if len(values) == 8 and np.isfinite(values).all():
        values = around_quadrangle(values, text)
    if len(values) not in (4, 8):
        raise ValueError(f"'{text.strip()}' has {len(values)} numbers; {_EXPECTED}")
    if all(math.isnan(value) for value in values):
        return ABSENT
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"'{text.strip()}' is not finite")
    x, y, w, h = values
    if w < 0 or h < 0:
        raise ValueError(f"'{text.strip()}' has a negative size")
    return (x - origin, y - origin, w, h) if w > 0 and h > 0 else ABSENT


def parse_corners(text: str, origin: int = 0) -> tuple[float, float, float, float]:
    """Read `x1 y1 x2 y2`, two opposite corners; raises ValueError as `parse_box`."""
    values = parse_numbers(text)
    if len(values) != 4:
        raise ValueError(f"'{text.strip()}' has {len(values)} numbers; a line is 'x1 y1 x2 y2'")
    left, top, right, bottom = values
    return parse_box(f'{left!r} {top!r} {right - left!r} {bottom - top!r}', origin)


_EXPECTED = "a line is 'x,y,w,h' or four corners 'x1,y1,...,x4,y4'"


def _fields(text: str) -> list[str]:
    return [part for part in re.split(r'[\s,;]+', text.strip(' \t[]()')) if part]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def parse_numbers(text: str) -> list[float]:
    """Read the numbers of a line; raises ValueError that names the text for anything else."""
    fields = _fields(text)
    if not fields or not all(map(_is_number, fields)):
        raise ValueError(f"'{text.strip()}' is not a line of numbers; {_EXPECTED}")
    return [float(field) for field in fields]


def around_quadrangle(values: list[float], text: str) -> list[float]:
    """
    Return the box around four corners `x1,y1,...,x4,y4`; of size 0 where they are one point.

    Raises ValueError, naming the text, for eight numbers that are no convex quadrangle.
    """
    corners = np.array(values).reshape(4, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    sides = np.roll(corners, -1, axis=0) - corners
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    nearly = 1e-3 * float(np.prod(high - low))
    one_way = (turns >= -nearly).all() or (turns <= nearly).all()
    if (high > low).any() and not (one_way and abs(turns.sum()) > nearly):
        raise ValueError(f"'{text.strip()}' are no corners of a quadrangle; {_EXPECTED}")
    return [*low.tolist(), *(high - low).tolist()]


def read_labels(path: Path, count: int) -> np.ndarray:
    """
    Read a file with 0 or 1 for each frame as `count` booleans.

    A line that is neither, or missing, is reported and counts as 0.
    """
    lines = read_lines(path)
    if len(lines) == count + 1 and not lines[0].strip().isdecimal():
        del lines[0]  # a header of one word
    if len(lines) < count:
        report(path, len(lines), f'{len(lines)} labels for {count} frames; 0 for the rest')
    labels = np.zeros(count, bool)
    for index, line in enumerate(lines[:count]):
        if line.strip() not in ('0', '1'):
            report(path, index + 1, f"label '{line.strip()}' is not 0 or 1; taken as 0")
        labels[index] = line.strip() == '1'
    return labels


def read_flags(path: Path, count: int) -> np.ndarray:
    """Read 0 or 1 for each frame from one line, with commas, or a line each; `count` booleans."""
    fields = re.split(r'[\s,]+', read_text(path).strip())
    if len(fields) < count:
        report(path, None, f'{len(fields)} values for {count} frames; 0 for the rest')
    wrong = sorted(set(fields[:count]) - {'0', '1'})
    if wrong:
        report(path, None, f"'{wrong[0]}' is not 0 or 1; taken as 0")
    flags = np.zeros(count, bool)
    flags[: len(fields)] = [field == '1' for field in fields[:count]]
    return flags


@dataclass(frozen=True)
class XmlObject:
    """One `object` of a VOC-style annotation file."""

    track: str
    name: str
    box: tuple[float, float, float, float]
    occluded: bool


def read_xml(path: Path) -> list[XmlObject]:
    """Read the objects of one frame; a file or an object that is wrong is reported, left out."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        report(path, error.position[0], f'{error}; the frame is left out')
        return []
    objects = []
    names = [element.findtext('name', '').strip() for element in root.iter('object')]
    for order, element in enumerate(root.iter('object')):
        try:
            objects.append(_xml_object(element, names))
        except ValueError as error:
            report(path, _line_of_object(path, order), f'{error}; the object is left out')
    return objects


def _xml_object(element: ElementTree.Element, names: list[str]) -> XmlObject:
    """Read an object; without `trackid` (labelImg) its name tells it from others in the image."""
    corners = []
    for side in ('xmin', 'ymin', 'xmax', 'ymax'):
        text = element.findtext(f'bndbox/{side}', '')
        try:
            corners.append(float(text))
        except ValueError:
            raise ValueError(f"{side} '{text}' is not a number") from None
    left, top, right, bottom = corners
    if not (right >= left and bottom >= top and all(map(math.isfinite, corners))):
        raise ValueError(f'xmin, ymin, xmax, ymax {corners} are not a box')
    track, name = element.findtext('trackid', '').strip(), element.findtext('name', '').strip()
    if not track and names.count(name) > 1:
        raise ValueError(f"{names.count(name)} objects '{name}' and no trackid")
    # xmax and ymax are the last pixels inside
    box = (left, top, right - left + 1, bottom - top + 1)
    return XmlObject(
        track or name or '0', name, box, element.findtext('occluded', '0').strip() == '1'
    )


def _line_of_object(path: Path, order: int) -> int:
    # ElementTree keeps no line numbers
    text = read_text(path)
    start = [match.start() for match in re.finditer(r'<object[\s>/]', text)][order]
    return text.count('\n', 0, start) + 1
