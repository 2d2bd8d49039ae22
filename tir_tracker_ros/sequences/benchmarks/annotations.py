# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reads files of boxes, labels and attributes; errors in them are reported with file and line."""

from __future__ import annotations

from dataclasses import dataclass
import logging
import math
from pathlib import Path
import re
import xml.etree.ElementTree as ElementTree

import numpy as np

logger = logging.getLogger(__name__)

ABSENT = (math.nan,) * 4


def report(path: Path, line: int | None, reason: str) -> None:
    """Tell the user about an annotation that is left out."""
    logger.warning('%s: %s', path if line is None else f'{path}:{line}', reason)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, without empty ones at its end."""
    return path.read_text(encoding='utf-8', errors='replace').rstrip().splitlines()


def read_boxes(path: Path, origin: int = 0) -> np.ndarray:
    """
    Read one box a line, four numbers or a polygon's corners, as `N x 4`, 0-based.

    A polygon becomes the box around it. `origin` is the coordinate of the first pixel in the
    file. Absent targets (nan, or no size) and lines that are no box give nan; the latter are
    reported.
    """
    boxes = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            boxes.append(parse_box(line, origin))
        except ValueError as error:
            report(path, number, f'{error}; the frame is left out')
            boxes.append(ABSENT)
    return np.array(boxes, float).reshape(-1, 4)


def parse_box(text: str, origin: int = 0) -> tuple[float, float, float, float]:
    """
    Read `x,y,w,h` or a polygon `x1,y1,x2,y2,...`, separated by commas, blanks or tabs.

    Raises ValueError that names the text when it is neither.
    """
    try:
        values = [float(part) for part in re.split(r'[\s,;]+', text.strip())]
    except ValueError:
        values = []
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise ValueError(f"'{text.strip()}' is neither 'x,y,w,h' nor a polygon")
    if all(math.isnan(value) for value in values):
        return ABSENT
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"'{text.strip()}' is not finite")
    if len(values) > 4:
        xs, ys = values[::2], values[1::2]
        values = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    x, y, w, h = values
    if w < 0 or h < 0:
        raise ValueError(f"'{text.strip()}' has a negative size")
    return (x - origin, y - origin, w, h) if w > 0 and h > 0 else ABSENT


def read_labels(path: Path, count: int) -> np.ndarray:
    """
    Read a file with 0 or 1 for each frame as `count` booleans.

    A line that is neither, or missing, is reported and counts as 0.
    """
    lines = read_lines(path)
    if len(lines) < count:
        report(path, len(lines), f'{len(lines)} labels for {count} frames; 0 for the rest')
    labels = np.zeros(count, bool)
    for index, line in enumerate(lines[:count]):
        if line.strip() not in ('0', '1'):
            report(path, index + 1, f"label '{line.strip()}' is not 0 or 1; taken as 0")
        labels[index] = line.strip() == '1'
    return labels


# The attribute files of the toolkits differ only in their number of columns.
ATTRIBUTE_COLUMNS = {
    10: (  # PTB-TIR
        'deformation', 'occlusion', 'scale_variation', 'background_clutter', 'low_resolution',
        'fast_motion', 'motion_blur', 'out_of_view', 'intensity_variation', 'thermal_crossover',
    ),
    11: (  # OTB
        'illumination_variation', 'out_of_plane_rotation', 'scale_variation', 'occlusion',
        'deformation', 'motion_blur', 'fast_motion', 'in_plane_rotation', 'out_of_view',
        'background_clutter', 'low_resolution',
    ),
    16: (  # LSOTB-TIR
        'deformation', 'occlusion', 'distractor', 'background_clutter', 'out_of_view',
        'scale_variation', 'fast_motion', 'motion_blur', 'thermal_crossover',
        'intensity_variation', 'low_resolution', 'aspect_ratio_variation', 'vehicle', 'drone',
        'surveillance', 'hand_held',
    ),
}  # fmt: skip


def read_attributes(path: Path) -> tuple[str, ...]:
    """Read a line of 0 and 1, a column for each attribute; any other line is reported."""
    lines = read_lines(path)
    values = re.split(r'[\s,]+', lines[0].strip()) if lines else []
    names = ATTRIBUTE_COLUMNS.get(len(values))
    if names is None or not set(values) <= {'0', '1'}:
        report(path, 1, f'not 10, 11 or 16 columns of 0 or 1 but {values}; left out')
        return ()
    return tuple(name for name, value in zip(names, values) if value == '1')


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
    for order, element in enumerate(root.iter('object')):
        try:
            objects.append(_xml_object(element))
        except ValueError as error:
            report(path, _line_of_object(path, order), f'{error}; the object is left out')
    return objects


def _xml_object(element: ElementTree.Element) -> XmlObject:
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
    if not track:
        raise ValueError('no trackid')
    # xmax and ymax are the last pixels inside
    box = (left, top, right - left + 1, bottom - top + 1)
    return XmlObject(track, name, box, element.findtext('occluded', '0').strip() == '1')


def _line_of_object(path: Path, order: int) -> int:
    # ElementTree keeps no line numbers
    text = path.read_text(encoding='utf-8', errors='replace')
    start = [match.start() for match in re.finditer(r'<object[\s>/]', text)][order]
    return text.count('\n', 0, start) + 1
