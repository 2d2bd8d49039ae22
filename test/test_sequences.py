# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Videos, image folders and cameras as one stream of images, and the files that are written."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tiny_scene import tiny_scene

from tir_tracker_ros.sequences import videos
from tir_tracker_ros.sequences.source import open_source
from tir_tracker_ros.sequences.videos import VideoWriter


def write_video(path: Path, frames: list[np.ndarray], codec: str, pix_fmt: str, rate: int) -> None:
    """Write a video of gray or blue-green-red frames with any codec."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        kind = {2: {'uint8': 'gray', 'uint16': 'gray16le'}, 3: {'uint8': 'bgr24'}}
        for pixels in frames:
            form = kind[pixels.ndim][pixels.dtype.name]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, form)))
        container.mux(stream.encode())


def test_16_bit_video_keeps_its_counts(tmp_path):
    images, _ = tiny_scene(4)
    path = tmp_path / 'raw.mkv'
    write_video(path, [image.pixels for image in images], 'ffv1', 'gray16le', 20)
    source = open_source(path)
    assert (source.name, source.size, source.length, source.rate) == ('raw', (96, 72), 4, 20)
    for found, expected in zip(list(source), images, strict=True):
        assert found.encoding == 'mono16'
        assert np.array_equal(found.pixels, expected.pixels)


def test_8_bit_video_becomes_full_range_gray_with_times(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
    path = tmp_path / 'ramp.mp4'
    write_video(path, [np.dstack([ramp] * 3)] * 5, 'libx264', 'yuv420p', 25)
    found = list(open_source(path))
    assert [image.stamp for image in found] == [index * 40_000_000 for index in range(5)]
    assert found[0].encoding == 'mono8'
    assert np.abs(found[0].pixels.astype(int) - ramp).max() < 12


def test_a_source_can_be_read_twice(tmp_path):
    images, _ = tiny_scene(3, bits=8)
    write_video(tmp_path / 'a.mkv', [image.pixels for image in images], 'ffv1', 'gray', 20)
    source = open_source(tmp_path / 'a.mkv')
    assert len(list(source)) == len(list(source)) == 3


def test_without_pyav_opencv_reads_8_bit_video_and_refuses_16_bit(tmp_path, monkeypatch):
    images8, _ = tiny_scene(3, bits=8)
    images16, _ = tiny_scene(3)
    write_video(tmp_path / 'a.mkv', [image.pixels for image in images8], 'ffv1', 'gray', 20)
    write_video(tmp_path / 'b.mkv', [image.pixels for image in images16], 'ffv1', 'gray16le', 20)
    monkeypatch.setattr(videos, 'av', None)
    source = open_source(tmp_path / 'a.mkv')
    assert source.size == (96, 72)
    for found, expected in zip(list(source), images8, strict=True):
        assert np.abs(found.pixels.astype(int) - expected.pixels).max() <= 2
    with pytest.raises(OSError, match=r'b\.mkv has 16-bit images'):
        open_source(tmp_path / 'b.mkv')


def test_a_folder_is_read_in_natural_order_and_keeps_16_bit(tmp_path):
    for value in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f'frame{value}.png'), np.full((6, 8), value * 1000, np.uint16))
    (tmp_path / 'notes.txt').write_text('no image')
    source = open_source(tmp_path)
    assert (source.size, source.length, source.name) == ((8, 6), 3, tmp_path.name)
    images = list(source)
    assert [int(image.pixels[0, 0]) for image in images] == [1000, 2000, 10_000]
    assert [image.stamp for image in images] == [0, 33_333_333, 66_666_667]
    assert images[0].encoding == 'mono16'


def test_a_folder_of_colour_images_becomes_gray(tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.full((6, 8, 3), (0, 0, 255), np.uint8))
    assert next(iter(open_source(tmp_path))).pixels[0, 0] == 76


def test_a_broken_image_in_a_folder_is_named_after_those_before_it(tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.zeros((6, 8), np.uint8))
    (tmp_path / '2.png').write_bytes(b'broken')
    images = iter(open_source(tmp_path))
    next(images)
    with pytest.raises(ValueError, match=r'2\.png cannot be read'):
        next(images)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('gone.mp4', None, 'gone.mp4 does not exist'),
        ('text.mp4', b'not a video', 'text.mp4 cannot be read'),
        ('empty.mp4', b'', 'empty.mp4 cannot be read'),
        ('bag.mcap', b'not a bag', 'bag.mcap cannot be read'),
        ('bag.db3', b'not a bag', 'bag.db3 cannot be read'),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(OSError, match=message):
        open_source(tmp_path / name)


def test_an_empty_folder_and_a_camera_that_is_not_there_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match='holds no image'):
        open_source(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match='camera 97 gives no image'):
        open_source('97')


def test_a_topic_is_for_bags_only(tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.zeros((6, 8), np.uint8))
    with pytest.raises(ValueError, match='is not a bag, so topic /image'):
        open_source(tmp_path, '/image')


@pytest.mark.parametrize('with_pyav', [True, False])
def test_written_video_has_every_image_at_its_size_and_rate(tmp_path, monkeypatch, with_pyav):
    if not with_pyav:
        monkeypatch.setattr(videos, 'av', None)
    writer = VideoWriter(tmp_path / 'new' / 'out.mp4', 12.5)
    for value in (20, 120, 220):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.write(np.full((96, 128, 3), 60, np.uint8))  # another size is scaled
    writer.close()
    source = open_source(tmp_path / 'new' / 'out.mp4')
    assert (source.size, source.rate) == ((64, 48), 12.5)
    means = [image.pixels.mean() for image in source]
    assert means == pytest.approx([20, 120, 220, 60], abs=4)


def test_an_image_of_odd_size_can_be_written(tmp_path):
    writer = VideoWriter(tmp_path / 'out.mp4', 30)
    writer.write(np.zeros((47, 63, 3), np.uint8))
    writer.close()
    assert open_source(tmp_path / 'out.mp4').size == (64, 48)


def test_a_writer_without_an_image_leaves_no_video(tmp_path):
    VideoWriter(tmp_path / 'out.mp4', 30).close()
    assert not (tmp_path / 'out.mp4').exists()
