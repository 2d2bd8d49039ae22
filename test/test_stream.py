# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A stream and its target without ROS: inits, stamps, ids, states, one answer an image."""

from dataclasses import replace
import math
import tracemalloc

from fake_tracker import FakeTracker
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_blob import at, HEIGHT, scene, truth, WIDTH
import numpy as np
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.gain import GainSettings
from tir_tracker_ros.imaging.thermal_image import ThermalImage
from tir_tracker_ros.tracking.inits import InitRefused, InitRequest
from tir_tracker_ros.tracking.states import Thresholds
from tir_tracker_ros.tracking.stream import Stream
from tir_tracker_ros.tracking.stream_settings import StreamSettings
from tir_tracker_ros.tracking.target import TargetIds
from tir_tracker_ros.tracking.track import Estimate, Mask, Track


class ScriptedTracker:
    """Answer with given scores, or with what else a test wants from a tracker."""

    name = 'scripted'
    device = 'cpu'

    def __init__(self, scores=(), box=None, class_name=''):
        self.scores, self.box, self.updates = list(scores), box, 0
        self.class_name, self.calibrated = class_name, True

    def start(self, image, box):
        self.box = self.box or box
        return Track(box, self.class_name)

    def update(self, image, tracks):
        self.updates += 1
        score = self.scores.pop(0) if self.scores else 0.97
        if isinstance(score, Exception):
            raise score
        return [Estimate(self.box, score, calibrated=self.calibrated) for _ in tracks]


class Collecting(Stream):
    """A stream whose `image` and `init` return the answers that they gave."""

    def __init__(self, tracker, settings=None, **kwargs):
        self.answers = []
        super().__init__(tracker, settings, self.answers.append, **kwargs)

    def image(self, image):
        before = len(self.answers)
        assert super().image(image) is (len(self.answers) > before)
        return self.answers[before:]

    def init(self, request):
        before = len(self.answers)
        super().init(request)
        return self.answers[before:]

    def click(self, x, y):
        before = len(self.answers)
        super().click(x, y)
        return self.answers[before:]


@pytest.fixture
def told():
    return []


@pytest.fixture
def stream(told):
    return Collecting(FakeTracker(), warn=told.append, ids=TargetIds())


def started(tracker, **kwargs) -> Collecting:
    stream = Collecting(tracker, **kwargs)
    stream.image(scene(0))
    stream.init(InitRequest(truth(0)))
    return stream


@pytest.mark.parametrize('given, expected', [('', 'person'), ('dog', 'dog')])
def test_the_class_is_what_the_init_says_or_else_the_tracker(given, expected):
    stream = Collecting(ScriptedTracker(class_name='person'))
    stream.image(scene(0))
    answers = stream.init(InitRequest(truth(0), class_id=given))
    assert [answer.class_id for answer in answers] == [expected]


def test_answers_nothing_before_an_init(stream):
    assert stream.image(scene(0)) == []
    assert stream.status.state == 'idle'


def test_follows_the_box_with_one_answer_an_image(stream):
    stream.image(scene(0))
    answers = stream.init(InitRequest(truth(0), class_id='person'))
    for number in range(1, 10):
        answers += stream.image(scene(number))
    assert [answer.stamp for answer in answers] == [at(number) for number in range(10)]
    assert [answer.box for answer in answers] == [truth(number) for number in range(10)]
    assert {(answer.id, answer.class_id, answer.state) for answer in answers} == {
        ('1', 'person', 'tracking')
    }
    assert answers[0].score == 1.0
    assert stream.status.state == 'tracking'


def test_init_before_the_first_image_waits_for_it(stream):
    assert stream.init(InitRequest(truth(0))) == []
    assert 'waits for the first image' in stream.status.reason
    assert [answer.box for answer in stream.image(scene(0))] == [truth(0)]


def test_init_on_an_earlier_image_catches_up(stream):
    for number in range(6):
        stream.image(scene(number))
    answers = stream.init(InitRequest(truth(2), stamp=at(2)))
    assert [answer.stamp for answer in answers] == [at(number) for number in (2, 3, 4, 5)]
    assert answers[-1].box == truth(5)


def test_init_between_two_stamps_starts_on_the_later_image(stream):
    for number in range(3):
        stream.image(scene(number))
    answers = stream.init(InitRequest(truth(1), stamp=at(1) - 5))
    assert [answer.stamp for answer in answers] == [at(1), at(2)]


def test_init_of_a_later_stamp_waits_for_its_image(stream):
    stream.image(scene(0))
    assert stream.init(InitRequest(truth(2), stamp=at(2))) == []
    assert '1.200000000 s' in stream.status.reason
    assert stream.image(scene(1)) == []
    assert [answer.box for answer in stream.image(scene(2))] == [truth(2)]


def test_images_that_were_dropped_can_be_named_by_an_init(stream):
    stream.image(scene(0))
    stream.remember(scene(1))
    stream.remember(scene(2))
    stream.image(scene(3))
    answers = stream.init(InitRequest(truth(1), stamp=at(1)))
    assert [answer.stamp for answer in answers] == [at(1), at(2), at(3)]


def test_no_image_is_answered_twice_when_a_second_init_goes_back(stream):
    stream.image(scene(0))
    answers = stream.init(InitRequest(truth(0)))
    for number in range(1, 6):
        answers += stream.image(scene(number))
    assert stream.init(InitRequest(truth(2), stamp=at(2))) == []
    answers += stream.image(scene(6))
    assert [answer.stamp for answer in answers] == [at(number) for number in range(7)]
    assert [answer.id for answer in answers] == ['1'] * 6 + ['2']
    assert answers[-1].box == truth(6)


def test_init_older_than_the_buffer_is_refused_and_the_target_stays(told):
    stream = Collecting(
        FakeTracker(), StreamSettings(buffer_size=3), warn=told.append, ids=TargetIds()
    )
    for number in range(5):
        stream.image(scene(number))
    stream.init(InitRequest(truth(4)))
    with pytest.raises(InitRefused, match=r'1\.100000000 s is 0\.100 s older than the oldest'):
        stream.init(InitRequest(truth(1), stamp=at(1)))
    assert stream.status.state == 'tracking'
    assert 'refused' in stream.status.reason
    assert [answer.id for answer in stream.image(scene(5))] == ['1']


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
def test_a_box_that_cannot_be_followed_is_refused_with_its_value(stream, box, reason):
    stream.image(scene(0))
    with pytest.raises(InitRefused, match=reason):
        stream.init(InitRequest(box))
    assert stream.status.state == 'idle'
    assert stream.status.reason
    assert stream.image(scene(1)) == []


def test_a_bad_box_that_waited_for_its_image_is_refused_then(stream, told):
    stream.init(InitRequest(Box(200, 10, 20, 20)))
    assert stream.image(scene(0)) == []
    assert len(told) == 1
    assert 'outside of the image' in told[0]
    assert 'outside of the image' in stream.status.reason


def test_an_init_on_a_blank_image_is_refused(stream):
    stream.image(ThermalImage(np.full((HEIGHT, WIDTH), 7, np.uint16), 1))
    with pytest.raises(InitRefused, match='blank'):
        stream.init(InitRequest(truth(0)))


def test_a_rotated_box_is_followed_by_its_hull(stream):
    stream.image(scene(0))
    (answer,) = stream.init(InitRequest(Box(30, 30, 20, 10), theta=math.pi / 2))
    assert tuple(answer.box) == pytest.approx((35, 25, 10, 20))


def test_the_later_of_two_waiting_inits_wins_and_the_earlier_is_told(stream, told):
    stream.init(InitRequest(truth(0), id='a'))
    stream.init(InitRequest(truth(0), id='b'))
    assert len(told) == 1
    assert 'gives way' in told[0]
    assert [answer.id for answer in stream.image(scene(0))] == ['b']


def test_the_later_of_two_inits_on_one_image_is_followed(stream):
    stream.image(scene(0))
    answers = stream.init(InitRequest(truth(0), id='a'))
    answers += stream.init(InitRequest(truth(0), id='b'))
    answers += stream.image(scene(1))
    assert [(answer.stamp, answer.id) for answer in answers] == [(at(0), 'a'), (at(1), 'b')]


def test_made_ids_differ_between_followers_and_from_ids_that_inits_brought():
    seen = set()
    for id in ('', '1000000', '', ''):
        stream = Collecting(FakeTracker())
        stream.image(scene(0))
        (answer,) = stream.init(InitRequest(truth(0), id=id))
        assert answer.id
        seen.add(answer.id)
    assert len(seen) == 4


def test_a_changed_image_size_ends_the_target_and_the_next_init_works_at_once(stream):
    stream.image(scene(0))
    stream.init(InitRequest(truth(0)))
    assert stream.image(scene(1, width=128)) == []
    assert stream.status.state == 'idle'
    assert 'from 96 x 72 to 128 x 72' in stream.status.reason
    assert len(stream.init(InitRequest(truth(1)))) == 1


def test_a_jump_back_of_the_stamps_is_told_once_and_the_target_stays(stream, told):
    answers = []
    for number in range(4):
        answers += stream.image(scene(number))
        if number == 0:
            answers += stream.init(InitRequest(truth(0)))
    for number in range(3):
        answers += stream.image(scene(4 + number, stamp=at(number)))
    assert len(answers) == 7
    assert len({answer.id for answer in answers}) == 1
    assert len(told) == 1
    assert 'jump back from 1.300000000 s to 1.000000000 s' in told[0]
    with pytest.raises(InitRefused, match='older than the oldest of 3 buffered'):
        stream.init(InitRequest(truth(0), stamp=at(0) - 1))


@pytest.mark.parametrize('stamps', [[0] * 5, [7] * 5, [2**62 + n for n in range(5)]])
def test_images_are_answered_whatever_their_stamps(stream, stamps):
    answers = []
    for number, stamp in enumerate(stamps):
        answers += stream.image(scene(number, stamp))
        if number == 0:
            answers += stream.init(InitRequest(truth(0)))
    assert [answer.stamp for answer in answers] == stamps
    assert answers[-1].box == truth(4)


def test_answers_and_status_follow_the_states_of_the_score():
    scores = [0.9, 0.35, 0.45, 0.6, 0.1, 0.1, 0.1, 0.3, 0.45, 0.5, 0.9]
    states = ['tracking', 'uncertain', 'uncertain', 'tracking', 'uncertain', 'uncertain',
              'lost', 'lost', 'uncertain', 'tracking', 'tracking']  # fmt: skip
    changes = []
    thresholds = Thresholds(lost_below=0.2, uncertain_below=0.4, found_above=0.5, lost_after=3)
    stream = started(
        ScriptedTracker(scores),
        settings=StreamSettings(thresholds=thresholds),
        on_status=lambda status: changes.append(status.state),
    )
    answers = [stream.image(scene(number))[0] for number in range(1, len(scores) + 1)]
    assert [answer.state for answer in answers] == states
    assert [answer.score is None for answer in answers] == [state == 'lost' for state in states]
    assert changes == ['tracking', 'uncertain', 'tracking', 'uncertain', 'lost', 'uncertain',
                       'tracking']  # fmt: skip


def test_the_status_names_the_score_and_the_limit():
    thresholds = Thresholds(lost_below=0.2, uncertain_below=0.4, found_above=0.5)
    stream = started(ScriptedTracker([0.3]), settings=StreamSettings(thresholds=thresholds))
    stream.image(scene(1))
    assert stream.status.reason == 'score 0.300 is below uncertain_below 0.4'
    assert stream.status.details['score'] == 0.3


def test_a_score_that_is_not_calibrated_is_at_best_uncertain():
    tracker = ScriptedTracker([1.0, 1.0])
    tracker.calibrated = False
    stream = started(tracker)
    answers = stream.image(scene(1)) + stream.image(scene(2))
    assert [answer.state for answer in answers] == ['uncertain', 'uncertain']
    assert stream.status.reason == 'score 1.000 is not calibrated'


def test_a_lost_target_keeps_its_last_good_box():
    tracker = ScriptedTracker([0.9, 0.0])
    stream = started(tracker, settings=StreamSettings(thresholds=Thresholds(lost_after=1)))
    stream.image(scene(1))
    good, tracker.box = tracker.box, Box(0, 0, 5, 5)
    (answer,) = stream.image(scene(2))
    assert (answer.state, answer.box) == ('lost', good)


def test_a_lost_target_keeps_the_angle_of_its_last_good_box_and_has_no_mask():
    class Turned(ScriptedTracker):
        def update(self, image, tracks):
            mask, theta = Mask(lambda: np.ones(image.shape, bool)), 0.1 * len(self.scores)
            estimates = super().update(image, tracks)
            return [replace(one, theta=theta, mask=mask) for one in estimates]

    tracker = Turned([0.9, 0.0])
    stream = started(tracker, settings=StreamSettings(thresholds=Thresholds(lost_after=1)))
    (seen,) = stream.image(scene(1))
    assert seen.theta == stream.targets[0].details()['theta'] and seen.mask.pixels.all()
    (lost,) = stream.image(scene(2))
    assert (lost.state, lost.theta, lost.mask) == ('lost', seen.theta, None)
    assert seen.theta > 0


@pytest.mark.parametrize(
    ('box', 'score'),
    [(Box(math.nan, 0, 5, 5), 0.9), (Box(0, 0, 5, 0), 0.9), (Box(0, 0, 5, 5), math.nan)],
)
def test_nothing_that_is_not_finite_gets_out(box, score):
    tracker = ScriptedTracker([score])
    stream = started(tracker)
    tracker.box = box
    (answer,) = stream.image(scene(1))
    assert answer.box == truth(0)
    assert answer.score == 0.0


def test_frozen_images_are_answered_without_running_the_tracker():
    tracker = ScriptedTracker()
    stream = started(tracker)
    answers = stream.image(scene(1))
    for _ in range(12):
        answers += stream.image(scene(1))
    assert tracker.updates == 1
    assert len(answers) == 13
    assert len({(answer.box, answer.score, answer.state) for answer in answers}) == 1
    assert 'repeated itself' in stream.status.reason
    stream.image(scene(2))
    assert 'repeated itself' not in stream.status.reason


@pytest.mark.parametrize('value', [np.uint8(0), np.uint8(200)])
def test_a_blank_image_is_answered_without_a_result_and_the_target_stays(value):
    tracker = ScriptedTracker()
    stream = started(tracker)
    (answer,) = stream.image(ThermalImage(np.full((HEIGHT, WIDTH), value), at(1)))
    assert (answer.state, answer.score, answer.box) == ('lost', None, truth(0))
    assert 'blank' in stream.status.reason
    assert tracker.updates == 0
    assert stream.image(scene(2))[0].state == 'tracking'
    assert stream.status.state == 'tracking'


def test_an_image_of_nothing_but_nan_is_answered_with_finite_numbers():
    stream = Collecting(FakeTracker())
    picture = np.random.default_rng(0).random((HEIGHT, WIDTH)).astype(np.float32)
    stream.image(ThermalImage(picture, 1, '32FC1'))
    stream.init(InitRequest(truth(0)))
    (answer,) = stream.image(ThermalImage(np.full_like(picture, np.nan), 2, '32FC1'))
    assert (answer.state, answer.score) == ('lost', None)
    assert np.isfinite(answer.image01).all()


def test_a_single_hot_pixel_does_not_hide_the_target():
    stream = Collecting(FakeTracker())
    answers = []
    for number in range(5):
        pixels = scene(number).pixels.astype(np.uint16) + 8000
        if number >= 2:
            pixels[5, 5] = 65535
        answers += stream.image(ThermalImage(pixels, at(number), 'mono16'))
        if number == 0:
            answers += stream.init(InitRequest(truth(0)))
    assert [answer.box for answer in answers] == [truth(number) for number in range(5)]
    assert answers[-1].score > 0.9


def test_reset_forgets_target_and_waiting_init(stream):
    stream.image(scene(0))
    stream.init(InitRequest(truth(0)))
    stream.init(InitRequest(truth(9), stamp=at(9)))
    stream.reset()
    assert (stream.status.state, stream.status.reason) == ('idle', 'reset')
    assert stream.image(scene(9)) == []
    (answer,) = stream.init(InitRequest(truth(9)))
    assert answer.id == '2'


def test_while_paused_nothing_is_answered_and_the_target_stays(stream):
    stream.image(scene(0))
    stream.init(InitRequest(truth(0)))
    stream.enable(False)
    assert (stream.status.state, stream.status.reason) == ('idle', 'paused')
    assert stream.image(scene(1)) == []
    stream.enable(True)
    assert stream.status.state == 'tracking'
    assert [answer.box for answer in stream.image(scene(2))] == [truth(2)]


def test_an_init_while_paused_waits_until_resumed(stream):
    stream.enable(False)
    stream.image(scene(0))
    stream.init(InitRequest(truth(0), stamp=at(0)))
    assert 'until the tracker is enabled' in stream.status.reason
    assert stream.image(scene(1)) == []
    stream.enable(True)
    answers = stream.image(scene(2))
    assert [answer.stamp for answer in answers] == [at(0), at(1), at(2)]


def fed(stream, numbers):
    """Feed images, some of which the model may fail on; return answers and causes."""
    before, causes = len(stream.answers), []
    for number in numbers:
        try:
            Stream.image(stream, scene(number))
        except RuntimeError as error:
            causes.append(str(error))
    return stream.answers[before:], causes


def test_a_failing_model_is_answered_without_a_result_until_it_works_again():
    changes = []
    stream = started(
        ScriptedTracker([0.97] + [RuntimeError('device lost\nsecond line')] * 6 + [0.1, 0.97]),
        settings=StreamSettings(thresholds=Thresholds(lost_after=3)),
        on_status=lambda status: changes.append((status.state, status.reason)),
    )
    answers, causes = fed(stream, range(1, 10))
    assert [answer.stamp for answer in answers] == [at(number) for number in range(1, 10)]
    states = ['tracking'] + ['uncertain'] * 2 + ['lost'] * 5 + ['tracking']
    assert [answer.state for answer in answers] == states
    assert [answer.score is None for answer in answers] == [
        state != 'tracking' for state in states
    ]
    assert {answer.box for answer in answers} == {truth(0)}
    assert causes == ['device lost\nsecond line'] * 6
    assert [state for state, _ in changes[1:]] == ['uncertain', 'lost', 'lost', 'tracking']
    assert changes[1][1] == changes[2][1] == 'the model failed: RuntimeError: device lost'
    assert changes[3][1] == 'score 0.100 is below found_above 0.95'
    assert len({answer.id for answer in answers}) == 1


def test_a_frozen_image_is_tried_again_where_the_model_had_failed_on_it():
    stream = started(ScriptedTracker([RuntimeError('out of memory'), 0.97]))
    answers, _ = fed(stream, [1, 1, 1])
    assert [answer.state for answer in answers] == ['uncertain', 'tracking', 'tracking']
    assert stream.tracker.updates == 2


class HardToStart(ScriptedTracker):
    """Fails to start as often as it is told to."""

    def __init__(self, failures, scores=()):
        super().__init__(scores, class_name='person')
        self.failures, self.starts = failures, []

    def start(self, image, box):
        self.starts.append((float(image.sum()), box))
        if len(self.starts) <= self.failures:
            raise RuntimeError('out of memory')
        return super().start(image, box)


def test_a_start_that_fails_is_answered_and_tried_again_on_the_image_of_the_init():
    stream = Collecting(HardToStart(2))
    for number in range(3):
        stream.image(scene(number))
    with pytest.raises(RuntimeError, match='out of memory'):
        stream.init(InitRequest(truth(1), stamp=at(1), id='7'))
    assert [(answer.stamp, answer.state, answer.score) for answer in stream.answers] == [
        (at(1), 'uncertain', None),
        (at(2), 'uncertain', None),
    ]
    assert stream.status.reason == 'the model failed: RuntimeError: out of memory'
    (answer,) = stream.image(scene(3))
    assert (answer.state, answer.id, answer.class_id) == ('tracking', '7', 'person')
    assert len(set(stream.tracker.starts)) == 1


def test_a_model_that_never_starts_makes_the_target_lost():
    stream = Collecting(HardToStart(100))
    stream.image(scene(0))
    with pytest.raises(RuntimeError):
        stream.init(InitRequest(truth(0)))
    answers, _ = fed(stream, range(1, 8))
    assert [answer.state for answer in answers] == ['uncertain'] * 3 + ['lost'] * 4
    assert stream.status.state == 'lost' and 'out of memory' in stream.status.reason


def test_a_failure_in_a_catch_up_costs_the_result_of_its_image_only():
    stream = Collecting(ScriptedTracker([0.97, RuntimeError('device lost'), 0.97]))
    for number in range(4):
        stream.image(scene(number))
    with pytest.raises(RuntimeError, match='device lost'):
        stream.init(InitRequest(truth(0), stamp=at(0)))
    assert [answer.stamp for answer in stream.answers] == [at(number) for number in range(4)]
    assert [answer.score is None for answer in stream.answers] == [False, False, True, False]
    assert [answer.stamp for answer in stream.image(scene(4))] == [at(4)]


def test_a_catch_up_over_a_thousand_images_takes_the_memory_of_a_few():
    stream = Stream(ScriptedTracker(), StreamSettings(buffer_size=1000))
    ground, size = scene(0).pixels, scene(0).pixels.size * 4  # bytes as float32
    for number in range(1000):
        pixels = np.roll(ground, (number // 90, number % 90), (0, 1))
        stream.remember(ThermalImage(pixels, at(number)))
    tracemalloc.start()
    stream.init(InitRequest(truth(0), stamp=at(0)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.tracker.updates == 999
    assert peak < 8 * size, peak / size


def test_an_answer_that_is_not_taken_does_not_cost_those_after_it():
    taken = []

    def take(answer):
        taken.append(answer.stamp)
        if answer.stamp == at(1):
            raise OSError('the disk is full')

    stream = Stream(ScriptedTracker(), on_answer=take)
    for number in range(4):
        stream.image(scene(number))
    with pytest.raises(OSError, match='disk is full'):
        stream.init(InitRequest(truth(0), stamp=at(0)))
    assert taken == [at(number) for number in range(4)]


def test_the_answers_of_a_catch_up_are_handed_out_one_by_one():
    """Each is out before the next image is worked on, so that none has to be kept."""
    order = []

    class Telling(ScriptedTracker):
        def update(self, image, tracks):
            order.append('update')
            return super().update(image, tracks)

    stream = Stream(Telling(), on_answer=lambda answer: order.append('answer'))
    for number in range(3):
        stream.image(scene(number))
    stream.init(InitRequest(truth(0), stamp=at(0)))
    assert order == ['answer', 'update', 'answer', 'update', 'answer']


def test_a_check_refuses_what_an_init_would_and_changes_nothing(stream):
    stream.image(scene(0))
    stream.init(InitRequest(truth(0)))
    before = stream.status
    for bad in (InitRequest(Box(200, 10, 20, 20)), InitRequest(truth(0), stamp=1)):
        with pytest.raises(InitRefused):
            stream.check(bad)
    stream.check(InitRequest(truth(0)))
    assert stream.status == before
    assert [answer.id for answer in stream.image(scene(1))] == ['1']


def test_changed_thresholds_apply_from_the_next_image_on():
    stream = started(ScriptedTracker([0.72, 0.72]))
    assert stream.image(scene(1))[0].state == 'tracking'
    thresholds = Thresholds(uncertain_below=0.8, found_above=0.9)
    stream.change(StreamSettings(thresholds=thresholds))
    assert stream.image(scene(2))[0].state == 'uncertain'


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'buffer_size': 0}, 'buffer_size 0'),
        ({'smallest_side': 0.0}, 'smallest_side 0.0'),
    ],
)
def test_settings_out_of_range_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        StreamSettings(**changes)


def test_a_changed_gain_applies_from_the_next_image_on(stream):
    stream.image(scene(0))
    stream.init(InitRequest(truth(0)))
    gain = GainSettings('fixed', minimum=0, maximum=510, stretch_8bit=True)
    stream.change(StreamSettings(gain))
    (answer,) = stream.image(scene(1))
    assert np.allclose(answer.image01, scene(1).pixels / 510, atol=1e-5)


_ACTIONS = st.one_of(
    st.tuples(st.just('image'), st.integers(0, 12)),
    st.tuples(st.just('remember'), st.integers(0, 12)),
    st.tuples(st.just('init'), st.integers(0, 14)),
    st.tuples(st.sampled_from(['reset', 'pause', 'resume']), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_ACTIONS, max_size=25))
def test_whatever_happens_images_are_answered_in_order_and_at_most_once(actions):
    stream = Collecting(ScriptedTracker(), StreamSettings(buffer_size=4), warn=lambda text: None)
    answers = []
    for action, number in actions:
        if action == 'image':
            answers += stream.image(scene(number))
        elif action == 'remember':
            stream.remember(scene(number))
        elif action == 'init':
            try:
                answers += stream.init(InitRequest(truth(number), stamp=at(number)))
            except InitRefused as refusal:
                assert 'older than the oldest' in str(refusal)
        elif action == 'reset':
            stream.reset()
        else:
            stream.enable(action == 'resume')
    indices = [answer.index for answer in answers]
    assert indices == sorted(set(indices))
    assert all(answer.id and answer.box.is_finite() for answer in answers)


def test_a_click_follows_what_stands_out_at_that_place(stream):
    stream.image(scene(0))
    stream.click(25.0, 36.0)
    assert 'click' not in stream.status.reason
    assert stream.image(scene(1))[0].box.iou(truth(1)) > 0.7


@pytest.mark.parametrize(('x', 'y'), [(-1, 5), (math.nan, 5), (WIDTH, 5), (5, HEIGHT)])
def test_a_click_outside_of_the_image_is_refused_and_the_target_stays(stream, x, y):
    stream.image(scene(0))
    stream.init(InitRequest(truth(0)))
    with pytest.raises(InitRefused, match='outside of the image of 96 x 72 pixels'):
        stream.click(x, y)
    assert 'click at' in stream.status.reason and stream.status.state == 'tracking'
    assert stream.image(scene(1))[0].box == truth(1)


def test_a_click_before_the_first_image_or_on_nothing_is_refused(stream):
    with pytest.raises(InitRefused, match='there is no image yet'):
        stream.click(5, 5)
    stream.image(ThermalImage(np.full((HEIGHT, WIDTH), 30, np.uint8), at(0)))
    with pytest.raises(InitRefused, match='nothing of at most half'):
        stream.click(5, 5)
    assert stream.status.state == 'idle'


def test_a_click_near_the_border_proposes_a_box_of_the_smallest_side_inside_of_it(stream):
    pixels = np.random.default_rng(1).integers(28, 32, (HEIGHT, WIDTH), np.uint8)
    pixels[:3, -3:] = 200
    stream.change(StreamSettings(smallest_side=6.0))
    stream.image(ThermalImage(pixels, at(0)))
    (answer,) = stream.click(WIDTH - 1, 0)
    assert answer.box == Box(WIDTH - 6, 0, 6, 6)
