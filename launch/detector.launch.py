# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Example: a detector starts the tracker, and takes a lost target up again.

    ros2 launch tir_tracker_ros detector.launch.py image:=/thermal/image_raw

The detector is a stand-in, which takes the warmest object. Put your own in its place: a node that
publishes vision_msgs/Detection2DArray on `candidates`, each with the stamp of its image.
"""

from __future__ import annotations

from pathlib import Path

from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchDescription

HERE = Path(__file__).resolve().parent


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(HERE / 'tracker.launch.py')),
        launch_arguments={'params_file': str(HERE.parent / 'config' / 'detector.yaml')}.items(),
    )
    detector = Node(
        package='tir_tracker_ros',
        executable='warm_detector',
        name='warm_detector',
        namespace=LaunchConfiguration('namespace'),
        remappings=[('image', LaunchConfiguration('image'))],
        output='screen',
    )
    return LaunchDescription([tracker, detector])
