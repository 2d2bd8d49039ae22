# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Topics: compressed images, quality of service, warnings when nothing comes, diagnostics."""

import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from moving_blob import scene, truth
from node_rig import BEST_EFFORT, box_of, LATCHED, RELIABLE, Rig
import numpy as np
import pytest
import rclpy
from rclpy.qos import QoSDurabilityPolicy, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String
from vision_msgs.msg import Detection2D


@pytest.mark.parametrize('bits', [8, 16])
def test_compressed_images_are_followed(bits):
    rig = Rig(compressed=True, image_transport='compressed', topic='/thermal/image_raw',
              arguments=('-r', 'image:=/thermal/image_raw'))  # fmt: skip
    rig.fresh()
    for number in range(3):
        pixels = scene(number).pixels
        wide = pixels.astype(np.uint16) * 9 + 8000
        message = CompressedImage(format='png')
        message.data = cv2.imencode('.png', wide if bits == 16 else pixels)[1].tobytes()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(rig.at(number), 10**9)
        rig.camera.publish(message)
        if number == 0:
            rig.init(truth(0), rig.at(0))
        assert box_of(rig.answered(rig.at(number))) == truth(number)
    rig.camera.publish(CompressedImage(format='png', data=b'\x89PNG'))
    rig.logged("image left out: 4 bytes of format 'png' are not a complete png, jpeg or tiff")
    rig.close()


def test_topics_have_the_promised_quality_of_service():
    rig = Rig(diagnostics=True)
    reliable, best_effort = QoSReliabilityPolicy.RELIABLE, QoSReliabilityPolicy.BEST_EFFORT
    volatile, latched = QoSDurabilityPolicy.VOLATILE, QoSDurabilityPolicy.TRANSIENT_LOCAL

    def offered(endpoints):
        (profile,) = (end.qos_profile for end in endpoints if end.node_name == 'tracker')
        return profile.reliability, profile.durability

    for topic, expected in {
        '/image': (best_effort, volatile),
        '/tracker/init': (reliable, volatile),
    }.items():
        assert offered(rig.node.get_subscriptions_info_by_topic(topic)) == expected
    for topic, expected in {
        '/tracker/detection': (reliable, volatile),
        '/tracker/status': (reliable, latched),
        '/tracker/debug_image': (best_effort, volatile),
        '/tracker/response_map': (best_effort, volatile),
        '/tracker/mask': (best_effort, volatile),
        '/diagnostics': (reliable, volatile),
    }.items():
        assert offered(rig.node.get_publishers_info_by_topic(topic)) == expected
    rig.close()


def test_quality_of_service_can_be_overridden_on_every_topic():
    rig = Rig(arguments=(
        '-p', 'qos_overrides./image.subscription.reliability:=reliable',
        '-p', 'qos_overrides./tracker/init.subscription.durability:=transient_local',
        '-p', 'qos_overrides./tracker/detection.publisher.reliability:=best_effort',
        '-p', 'qos_overrides./tracker/status.publisher.depth:=5',
        '-p', 'qos_overrides./tracker/debug_image.publisher.reliability:=reliable',
        '-p', 'qos_overrides./tracker/response_map.publisher.reliability:=reliable',
    ), active=False)  # fmt: skip
    rig.node.destroy_publisher(rig.user)
    rig.user = rig.node.create_publisher(Detection2D, '/tracker/init', LATCHED)
    rig.init(truth(0))  # before anybody listens: it is kept for the node
    detections: list[Detection2D] = []
    rig.listen(Detection2D, '/tracker/detection', detections, BEST_EFFORT)
    rig.bring_up()
    rig.until(lambda: 'waits for the first image' in rig.process.log, 'the latched init')
    rig.send(0)
    rig.until(lambda: detections, 'the detection')
    (image,) = rig.node.get_subscriptions_info_by_topic('/image')
    assert image.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
    for topic in ('debug_image', 'response_map'):
        (picture,) = rig.node.get_publishers_info_by_topic(f'/tracker/{topic}')
        assert picture.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
    rig.close()


def test_silence_is_told_with_topic_and_number_of_publishers():
    rig = Rig(no_image_warning=0.5)
    rig.logged('s; it has 1 publisher\n')
    assert 'no image on /image for ' in rig.process.log
    rig.close()


def test_a_camera_that_cannot_be_heard_is_told_with_the_reason():
    overrides = ('-p', 'qos_overrides./image.subscription.reliability:=reliable')
    rig = Rig(active=False, qos=BEST_EFFORT, no_image_warning=0.5, arguments=overrides)
    context = rclpy.Context()
    context.init(domain_id=rig.domain)
    other = rclpy.create_node('other', context=context)
    other.create_publisher(String, '/image', RELIABLE)
    for transition in (1, 3):
        assert rig.transition(transition)
    rig.logged('offering incompatible QoS')
    rig.logged('cannot hear rig: ERROR: Best effort publisher and reliable subscription')
    rig.logged('cannot hear other: it sends std_msgs/msg/String, not sensor_msgs/msg/Image')
    context.try_shutdown()
    rig.close()


def test_diagnostics_are_published_once_a_second():
    rig = Rig(diagnostics=True)
    seen: list[DiagnosticArray] = []
    rig.listen(DiagnosticArray, '/diagnostics', seen)
    rig.until(lambda: seen, 'diagnostics')
    assert seen[-1].status[0].level == DiagnosticStatus.WARN  # no image yet
    rig.start(0)
    seen.clear()
    rig.send(1)
    rig.until(lambda: seen, 'diagnostics')
    status, target = seen[-1].status
    values = {value.key: value.value for value in status.values}
    assert status.hardware_id == 'cpu'
    assert (target.name, target.message) == (f'/tracker: target {target.hardware_id}', 'tracking')
    assert target.hardware_id == rig.detections[-1].id and target.level == DiagnosticStatus.OK
    assert float(values['memory MiB']) > 10
    latencies = [float(values[f'latency {name} ms']) for name in ('p50', 'p90', 'p99', 'max')]
    assert latencies == sorted(latencies) and latencies[0] > 0
    assert (status.name, status.message) == ('/tracker: tracker', 'tracking')
    assert status.level == DiagnosticStatus.OK
    assert values['model'] == 'fake on cpu'
    assert float(values['images per second']) > 0
    assert float(values['latency max ms']) > 0
    assert values['dropped'] == '0'
    rig.close()


def test_without_being_asked_for_there_are_no_diagnostics():
    rig = Rig()
    assert not rig.node.count_publishers('/diagnostics')
    rig.close()


def test_names_follow_namespace_and_remapping():
    rig = Rig(active=False, arguments=('-r', '__ns:=/drone', '-r', '__node:=eye'))
    rig.until(
        lambda: ('eye', '/drone') in rig.node.get_node_names_and_namespaces(), 'the renamed node'
    )
    rig.until(lambda: rig.node.get_service_names_and_types_by_node('eye', '/drone'), 'services')
    rig.close()


@pytest.mark.parametrize(
    ('name', 'transitions'),
    [
        ('/tracker/detection.publisher', (False,)),
        ('/tracker/init.subscription', (True, False)),
    ],
)
def test_an_override_that_there_is_not_is_told_and_nothing_is_left_behind(name, transitions):
    rig = Rig(active=False, arguments=('-p', f'qos_overrides.{name}.reliability:=maybe'))
    assert tuple(rig.transition(id) for id in (1, 3)[: len(transitions)]) == transitions
    rig.logged('Unexpected QoS override for policy `reliability`: `maybe`')
    for topic in ('/tracker/status', '/tracker/detection'):
        rig.until(
            lambda t=topic: rig.node.count_publishers(t) == len(transitions) - 1, f'only {topic}'
        )
    rig.until(lambda: not rig.node.count_subscribers('/image'), 'no subscription')
    rig.close(traced=True)
