# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the running node: descriptors, refusal, changes while it works, slips in files."""

from lifecycle_msgs.msg import Transition
from moving_blob import truth
from node_rig import Rig
import pytest
from rcl_interfaces.srv import DescribeParameters


@pytest.fixture(scope='module')
def rig():
    rig = Rig(lost_below=0.2, uncertain_below=0.4, found_above=0.5)
    yield rig
    rig.close()


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('lost_below', 1.5, '1.5'),
        ('lost_below', 0.9, 'lost_below 0.9, uncertain_below 0.4 and found_above 0.5'),
        ('lost_after', 0, 'lost_after'),
        ('lost_below', 'low', "lost_below is 'low', which is not a number"),
        ('gain.mode', 'auto', "gain.mode is 'auto', which is not one of percentile, fixed"),
        ('gain.low_percentile', float('nan'), 'nan'),
        ('gain.crop', '1,2', "crop '1,2' is not four whole numbers"),
        ('model', 'mmnet', 'model may change only while the node is unconfigured'),
        ('lost_bellow', 1, 'there is no parameter lost_bellow; did you mean lost_below?'),
        ('tracking.window', 'blend', 'parameter tracking.window was removed: tracking.mode paper'),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(rig, name, value, words):
    result = rig.set(name, value)
    assert not result.successful
    assert words in result.reason


def test_what_may_change_while_active_takes_effect_at_once(rig):
    rig.start(0)
    assert rig.set('smallest_side', 20).successful  # a whole number will do
    rig.init(truth(0))
    rig.logged('12 x 12 pixels are too few to follow, both sides have to be 20 or more')
    assert rig.set('smallest_side', 4.0).successful


def test_parameters_describe_themselves(rig):
    request = DescribeParameters.Request(names=['lost_below', 'threads', 'gain.mode', 'model'])
    kind, service = DescribeParameters, '/tracker/describe_parameters'
    low, threads, mode, model = rig.call(kind, service, request).descriptors
    assert 'means lost' in low.description
    assert low.description.endswith(' May change at any time.')
    assert threads.description.endswith(' May change while the node is unconfigured.')
    assert 'mmnet_fast; the others are mmnet, ' in model.description
    assert (low.floating_point_range[0].from_value, low.floating_point_range[0].to_value) == (0, 1)
    assert threads.integer_range[0].to_value == 256
    assert mode.additional_constraints == 'one of percentile, fixed, minmax'


def test_bad_values_at_the_start_are_all_named_and_keep_the_node_from_configuring():
    given = {
        'lost_below': 7.5,
        'lost_after': 1.5,
        'threads': 'many',
        'gain__mode': 'stretch',
        'lost_bellow': 0.1,
        'tracking__scale': 'pyramid',
    }
    rig = Rig(active=False, **given)
    assert not rig.transition(Transition.TRANSITION_CONFIGURE)
    rig.logged('cannot configure: ')
    for words in (
        'parameter lost_below is 7.5, which is not in 0 to 1',
        'parameter lost_after is 1.5, which is not a whole number',
        "parameter threads is 'many', which is not a whole number",
        "parameter gain.mode is 'stretch', which is not one of percentile, fixed, minmax",
        'there is no parameter lost_bellow; did you mean lost_below?',
        'parameter tracking.scale was removed: tracking.mode paper has the scale pyramid',
    ):
        assert words in rig.process.log
    assert rig.lifecycle_state == 'unconfigured'
    rig.close()


def test_values_that_exclude_each_other_keep_the_node_from_configuring():
    rig = Rig(active=False, gain__minimum=9.0, gain__maximum=1.0)
    assert not rig.transition(Transition.TRANSITION_CONFIGURE)
    rig.logged('cannot configure: gain minimum 9.0 is not below the maximum 1.0')
    rig.close()


def test_a_bad_value_can_be_set_right():
    rig = Rig(active=False, lost_below=7.5)
    assert not rig.transition(Transition.TRANSITION_CONFIGURE)
    assert rig.set('lost_below', 0.3).successful
    rig.bring_up()
    rig.start(0)
    rig.close()
