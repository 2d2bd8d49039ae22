# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Binary results of vot-toolkit: the boxes of the text form, and files that are refused."""

from __future__ import annotations

from pathlib import Path
import struct

import numpy as np
import pytest

from tir_tracker_ros.evaluation.runner import Store
from tir_tracker_ros.evaluation.supervised import ProtocolSettings, STARTED, TRACKED
from tir_tracker_ros.evaluation.vot_trajectory import read_trajectory
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence

TOOLKIT = Path(__file__).parent / 'data' / 'vot_toolkit' / 'trajectory.bin'
STARTED_CODE = struct.pack('<BI', 0, 1)
BOX = struct.pack('<B4f', 1, 1.5, 2, 3, 4)
CORNERS = struct.pack('<BH8f', 2, 4, 1, 2, 4, 2, 4, 6, 1, 6)
MASK = struct.pack('<BhhHHH2H', 3, 0, 0, 2, 2, 2, 1, 3)


def write(path: Path, *regions: bytes, version: int = 1, count: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number = len(regions) if count is None else count
    path.write_bytes(struct.pack('<hI', version, number) + b''.join(regions))


def sequence_of(count: int) -> Sequence:
    frames = ImageFrames((Path('none.png'),) * count)
    return Sequence('a', frames, np.array([[1, 2, 3, 4]] * count, float), layout='VOT')


def test_a_file_that_the_toolkit_wrote_has_the_lines_of_its_text_form():
    text = TOOLKIT.with_suffix('.txt').read_text().splitlines()
    lines = read_trajectory(TOOLKIT)
    assert len(lines) == len(text) > 3
    for line, expected in zip(lines, text):
        found, wanted = (np.array(each.split(','), float) for each in (line, expected))
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_codes_rectangles_and_corners_are_read(tmp_path):
    write(tmp_path / 'a.bin', STARTED_CODE, BOX, CORNERS)
    assert read_trajectory(tmp_path / 'a.bin') == ['1', '1.5,2,3,4', '1,2,4,2,4,6,1,6']


@pytest.mark.parametrize('folder', ['a', 'longterm/a', 'unsupervised/a'])
def test_a_folder_of_results_may_be_binary(tmp_path, folder):
    write(tmp_path / folder / 'a_001.bin', STARTED_CODE, BOX, CORNERS)
    (tmp_path / folder / 'a_001_time.value').write_text('\n0.5\n0.25\n')
    run = Store('x', tmp_path).one_pass(sequence_of(3))
    np.testing.assert_array_equal(run.boxes[1:], [[1.5, 2, 3, 4], [1, 2, 3, 4]])
    np.testing.assert_array_equal(run.seconds, [np.nan, 0.5, 0.25])


def test_supervised_runs_may_be_binary(tmp_path):
    write(tmp_path / 'baseline' / 'a' / 'a_001.bin', STARTED_CODE, BOX, BOX)
    (run,), _ = Store('x', tmp_path).supervised(sequence_of(3), ProtocolSettings())
    assert run.events.tolist() == [STARTED, TRACKED, TRACKED]
    np.testing.assert_array_equal(run.boxes[2], [1.5, 2, 3, 4])


@pytest.mark.parametrize(
    ('regions', 'header', 'reason'),
    [
        ([BOX], {'version': 2}, 'version 2 of binary results; 1 is known'),
        ([BOX], {'count': 3}, 'ends within frame 1'),
        ([BOX, BOX[:7]], {}, 'ends within frame 1'),
        ([BOX, BOX], {'count': 1}, 'goes on after its 1 frames'),
        ([BOX, MASK], {}, 'frame 1 is a mask, and boxes are expected'),
        ([b'\x09'], {}, 'frame 0 is of the unknown kind 9'),
    ],
)
def test_other_files_are_refused_with_the_frame(tmp_path, regions, header, reason):
    write(tmp_path / 'a.bin', *regions, **header)
    with pytest.raises(ValueError, match=f'a.bin: {reason}'):
        read_trajectory(tmp_path / 'a.bin')


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / 'a.bin').write_bytes(b'')
    with pytest.raises(ValueError, match='a.bin: ends within frame 0'):
        read_trajectory(tmp_path / 'a.bin')
