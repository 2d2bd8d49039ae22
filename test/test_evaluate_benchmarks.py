# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The command `evaluate` on benchmarks: their measures in its report, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tir_tracker_ros import cli

COUNT = 6
BOX = '4,5,6,7'


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines))


def images(folder: Path) -> None:
    folder.mkdir(parents=True)
    for index in range(COUNT):
        cv2.imwrite(str(folder / f'{index:08}.png'), np.full((24, 32), 40 * index, np.uint8))


def evaluate(root: Path, *options: str) -> dict:
    out = root / 'out'
    given = [f'--results=x={root / "x"}', f'--results=lost={root / "lost"}']
    assert cli.main(['evaluate', str(root / 'data'), '--out', str(out), *given, *options]) == 0
    return json.loads((out / 'report.json').read_text())


@pytest.fixture
def long_term(tmp_path):
    """Two long-term sequences whose target goes away, and two trackers, one of which knows it."""
    truth = [*[BOX] * 4, *['nan,nan,nan,nan'] * 2]
    for name in ('a', 'b'):
        folder = tmp_path / 'data' / name
        images(folder / 'color')
        write(folder / 'groundtruth.txt', truth)
        for tracker, told in (('x', [0.9, 0.9, 0.9, 0.1, 0.1]), ('lost', [0.5] * 5)):
            boxes = [BOX] * COUNT if tracker == 'x' else [BOX, *['20,15,6,7'] * 5]
            write(tmp_path / tracker / f'{name}.txt', boxes)
            write(tmp_path / tracker / f'{name}_confidence.value', ['', *map(str, told)])
    write(tmp_path / 'data' / 'list.txt', ['a', 'b', 'c'])
    return tmp_path


def test_f_over_confidence_stands_first_and_has_its_plot(long_term):
    report = evaluate(long_term)
    found = report['trackers']
    assert found['x']['f_score'] == pytest.approx(2 * 1 * 0.75 / 1.75)
    assert found['lost']['f_score'] == 0
    text = (long_term / 'out' / 'report.md').read_text()
    assert '| Tracker | F | Precision at F | Recall at F |' in text
    for name in ('long_term', 'f_confidence'):
        assert f'({name}.png)' in text and (long_term / 'out' / f'{name}.pdf').stat().st_size
    curves = found['x']['long_term_curves']
    best = int(np.argmax(curves['f_score']))
    assert curves['confidence'][best] == 0.9


def test_a_sequence_that_is_missing_is_told_and_stands_in_the_report(long_term, caplog):
    report = evaluate(long_term)
    assert [each['name'] for each in report['left_out']] == ['c']
    assert report['sets']['data']['sequences'] == 2
    assert '1 sequence cannot be read, 2 are run: c' in caplog.text
    assert '1 sequence could not be read: c.' in (long_term / 'out' / 'report.md').read_text()


def test_half_of_a_benchmark_may_be_missing(long_term, caplog):
    write(long_term / 'data' / 'list.txt', ['a', 'b', 'c', 'd'])
    report = evaluate(long_term)
    assert report['sets']['data']['sequences'] == 2
    assert '2 sequences cannot be read, 2 are run: c, d' in caplog.text
    assert '2 sequences could not be read: c, d.' in (long_term / 'out' / 'report.md').read_text()


@pytest.mark.parametrize('count', [COUNT - 2, COUNT + 2])
def test_a_truth_that_is_longer_or_shorter_than_the_images_is_told_and_cut(
    tmp_path, caplog, count
):
    for name, lines in (('a', count), ('b', COUNT)):
        images(tmp_path / 'data' / name / 'img')
        write(tmp_path / 'data' / name / 'groundtruth.txt', [BOX] * lines)
        for tracker in ('x', 'lost'):
            write(tmp_path / tracker / f'{name}.txt', [BOX] * min(lines, COUNT))
    report = evaluate(tmp_path)
    frames = {name: each['frames'] for name, each in report['trackers']['x']['sequences'].items()}
    assert frames == {'a': min(count, COUNT), 'b': COUNT}
    told = [each for each in caplog.messages if 'boxes for' in each]
    (line,) = told
    assert f'{count} boxes for {COUNT} images; cut to {min(count, COUNT)}' in line


def test_a_difference_beyond_chance_is_told_as_such(long_term):
    report = evaluate(long_term)
    assert report['differences']['lost']['f_score'][1] < 0
    rows = (long_term / 'out' / 'report.md').read_text().splitlines()
    (row,) = [row for row in rows if row.startswith('| lost | F |')]
    assert row.endswith('| yes |')


def test_the_table_for_latex_has_the_best_values_in_bold(long_term):
    evaluate(long_term)
    lines = (long_term / 'out' / 'table.tex').read_text().splitlines()
    assert lines[0].startswith(r'\begin{tabular}') and lines[-1] == r'\end{tabular}'
    (best,), (other,) = ([each for each in lines if each.startswith(n)] for n in ('x &', 'lost &'))
    assert best.startswith(r'x & \textbf{0.857}') and other.startswith('lost & 0.000')


def test_boxes_with_a_low_score_may_say_that_there_is_no_target(tmp_path):
    folder = tmp_path / 'data' / 'uav'
    images(folder)
    label = {'exist': [1, 1, 1, 1, 0, 0], 'gt_rect': [[4, 5, 6, 7]] * 4 + [[]] * 2}
    write(folder / 'IR_label.json', [json.dumps(label)])
    for tracker in ('x', 'lost'):
        write(tmp_path / tracker / 'uav.txt', [BOX] * COUNT)
    write(tmp_path / 'x' / 'uav_confidence.value', ['', '0.9', '0.9', '0.9', '0.2', '0.6'])
    found = evaluate(tmp_path)['trackers']
    assert found['x']['state_accuracy'] == found['lost']['state_accuracy'] == 4 / 6
    found = evaluate(tmp_path, '--absent-below', '0.5')['trackers']
    assert found['x']['state_accuracy'] == pytest.approx(5 / 6)
    assert found['x']['success_auc'] == found['lost']['success_auc']


def test_a_folder_of_two_layouts_is_told_once_a_set(tmp_path, caplog):
    for name in ('a', 'b'):
        folder = tmp_path / 'data' / name
        images(folder / 'img')
        write(folder / 'groundtruth.txt', ['1,1,6,7'] * COUNT)
        write(folder / 'groundtruth_rect.txt', [BOX] * COUNT)
        for tracker in ('x', 'lost'):
            write(tmp_path / tracker / f'{name}.txt', [BOX] * COUNT)
    evaluate(tmp_path)
    assert caplog.text.count('has the files of the layouts OTB and plain; it is read as OTB') == 1


def test_results_for_other_sequences_are_told_in_a_line(tmp_path, capsys):
    images(tmp_path / 'data' / 'a' / 'img')
    write(tmp_path / 'data' / 'a' / 'groundtruth.txt', [BOX] * COUNT)
    write(tmp_path / 'x' / 'other.txt', [BOX] * COUNT)
    command = ['evaluate', str(tmp_path / 'data'), '--out', str(tmp_path / 'out')]
    assert cli.main([*command, f'--results=x={tmp_path / "x"}', '--jobs', '2']) != 0
    assert 'x has no results for data/a' in capsys.readouterr().err
