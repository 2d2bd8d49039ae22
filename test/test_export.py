# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results in the files of the public toolkits: what is written is read back to the same boxes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import zipfile

import numpy as np
import pytest

from tir_tracker_ros.evaluation import results
from tir_tracker_ros.evaluation.export import export_results
from tir_tracker_ros.evaluation.runner import OnePassRun, Store
from tir_tracker_ros.evaluation.supervised import ProtocolSettings, SupervisedRun
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence

TRUTH = np.array([[10, 20, 30, 40]] * 4, float)
BOXES = np.array([[10, 20, 30, 40], [11, 20, 30, 40], [np.nan] * 4, [13, 20, 30, 40]])
SECONDS = np.array([0, 0.1, 0.2, 0.3])
SCORES = np.array([np.nan, 0.9, 0.1, 0.5])


def sequence(layout='plain', origin=0):
    frames = ImageFrames(tuple(Path(f'{index}.png') for index in range(len(TRUTH))))
    return Sequence('a', frames, TRUTH, layout=layout, dataset='set', origin=origin)


@pytest.fixture
def kept(tmp_path):
    """Return the results of a tracker, as an evaluation keeps them."""

    def keep(of):
        path = tmp_path / 'kept' / results.one_pass_names(of, 'x')[0]
        results.write_one_pass(path, BOXES, SECONDS, SCORES, of.origin)
        return Store('x', tmp_path / 'kept')

    return keep


def exported(tmp_path, name, of, store, protocols=('one-pass',)):
    export_results(name, [of], [store], protocols, 1, tmp_path / 'to')
    return tmp_path / 'to'


def read(folder, of) -> OnePassRun:
    return Store('x', folder).one_pass(of)


def test_otb_has_a_file_a_sequence_in_the_coordinates_of_the_set(tmp_path, kept):
    of = sequence('OTB', origin=1)
    folder = exported(tmp_path, 'otb', of, kept(of)) / 'set' / 'x'
    lines = (folder / 'a.txt').read_text().splitlines()
    assert lines[1] == '12.000,21.000,30.000,40.000'
    assert lines[2] == '0.000,0.000,0.000,0.000'
    np.testing.assert_allclose(read(folder, of).boxes[[0, 1, 3]], BOXES[[0, 1, 3]])


def test_got10k_gets_times_and_a_package_for_its_server(tmp_path, kept):
    of = sequence('GOT-10k')
    folder = exported(tmp_path, 'got10k', of, kept(of)) / 'GOT-10k'
    back = read(folder / 'x', of)
    np.testing.assert_allclose(back.boxes[[0, 1, 3]], BOXES[[0, 1, 3]])
    np.testing.assert_allclose(back.seconds, SECONDS)
    with zipfile.ZipFile(folder / 'x.zip') as package:
        assert sorted(package.namelist()) == ['a/a_001.txt', 'a/a_time.txt']


@pytest.mark.parametrize(
    ('name', 'layout', 'folder'),
    [
        ('pysot', 'OTB', 'set/x'),
        ('pysot', 'GOT-10k', 'set/x'),
        ('pysot', 'VOT-LT', 'set/x'),
        ('vot', 'VOT-LT', 'x'),
        ('vot', 'VOT', 'x'),
    ],
)
def test_what_is_written_is_read_back(tmp_path, kept, name, layout, folder):
    of = sequence(layout)
    back = read(exported(tmp_path, name, of, kept(of)) / folder, of)
    np.testing.assert_allclose(back.boxes[[1, 3]], BOXES[[1, 3]])
    assert not back.boxes[2].any() or np.isnan(back.boxes[2]).all()


def test_pysot_has_a_dash_before_the_number_of_a_target(tmp_path, kept):
    of = replace(sequence('OTB', origin=1), name='Jogging.1')
    folder = exported(tmp_path, 'pysot', of, kept(of)) / 'set' / 'x'
    assert [path.name for path in folder.iterdir()] == ['Jogging-1.txt']
    np.testing.assert_allclose(read(folder, of).boxes[1], BOXES[1])


def test_long_term_results_have_confidences_and_begin_with_a_code(tmp_path, kept):
    of = sequence('VOT-LT')
    folder = exported(tmp_path, 'pysot', of, kept(of)) / 'set' / 'x' / 'longterm' / 'a'
    assert (folder / 'a_001.txt').read_text().splitlines()[0] == '1'
    told = (folder / 'a_001_confidence.value').read_text().splitlines()
    assert told == ['', '0.900000', '0.100000', '0.500000']
    np.testing.assert_allclose(read(folder.parents[1], of).scores, SCORES)


@pytest.mark.parametrize(('name', 'folder'), [('pysot', 'set/x'), ('vot', 'x')])
def test_supervised_runs_keep_their_codes(tmp_path, name, folder):
    of, run = sequence('VOT'), SupervisedRun(np.array([1, 3, 2, 0], np.uint8), BOXES)
    path = tmp_path / 'kept' / results.supervised_names(of, 1)[0]
    results.write_run(path, run, 0)
    store = Store('x', tmp_path / 'kept')
    exported(tmp_path, name, of, store, ('supervised',))
    (back,), _ = Store('x', tmp_path / 'to' / folder).supervised(of, ProtocolSettings())
    np.testing.assert_array_equal(back.events, run.events)
    np.testing.assert_allclose(back.boxes[1], BOXES[1])


def test_a_score_that_is_no_number_is_told_with_its_line(tmp_path):
    (tmp_path / 'a_confidence.value').write_text('\n0.5\nhigh\n')
    with pytest.raises(ValueError, match=r"a_confidence.value:3: 'high' is no score"):
        results.read_scores(tmp_path / 'a.txt', 3)
    with pytest.raises(ValueError, match='3 lines for 4 frames'):
        results.read_scores(tmp_path / 'a.txt', 4)
