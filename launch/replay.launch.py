# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Replay a bag into the tracker, with the tracker's own arguments besides.

    ros2 launch tir_tracker_ros replay.launch.py bag:=/path/to/bag image:=/thermal/image_raw

The player waits until the tracker is active and listens. A bag that holds an init box on
/tracker/init needs nothing else.
"""

from __future__ import annotations

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

HERE = Path(__file__).resolve().parent
ARGUMENTS = {
    # name: type, default, description
    'bag': (str, None, 'Bag directory, .mcap or .db3 file.'),
    'topics': (str, '', 'Topics to play, separated by spaces; empty for all known types.'),
    'rate': (float, '1.0', 'Speed, 1 being the recorded one.'),
    'loop': (bool, 'false', 'Whether to start again at the end.'),
    'start': (float, '0.0', 'Seconds of the bag to leave out at its beginning.'),
    'wait_for': (int, '1', 'Subscriptions of the images to wait for; 2 with a recorder of them.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (_, default, description) in ARGUMENTS.items()
    ]
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(HERE / 'tracker.launch.py'))
    )
    parameters = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, (kind, *_) in ARGUMENTS.items()
    }
    # With simulated time, the player publishes the clock.
    parameters['clock'] = ParameterValue(LaunchConfiguration('use_sim_time'), value_type=bool)
    profile = {'FASTRTPS_DEFAULT_PROFILES_FILE': LaunchConfiguration('fastdds_profile')}
    player = Node(
        package='tir_tracker_ros',
        executable='player',
        name='player',
        parameters=[parameters],
        additional_env=profile,
        output='screen',
    )
    return LaunchDescription([*arguments, tracker, player])
