# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags without ROS 2: what is written is read back, and what is broken is named."""

from __future__ import annotations

from pathlib import Path
import re
import struct

import cv2
import lz4.frame
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from tiny_scene import PERIOD, tiny_scene

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.thermal_image import ThermalImage
from tir_tracker_ros.sequences import bags
from tir_tracker_ros.sequences.source import open_source
from tir_tracker_ros.sequences.truncated_mcap import zstd


def write_bag(path: Path, topics: dict[str, list[ThermalImage]]) -> Path:
    """Write images, recorded at their stamps."""
    writer = bags.BagWriter(path)
    for topic, images in topics.items():
        for image in images:
            writer.write(topic, bags.image_message(image, 'thermal'), image.stamp)
    writer.close()
    return path


def test_the_detection_type_is_the_official_one():
    assert bags.TYPES.hash_rihs01(bags.DETECTION) == (
        'RIHS01_0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea'
    )


@pytest.mark.parametrize('form', ['folder', 'file', 'folder without metadata'])
def test_images_come_back_as_they_were_written(tmp_path, form):
    images, _ = tiny_scene(5)
    path = write_bag(tmp_path / 'bag', {'/thermal/image_raw': images})
    if form == 'file':
        path = path / 'bag.mcap'
    if form == 'folder without metadata':
        (path / 'metadata.yaml').unlink()
    source = open_source(path)
    assert (source.size, source.length, source.name) == ((96, 72), 5, 'bag')
    assert source.rate == pytest.approx(20)
    for found, expected in zip(list(source), images, strict=True):
        assert (found.stamp, found.encoding) == (expected.stamp, 'mono16')
        assert np.array_equal(found.pixels, expected.pixels)


@pytest.mark.parametrize('kind', [np.uint8, np.uint16, np.float32])
def test_an_image_message_keeps_pixels_stamp_and_frame(kind):
    pixels = np.arange(12).reshape(3, 4).astype(kind)[:, ::2]  # not contiguous
    message = bags.image_message(ThermalImage(pixels, 3_000_000_007), 'optical')
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (3, 7)
    assert message.header.frame_id == 'optical'
    found = bags.image_of(message)
    assert np.array_equal(found.pixels, pixels) and found.pixels.dtype == kind
    assert found.stamp == 3_000_000_007


def test_compressed_images_are_read(tmp_path):
    images, _ = tiny_scene(3)
    writer = bags.BagWriter(tmp_path / 'bag')
    for image in images:
        data = np.frombuffer(cv2.imencode('.png', image.pixels)[1].tobytes(), np.uint8)
        message = bags.TYPES.types[bags.COMPRESSED_IMAGE](
            header=bags.header(image.stamp), format='mono16; png compressed', data=data
        )
        writer.write('/image/compressed', message, image.stamp)
    writer.close()
    found = list(open_source(tmp_path / 'bag'))
    assert [image.stamp for image in found] == [image.stamp for image in images]
    assert np.array_equal(found[2].pixels, images[2].pixels)


def test_a_detection_comes_back_with_or_without_a_score(tmp_path):
    box = Box(10.5, 20.25, 30, 40)
    writer = bags.BagWriter(tmp_path / 'bag')
    for at, score in enumerate((0.75, None)):
        message = bags.detection_message(bags.header(at, 'thermal'), box, score, '7', 'person')
        writer.write('/tracker/detection', message, at)
    writer.close()
    with bags.BagReader(tmp_path / 'bag') as bag:
        assert bag.types == {'/tracker/detection': bags.DETECTION}
        sure, lost = (message.decoded() for message in bag.messages(['/tracker/detection']))
    assert bags.box_of(sure) == box and bags.box_of(lost) == box
    assert (sure.id, lost.id, sure.header.frame_id) == ('7', '7', 'thermal')
    assert [each.hypothesis.score for each in sure.results] == [0.75]
    assert sure.results[0].hypothesis.class_id == 'person'
    assert len(lost.results) == 0
    assert bags.stamp_of(lost.header) == 1


def test_messages_of_several_topics_keep_the_order_of_the_bag(tmp_path):
    images, _ = tiny_scene(6)
    path = write_bag(tmp_path / 'bag', {'/a': images[::2], '/b': images[1::2], '/c': images})
    with bags.BagReader(path) as bag:
        read = [(message.topic, message.time) for message in bag.messages(['/a', '/b'])]
    assert read == [('/ab'[:1] + 'ab'[i % 2], 10**9 + i * PERIOD) for i in range(6)]


def test_the_only_image_topic_is_found_and_a_choice_is_asked_for(tmp_path):
    images, _ = tiny_scene(2)
    path = write_bag(tmp_path / 'bag', {'/left': images, '/right': images})
    with pytest.raises(ValueError, match=r'2 image topics; choose one; it has: /left .*/right'):
        open_source(path)
    assert open_source(path, 'left').topic == '/left'
    assert open_source(path, '/right').topic == '/right'
    with pytest.raises(ValueError, match=r'no image topic /middle; it has: /left'):
        open_source(path, '/middle')


def test_a_bag_without_images_is_named(tmp_path):
    writer = bags.BagWriter(tmp_path / 'bag')
    message = bags.detection_message(bags.header(0), Box(0, 0, 1, 1), 1.0)
    writer.write('/detector/init', message, 0)
    writer.close()
    with pytest.raises(ValueError, match=r'no image topic; it has: /detector/init'):
        open_source(tmp_path / 'bag')


def test_init_topics_are_found_by_name_and_type(tmp_path):
    detection = bags.detection_message(bags.header(0), Box(0, 0, 1, 1), 1.0)
    images, _ = tiny_scene(1)
    writer = bags.BagWriter(tmp_path / 'bag')
    writer.write('/camera/init', bags.image_message(images[0]), 0)
    writer.write('/detector/boxes', detection, 0)
    with_one = ['/tracker/init']
    writer.write(with_one[0], detection, 0)
    writer.close()
    with bags.BagReader(tmp_path / 'bag') as bag:
        assert bag.init_topic() == '/tracker/init'
        assert bag.init_topic('detector/boxes') == '/detector/boxes'
        with pytest.raises(ValueError, match='no init topic /camera/init'):
            bag.init_topic('/camera/init')


@pytest.mark.parametrize('cut', [500, 100_000, 1_500_000])
@pytest.mark.parametrize('form', ['folder', 'file'])
def test_what_is_left_of_a_truncated_mcap_is_read_before_its_end_is_told(tmp_path, form, cut):
    images, _ = tiny_scene(20, size=(320, 256))  # 3.3 MB, in chunks of about 1 MB
    path = write_bag(tmp_path / 'bag', {'/image': images})
    file = path / 'bag.mcap'
    file.write_bytes(file.read_bytes()[:-cut])
    source = open_source(path if form == 'folder' else file)
    found = []
    with pytest.raises(OSError, match=r'bag\.mcap ends early'):
        for image in source:
            found.append(image)
    assert 5 < len(found) <= 20 and source.length == len(found)
    assert source.size == (320, 256)
    assert source.rate == pytest.approx(20)
    for image, expected in zip(found, images):
        assert image.stamp == expected.stamp
        assert np.array_equal(image.pixels, expected.pixels)


def test_an_mcap_with_nothing_left_is_named(tmp_path):
    (tmp_path / 'bag.mcap').write_bytes(b'\x89MCAP0\r\n\x01')
    with pytest.raises(ValueError, match='no image topic; it has: no topics'):
        open_source(tmp_path / 'bag.mcap')


@pytest.mark.parametrize('compression', ['', 'lz4', 'zstd'])
def test_the_whole_messages_of_a_torn_chunk_are_read(tmp_path, compression):
    images, _ = tiny_scene(8, size=(320, 256))  # less than a chunk
    file = write_bag(tmp_path / 'bag', {'/image': images[:6]}) / 'bag.mcap'
    compress = {'': bytes, 'lz4': lz4.frame.compress, 'zstd': zstd.compress}[compression]
    content = with_first_chunk(file.read_bytes(), compression, compress)
    file.write_bytes(content[: len(content) * 2 // 3])
    found = []
    with pytest.raises(OSError, match='ends early'):
        for image in open_source(file):
            found.append(image)
    assert 3 <= len(found) < 6
    for image, expected in zip(found, images):
        assert np.array_equal(image.pixels, expected.pixels)


def with_first_chunk(content, compression, compress):
    """Return an mcap file up to its first chunk, with that compressed in another way."""
    start = content.index(b'\x06', 17)  # the first chunk follows the header
    size, stored = struct.unpack_from('<Q', content, start + 1)[0], start + 9 + 40
    chunk = content[start + 9 : start + 9 + size]
    assert chunk[28:32] == bytes(4)  # written without compression
    records = compress(content[stored : start + 9 + size])
    name = compression.encode()
    body = chunk[:28] + struct.pack('<I', len(name)) + name
    body += struct.pack('<Q', len(records)) + records
    return content[:start] + struct.pack('<BQ', 6, len(body)) + body


@pytest.mark.parametrize('compression', ['lz4', 'zstd'])
def test_a_truncated_mcap_with_compressed_chunks_is_read(tmp_path, compression):
    images, _ = tiny_scene(3)
    compress = {'lz4': lz4.frame.compress, 'zstd': zstd.compress}[compression]
    file = write_bag(tmp_path / 'bag', {'/image': images}) / 'bag.mcap'
    file.write_bytes(with_first_chunk(file.read_bytes(), compression, compress))
    found = []
    with pytest.raises(OSError, match='ends early'):
        for image in open_source(file):
            found.append(image)
    assert [image.stamp for image in found] == [image.stamp for image in images]


@pytest.mark.parametrize('mode', [CompressionMode.MESSAGE, CompressionMode.FILE])
@pytest.mark.parametrize('storage', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_bags_of_either_storage_and_compression_are_read(tmp_path, storage, mode):
    images, _ = tiny_scene(3)
    writer = Writer(tmp_path / 'bag', version=9, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    writer.open()
    connection = writer.add_connection('/image', bags.IMAGE, typestore=bags.TYPES)
    for image in images:
        data = bags.TYPES.serialize_cdr(bags.image_message(image), bags.IMAGE)
        writer.write(connection, image.stamp, data)
    writer.close()
    found = list(open_source(tmp_path / 'bag'))
    assert np.array_equal(found[2].pixels, images[2].pixels) and len(found) == 3


@pytest.mark.parametrize('place', [0, 1])
@pytest.mark.parametrize('kind', ['unknown', 'empty', 'short', 'no image'])
def test_a_bad_image_in_a_bag_is_told_and_left_out(tmp_path, caplog, place, kind):
    images, _ = tiny_scene(3)
    bad = bags.image_message(images[0])
    if kind == 'empty':
        bad.height = bad.width = bad.step = 0
        bad.encoding, bad.data = '', bad.data[:0]
    elif kind == 'unknown':
        bad.encoding = 'rgb16'
    else:
        bad.data = bad.data[:100]
    data = bags.TYPES.serialize_cdr(bad, bags.IMAGE)
    if kind == 'no image':
        data = data[:30]
    writer = Writer(tmp_path / 'bag', version=8, storage_plugin=StoragePlugin.MCAP)
    with writer:
        connection = writer.add_connection('/image', bags.IMAGE, typestore=bags.TYPES)
        for index, image in enumerate(images):
            good = bags.TYPES.serialize_cdr(bags.image_message(image), bags.IMAGE)
            writer.write(connection, index, data if index == place else good)
    source = open_source(tmp_path / 'bag')
    assert source.size == (96, 72)
    expected = [0, 1, 2]
    expected.remove(place)
    found = list(source.numbered())
    assert [number for number, _ in found] == expected
    for number, image in found:
        assert np.array_equal(image.pixels, images[number].pixels)
    assert f'image {place} of bag is left out: ' in caplog.text


def test_a_bag_without_any_sound_image_is_named(tmp_path):
    bad = bags.image_message(tiny_scene(1)[0][0])
    bad.encoding = 'rgb16'
    writer = bags.BagWriter(tmp_path / 'bag')
    writer.write('/image', bad, 0)
    writer.close()
    with pytest.raises(ValueError, match="bag has no image on /image: encoding 'rgb16'"):
        open_source(tmp_path / 'bag')


def test_an_earlier_bag_of_the_writer_is_replaced(tmp_path):
    images, _ = tiny_scene(2)
    write_bag(tmp_path / 'bag', {'/image': images})
    write_bag(tmp_path / 'bag', {'/image': images[:1]})
    assert len(list(open_source(tmp_path / 'bag'))) == 1


@pytest.mark.parametrize('kind', ['photos', 'recorded', 'with notes', 'file'])
def test_nothing_but_a_bag_of_the_writer_is_replaced(tmp_path, kind):
    path = tmp_path / 'there'
    if kind == 'recorded':  # by somebody else
        with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
            connection = writer.add_connection('/image', bags.IMAGE, typestore=bags.TYPES)
            writer.write(connection, 0, bytes(20))
    elif kind == 'with notes':
        write_bag(path, {'/image': tiny_scene(1)[0]})
        (path / 'notes.txt').write_text('keep')
    elif kind == 'photos':
        path.mkdir()
        (path / 'metadata.yaml').write_text('of a camera')
        (path / 'photo.jpg').write_bytes(b'keep')
    else:
        path.write_text('keep')
    files = [path] if path.is_file() else sorted(path.iterdir())
    before = [file.read_bytes() for file in files]
    with pytest.raises(FileExistsError, match='there'):
        bags.BagWriter(path)
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize('storage', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('harm', ['empty', 'cut', 'no storage', 'renamed', 'binary'])
def test_unusable_metadata_of_a_bag_is_told_and_not_needed(tmp_path, caplog, storage, harm):
    images, _ = tiny_scene(3)
    path = tmp_path / 'bag'
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connection = writer.add_connection('/image', bags.IMAGE, typestore=bags.TYPES)
        for image in images:
            data = bags.TYPES.serialize_cdr(bags.image_message(image), bags.IMAGE)
            writer.write(connection, image.stamp, data)
    metadata = path / 'metadata.yaml'
    text = metadata.read_text()
    if harm == 'renamed':
        (storage_file,) = (file for file in path.iterdir() if file != metadata)
        storage_file.rename(path / f'flight{storage_file.suffix}')
    elif harm == 'binary':
        metadata.write_bytes(bytes(300))
    else:
        no_storage = re.sub('storage_identifier: .*', "storage_identifier: ''", text)
        metadata.write_text({'empty': '', 'cut': text[:300], 'no storage': no_storage}[harm])
    found = list(open_source(path))
    assert [image.stamp for image in found] == [image.stamp for image in images]
    assert np.array_equal(found[2].pixels, images[2].pixels)
    assert 'bag: metadata.yaml cannot be used' in caplog.text


def test_a_bag_of_ros_1_is_named_as_such(tmp_path):
    for name in ('old.bag', 'old.mp4', 'old'):
        (tmp_path / name).write_bytes(b'#ROSBAG V2.0\n' + bytes(100))
        with pytest.raises(ValueError, match=rf'{name} is a bag of ROS 1; .* rosbags-convert'):
            open_source(tmp_path / name)
        with pytest.raises(OSError, match='is a bag of ROS 1'), bags.BagReader(tmp_path / name):
            pass


def test_compressed_depth_is_read_and_goes_behind_plain_compression(tmp_path):
    images, _ = tiny_scene(2)
    for topics in (['/image/compressedDepth'], ['/image/compressed', '/image/compressedDepth']):
        path = tmp_path / str(len(topics))
        writer = bags.BagWriter(path)
        for topic in topics:
            depth = topic.endswith('Depth')
            for image in images:
                data = cv2.imencode('.png', image.pixels)[1].tobytes()
                message = bags.TYPES.types[bags.COMPRESSED_IMAGE](
                    header=bags.header(image.stamp),
                    format=f'16UC1; {"compressedDepth png" if depth else "png compressed "}',
                    data=np.frombuffer(bytes(12 * depth) + data, np.uint8),
                )
                writer.write(topic, message, image.stamp)
        writer.close()
        source = open_source(path)
        assert source.topic == topics[0]
        assert np.array_equal(list(source)[1].pixels, images[1].pixels)


def test_the_same_messages_give_the_same_bytes(tmp_path):
    images, _ = tiny_scene(3)
    first = write_bag(tmp_path / 'a' / 'bag', {'/image': images})
    second = write_bag(tmp_path / 'b' / 'bag', {'/image': images})
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes()
