# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The thread of the model: newest image wins, commands keep their place, failures are told."""

import threading

import pytest

from tir_tracker_ros.nodes.worker import KEYS, Worker


class Desk:
    """A worker whose first image takes until it is let go."""

    def __init__(self, capacity=10):
        self.done: list[str] = []
        self.errors: list[BaseException] = []
        self.busy, self.go = threading.Event(), threading.Event()
        self.worker = Worker(self.process, self.skip, self.errors.append, capacity)

    def process(self, image):
        if image == 'first':
            self.busy.set()
            assert self.go.wait(10)
        if image == 'bad':
            raise ValueError(image)
        self.done.append(f'processed {image}')

    def skip(self, image):
        self.done.append(f'skipped {image}')

    def hold(self):
        """Keep the thread busy, so that what is posted next waits together."""
        self.worker.post('first')
        assert self.busy.wait(10)

    def finish(self):
        """Let the thread work off what waits."""
        empty = threading.Event()
        self.worker.call(empty.set)
        self.go.set()
        assert empty.wait(10)
        return self.done


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.go.set()
    desk.worker.stop()


def test_the_newest_image_is_processed_and_the_others_are_passed_over(desk):
    desk.hold()
    for image in 'abc':
        desk.worker.post(image)
    assert desk.finish() == ['processed first', 'skipped a', 'skipped b', 'processed c']
    assert desk.worker.dropped == 2


def test_commands_keep_their_place_among_the_images(desk):
    desk.hold()
    desk.worker.post('a')
    desk.worker.call(lambda: desk.done.append('command'))
    desk.worker.post('b')
    assert desk.finish() == ['processed first', 'skipped a', 'command', 'processed b']


def test_of_the_commands_that_wait_under_a_key_the_newest_is_called(desk):
    desk.hold()
    passed_over = [
        desk.worker.call(lambda name=name: desk.done.append(name), key=name[0])
        for name in ('a1', 'b1', 'a2', 'a3', 'b2')
    ]
    assert passed_over == [0, 0, 1, 1, 1]
    assert desk.finish() == ['processed first', 'a3', 'b2']


def test_no_more_than_a_few_keys_wait(desk):
    desk.hold()
    passed_over = [
        desk.worker.call(lambda key=key: desk.done.append(key), key=key) for key in range(100)
    ]
    assert sum(passed_over) == 100 - KEYS
    assert desk.finish() == ['processed first', *range(100 - KEYS, 100)]


def test_what_is_urgent_waits_for_nothing_but_the_work_at_hand(desk):
    desk.hold()
    desk.worker.post('a')
    desk.worker.call(lambda: desk.done.append('command'))
    desk.worker.post('b')
    desk.worker.call_next(lambda: desk.done.append('reset'))
    desk.worker.call_next(lambda: desk.done.append('pause'))
    assert desk.finish() == [
        'processed first', 'reset', 'pause', 'skipped a', 'command', 'processed b'
    ]  # fmt: skip


def test_images_that_come_while_others_are_skipped_do_not_keep_the_newest_waiting():
    done, go, end = [], threading.Event(), threading.Event()

    def skip(image):
        done.append('skipped')
        assert go.wait(10)
        if len(done) < 1000:
            worker.post('next')

    def process(image):
        done.append('processed')
        if len(done) > 1:
            end.set()

    worker = Worker(process, skip, done.append, 10)
    worker.call(lambda: [worker.post('image') for _ in range(2)])
    go.set()
    assert end.wait(10)
    worker.stop()
    assert done[:2] == ['skipped', 'processed']


def test_what_fails_is_told_and_the_next_is_processed(desk):
    desk.worker.post('bad')
    desk.finish()
    desk.worker.post('good')
    assert desk.finish() == ['processed good']
    assert [str(error) for error in desk.errors] == ['bad']


def test_no_more_than_the_capacity_waits():
    desk = Desk(capacity=2)
    desk.hold()
    for image in 'abcd':
        desk.worker.post(image)
    assert desk.finish() == ['processed first', 'skipped c', 'processed d']
    assert desk.worker.dropped == 3
    desk.worker.stop()


def test_stop_finishes_the_work_at_hand_and_forgets_the_rest(desk):
    desk.hold()
    desk.worker.post('a')
    stopper = threading.Thread(target=desk.worker.stop)
    stopper.start()
    desk.go.set()
    stopper.join(10)
    assert not stopper.is_alive()
    assert desk.done == ['processed first']
