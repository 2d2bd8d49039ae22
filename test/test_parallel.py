# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation in several processes and on a cluster: as with one process, and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
import json
import os
from pathlib import Path
import resource
import signal
import sys

import cv2
import distributed
import numpy as np
import pytest

from tir_tracker_ros import cli
from tir_tracker_ros.evaluation.parallel import cluster, processes, run_missing
from tir_tracker_ros.evaluation.runner import Store
from tir_tracker_ros.evaluation.supervised import ProtocolSettings
from tir_tracker_ros.sequences.benchmarks import ImageFrames, Sequence
from tir_tracker_ros.tracking.track import Estimate, Track

COUNT = 6


@dataclass
class Still:
    """A tracker for other processes: it stays where it is, and ends as it is told on the way."""

    ends: str = ''
    mark: str = ''
    name = 'still'
    device = 'cpu'

    def start(self, image, box):
        return Track(box)

    def update(self, image, tracks):
        mean = float(image.mean())
        if self.ends == 'error' and mean > 0.5:
            raise OSError('the disk is gone')
        if self.ends == 'memory' and mean > 0.5:
            resource.setrlimit(resource.RLIMIT_AS, (1, resource.RLIM_INFINITY))
            bytearray(1 << 30)
        if self.ends == 'kill' and mean > 0.5:
            os.kill(os.getpid(), signal.SIGKILL)  # as Linux does where memory is short
        if self.ends == 'kill once' and mean > 0.5 and not os.path.exists(self.mark):
            open(self.mark, 'w').close()
            os._exit(9)
        return [Estimate(track.box, 0.5) for track in tracks]


@pytest.fixture
def sequences(tmp_path):
    """Three sequences; the images of the second are the brightest."""
    made = []
    for name, gray in (('a', 10), ('b', 250), ('c', 20)):
        folder = tmp_path / 'data' / name / 'img'
        folder.mkdir(parents=True)
        image = np.full((24, 32), gray, np.uint8)
        image[:4] = 255 - gray  # so that the gain has a range
        for index in range(COUNT):
            cv2.imwrite(str(folder / f'{index}.png'), image)
        boxes = np.array([[4, 5, 6, 7]] * COUNT, float)
        np.savetxt(folder.parent / 'groundtruth.txt', boxes, '%g', ',')
        paths = tuple(sorted(folder.iterdir()))
        made.append(Sequence(name, ImageFrames(paths), boxes, dataset='data'))
    return made


def run(sequences, folder, load, backend, protocols=('one-pass',)):
    store = Store('still', folder, load)
    run_missing(sequences, [store], protocols, ProtocolSettings(), 1, backend)
    return store


def files(folder: Path) -> dict[str, bytes]:
    """Return what a folder holds, apart from the times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and not path.name.endswith('_time.txt')
    }


def test_two_processes_leave_the_same_results_as_one(tmp_path, sequences):
    both = ('one-pass', 'supervised')
    run(sequences, tmp_path / 'two', Still, processes(2), both)
    alone = Store('still', tmp_path / 'one', Still)
    for sequence in sequences:
        alone.one_pass(sequence)
        alone.supervised(sequence, ProtocolSettings())
    assert files(tmp_path / 'two') == files(tmp_path / 'one') != {}


def test_what_is_there_is_not_run_again(tmp_path, sequences):
    run(sequences, tmp_path / 'kept', Still, processes(1))

    def nothing_left(tasks):
        assert not tasks
        return iter(())

    run(sequences, tmp_path / 'kept', Still, nothing_left)


def test_a_run_that_fails_is_told_and_the_others_are_kept(tmp_path, sequences, caplog):
    with pytest.raises(RuntimeError, match='1 of 3 runs failed'):
        run(sequences, tmp_path / 'kept', ending('error'), processes(1))
    assert 'still on data/b, one-pass: the disk is gone' in caplog.text
    assert {Path(name).name for name in files(tmp_path / 'kept') if 'conf' not in name} == {
        'a.txt', 'c.txt',
    }  # fmt: skip


def test_a_process_that_is_killed_costs_its_own_run_only(tmp_path, sequences, caplog):
    with pytest.raises(RuntimeError, match='1 of 3 runs failed'):
        run(sequences, tmp_path / 'kept', ending('kill'), processes(2))
    assert 'perhaps for lack of memory' in caplog.text
    assert len([name for name in files(tmp_path / 'kept') if 'conf' not in name]) == 2


def test_a_process_that_runs_out_of_memory_is_told_and_the_others_are_kept(
    tmp_path, sequences, caplog
):
    with pytest.raises(RuntimeError, match='1 of 3 runs failed'):
        run(sequences, tmp_path / 'kept', ending('memory'), processes(1))
    assert 'still on data/b, one-pass: out of memory (MemoryError)' in caplog.text
    assert len([name for name in files(tmp_path / 'kept') if 'conf' not in name]) == 2


def ending(ends, mark=''):
    """Return what makes the tracker, in a form that other processes can be handed."""
    return partial(Still, ends, str(mark))


def test_the_report_of_two_jobs_is_that_of_one_to_the_byte(tmp_path, sequences, monkeypatch):
    def evaluate(folder, *options):
        command = ['evaluate', str(tmp_path / 'data'), '--trackers', 'kcf,mil', '--out', 'out']
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        assert cli.main([*command, *options]) == 0

    def reports(folder):
        """Return all files of the report, without the command and its date."""
        run = json.loads((folder / 'out' / 'report.json').read_text())['run']
        found = {}
        for path in (folder / 'out').iterdir():
            if path.suffix in ('.json', '.md', '.csv', '.tex'):
                found[path.name] = path.read_text().replace(run['command'], '')
                found[path.name] = found[path.name].replace(run['date'], '')
        return found

    one, two = tmp_path / 'one', tmp_path / 'two'
    evaluate(one)
    evaluate(two, '--jobs', '2')
    assert files(one / 'out' / 'results') == files(two / 'out' / 'results') != {}
    for folder in (one, two):  # times are never the same
        for path in (folder / 'out' / 'results').rglob('*_time.txt'):
            path.unlink()
    evaluate(one)
    evaluate(two, '--jobs', '2')
    assert reports(one) == reports(two)
    assert len(reports(one)) == 6


def test_jobs_run_one_thread_each(tmp_path, sequences, capsys):
    command = [
        'evaluate',
        str(tmp_path / 'data'),
        '--trackers',
        'kcf',
        '--out',
        str(tmp_path / 'o'),
    ]
    assert cli.main([*command, '--jobs', '2', '--threads', '2']) != 0
    assert '--jobs and --scheduler run one thread each' in capsys.readouterr().err


# ------------------------------------------------------------------- a cluster
@pytest.fixture
def workers():
    """Start a cluster of two workers."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as found:
        yield found


def test_a_worker_that_goes_away_loses_and_repeats_nothing(tmp_path, sequences, workers):
    load = ending('kill once', tmp_path / 'was_killed')
    with cluster(workers.scheduler_address) as backend:
        handed = []

        def counted(tasks):
            for place, found in backend(tasks):
                handed.append(place)
                yield place, found

        run(sequences, tmp_path / 'cluster', load, counted)
    assert (tmp_path / 'was_killed').exists()
    assert sorted(handed) == [0, 1, 2]
    run(sequences, tmp_path / 'one', Still, processes(1))
    assert files(tmp_path / 'cluster') == files(tmp_path / 'one')


def test_a_scheduler_that_does_not_answer_is_told(tmp_path):
    with pytest.raises(OSError), cluster('tcp://127.0.0.1:9', 1):
        pass


def test_without_the_package_it_is_said_how_to_get_it(tmp_path, sequences, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'distributed', None)
    command = [
        'evaluate',
        str(tmp_path / 'data'),
        '--trackers',
        'kcf',
        '--out',
        str(tmp_path / 'o'),
    ]
    assert cli.main([*command, '--scheduler', 'tcp://127.0.0.1:9']) != 0
    assert "pip install '.[dask]'" in capsys.readouterr().err
