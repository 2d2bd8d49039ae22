# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The command `evaluate`, from folders of images to the report."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
import json
import math
import os
from pathlib import Path
import platform
import re

import cv2
from fake_tracker import FakeTracker
import numpy as np
import pytest

from tir_tracker_ros import __version__, cli
from tir_tracker_ros.evaluation import peers
from tir_tracker_ros.evaluation.metrics import DISTANCES, NORMALISED_DISTANCES, OVERLAPS
from tir_tracker_ros.evaluation.plots import draw_plots
from tir_tracker_ros.evaluation.report import PLOTS
from tir_tracker_ros.tracking import loading
from tir_tracker_ros.tracking.settings import TrackingSettings

FRAMES = 14


def make_sequence(folder: Path, seed: int = 0, truth: str = 'groundtruth.txt') -> np.ndarray:
    """Write a textured square that moves over noise; returns its boxes, 0-based."""
    random = np.random.default_rng(seed)
    (folder / 'img').mkdir(parents=True)
    background = random.integers(60, 90, (72, 96)).astype(np.uint8)
    target = random.integers(150, 250, (4, 4)).astype(np.uint8).repeat(5, 0).repeat(5, 1)
    boxes = np.array([[20 + 2 * index, 24 + index, 20, 20] for index in range(FRAMES)], float)
    for index, (x, y, w, h) in enumerate(boxes.astype(int)):
        image = background.copy()
        image[y : y + h, x : x + w] = target
        cv2.imwrite(str(folder / 'img' / f'{index:04}.png'), image)
    write_boxes(folder / truth, boxes)
    return boxes


def write_boxes(path: Path, boxes: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(','.join(map(str, box)) + '\n' for box in boxes))


@pytest.fixture
def root(tmp_path):
    """Two plain sequences, and results beside them: one perfect, one that never moves."""
    for name, seed in (('a', 1), ('b', 2)):
        boxes = make_sequence(tmp_path / 'data' / name, seed)
        write_boxes(tmp_path / 'perfect' / f'{name}.txt', boxes)
        write_boxes(tmp_path / 'still' / f'{name}.txt', boxes[:1].repeat(FRAMES, 0))
    return tmp_path


@pytest.fixture
def loaded(monkeypatch):
    """Let a fake tracker stand for our presets; returns those that were warmed up for a run."""
    calls = []

    class Fake(FakeTracker):
        def __init__(self, model, settings):
            super().__init__()
            self.call = model, settings
            self.settings, self.calibrated = TrackingSettings(), True

        def warm_up(self):
            calls.append(self.call)

    monkeypatch.setattr(loading, 'load_tracker', lambda model, **settings: Fake(model, settings))
    return calls


def evaluate(root, *arguments, roots=('data',)):
    command = ['evaluate', *(str(root / each) for each in roots), '--out', str(root / 'out')]
    return cli.main([*command, *map(str, arguments)])


def report_of(root):
    return json.loads((root / 'out' / 'report.json').read_text())


def test_results_of_other_trackers_are_judged_and_reported(root, capsys):
    others = [f'--results={name}={root / name}' for name in ('still', 'perfect')]
    assert evaluate(root, *others) == 0
    report = report_of(root)
    perfect, still = (report['trackers'][name] for name in ('perfect', 'still'))
    assert perfect['success_auc'] == pytest.approx(20 / 21)
    assert perfect['precision_20'] == perfect['norm_precision'] == 1
    assert 0 < still['success_auc'] < 0.6
    assert perfect['fps'] is None
    assert set(perfect['sequences']) == {'a', 'b'}
    assert perfect['sequences']['a']['success_auc'] == pytest.approx(20 / 21)
    for name in ('success.png', 'precision.png', 'norm_precision.png', 'report.md'):
        assert (root / 'out' / name).stat().st_size > 0
    rows = list(csv.DictReader((root / 'out' / 'sequences.csv').open()))
    assert [(row['tracker'], row['sequence']) for row in rows] == [
        ('still', 'a'), ('still', 'b'), ('perfect', 'a'), ('perfect', 'b'),
    ]  # fmt: skip
    table = capsys.readouterr().out
    assert table.index('| perfect | 0.952') < table.index('| still |')


def test_peers_follow_a_plain_target_and_are_timed(root):
    assert evaluate(root, '--trackers', 'csrt,kcf,mil', '--sequences', 'a') == 0
    for name, metrics in report_of(root)['trackers'].items():
        assert metrics['success_auc'] > (0.3 if name == 'mil' else 0.6), name
        assert metrics['fps'] > 1
        assert metrics['false_loss'] == 0.0, name  # found, whatever OpenCV says of the score


def test_a_second_run_takes_up_what_is_there(root, loaded, capsys):
    assert evaluate(root, '--trackers', 'mmnet_fast', '--sequences', 'a') == 0
    first = report_of(root)['trackers']['mmnet_fast']['sequences']['a']
    kept = root / 'out' / 'results' / 'mmnet_fast' / 'data' / 'a.txt'
    before = kept.stat().st_mtime_ns
    assert evaluate(root, '--trackers', 'mmnet_fast') == 0
    assert kept.stat().st_mtime_ns == before
    assert report_of(root)['trackers']['mmnet_fast']['sequences']['a'] == first
    assert len(loaded) == 2
    assert evaluate(root, '--trackers', 'mmnet_fast') == 0  # all is there: not even loaded
    assert len(loaded) == 2
    assert evaluate(root, '--trackers', 'mmnet_fast', '--fresh') == 0
    assert kept.stat().st_mtime_ns != before


def test_a_result_over_fewer_frames_is_run_anew(root, loaded):
    assert evaluate(root, '--trackers', 'mmnet_fast', '--max-frames', 5) == 0
    assert report_of(root)['sets']['data'] == {'sequences': 2, 'frames': 10}
    assert evaluate(root, '--trackers', 'mmnet_fast') == 0
    assert report_of(root)['trackers']['mmnet_fast']['success_auc'] > 0.8
    assert len(loaded) == 2


def test_variants_pass_weights_and_settings_on(root, loaded):
    variant = 'seed1=mmnet_fast:x'.replace(':x', ',weights=w.safetensors,template_interval=3')
    assert evaluate(root, '--variant', variant, '--threads', 1) == 0
    (model, settings), = loaded  # fmt: skip
    assert model == 'mmnet_fast'
    assert settings == {
        'device': 'auto', 'threads': 1, 'weights': 'w.safetensors', 'template_interval': 3,
    }  # fmt: skip
    assert 'seed1' in report_of(root)['trackers']


def test_several_roots_are_told_apart(root):
    make_sequence(root / 'more' / 'a', 5)
    for name in ('data/a', 'data/b', 'more/a'):
        boxes = np.loadtxt(root / name / 'groundtruth.txt', delimiter=',')
        write_boxes(root / 'by_set' / f'{name}.txt', boxes)
    assert evaluate(root, f'--results=x={root / "by_set"}', roots=('data', 'more')) == 0
    metrics = report_of(root)['trackers']['x']
    assert set(metrics['sequences']) == {'data/a', 'data/b', 'more/a'}
    assert {name: each['sequences'] for name, each in metrics['sets'].items()} == {
        'data': 2, 'more': 1,
    }  # fmt: skip


def test_results_lie_in_the_coordinates_of_the_set_and_attributes_get_a_table(root, loaded):
    boxes = make_sequence(root / 'otb' / 'c', 4, 'groundtruth_rect.txt')
    (root / 'otb' / 'anno' / 'att').mkdir(parents=True)
    (root / 'otb' / 'anno' / 'att' / 'c.txt').write_text('0,1,0,0,0,1,0,0,0,0\n')
    options = ('--trackers', 'mmnet_fast', f'--results=copy={root / "out/results/mmnet_fast"}')
    assert evaluate(root, '--trackers', 'mmnet_fast', roots=('otb',)) == 0
    written = (root / 'out' / 'results' / 'mmnet_fast' / 'otb' / 'c.txt').read_text()
    first = [float(value) for value in written.splitlines()[0].split(',')]
    assert first == boxes[0].tolist()  # as in groundtruth_rect.txt, from 1
    assert evaluate(root, *options, roots=('otb',)) == 0
    report = report_of(root)['trackers']
    assert report['copy']['success_auc'] == report['mmnet_fast']['success_auc'] > 0.8
    assert set(report['copy']['attributes']) == {'occlusion', 'fast_motion'}
    assert (root / 'out' / 'attributes.png').is_file()
    assert '| occlusion | 1 |' in (root / 'out' / 'report.md').read_text()


def test_vot_sets_get_the_supervised_protocol_too(root, loaded):
    folder = root / 'vot' / 'c'
    make_sequence(folder, 4)
    for path in (folder / 'img').iterdir():
        path.rename(folder / path.name)
    (folder / 'img').rmdir()
    (folder / 'occlusion.label').write_text('0\n' * (FRAMES - 4) + '1\n' * 4)
    assert evaluate(root, '--trackers', 'mmnet_fast', roots=('vot',)) == 0
    report = report_of(root)
    metrics = report['trackers']['mmnet_fast']
    assert report['protocols'] == ['one-pass', 'supervised']
    assert report['eao_interval'] == [FRAMES, FRAMES]
    assert metrics['success_auc'] > 0.8
    assert metrics['failures'] == metrics['robustness'] == 0
    assert metrics['accuracy'] > 0.8
    assert metrics['eao'] > 0.8
    assert metrics['tags']['occlusion']['frames'] == 4
    for name in ('eao_curve.png', 'eao_ranking.png', 'accuracy_robustness.png'):
        assert (root / 'out' / name).is_file()
    interval = ('--eao-interval', 2, 5, '--protocol', 'supervised')
    assert evaluate(root, '--trackers', 'mmnet_fast', *interval, roots=('vot',)) == 0
    report = report_of(root)
    assert report['eao_interval'] == [2, 5]
    assert report['protocols'] == ['supervised']
    assert not (root / 'out' / 'success.png').exists()


def test_frames_without_truth_are_left_out_unless_the_toolkit_rules_are_chosen(root):
    path = root / 'data' / 'a' / 'groundtruth.txt'
    lines = path.read_text().splitlines()
    lines[5] = 'nan,nan,nan,nan'
    path.write_text('\n'.join(lines))
    results = f'--results=x={root / "perfect"}'
    assert evaluate(root, results, '--sequences', 'a') == 0
    assert report_of(root)['trackers']['x']['success_auc'] == pytest.approx(20 / 21)
    assert evaluate(root, results, '--sequences', 'a', '--toolkit-rules') == 0
    report = report_of(root)
    assert report['rules'] == 'toolkit'
    expected = 20 / 21 * (FRAMES - 1) / FRAMES
    assert report['trackers']['x']['success_auc'] == pytest.approx(expected)


def test_a_protocol_may_be_added_to_a_run_of_the_other(root, loaded):
    assert evaluate(root, '--trackers', 'mmnet_fast') == 0
    assert evaluate(root, '--trackers', 'mmnet_fast', '--protocol', 'both') == 0
    metrics = report_of(root)['trackers']['mmnet_fast']
    assert set(metrics['sequences']['a']) >= {'success_auc', 'accuracy', 'failures', 'fps'}


# ------------------------------------------------------------------- the report
def test_the_report_says_what_was_run_when_and_on_what(root):
    assert evaluate(root, f'--results=perfect={root / "perfect"}', '--sequences', 'a*') == 0
    run = report_of(root)['run']
    command = f'tir-tracker evaluate {root / "data"} --out {root / "out"}'
    assert run['command'].startswith(command) and run['command'].endswith("--sequences 'a*'")
    age = datetime.now().astimezone() - datetime.fromisoformat(run['date'])
    assert timedelta() <= age < timedelta(minutes=5)
    versions = run['versions']
    assert versions['tir_tracker_ros'] == __version__ and versions['opencv'] == cv2.__version__
    assert platform.platform() in run['machine'] and f'{os.cpu_count()} CPUs' in run['machine']
    text = (root / 'out' / 'report.md').read_text()
    assert run['command'] in text and f'{run["date"]}, on {run["machine"]}' in text
    assert f'opencv {cv2.__version__}' in text


def test_the_report_shows_its_own_plots_and_success_first(root):
    (root / 'out').mkdir()
    (root / 'out' / 'another.png').write_bytes(b'')
    assert evaluate(root, f'--results=perfect={root / "perfect"}') == 0
    shown = re.findall(r'^!\[.*\]\((.*)\)$', (root / 'out' / 'report.md').read_text(), re.M)
    assert shown == ['success.png', 'precision.png', 'norm_precision.png']


def large_report(trackers: int) -> dict:
    """Return a report of both protocols, with long names and one perfect tracker."""
    metrics = {}
    for order in range(trackers):
        score = 1 - order / trackers
        metrics[f'tracker_{order}_with_a_rather_long_name'] = {
            'success_auc': score,
            'precision_20': score,
            'norm_precision': score,
            'curves': {
                'success': [score] * len(OVERLAPS),
                'precision': [score] * len(DISTANCES),
                'norm_precision': [score] * len(NORMALISED_DISTANCES),
            },
            'attributes': {
                f'an_attribute_of_many_letters_{n}': {'success_auc': score, 'sequences': 9}
                for n in range(17)
            },
            'eao': score,
            'eao_curve': [score] * 100,
            'accuracy': score,
            'failures': order,
            'frames': 1000,
            'fps': 10.0 + order,
            'f_score': score,
            'long_term_curves': {
                'lt_precision': [1, score],
                'lt_recall': [0, score],
                'f_score': [0, score],
                'confidence': [0.9, 0.1],
            },
            'reliability': {
                'images': [0, 7, 9],
                'mean_score': [math.nan, 0.5, 0.9],
                'on_target': [math.nan, 0.4, score],
                'error': 0.1,
            },
        }
    names = [f'set_with_a_long_name_{n}' for n in range(1 if trackers < 9 else 5)]
    return {
        'protocols': ['one-pass', 'supervised'],
        'sets': {name: {'sequences': 20, 'frames': 1000} for name in names},
        'eao_interval': [30, 60],
        'trackers': metrics,
    }


@pytest.mark.parametrize('trackers', [1, 25])
def test_nothing_in_a_plot_is_clipped_or_covered(trackers):
    figures = draw_plots(large_report(trackers))
    assert list(figures) == list(PLOTS)
    for name, figure in figures.items():
        figure.draw_without_rendering()
        (axes,), (legend,) = figure.axes, figure.legends
        assert len(legend.get_texts()) - (name == 'eao_curve.png') == trackers
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height, name
        assert not legend.get_window_extent().overlaps(axes.get_window_extent()), name
        assert axes.get_window_extent().width > 0.35 * figure.bbox.width, name
        assert not any(line.get_clip_on() for line in axes.get_lines()), name


def test_the_title_of_a_plot_names_set_and_number_of_sequences():
    few, many = draw_plots(large_report(1)), draw_plots(large_report(9))
    title = few['success.png'].axes[0].get_title()
    assert title == 'Success: set_with_a_long_name_0 (20 sequences)'
    title = many['precision.png'].axes[0].get_title().replace('\n', ' ')
    assert title.startswith('Precision: set_with_a_long_name_0, set_with')
    assert title.endswith('set_with_a_long_name_4 (100 sequences)')


# ------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ([], 'no tracker: give --trackers, --variant or --results'),
        (['--trackers', 'mil,mil2', '--results', 'mil=.'], "'mil' is given twice"),
        (['--trackers', 'nanotrack'], 'nanotrack needs its two files: --nanotrack'),
        (['--trackers', 'nanotrack', '--nanotrack', 'x.onnx', 'y.onnx'], 'x.onnx is not a file'),
        (['--results', 'x=/nowhere'], "'x=/nowhere' is not NAME=DIR"),
        (['--variant', 'x=mmnet_fast,weights'], 'is not NAME=PRESET'),
        (['--trackers', 'mil', '--threads', '0'], '--threads 0 is not 1 or more'),
        (['--trackers', 'mil', '--max-frames', '-3'], '--max-frames -3 is not 1 or more'),
        (['--trackers', 'mil', '--eao-interval', '9', '3'], '9 3 is not 1 <= LOW <= HIGH'),
        (['--trackers', 'mil', '--split', 'val'], "has split 'val'"),
        (['--trackers', 'mil', '--sequences', 'z*'], "a name like 'z*'"),
    ],
)
def test_bad_arguments_end_with_a_reason(root, loaded, capsys, arguments, reason):
    assert evaluate(root, *arguments) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--trackers', 'mil,mmnet_fats'], "no model 'mmnet_fats'; .*did you mean 'mmnet_fast'?"),
        (['--trackers', 'csrtt'], "no model 'csrtt'; .*peers are csrt, .*did you mean 'csrt'?"),
        (['--variant', 'x=cfnet_fst'], "--variant x=cfnet_fst: .*did you mean 'cfnet_fast'?"),
        (
            ['--variant', 'x=cfnet_fast,widnow_weight=1'],
            "unknown tracking setting 'widnow_weight'; .*did you mean 'window_weight'?",
        ),
        (['--variant', 'x=cfnet_fast,tracking=papre'], "no tracking 'papre'.*mean 'paper'?"),
        (['--variant', 'x=cfnet_fast,weights=3'], "--variant .*no weight file '3'"),
        (['--variant', 'x=cfnet_fast,min_scale=low'], '--variant x=cfnet_fast,min_scale=low: '),
        (['--trackers', 'cfnet_fast', '--device', 'cdua'], "device 'cdua' is not auto, cpu"),
    ],
)
def test_what_is_misspelt_is_refused_before_the_first_image(root, capsys, arguments, reason):
    assert evaluate(root, '--trackers', 'mil', *arguments) == 1
    assert re.search(reason, capsys.readouterr().err)
    assert not (root / 'out').exists()


def test_a_missing_result_is_named(root, capsys):
    (root / 'still' / 'b.txt').unlink()
    assert evaluate(root, f'--results=still={root / "still"}') == 1
    assert 'still has no results for data/b: none of data/b.txt, b.txt' in capsys.readouterr().err


def test_results_of_others_are_read_before_the_first_image(root, loaded, capsys):
    (root / 'still' / 'b.txt').unlink()
    assert evaluate(root, '--trackers', 'mmnet_fast', f'--results=still={root / "still"}') == 1
    assert 'still has no results for data/b' in capsys.readouterr().err
    assert not loaded


def test_a_broken_result_is_named_with_its_line(root, capsys):
    (root / 'still' / 'b.txt').write_text('1,2,3,4\n1,2,3\n' + '1,2,3,4\n' * FRAMES)
    assert evaluate(root, f'--results=still={root / "still"}') == 1
    assert "b.txt:2: '1,2,3' is not 'x,y,w,h'" in capsys.readouterr().err


def test_results_may_be_longer_than_a_sequence_that_is_cut(root, capsys):
    assert evaluate(root, f'--results=still={root / "still"}', '--max-frames', 9) == 0


def test_a_tracker_is_not_named_like_a_folder_elsewhere(root, capsys):
    assert evaluate(root, '--variant=..=mmnet_fast') == 1
    assert "the tracker name '..' is given twice or is a path" in capsys.readouterr().err


def test_nanotrack_of_broken_files_is_refused(tmp_path):
    files = tmp_path / 'backbone.onnx', tmp_path / 'head.onnx'
    for path in files:
        path.write_bytes(b'no network')
    with pytest.raises(ValueError, match='backbone.onnx and .*head.onnx are not NanoTrack'):
        peers.load_peer('nanotrack', files)


def test_a_peer_that_this_opencv_lacks_says_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, 'TrackerKCF_create', raising=False)
    monkeypatch.delattr(cv2, 'TrackerKCF', raising=False)
    monkeypatch.delattr(cv2, 'legacy', raising=False)
    with pytest.raises(ImportError, match='has no TrackerKCF; pip install'):
        peers.load_peer('kcf')
