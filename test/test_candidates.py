# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a detector finds starts targets, and takes lost ones up again."""

import math

from fake_tracker import FakeTracker
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_blob import at, scene, second, truth, two
import numpy as np
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.patch import likeness, patch_of
from tir_tracker_ros.imaging.thermal_image import ThermalImage
from tir_tracker_ros.tracking.candidates import Candidate, CandidateSettings, start_on
from tir_tracker_ros.tracking.inits import InitRequest
from tir_tracker_ros.tracking.states import Thresholds
from tir_tracker_ros.tracking.stream import Stream
from tir_tracker_ros.tracking.stream_settings import StreamSettings
from tir_tracker_ros.tracking.target import TargetIds

IDLE, LOST = CandidateSettings('idle'), CandidateSettings('lost')


class Blind(FakeTracker):
    """Finds nothing while it is blind."""

    blind = False

    def update(self, image, tracks):
        found = super().update(image, tracks)
        if self.blind:
            return [type(one)(one.box, 0.0) for one in found]
        return found


def make(max_targets=1, buffer_size=30):
    thresholds = Thresholds(lost_below=0.4, uncertain_below=0.5, found_above=0.6, lost_after=2)
    return Stream(
        Blind(reach=4),
        StreamSettings(thresholds=thresholds, max_targets=max_targets, buffer_size=buffer_size),
        ids=TargetIds(),
    )


@pytest.fixture
def told():
    return []


def test_while_idle_the_best_candidate_starts_on_its_own_image_and_later_ones_do_nothing(told):
    stream = make()
    for number in range(4):
        stream.image(two(number))
    found = [Candidate(second(1), 0.6, 'dog', at(1)), Candidate(truth(1), 0.9, 'person', at(1))]
    start_on(found, stream, IDLE, told.append)
    (target,) = stream.targets
    assert (target.estimate.box, target.class_id) == (truth(3), 'person')
    start_on(found[:1], stream, IDLE, told.append)
    assert stream.targets == [target] and not told


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        (CandidateSettings('never'), []),
        (CandidateSettings('idle', min_score=0.8), [truth(0)]),
        (CandidateSettings('idle', ('dog', 'cat')), [second(0)]),
        (CandidateSettings('idle', ('cat',)), []),
        (CandidateSettings('idle'), [truth(0), second(0)]),
    ],
)
def test_mode_score_and_class_say_which_candidates_may_start(settings, expected, told):
    stream = make(max_targets=2)
    stream.image(two(0))
    found = [Candidate(second(0), 0.6, 'dog'), Candidate(truth(0), 0.9, 'person')]
    start_on(found, stream, settings, told.append)
    assert [target.good_box for target in stream.targets] == expected


def lost(stream):
    """Let the target of a stream become lost."""
    stream.image(two(0))
    stream.init(InitRequest(truth(0), id='a', class_id='person'))
    stream.tracker.blind = True
    for number in range(1, 4):
        stream.image(two(number))
    assert stream.targets[0].state.name == 'lost'
    stream.tracker.blind = False


def test_a_lost_target_starts_anew_on_the_candidate_that_looks_like_its_first_image(told):
    stream = make()
    lost(stream)
    found = [Candidate(second(3), 1.0, '', at(3)), Candidate(truth(3), 0.6, '', at(3))]
    start_on(found, stream, IDLE, told.append)
    assert stream.targets[0].state.name == 'lost'
    start_on(found, stream, LOST, told.append)
    (target,) = stream.targets
    assert (target.id, target.class_id, target.good_box) == ('a', 'person', truth(3))
    assert target.state.name == 'tracking'


def test_nothing_that_looks_otherwise_or_is_of_another_class_is_taken(told):
    stream = make()
    lost(stream)
    start_on([Candidate(second(3), 1.0, 'person', at(3))], stream, LOST, told.append)
    start_on([Candidate(truth(3), 1.0, 'dog', at(3))], stream, LOST, told.append)
    start_on([Candidate(truth(3), 1.0, 'person', at(9))], stream, LOST, told.append)
    assert stream.targets[0].state.name == 'lost' and not told


@pytest.mark.parametrize(
    ('candidate', 'words'),
    [
        (Candidate(Box(math.nan, 1, 9, 9), 1.0), 'not finite'),
        (Candidate(truth(0), math.nan), 'not finite'),
        (Candidate(Box(500, 400, 40, 40), 1.0), 'outside of the image'),
        (Candidate(Box(0, 0, 640, 512), 1.0), 'larger than the image'),
        (Candidate(truth(0), 1.0, '', at(0)), 'older than the oldest'),
    ],
)
def test_a_bad_candidate_is_told_in_one_line_and_nothing_starts(candidate, words, told):
    stream = make(buffer_size=2)
    for number in range(4):
        stream.image(scene(number))
    start_on([candidate], stream, LOST, told.append)
    assert len(told) == 1 and words in told[0] and '\n' not in told[0]
    assert not stream.targets


def test_a_stamp_beyond_the_buffer_is_told_for_a_lost_target(told):
    stream = make(buffer_size=2)
    lost(stream)
    start_on([Candidate(truth(0), 1.0, '', at(0))], stream, LOST, told.append)
    assert len(told) == 1 and 'older than the oldest' in told[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.floats(0.3, 1), st.floats(0, 0.3), st.floats(-0.1, 0.1))
def test_an_object_is_like_itself_at_another_gain_shift_and_size_and_unlike_others(
    seed, gain, offset, shift
):
    random = np.random.default_rng(seed)
    image = random.random((12, 15))[np.arange(60)[:, None] // 5, np.arange(75)[None] // 5] * 0.7
    box = Box(20, 15, 20, 20)
    other = image * gain + offset
    patch = patch_of(image, box)
    moved = Box(box.x + shift * box.w, box.y, box.w, box.h)
    assert likeness(patch, other, moved) > 0.8
    assert likeness(patch, 1 - image, box) < 0.5
    assert -1 <= likeness(patch, random.random((60, 75)), box) < 0.6


def test_without_contrast_or_outside_of_the_image_nothing_is_alike():
    flat, noise = np.full((40, 50), 0.5, np.float32), np.random.default_rng(1).random((40, 50))
    box = Box(10, 10, 12, 12)
    assert likeness(patch_of(flat, box), noise, box) == 0
    assert likeness(patch_of(noise, box), flat, box) == 0
    assert likeness(patch_of(noise, box), noise, Box(80, 10, 12, 12)) == 0
    assert patch_of(noise, Box(math.nan, 0, 5, 5)) is None


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="auto_init 'always' is not one of never, idle, lost"):
        CandidateSettings('always')


def test_a_changed_image_size_leaves_nothing_to_compare_with(told):
    stream = make()
    lost(stream)
    stream.image(ThermalImage(np.zeros((50, 60), np.uint8), at(4)))
    start_on([Candidate(truth(3), 1.0, '', at(3))], stream, LOST, told.append)
    assert not stream.targets and len(told) == 1
