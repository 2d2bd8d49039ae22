# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""tracker.launch.py: the tracker as it was asked for, active or left to a manager."""

from pathlib import Path

from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
import launch_pytest
from launch_pytest.actions import ReadyToTest
from node_rig import Observer
import pytest
from rcl_interfaces.srv import GetParameters

from launch import LaunchDescription

LAUNCH = Path(__file__).resolve().parents[1] / 'launch' / 'tracker.launch.py'
# The first import of torch may take long on a loaded machine.
PATIENCE = 60.0


def launched(**arguments: str) -> IncludeLaunchDescription:
    source = PythonLaunchDescriptionSource(str(LAUNCH))
    return IncludeLaunchDescription(source, launch_arguments=arguments.items())


@launch_pytest.fixture(scope='module')
def trackers(tmp_path_factory):
    params_file = tmp_path_factory.mktemp('launch') / 'mine.yaml'
    params_file.write_text('/**:\n  ros__parameters:\n    lost_after: 9\n    threads: 1\n')
    drone = {'image': '/thermal/image_raw', 'use_sim_time': 'true', 'autostart': 'true'}
    return LaunchDescription(
        [
            launched(namespace='drone', params_file=str(params_file), **drone),
            launched(namespace='left_alone', autostart='false', viewer='true', viewer_port='0'),
            ReadyToTest(),
        ]
    )


@pytest.fixture
def observer():
    observer = Observer()
    yield observer
    observer.end()


@pytest.mark.launch(fixture=trackers)
def test_it_becomes_active_by_itself_and_listens_to_the_topic(observer):
    node = observer.node
    observer.until(
        lambda: node.count_subscribers('/thermal/image_raw'), 'the subscription', PATIENCE
    )
    observer.until(lambda: observer.state_of('/drone/tracker') == 'active', 'the active state')
    (info,) = node.get_publishers_info_by_topic('/drone/tracker/detection')
    assert (info.node_name, info.node_namespace) == ('tracker', '/drone')


@pytest.mark.launch(fixture=trackers)
def test_the_parameter_file_and_simulated_time_arrive(observer):
    request = GetParameters.Request(names=['lost_after', 'use_sim_time'])
    lost_after, use_sim_time = observer.call(
        GetParameters, '/drone/tracker/get_parameters', request
    ).values
    assert lost_after.integer_value == 9
    assert use_sim_time.bool_value


@pytest.mark.launch(fixture=trackers)
def test_without_autostart_it_stays_unconfigured(observer):
    assert observer.state_of('/left_alone/tracker') == 'unconfigured'
    observer.spin(1.0)
    assert observer.state_of('/left_alone/tracker') == 'unconfigured'


@pytest.mark.launch(fixture=trackers)
def test_with_the_viewer_the_page_is_there_and_more_images_can_be_named(observer):
    observer.until(lambda: observer.node.count_subscribers('/left_alone/tracker/status'), 'it')
    request = GetParameters.Request(names=['buffer_size'])
    for namespace, size in (('left_alone', 150), ('drone', 30)):
        service = f'/{namespace}/tracker/get_parameters'
        (found,) = observer.call(GetParameters, service, request).values
        assert found.integer_value == size
