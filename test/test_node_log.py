# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the node logs and counts stays small, whatever comes and however long."""

import tracemalloc

from moving_blob import truth
import numpy as np
import pytest

from tir_tracker_ros.nodes import quiet_log
from tir_tracker_ros.nodes.counters import Counters
from tir_tracker_ros.nodes.quiet_log import QuietLog
from tir_tracker_ros.tracking.target import Answer


class Lines(list):
    """A logger that keeps what it is given."""

    info = warning = error = list.append


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but for what a test adds to it."""
    now = [1000.0]
    monkeypatch.setattr(quiet_log.time, 'monotonic', lambda: now[0])
    return now


def test_the_same_line_is_logged_again_after_five_seconds_with_the_number_left_out(clock):
    lines = Lines()
    log = QuietLog(lines)
    for _ in range(100):
        log.error('device lost')
    assert lines == ['device lost']
    clock[0] += 5
    log.error('device lost')
    log.error('device lost')
    assert lines[1:] == ['device lost (99 more like it were not logged)']


def test_of_lines_that_differ_in_numbers_the_first_few_are_logged_then_one_in_five_seconds(clock):
    lines = Lines()
    log = QuietLog(lines)
    for number in range(3000):  # at 100 Hz
        log.warning(f'init box {number},-2.5,nan refused')
        clock[0] += 0.01
    assert 8 <= len(lines) <= 12
    assert lines[0] == 'init box 0,-2.5,nan refused'
    log.warning('another thing')
    assert lines[-1] == 'another thing'


def test_what_is_of_one_kind_by_name_is_limited_together(clock):
    lines = Lines()
    log = QuietLog(lines)
    for name in 'abcdefghijk':
        log.info(f'tracking: target {name}', kind='tracking')
    log.info('lost', kind='lost')
    assert len(lines) == 6 and lines[-1] == 'lost'


def grown(work) -> int:
    """Return how many bytes the thousandth and later calls leave behind."""
    tracemalloc.start()
    for _ in range(1000):
        work()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(5000):
        work()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown


def test_counting_takes_no_memory_while_nobody_asks_for_diagnostics():
    counters = Counters()
    answer = Answer(1, 1, truth(1), 0.9, 'tracking', '1', '', np.zeros((2, 2), np.float32))

    def image():
        counters.received()
        counters.answered(answer, 12.5)

    assert grown(image) < 5000  # a number for each image would be 160,000


class Nothing:
    """A logger that keeps nothing."""

    def error(self, text):
        pass


def test_a_log_of_ever_new_lines_takes_no_memory():
    log = QuietLog(Nothing())
    names = iter(range(10_000))

    def line():
        log.error('x'.join(str(next(names)).translate(str.maketrans('0123456789', 'abcdefghij'))))

    assert grown(line) < 20_000
