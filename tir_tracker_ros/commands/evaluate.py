# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker evaluate`: run trackers over benchmark sequences and report how well they did."""

from __future__ import annotations

import argparse
import atexit
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
import gc
import logging
from pathlib import Path
from typing import Any, TYPE_CHECKING

from .output import check_folder

if TYPE_CHECKING:
    from ..evaluation.runner import Store
    from ..sequences.benchmarks import LeftOut, Sequence
    from ..tracking.track import Tracker

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add = parser.add_argument
    add(
        'roots',
        metavar='ROOT',
        nargs='+',
        type=Path,
        help='folder of a benchmark or data set, or of several; the layout is recognised',
    )
    add('--out', type=Path, required=True, help='folder of results and report')

    add = parser.add_argument_group('trackers').add_argument
    add(
        '--trackers',
        default='',
        metavar='NAME,...',
        help='presets (mmnet_fast, siamfc_fast, ...) and peers (csrt, kcf, mil, nanotrack)',
    )
    add(
        '--variant',
        action='append',
        default=[],
        metavar='NAME=PRESET[,KEY=VALUE...]',
        help='a preset with other weights or settings (weights=FILE, tracking=paper, ...)',
    )
    add(
        '--results',
        action='append',
        default=[],
        metavar='NAME=DIR',
        help="another tracker's results: a file of boxes for each sequence",
    )
    add(
        '--nanotrack',
        nargs=2,
        type=Path,
        metavar=('BACKBONE', 'HEAD'),
        help="NanoTrack's two ONNX files",
    )
    add('--device', default='auto', help='device of our trackers')
    add('--threads', type=int, default=1, help='threads of OpenCV and torch alike (%(default)s)')
    add('--jobs', type=int, default=1, metavar='N', help='processes, of one thread each')
    add(
        '--scheduler',
        metavar='ADDRESS',
        help='run on the Dask cluster with this scheduler (tcp://HOST:8786), which reads the same '
        'files at the same paths',
    )

    add = parser.add_argument_group('sequences').add_argument
    add('--list-layouts', action=ListLayouts, nargs=0, help='print the known layouts of sets')
    add('--split', help='only this split (train, val, ...)')
    add(
        '--half',
        choices=('settings', 'reporting'),
        help='only the half of the scenes to choose settings on, or the one to report results on',
    )
    add('--sequences', default='*', metavar='GLOB', help='only these names')
    add('--max-frames', type=int, help='only so many frames of each sequence')
    add(
        '--sixteen-bit',
        action='store_true',
        help="16-bit counts, where a set has them beside its 8-bit copies (in 'videos16')",
    )

    add = parser.add_argument_group('protocol').add_argument
    add(
        '--protocol',
        choices=('auto', 'one-pass', 'supervised', 'both'),
        default='auto',
        help='auto: one-pass, and supervised too where all sequences are of VOT or VOT-TIR',
    )
    add(
        '--rules',
        choices=('plain', 'toolkit', 'lasot', 'pysot'),
        default='plain',
        help='one-pass: whose rules for invalid and absent frames (%(default)s)',
    )
    add(
        '--toolkit-rules',
        dest='rules',
        action='store_const',
        const='toolkit',
        help='the same as --rules toolkit, those of PTB-TIR and LSOTB-TIR',
    )
    add(
        '--absent-below',
        type=float,
        metavar='SCORE',
        help='boxes with a lower score say that there is no target (state accuracy, F)',
    )
    add(
        '--eao-interval',
        nargs=2,
        type=int,
        metavar=('LOW', 'HIGH'),
        help='lengths that EAO averages over (default: computed from the sequences)',
    )
    add('--unbounded', action='store_true', help='supervised: boxes are not cut to the image')
    add('--repetitions', type=int, default=1, help='supervised: runs a sequence (%(default)s)')
    add(
        '--export-results',
        choices=('pysot', 'got10k', 'vot', 'otb'),
        help="write the boxes into OUT/export too, in that toolkit's files",
    )
    add(
        '--video',
        metavar='A,B',
        help='videos of two of the trackers beside each other, where they differ most',
    )
    add('--fresh', action='store_true', help='run anew what OUT already has results of')


class ListLayouts(argparse.Action):
    """Print the layouts of sets and end, whatever else is given or missing."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print a line for each."""
        from ..sequences.benchmarks.readers import LAYOUTS

        for layout in LAYOUTS:
            print(f'{layout.name:14} {layout.expects}')
        parser.exit()


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit status."""
    # A last look for garbage among all that was imported would take half a second.
    atexit.register(gc.freeze)
    if arguments.jobs > 1:
        _start_importing(arguments)

    import cv2

    from ..evaluation.evaluate import evaluate, EvaluationSettings, PROTOCOLS
    from ..evaluation.export import export_results
    from ..evaluation.parallel import cluster, processes, run_missing
    from ..evaluation.plots import write_plots
    from ..evaluation.report import describe_run, overall_table, told_table, write_report
    from ..evaluation.supervised import ProtocolSettings

    check_folder(arguments.out)
    for name in ('threads', 'jobs', 'repetitions', 'max_frames'):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise ValueError(f'--{name.replace("_", "-")} {value} is not 1 or more')
    several = arguments.jobs > 1 or arguments.scheduler
    if several and arguments.threads > 1:
        raise ValueError('--jobs and --scheduler run one thread each; leave --threads out')
    interval = tuple(arguments.eao_interval) if arguments.eao_interval else None
    if interval and not 1 <= interval[0] <= interval[1]:
        raise ValueError(f'--eao-interval {interval[0]} {interval[1]} is not 1 <= LOW <= HIGH')
    stores = _stores(arguments)
    sequences, left_out = _sequences(arguments)
    protocols: tuple[str, ...] = (arguments.protocol,)
    if arguments.protocol == 'auto':
        all_vot = all(sequence.layout in ('VOT', 'VOT-TIR') for sequence in sequences)
        protocols = PROTOCOLS if all_vot else ('one-pass',)
    elif arguments.protocol == 'both':
        protocols = PROTOCOLS
    pair = _pair(arguments, stores, protocols)
    cv2.setNumThreads(arguments.threads)
    supervised = ProtocolSettings(bounded=not arguments.unbounded)
    if several:
        opened = cluster(arguments.scheduler) if arguments.scheduler else nullcontext(None)
        with opened as backend:
            run_missing(
                sequences,
                stores,
                protocols,
                supervised,
                arguments.repetitions,
                backend or processes(arguments.jobs),
            )
    report = evaluate(
        sequences,
        stores,
        EvaluationSettings(
            progress=not several,
            protocols=protocols,
            rules=arguments.rules,
            absent_below=arguments.absent_below,
            supervised=supervised,
            repetitions=arguments.repetitions,
            eao_interval=interval,
        ),
    )
    if arguments.export_results:
        folder = arguments.out / 'export' / arguments.export_results
        export_results(
            arguments.export_results, sequences, stores, protocols, arguments.repetitions, folder
        )
    if pair:
        from ..evaluation.side_by_side import write_side_by_side

        report['videos'] = write_side_by_side(report, sequences, *pair, arguments.out / 'videos')
    report['half'] = arguments.half
    report['left_out'] = [asdict(each) for each in left_out]
    report['run'] = describe_run(arguments.words)
    write_plots(report, arguments.out)
    write_report(report, arguments.out)
    print('\n'.join([*overall_table(report), *told_table(report)]))
    print(f'Report: {arguments.out / "report.md"}')
    return 0


def _start_importing(arguments: argparse.Namespace) -> None:
    from ..evaluation.peers import PEERS
    from ..evaluation.worker_start import start_importing

    names = {name.strip() for name in arguments.trackers.split(',')}
    start_importing(torch=bool(arguments.variant or names - {*PEERS, ''}))


def _sequences(arguments: argparse.Namespace) -> tuple[list[Sequence], list[LeftOut]]:
    """Return the sequences to run over, and those of the sets that cannot be read."""
    from ..evaluation.metrics import has_size
    from ..evaluation.report import sequence_count
    from ..sequences.benchmarks import LeftOut, read_benchmark
    from ..sequences.benchmarks.halves import half_of

    sequences, left_out = [], list[LeftOut]()
    for root in arguments.roots:
        found = read_benchmark(
            root, arguments.split, arguments.sequences, arguments.sixteen_bit, left_out
        )
        for sequence in found:
            if len(sequence) < 2:
                continue  # a still
            if arguments.max_frames:
                sequence = sequence.part(0, arguments.max_frames)
            if has_size(sequence.boxes).any():
                sequences.append(sequence)
            else:
                logger.warning('%s: no box to start on; left out', sequence.key)
    if not sequences:
        raise ValueError('no sequence of two frames or more has a box to start on')
    if arguments.half:
        count = len(sequences)
        sequences = [one for one in sequences if half_of(one) == arguments.half]
        if not sequences:
            raise ValueError(f"none of {count} sequences is in the half '{arguments.half}'")
    if left_out:
        names = ', '.join(each.name for each in left_out)
        logger.warning(
            '%s cannot be read, %d are run: %s',
            sequence_count(len(left_out)),
            len(sequences),
            names,
        )
    return sequences, left_out


def _stores(arguments: argparse.Namespace) -> list[Store]:
    """Name the trackers; they are loaded when their turn comes."""
    from ..evaluation.peers import PEERS
    from ..evaluation.runner import Store
    from ..sequences.benchmarks.readers import is_plain_name

    stores: list[Store] = []
    folder = arguments.out / 'results'
    for name in filter(None, (part.strip() for part in arguments.trackers.split(','))):
        if name in PEERS:
            stores.append(Store(name, folder / name, _peer(name, arguments), arguments.fresh))
            continue
        try:
            stores.append(_own(name, name, {}, arguments))
        except ValueError as error:
            raise ValueError(f'{error}; peers are {", ".join(PEERS)}') from error
    for variant in arguments.variant:
        name, _, rest = variant.partition('=')
        preset, *changes = rest.split(',')
        if not name or not preset or not all('=' in change for change in changes):
            raise ValueError(f"--variant '{variant}' is not NAME=PRESET[,KEY=VALUE...]")
        settings = dict(change.split('=', 1) for change in changes)
        try:
            stores.append(_own(name, preset, settings, arguments))
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f'--variant {variant}: {error}') from error
    for result in arguments.results:
        name, _, path = result.partition('=')
        if not name or not Path(path).is_dir():
            raise ValueError(f"--results '{result}' is not NAME=DIR with a folder DIR")
        stores.append(Store(name, Path(path), cut=bool(arguments.max_frames)))
    names = [store.name for store in stores]
    for name in names:
        if names.count(name) > 1 or not is_plain_name(name):
            raise ValueError(f"the tracker name '{name}' is given twice or is a path")
    if not stores:
        raise ValueError('no tracker: give --trackers, --variant or --results')
    return stores


def _pair(
    arguments: argparse.Namespace, stores: list[Store], protocols: tuple[str, ...]
) -> tuple[Store, Store] | None:
    """Return the two trackers that a video shows; None where none is asked for."""
    if not arguments.video:
        return None
    named = {store.name: store for store in stores}
    names = arguments.video.split(',')
    if len(names) != 2 or len(set(names)) < 2:
        raise ValueError(f"--video '{arguments.video}' is not A,B, two of the trackers")
    for name in names:
        if name not in named:
            raise ValueError(f"--video: '{name}' is none of the trackers {', '.join(named)}")
    if 'one-pass' not in protocols:
        raise ValueError('--video shows one-pass runs, and the protocol is supervised')
    return named[names[0]], named[names[1]]


def _peer(name: str, arguments: argparse.Namespace) -> Callable[[], Tracker]:
    from ..evaluation.peers import load_peer

    files = tuple(arguments.nanotrack) if arguments.nanotrack else None
    load_peer(name, files)  # so that a missing file is told before hours of others' runs
    return partial(load_peer, name, files)


def _own(name: str, preset: str, settings: dict[str, str], arguments: argparse.Namespace) -> Store:
    import yaml

    from ..evaluation.runner import Store
    from ..tracking import loading

    values = {key: yaml.safe_load(value) for key, value in settings.items() if key != 'weights'}
    weights = {key: value for key, value in settings.items() if key == 'weights'}
    options = {'device': arguments.device, 'threads': arguments.threads, **values, **weights}

    # A name, setting or file that is wrong is told before hours of others' runs. Loaded again at
    # its turn, since the number of threads holds for the whole process.
    engine = loading.load_tracker(preset, **options)
    return Store(
        name,
        arguments.out / 'results' / name,
        partial(_load_own, preset, options),
        arguments.fresh,
        thresholds=engine.settings.thresholds,
        calibrated=engine.calibrated,
    )


def _load_own(preset: str, options: dict[str, Any]) -> Tracker:
    from ..tracking import loading

    tracker = loading.load_tracker(preset, **options)
    tracker.warm_up()
    return tracker
