# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The life of a target without ROS: inits, stamps, ids, states, one answer an image."""

import math

from fake_tracker import FakeTracker
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_blob import at, HEIGHT, scene, truth, WIDTH
import numpy as np
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.thermal_image import ThermalImage
from tir_tracker_ros.tracking.follower import (
    Answer,
    Follower,
    FollowerSettings,
    InitRefused,
    InitRequest,
    TargetIds,
)
from tir_tracker_ros.tracking.tracker import Estimate


class ScriptedTracker:
    """Answer with given scores, or with what else a test wants from a tracker."""

    name = 'scripted'
    class_name = ''

    def __init__(self, scores=(), box=None):
        self.scores, self.box, self.updates = list(scores), box, 0

    def init(self, image, box):
        self.box = self.box or box

    def update(self, image):
        self.updates += 1
        return Estimate(self.box, self.scores.pop(0) if self.scores else 0.9)


@pytest.fixture
def told():
    return []


@pytest.fixture
def follower(told):
    return Follower(FakeTracker(), warn=told.append, ids=TargetIds())


def started(tracker, **kwargs) -> Follower:
    follower = Follower(tracker, **kwargs)
    follower.image(scene(0))
    follower.init(InitRequest(truth(0)))
    return follower


@pytest.mark.parametrize('given, expected', [('', 'person'), ('dog', 'dog')])
def test_the_class_is_what_the_init_says_or_else_the_tracker(given, expected):
    tracker = ScriptedTracker()
    tracker.class_name = 'person'
    follower = Follower(tracker)
    follower.image(scene(0))
    answers = follower.init(InitRequest(truth(0), class_id=given))
    assert [answer.class_id for answer in answers] == [expected]


def test_answers_nothing_before_an_init(follower):
    assert follower.image(scene(0)) == []
    assert follower.status.state == 'idle'


def test_follows_the_box_with_one_answer_an_image(follower):
    follower.image(scene(0))
    answers = follower.init(InitRequest(truth(0), class_id='person'))
    for number in range(1, 10):
        answers += follower.image(scene(number))
    assert [answer.stamp for answer in answers] == [at(number) for number in range(10)]
    assert [answer.box for answer in answers] == [truth(number) for number in range(10)]
    assert {(answer.id, answer.class_id, answer.state) for answer in answers} == {
        ('1', 'person', 'tracking')
    }
    assert answers[0].score == 1.0
    assert follower.status.state == 'tracking'


def test_init_before_the_first_image_waits_for_it(follower):
    assert follower.init(InitRequest(truth(0))) == []
    assert 'waits for the first image' in follower.status.reason
    assert [answer.box for answer in follower.image(scene(0))] == [truth(0)]


def test_init_on_an_earlier_image_catches_up(follower):
    for number in range(6):
        follower.image(scene(number))
    answers = follower.init(InitRequest(truth(2), stamp=at(2)))
    assert [answer.stamp for answer in answers] == [at(number) for number in (2, 3, 4, 5)]
    assert answers[-1].box == truth(5)


def test_init_between_two_stamps_starts_on_the_later_image(follower):
    for number in range(3):
        follower.image(scene(number))
    answers = follower.init(InitRequest(truth(1), stamp=at(1) - 5))
    assert [answer.stamp for answer in answers] == [at(1), at(2)]


def test_init_of_a_later_stamp_waits_for_its_image(follower):
    follower.image(scene(0))
    assert follower.init(InitRequest(truth(2), stamp=at(2))) == []
    assert '1.200000000 s' in follower.status.reason
    assert follower.image(scene(1)) == []
    assert [answer.box for answer in follower.image(scene(2))] == [truth(2)]


def test_images_that_were_dropped_can_be_named_by_an_init(follower):
    follower.image(scene(0))
    follower.remember(scene(1))
    follower.remember(scene(2))
    follower.image(scene(3))
    answers = follower.init(InitRequest(truth(1), stamp=at(1)))
    assert [answer.stamp for answer in answers] == [at(1), at(2), at(3)]


def test_no_image_is_answered_twice_when_a_second_init_goes_back(follower):
    follower.image(scene(0))
    answers = follower.init(InitRequest(truth(0)))
    for number in range(1, 6):
        answers += follower.image(scene(number))
    assert follower.init(InitRequest(truth(2), stamp=at(2))) == []
    answers += follower.image(scene(6))
    assert [answer.stamp for answer in answers] == [at(number) for number in range(7)]
    assert [answer.id for answer in answers] == ['1'] * 6 + ['2']
    assert answers[-1].box == truth(6)


def test_init_older_than_the_buffer_is_refused_and_the_target_stays(told):
    follower = Follower(
        FakeTracker(), FollowerSettings(buffer_size=3), warn=told.append, ids=TargetIds()
    )
    for number in range(5):
        follower.image(scene(number))
    follower.init(InitRequest(truth(4)))
    with pytest.raises(InitRefused, match=r'1\.100000000 s is 0\.100 s older than the oldest'):
        follower.init(InitRequest(truth(1), stamp=at(1)))
    assert follower.status.state == 'tracking'
    assert 'refused' in follower.status.reason
    assert [answer.id for answer in follower.image(scene(5))] == ['1']


@pytest.mark.parametrize(
    ('box', 'reason'),
    [
        (Box(10, 10, 0, 20), 'width 0 and height 20 have to be positive'),
        (Box(10, 10, 20, -1), 'height -1 have to be positive'),
        (Box(math.nan, 10, 20, 20), 'nan,10,20,20 refused: it is not finite'),
        (Box(10, 10, math.inf, 20), 'not finite'),
        (Box(10, 10, 20, 3), r'20 x 3 pixels are too few .* 4 or more'),
        (Box(10, 10, 97, 20), 'larger than the image of 96 x 72 pixels'),
        (Box(200, 10, 20, 20), 'outside of the image of 96 x 72 pixels'),
        (Box(-18, 10, 20, 20), 'only 2 x 20 pixels of it lie inside'),
    ],
)
def test_a_box_that_cannot_be_followed_is_refused_with_its_value(follower, box, reason):
    follower.image(scene(0))
    with pytest.raises(InitRefused, match=reason):
        follower.init(InitRequest(box))
    assert follower.status.state == 'idle'
    assert follower.status.reason
    assert follower.image(scene(1)) == []


def test_a_bad_box_that_waited_for_its_image_is_refused_then(follower, told):
    follower.init(InitRequest(Box(200, 10, 20, 20)))
    assert follower.image(scene(0)) == []
    assert len(told) == 1
    assert 'outside of the image' in told[0]
    assert 'outside of the image' in follower.status.reason


def test_an_init_on_a_blank_image_is_refused(follower):
    follower.image(ThermalImage(np.full((HEIGHT, WIDTH), 7, np.uint16), 1))
    with pytest.raises(InitRefused, match='blank'):
        follower.init(InitRequest(truth(0)))


def test_a_rotated_box_is_followed_by_its_hull(follower):
    follower.image(scene(0))
    (answer,) = follower.init(InitRequest(Box(30, 30, 20, 10), theta=math.pi / 2))
    assert tuple(answer.box) == pytest.approx((35, 25, 10, 20))


def test_the_later_of_two_waiting_inits_wins_and_the_earlier_is_told(follower, told):
    follower.init(InitRequest(truth(0), id='a'))
    follower.init(InitRequest(truth(0), id='b'))
    assert len(told) == 1
    assert 'gives way' in told[0]
    assert [answer.id for answer in follower.image(scene(0))] == ['b']


def test_the_later_of_two_inits_on_one_image_is_followed(follower):
    follower.image(scene(0))
    answers = follower.init(InitRequest(truth(0), id='a'))
    answers += follower.init(InitRequest(truth(0), id='b'))
    answers += follower.image(scene(1))
    assert [(answer.stamp, answer.id) for answer in answers] == [(at(0), 'a'), (at(1), 'b')]


def test_made_ids_differ_between_followers_and_from_ids_that_inits_brought():
    seen = set()
    for id in ('', '1000000', '', ''):
        follower = Follower(FakeTracker())
        follower.image(scene(0))
        (answer,) = follower.init(InitRequest(truth(0), id=id))
        assert answer.id
        seen.add(answer.id)
    assert len(seen) == 4


def test_a_changed_image_size_ends_the_target_and_the_next_init_works_at_once(follower):
    follower.image(scene(0))
    follower.init(InitRequest(truth(0)))
    assert follower.image(scene(1, width=128)) == []
    assert follower.status.state == 'idle'
    assert 'from 96 x 72 to 128 x 72' in follower.status.reason
    assert len(follower.init(InitRequest(truth(1)))) == 1


def test_a_jump_back_of_the_stamps_is_told_once_and_the_target_stays(follower, told):
    answers = []
    for number in range(4):
        answers += follower.image(scene(number))
        if number == 0:
            answers += follower.init(InitRequest(truth(0)))
    for number in range(3):
        answers += follower.image(scene(4 + number, stamp=at(number)))
    assert len(answers) == 7
    assert len({answer.id for answer in answers}) == 1
    assert len(told) == 1
    assert 'jump back from 1.300000000 s to 1.000000000 s' in told[0]
    with pytest.raises(InitRefused, match='older than the oldest of 3 buffered'):
        follower.init(InitRequest(truth(0), stamp=at(0) - 1))


@pytest.mark.parametrize('stamps', [[0] * 5, [7] * 5, [2**62 + n for n in range(5)]])
def test_images_are_answered_whatever_their_stamps(follower, stamps):
    answers = []
    for number, stamp in enumerate(stamps):
        answers += follower.image(scene(number, stamp))
        if number == 0:
            answers += follower.init(InitRequest(truth(0)))
    assert [answer.stamp for answer in answers] == stamps
    assert answers[-1].box == truth(4)


def test_states_follow_the_score_with_hysteresis():
    scores = [0.9, 0.35, 0.45, 0.6, 0.1, 0.1, 0.1, 0.3, 0.45, 0.5, 0.9]
    states = ['tracking', 'uncertain', 'uncertain', 'tracking', 'uncertain', 'uncertain',
              'lost', 'lost', 'lost', 'tracking', 'tracking']  # fmt: skip
    changes = []
    follower = started(
        ScriptedTracker(scores),
        settings=FollowerSettings(
            lost_below=0.2, uncertain_below=0.4, found_above=0.5, lost_after=3
        ),
        on_status=lambda status: changes.append(status.state),
    )
    answers = [follower.image(scene(number))[0] for number in range(1, len(scores) + 1)]
    assert [answer.state for answer in answers] == states
    assert [answer.score is None for answer in answers] == [state == 'lost' for state in states]
    assert changes == ['tracking', 'uncertain', 'tracking', 'uncertain', 'lost', 'tracking']


def test_the_status_names_the_score_and_the_limit():
    thresholds = FollowerSettings(lost_below=0.2, uncertain_below=0.4, found_above=0.5)
    follower = started(ScriptedTracker([0.3]), settings=thresholds)
    follower.image(scene(1))
    assert follower.status.reason == 'score 0.300 is below uncertain_below 0.4'
    assert follower.status.figures['score'] == 0.3


def test_a_lost_target_keeps_its_last_good_box():
    tracker = ScriptedTracker([0.9, 0.0])
    follower = started(tracker, settings=FollowerSettings(lost_after=1))
    follower.image(scene(1))
    good, tracker.box = tracker.box, Box(0, 0, 5, 5)
    (answer,) = follower.image(scene(2))
    assert (answer.state, answer.box) == ('lost', good)


@pytest.mark.parametrize(
    ('box', 'score'),
    [(Box(math.nan, 0, 5, 5), 0.9), (Box(0, 0, 5, 0), 0.9), (Box(0, 0, 5, 5), math.nan)],
)
def test_nothing_that_is_not_finite_gets_out(box, score):
    tracker = ScriptedTracker([score])
    follower = started(tracker)
    tracker.box = box
    (answer,) = follower.image(scene(1))
    assert answer.box == truth(0)
    assert answer.score == 0.0


def test_frozen_images_are_answered_without_running_the_tracker():
    tracker = ScriptedTracker()
    follower = started(tracker)
    answers = follower.image(scene(1))
    for _ in range(12):
        answers += follower.image(scene(1))
    assert tracker.updates == 1
    assert len(answers) == 13
    assert len({(answer.box, answer.score, answer.state) for answer in answers}) == 1
    assert 'repeated itself' in follower.status.reason
    follower.image(scene(2))
    assert 'repeated itself' not in follower.status.reason


@pytest.mark.parametrize('value', [np.uint8(0), np.uint8(200)])
def test_a_blank_image_is_answered_without_a_result_and_the_target_stays(value):
    tracker = ScriptedTracker()
    follower = started(tracker)
    (answer,) = follower.image(ThermalImage(np.full((HEIGHT, WIDTH), value), at(1)))
    assert (answer.state, answer.score, answer.box) == ('lost', None, truth(0))
    assert 'blank' in follower.status.reason
    assert tracker.updates == 0
    assert follower.image(scene(2))[0].state == 'tracking'
    assert follower.status.state == 'tracking'


def test_an_image_of_nothing_but_nan_is_answered_with_finite_numbers():
    follower = Follower(FakeTracker())
    picture = np.random.default_rng(0).random((HEIGHT, WIDTH)).astype(np.float32)
    follower.image(ThermalImage(picture, 1, '32FC1'))
    follower.init(InitRequest(truth(0)))
    (answer,) = follower.image(ThermalImage(np.full_like(picture, np.nan), 2, '32FC1'))
    assert (answer.state, answer.score) == ('lost', None)
    assert np.isfinite(answer.image01).all()


def test_a_single_hot_pixel_does_not_hide_the_target():
    follower = Follower(FakeTracker())
    answers = []
    for number in range(5):
        pixels = scene(number).pixels.astype(np.uint16) + 8000
        if number >= 2:
            pixels[5, 5] = 65535
        answers += follower.image(ThermalImage(pixels, at(number), 'mono16'))
        if number == 0:
            answers += follower.init(InitRequest(truth(0)))
    assert [answer.box for answer in answers] == [truth(number) for number in range(5)]
    assert answers[-1].score > 0.9


def test_reset_forgets_target_and_waiting_init(follower):
    follower.image(scene(0))
    follower.init(InitRequest(truth(0)))
    follower.init(InitRequest(truth(9), stamp=at(9)))
    follower.reset()
    assert (follower.status.state, follower.status.reason) == ('idle', 'reset')
    assert follower.image(scene(9)) == []
    (answer,) = follower.init(InitRequest(truth(9)))
    assert answer.id == '2'


def test_while_paused_nothing_is_answered_and_the_target_stays(follower):
    follower.image(scene(0))
    follower.init(InitRequest(truth(0)))
    follower.enable(False)
    assert (follower.status.state, follower.status.reason) == ('idle', 'paused')
    assert follower.image(scene(1)) == []
    follower.enable(True)
    assert follower.status.state == 'tracking'
    assert [answer.box for answer in follower.image(scene(2))] == [truth(2)]


def test_an_init_while_paused_waits_until_resumed(follower):
    follower.enable(False)
    follower.image(scene(0))
    follower.init(InitRequest(truth(0), stamp=at(0)))
    assert 'until the tracker is enabled' in follower.status.reason
    assert follower.image(scene(1)) == []
    follower.enable(True)
    answers = follower.image(scene(2))
    assert [answer.stamp for answer in answers] == [at(0), at(1), at(2)]


def test_a_failing_tracker_leaves_the_follower_usable():
    tracker = ScriptedTracker()
    follower = started(tracker)
    tracker.scores = ['no number']
    with pytest.raises(TypeError):
        follower.image(scene(1))
    assert follower.image(scene(2))[0].state == 'tracking'


def test_changed_thresholds_apply_from_the_next_image_on():
    follower = started(ScriptedTracker([0.72, 0.72]))
    assert follower.image(scene(1))[0].state == 'tracking'
    follower.change(FollowerSettings(uncertain_below=0.8, found_above=0.9))
    assert follower.image(scene(2))[0].state == 'uncertain'


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'lost_below': 0.5, 'uncertain_below': 0.4}, 'lost_below 0.5, uncertain_below 0.4'),
        ({'found_above': 1.5}, 'found_above 1.5'),
        ({'lost_below': math.nan}, 'lost_below nan'),
        ({'buffer_size': 0}, 'buffer_size 0'),
        ({'lost_after': 0}, 'lost_after 0'),
        ({'smallest_side': 0.0}, 'smallest_side 0.0'),
    ],
)
def test_settings_out_of_range_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        FollowerSettings(**changes)


_ACTIONS = st.one_of(
    st.tuples(st.just('image'), st.integers(0, 12)),
    st.tuples(st.just('remember'), st.integers(0, 12)),
    st.tuples(st.just('init'), st.integers(0, 14)),
    st.tuples(st.sampled_from(['reset', 'pause', 'resume']), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_ACTIONS, max_size=25))
def test_whatever_happens_images_are_answered_in_order_and_at_most_once(actions):
    follower = Follower(ScriptedTracker(), FollowerSettings(buffer_size=4), warn=lambda text: None)
    answers: list[Answer] = []
    for action, number in actions:
        if action == 'image':
            answers += follower.image(scene(number))
        elif action == 'remember':
            follower.remember(scene(number))
        elif action == 'init':
            try:
                answers += follower.init(InitRequest(truth(number), stamp=at(number)))
            except InitRefused as refusal:
                assert 'older than the oldest' in str(refusal)
        elif action == 'reset':
            follower.reset()
        else:
            follower.enable(action == 'resume')
    indices = [answer.index for answer in answers]
    assert indices == sorted(set(indices))
    assert all(answer.id and answer.box.is_finite() for answer in answers)
