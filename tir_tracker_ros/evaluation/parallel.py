# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Runs trackers over sequences in several processes, or on a Dask cluster that is already there.

Workers hand the files of results back and this process writes them, each sequence as a whole. So
a worker may end at any time without anything being lost or counted twice, and an evaluation that
is started again goes on from what there is. The report is then made from these files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import as_completed, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
import logging
from pathlib import Path
import sys
from tempfile import TemporaryDirectory

import cv2
from tqdm import tqdm

from ..sequences.benchmarks import Sequence
from ..tracking.track import Tracker
from . import results
from .runner import Store
from .supervised import ProtocolSettings
from .worker_start import worker_context

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One tracker over one sequence by one protocol."""

    tracker: str
    load: Callable[[], Tracker]
    sequence: Sequence
    protocol: str
    settings: ProtocolSettings
    repetitions: int


_loaded: dict[str, Store] = {}
"""The tracker that this worker has loaded last, for its next task."""


def run_task(task: Task) -> dict[str, str]:
    """Run in a worker, with one thread; returns the files of results by their relative paths."""
    cv2.setNumThreads(1)
    with TemporaryDirectory() as temporary:
        if task.tracker not in _loaded:
            _loaded.clear()
            _loaded[task.tracker] = Store(task.tracker, Path(temporary), task.load)
        store = _loaded[task.tracker]
        store.folder = Path(temporary)
        if task.protocol == 'one-pass':
            store.one_pass(task.sequence)
        else:
            store.supervised(task.sequence, task.settings, task.repetitions)
        paths = sorted(path for path in store.folder.rglob('*') if path.is_file())
        return {str(path.relative_to(store.folder)): path.read_text() for path in paths}


Backend = Callable[[list[Task]], Iterator[tuple[int, dict[str, str] | Exception]]]
"""Runs tasks; yields the place of each that ended, and its files or what went wrong."""


def run_missing(
    sequences: list[Sequence],
    stores: list[Store],
    protocols: tuple[str, ...],
    settings: ProtocolSettings,
    repetitions: int,
    backend: Backend,
) -> None:
    """
    Run what has no result yet, the longest sequences of each tracker first, with one progress bar.

    A task that fails does not stop the others; RuntimeError tells how many did, at the end.
    Results of other programs are read first, so that what is wrong with them is told at once.
    """
    for store in (store for store in stores if store.load is None):
        for sequence in sequences:
            if 'one-pass' in protocols:
                store.one_pass(sequence)
            if 'supervised' in protocols:
                store.supervised(sequence, settings, repetitions)
    tasks = [
        (store, Task(store.name, store.load, sequence, protocol, settings, repetitions))
        for store in stores
        if store.load is not None
        for sequence in sorted(sequences, key=len, reverse=True)
        for protocol in protocols
        if not store.has(sequence, protocol, repetitions)
    ]
    failed = 0
    total = sum(len(task.sequence) for _, task in tasks)
    with tqdm(total=total, desc='all trackers', unit=' frames', file=sys.stderr) as bar:
        for place, files in backend([task for _, task in tasks]):
            store, task = tasks[place]
            bar.update(len(task.sequence))
            if isinstance(files, Exception):
                failed += 1
                where = f'{task.tracker} on {task.sequence.key}, {task.protocol}'
                reason = str(files) or type(files).__name__
                if isinstance(files, MemoryError):
                    reason = f'out of memory ({reason}); fewer jobs need less'
                logger.error('%s: %s', where, reason)
                continue
            for name in sorted(files, key=_boxes_last):
                results.write(store.folder / name, files[name].splitlines())
    for store in stores:
        store.fresh = False
    if failed:
        raise RuntimeError(
            f'{failed} of {len(tasks)} runs failed, as told above; the others are kept: '
            'start the same command again for the rest'
        )


def _boxes_last(name: str) -> bool:
    """Tell files of boxes, which stand for the whole result and so come behind the others."""
    return not name.endswith(('_time.txt', '.value'))


def processes(jobs: int) -> Backend:
    """Return a backend of `jobs` processes on this machine."""

    def run(tasks: list[Task]) -> Iterator[tuple[int, dict[str, str] | Exception]]:
        waiting, workers = dict(enumerate(tasks)), jobs
        while waiting:
            try:
                for place, files in _pool(waiting, min(workers, len(waiting))):
                    del waiting[place]
                    yield place, files
            except BrokenProcessPool:
                if workers == 1:  # the first one waiting is the one that ran
                    place = next(iter(waiting))
                    del waiting[place]
                    yield place, RuntimeError('its process was ended, perhaps for lack of memory')
                    continue
                workers = max(1, workers // 2)
                logger.warning(
                    'a process was ended, perhaps for lack of memory; %d runs go on in %d',
                    len(waiting),
                    workers,
                )

    return run


def _pool(
    waiting: dict[int, Task], workers: int
) -> Iterator[tuple[int, dict[str, str] | Exception]]:
    with ProcessPoolExecutor(workers, mp_context=worker_context()) as pool:
        futures = {pool.submit(run_task, task): place for place, task in waiting.items()}
        try:
            for future in as_completed(futures):
                yield futures[future], _outcome(future)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _outcome(future: Future[dict[str, str]]) -> dict[str, str] | Exception:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # of whatever kind: the other runs go on
        return error


@contextmanager
def cluster(address: str, patience_s: float = 10) -> Iterator[Backend]:
    """
    Connect to the Dask scheduler at `address`, with the security that Dask is configured for.

    Raises ImportError without the package, OSError where no scheduler answers in `patience_s`.
    """
    import distributed

    client = distributed.Client(address, timeout=f'{patience_s}s')

    def run(tasks: list[Task]) -> Iterator[tuple[int, dict[str, str] | Exception]]:
        futures = {client.submit(run_task, task, pure=False): n for n, task in enumerate(tasks)}
        for future in distributed.as_completed(list(futures)):
            place = futures.pop(future)
            try:
                yield place, future.result()
            except Exception as error:  # of whatever kind: the other runs go on
                yield place, error
            future.release()

    try:
        yield run
    finally:
        client.close()
