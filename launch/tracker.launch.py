# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Start the tracker and, unless told otherwise, bring it to its active state.

    ros2 launch tir_tracker_ros tracker.launch.py image:=/thermal/image_raw
"""

from __future__ import annotations

from pathlib import Path
import threading

from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit, OnProcessStart, OnShutdown
import launch.logging
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.ros_adapters import get_ros_node
import yaml

from launch import Event, LaunchContext, LaunchDescription
from tir_tracker_ros.nodes.lifecycle import bring_up

SHARE = Path(__file__).resolve().parents[1]
PROFILE = 'FASTRTPS_DEFAULT_PROFILES_FILE'

LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')

ARGUMENTS = [
    DeclareLaunchArgument('image', default_value='image', description='Topic of the images.'),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(SHARE / 'config' / 'tracker.yaml'),
        description='Parameter file of the tracker.',
    ),
    DeclareLaunchArgument(
        'autostart',
        default_value='true',
        choices=['true', 'false'],
        description='Whether to configure and activate the tracker; else a manager does.',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='Whether time comes from /clock.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        description=f'Of the tracker, or of one logger (NAME:=LEVEL): {", ".join(LEVELS)}.',
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Of the tracker.'),
    DeclareLaunchArgument(
        'fastdds_profile',
        default_value=EnvironmentVariable(
            PROFILE, default_value=str(SHARE / 'config' / 'fastdds.xml')
        ),
        description='Fast DDS profile that takes large images; empty for none.',
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        choices=['true', 'false'],
        description='Whether to show input and debug image in rviz2.',
    ),
    DeclareLaunchArgument(
        'viewer',
        default_value='false',
        choices=['true', 'false'],
        description='Whether to serve a page on which targets are chosen and watched.',
    ),
    DeclareLaunchArgument(
        'viewer_host',
        default_value='127.0.0.1',
        description='Address of the page; 0.0.0.0 for all, which asks for a token.',
    ),
    DeclareLaunchArgument('viewer_port', default_value='8080', description='Port of the page.'),
]
DRAWING_BUFFER = 150
"""Images that the tracker keeps with the viewer: five seconds to draw a box on one, at 30 Hz."""


def check_log_level(value: str) -> None:
    """Raise ValueError for what would end the node with a trace back."""
    if value.rpartition(':=')[2].lower() not in LEVELS:
        raise ValueError(f"log_level '{value}' is not one of {', '.join(LEVELS)}")


def buffer_sizes(tree: object) -> set[object]:
    """Return the values of buffer_size in the contents of a parameter file."""
    if not isinstance(tree, dict):
        return set()
    here = {str(value) for name, value in tree.items() if name == 'buffer_size'}
    return here.union(*map(buffer_sizes, tree.values()))


def check_params_file(path: str) -> object:
    """
    Read a parameter file; the node checks the values.

    Raises ValueError or OSError for a file that the node could not read.
    """
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = ' '.join(str(error).split())
        raise ValueError(f'params_file {path} is not YAML: {problem}') from None
    except OSError as error:
        raise OSError(f'params_file {path} cannot be read: {error.strerror}') from None

    def holds_parameters(tree: object) -> bool:
        if not isinstance(tree, dict):
            return False
        here = tree.get('ros__parameters')
        return isinstance(here, dict) or any(holds_parameters(part) for part in tree.values())

    if not holds_parameters(content):
        raise ValueError(
            f'params_file {path} holds no parameters: they stand below a name (/** for any node) '
            'and ros__parameters'
        )
    return content


def activate_in_background(context: LaunchContext, name: str, tracker: LifecycleNode) -> list:
    """Bring the node up while launch goes on, and log it when that fails."""
    logger = launch.logging.get_logger('tracker.launch')
    node, over = get_ros_node(context), threading.Event()

    def run() -> None:
        try:
            bring_up(node, name, spun=True, given_up=over.is_set)
        except Exception as error:
            if not over.is_set():
                logger.error(f'autostart: {error}')

    def end(event: Event, context: LaunchContext) -> None:
        over.set()
        thread.join(1.0)  # launch would take its ROS node away from under the thread

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    exited = OnProcessExit(target_action=tracker, on_exit=end)
    return [RegisterEventHandler(one) for one in (exited, OnShutdown(on_shutdown=end))]


def nodes(context: LaunchContext) -> list:
    """Make the actions from the values of the arguments."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    check_log_level(value('log_level'))
    given = check_params_file(value('params_file'))
    namespace = value('namespace').strip('/')
    name = f'/{namespace}/tracker' if namespace else '/tracker'
    profile = value('fastdds_profile')
    # The second name is that of Fast DDS 3.
    environment = {PROFILE: profile, 'FASTDDS_DEFAULT_PROFILES_FILE': profile} if profile else {}
    parameters: list = [value('params_file'), {'use_sim_time': value('use_sim_time') == 'true'}]
    if value('viewer') == 'true' and buffer_sizes(given) <= {'30'}:  # which nobody has chosen
        parameters.append({'buffer_size': DRAWING_BUFFER})
    tracker = LifecycleNode(
        package='tir_tracker_ros',
        executable='tracker',
        name='tracker',
        namespace=namespace,
        parameters=parameters,
        remappings=[('image', value('image'))],
        arguments=['--ros-args', '--log-level', value('log_level')],
        additional_env=environment,
        output='screen',
    )
    actions: list = [tracker]
    if value('autostart') == 'true':
        started = OnProcessStart(
            target_action=tracker,
            on_start=[OpaqueFunction(function=activate_in_background, args=[name, tracker])],
        )
        actions.insert(0, RegisterEventHandler(started))
    if value('rviz') == 'true':
        rviz = Node(
            package='rviz2',
            executable='rviz2',
            name='rviz2',
            namespace=namespace,
            arguments=['-d', str(SHARE / 'rviz' / 'tracker.rviz')],
            remappings=[('image', value('image'))],
            additional_env=environment,
        )
        actions.append(rviz)
    if value('viewer') == 'true':
        page = {
            'host': value('viewer_host'),
            'port': ParameterValue(LaunchConfiguration('viewer_port'), value_type=int),
        }
        viewer = Node(
            package='tir_tracker_ros',
            executable='viewer',
            name='viewer',
            namespace=namespace,
            parameters=[page],
            remappings=[('image', value('image'))],
            additional_env=environment,
            output='screen',
        )
        actions.append(viewer)
    return actions


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
