# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The summary of a run, and the demo itself: player and node in two processes, over DDS."""

from __future__ import annotations

import json
import math
from pathlib import Path
import re
import subprocess
import sys

import pytest

from tir_tracker_ros.evaluation.node_run import describe, Detected, summarize
from tir_tracker_ros.geometry import Box

BOX = Box(10, 20, 30, 40)
ROOT = Path(__file__).resolve().parents[1]


def line(stamp: int, milliseconds: float = 5.0) -> dict[str, str]:
    """Return a line of the node's record."""
    return {
        'stamp': str(stamp),
        'arrival_ns': '1000000000',
        'publish_ns': str(1_000_000_000 + round(milliseconds * 1e6)),
    }


def test_an_image_without_answer_is_dropped_only_if_the_node_never_processed_it():
    summary = summarize([1, 2, 3, 4], [line(1), line(2), line(3)], {1: Detected(BOX, 1.0)}, None)
    assert summary['frames'] == 4
    assert summary['dropped'] == 1
    assert summary['answered'] == 1


def test_images_with_the_same_stamp_count_each():
    summary = summarize([7, 7, 7], [line(7), line(7)], {7: Detected(BOX, 1.0)}, None)
    assert summary['frames'] == 3
    assert summary['dropped'] == 1


def test_overlap_counts_lost_as_zero_and_leaves_out_images_without_the_target():
    answers = {1: Detected(BOX, 0.9), 2: Detected(BOX, None), 3: Detected(BOX, 0.9)}
    truth = {1: BOX, 2: BOX}
    summary = summarize([1, 2, 3], [line(1), line(2), line(3)], answers, truth)
    assert summary['mean_overlap'] == pytest.approx(0.5)


def test_without_ground_truth_the_overlap_is_null():
    summary = summarize([1], [line(1)], {1: Detected(BOX, 1.0)}, None)
    assert summary['mean_overlap'] is None
    assert 'not known' in describe(summary)


def test_latency_is_from_arrival_to_publishing():
    lines = [line(stamp, milliseconds=stamp) for stamp in range(1, 102)]
    answers = {stamp: Detected(BOX, 1.0) for stamp in range(1, 102)}
    summary = summarize(range(1, 102), lines, answers, None)
    assert summary['latency_ms_p50'] == pytest.approx(51)
    assert summary['latency_ms_p99'] == pytest.approx(100)


def test_a_run_that_never_started_has_a_summary():
    summary = summarize([1, 2], [], {}, {1: BOX})
    assert summary['dropped'] == 2
    assert summary['latency_ms_p50'] is None
    assert len(describe(summary).splitlines()) == 5


def test_demo_over_dds(tmp_path):
    """
    A short run of the whole: every image is accounted for and the target is followed.

    At half of the usual rate, so that it holds on a machine that does other things, too.
    """
    words = [sys.executable, '-m', 'tir_tracker_ros.cli', 'demo', '--out', str(tmp_path)]
    result = subprocess.run(
        [*words, '--frames', '50', '--rate', '10'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['frames'] == 50
    assert summary['answered'] + summary['dropped'] == 50
    assert summary['answered'] >= 0.9 * 50
    assert summary['mean_overlap'] >= 0.6
    assert summary['latency_ms_p50'] > 0 and math.isfinite(summary['latency_ms_p99'])
    (command,) = (line for line in result.stdout.splitlines() if line.endswith(' --view'))
    words = command.partition('targets: ')[2].split()
    assert words[1:5] == ['-m', 'tir_tracker_ros.cli', 'track', str(tmp_path / 'scene')]
    assert Path(words[0]).resolve() == Path(sys.executable).resolve()
    assert re.fullmatch(r'--init=([\d.]+,){3}[\d.]+', words[5])
    for name in ('annotated.mp4', 'overlap.png', 'detections/metadata.yaml', 'summary.txt'):
        assert (tmp_path / name).stat().st_size > 0


def test_demo_of_an_unreadable_source_says_why(tmp_path):
    words = [sys.executable, '-m', 'tir_tracker_ros.cli', 'demo', '--out', str(tmp_path)]
    words += ['--source', str(tmp_path / 'no.mp4'), '--init', '1,2,30,40']
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr.strip().endswith('no.mp4 does not exist')
