# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A stream with several targets: room, ids, one pass for all, the same object, the end of one."""

from fake_tracker import FakeTracker
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_blob import at, second, truth, two
import numpy as np
import pytest

from tir_tracker_ros.imaging.thermal_image import ThermalImage
from tir_tracker_ros.tracking.inits import InitRefused, InitRequest
from tir_tracker_ros.tracking.stream import Stream
from tir_tracker_ros.tracking.stream_settings import StreamSettings
from tir_tracker_ros.tracking.target import TargetIds


class CountingTracker(FakeTracker):
    """Counts the passes, and fails when it is told to."""

    def __init__(self):
        super().__init__()
        self.passes, self.failing = [], False

    def update(self, image, tracks):
        self.passes.append(len(tracks))
        if self.failing:
            raise RuntimeError('out of memory')
        return super().update(image, tracks)


class Several(Stream):
    """A stream of several targets that keeps all that it tells."""

    def __init__(self, max_targets=2, tracker=None, **changes):
        self.images_answered, self.warnings, self.statuses = [], [], []
        super().__init__(
            tracker or CountingTracker(),
            StreamSettings(max_targets=max_targets, **changes),
            warn=self.warnings.append,
            on_status=self.statuses.append,
            ids=TargetIds(),
            on_image=self.images_answered.append,
        )

    def boxes(self, number):
        """Take the image with two blobs and return the boxes of the answers by id."""
        before = len(self.images_answered)
        self.image(two(number))
        assert len(self.images_answered) <= before + 1
        answers = self.images_answered[-1] if len(self.images_answered) > before else []
        return {answer.id: answer.box for answer in answers}


@pytest.fixture
def stream():
    made = Several()
    made.image(two(0))
    made.init_together([InitRequest(truth(0), id='a'), InitRequest(second(0), id='b')])
    return made


def test_all_targets_are_followed_in_one_pass_and_answered_together(stream):
    assert [answer.id for answer in stream.images_answered[0]] == ['a', 'b']
    for number in range(1, 6):
        assert stream.boxes(number) == {'a': truth(number), 'b': second(number)}
    assert stream.tracker.passes == [2] * 5
    assert {status.id for status in stream.statuses} == {'a', 'b'}


def test_two_targets_get_the_same_boxes_as_each_alone(stream):
    for number in range(1, 8):
        together = stream.boxes(number)
    for id, box in (('a', truth), ('b', second)):
        alone = Several(max_targets=1)
        alone.image(two(0))
        alone.init(InitRequest(box(0), id=id))
        for number in range(1, 8):
            last = alone.boxes(number)
        assert last == {id: together[id]}


def test_with_one_target_every_init_replaces_it_whatever_its_id():
    stream = Several(max_targets=1)
    stream.image(two(0))
    stream.init(InitRequest(truth(0), id='a'))
    stream.init(InitRequest(second(0), id='b'))
    assert stream.boxes(1) == {'b': second(1)}


def test_the_id_of_a_living_target_starts_it_anew_and_none_adds_one():
    stream = Several(max_targets=3)
    stream.image(two(0))
    stream.init(InitRequest(truth(0), id='a'))
    stream.init(InitRequest(second(0), id='a'))
    assert stream.boxes(1) == {'a': second(1)}
    stream.init(InitRequest(truth(1)))
    assert set(stream.boxes(2).values()) == {truth(2), second(2)}


def test_beyond_the_room_an_init_is_refused_and_the_others_live_on(stream):
    stream.boxes(1)
    with pytest.raises(InitRefused, match='max_targets 2 are followed, a, b, or wait'):
        stream.init(InitRequest(truth(1), id='c'))
    assert 'max_targets 2' in stream.status.reason and not stream.status.id
    assert set(stream.boxes(2)) == {'a', 'b'}


def test_inits_that_wait_take_room_and_start_together():
    stream = Several()
    stream.init(InitRequest(truth(0), id='a'))
    stream.init(InitRequest(second(0), id='b'))
    with pytest.raises(InitRefused, match='none, or wait for their image'):
        stream.init(InitRequest(truth(0)))
    assert stream.boxes(0) == {'a': truth(0), 'b': second(0)}


def test_a_late_init_catches_up_without_a_second_answer_for_an_image(stream):
    stream.cancel('b')
    for number in range(1, 5):
        stream.boxes(number)
    stream.init(InitRequest(second(2), stamp=at(2), id='late'))
    assert [answers[0].stamp for answers in stream.images_answered] == [at(n) for n in range(5)]
    assert stream.boxes(5) == {'a': truth(5), 'late': second(5)}


def test_a_cancelled_target_ends_and_says_so_and_the_other_lives_on(stream):
    stream.cancel('a')
    assert (stream.status.id, stream.status.state) == ('a', 'idle')
    assert stream.status.reason == 'cancelled'
    assert stream.boxes(1) == {'b': second(1)}
    with pytest.raises(LookupError, match="'a' refused: there are only b"):
        stream.cancel('a')
    stream.cancel()
    assert stream.state == 'idle' and stream.boxes(2) == {}
    with pytest.raises(LookupError, match='there is no target with an id'):
        stream.cancel('b')


def test_a_waiting_init_can_be_cancelled():
    stream = Several()
    stream.init(InitRequest(truth(0), id='a'))
    stream.cancel('a')
    assert stream.boxes(0) == {}


def test_two_targets_on_the_same_object_are_told_once_and_again_after_they_were_apart():
    stream = Several()
    stream.image(two(0))
    a, b = InitRequest(truth(0), id='a'), InitRequest(truth(0), id='b')
    stream.init_together([a, b])
    for number in range(1, 4):
        stream.boxes(number)
    told = [text for text in stream.warnings if 'same object' in text]
    assert len(told) == 1 and 'targets a and b' in told[0]
    assert {s.id for s in stream.statuses if 'same object as target' in s.reason} == {'a', 'b'}
    stream.init(InitRequest(second(3), id='b'))
    stream.boxes(4)
    stream.init(InitRequest(truth(4), id='b'))
    stream.boxes(5)
    assert len([text for text in stream.warnings if 'same object' in text]) == 2


def test_a_failing_model_loses_no_target_and_each_says_why(stream):
    stream.tracker.failing = True
    with pytest.raises(RuntimeError):
        stream.image(two(1))
    assert [answer.score for answer in stream.images_answered[-1]] == [None, None]
    assert {s.id for s in stream.statuses if 'out of memory' in s.reason} == {'a', 'b'}
    stream.tracker.failing = False
    assert set(stream.boxes(2)) == {'a', 'b'}


def test_pause_and_a_new_image_size_are_told_of_each_target(stream):
    stream.enable(False)
    assert {s.id for s in stream.statuses if s.reason == 'paused'} == {'a', 'b'}
    assert stream.state == 'idle' and stream.boxes(1) == {}
    stream.enable(True)
    assert stream.boxes(2) == {'a': truth(2), 'b': second(2)}
    stream.image(ThermalImage(np.zeros((50, 60), np.uint8), at(3)))
    assert {s.id for s in stream.statuses if 'size changed' in s.reason} == {'a', 'b', ''}
    assert not stream.targets


_ACTIONS = st.one_of(
    st.tuples(st.sampled_from(['image', 'remember', 'reset', 'pause', 'resume']), st.just('')),
    st.tuples(st.sampled_from(['init', 'late', 'cancel']), st.sampled_from(['', 'a', 'b', 'c'])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_ACTIONS, max_size=30))
def test_whatever_happens_there_is_room_and_each_image_is_answered_once(actions):
    stream = Several(3, buffer_size=4)
    for number, (action, id) in enumerate(actions):
        try:
            if action == 'image':
                stream.image(two(number))
            elif action == 'remember':
                stream.remember(two(number))
            elif action in ('init', 'late'):
                stamp = at(max(number - 3, 0)) if action == 'late' else 0
                stream.init(InitRequest(truth(number), stamp, id))
            elif action == 'cancel':
                stream.cancel(id)
            elif action == 'reset':
                stream.reset()
            else:
                stream.enable(action == 'resume')
        except (InitRefused, LookupError):
            pass
        ids = [target.id for target in stream.targets]
        assert len(ids) == len(set(ids)) <= 3
    indices = [answers[0].index for answers in stream.images_answered]
    assert indices == sorted(set(indices))
    for answers in stream.images_answered:
        assert len({answer.id for answer in answers}) == len(answers)
        assert len({answer.index for answer in answers}) == 1
