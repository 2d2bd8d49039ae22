# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Attributes of whole sequences, in the files of the benchmarks' toolkits."""

from __future__ import annotations

from pathlib import Path
import re

from ..base import read_text
from .annotations import read_lines, report

# The attribute files of these toolkits differ only in their number of columns.
BY_COUNT = {
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
UAV123 = (
    'scale_variation', 'aspect_ratio_change', 'low_resolution', 'fast_motion', 'full_occlusion',
    'partial_occlusion', 'out_of_view', 'background_clutter', 'illumination_variation',
    'viewpoint_change', 'camera_motion', 'similar_object',
)  # fmt: skip
LASOT = (
    'illumination_variation', 'partial_occlusion', 'deformation', 'motion_blur', 'camera_motion',
    'rotation', 'background_clutter', 'viewpoint_change', 'scale_variation', 'full_occlusion',
    'fast_motion', 'out_of_view', 'low_resolution', 'aspect_ratio_change',
)  # fmt: skip
LASHER = (
    'no_occlusion', 'partial_occlusion', 'total_occlusion', 'hyaline_occlusion', 'motion_blur',
    'low_illumination', 'high_illumination', 'abrupt_illumination_variation', 'low_resolution',
    'deformation', 'background_clutter', 'similar_appearance', 'camera_moving',
    'thermal_crossover', 'frame_lost', 'out_of_view', 'fast_motion', 'scale_variation',
    'aspect_ratio_change',
)  # fmt: skip
RGBT234 = {
    'BC': 'background_clutter', 'CM': 'camera_moving', 'DEF': 'deformation', 'FM': 'fast_motion',
    'HO': 'heavy_occlusion', 'LI': 'low_illumination', 'LR': 'low_resolution',
    'MB': 'motion_blur', 'NO': 'no_occlusion', 'TC': 'thermal_crossover',
    'PO': 'partial_occlusion', 'SC': 'scale_variation',
}  # fmt: skip
"""Names of the files, which have a value for each sequence, and what they are called here."""


def read_attributes(path: Path, columns: tuple[str, ...] = ()) -> tuple[str, ...]:
    """
    Read 0 or 1 for each attribute, in a line or a line each; anything else is reported.

    Without `columns` they are those of the toolkit with as many.
    """
    values = re.split(r'[\s,]+', read_text(path).strip())
    names = columns or BY_COUNT.get(len(values), ())
    if len(names) != len(values) or not set(values) <= {'0', '1'}:
        counts = len(columns) or '10, 11 or 16'
        report(path, 1, f'not {counts} columns of 0 or 1 but {values}; left out')
        return ()
    return tuple(name for name, value in zip(names, values) if value == '1')


def attributes_above(
    folder: Path, places: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[str, ...]:
    """Read `<place>/<sequence>.txt` beside a sequence's folder or up to two folders above."""
    for above in list(folder.parents)[:3]:
        for place in places:
            path = above / place / f'{folder.name}.txt'
            if path.is_file():
                return read_attributes(path, columns)
    return ()


def attributes_of_rgbt234(folder: Path) -> tuple[str, ...]:
    """
    Read `attr_txt` beside a sequence or one folder above: a file of values for each attribute.

    `SequencesName.txt` has the names in the order of the values. A file that is too short is
    reported, and its attribute left out.
    """
    found = (above / 'attr_txt' for above in list(folder.parents)[:2])
    place = next((each for each in found if (each / 'SequencesName.txt').is_file()), None)
    if place is None:
        return ()
    names = [line.strip() for line in read_lines(place / 'SequencesName.txt')]
    if folder.name not in names:
        return ()
    index, attributes = names.index(folder.name), []
    for short, name in RGBT234.items():
        path = place / f'{short}.txt'
        values = re.split(r'[\s,]+', read_text(path).strip()) if path.is_file() else []
        if len(values) != len(names):
            report(path, None, f'{len(values)} values for {len(names)} sequences; left out')
        elif values[index] == '1':
            attributes.append(name)
    return tuple(attributes)
