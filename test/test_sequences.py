# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Videos, image folders and cameras as one stream of images, and the files that are written."""

from __future__ import annotations

import functools
import http.server
from pathlib import Path
import struct
import threading
from typing import ClassVar

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


# ------------------------------------------------------------------- what others write
def rotated(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a, b, c, d into the display matrix of an mp4 file."""
    content = bytearray(path.read_bytes())
    start = content.index(b'tkhd') + 4
    start += 40 if content[start] == 0 else 52
    a, b, c, d = matrix
    values = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    content[start : start + 36] = struct.pack('>9i', *values)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ('matrix', 'shown'),
    [
        ((1, 0, 0, 1), lambda stored: stored),
        ((0, 1, -1, 0), lambda stored: np.rot90(stored, -1)),
        ((-1, 0, 0, -1), lambda stored: np.rot90(stored, 2)),
        ((0, -1, 1, 0), lambda stored: np.rot90(stored, 1)),
        ((-1, 0, 0, 1), lambda stored: stored[:, ::-1]),
        ((1, 0, 0, -1), lambda stored: stored[::-1]),
        ((0, 1, 1, 0), lambda stored: stored.T),
    ],
)
def test_a_video_is_turned_and_mirrored_as_players_show_it(tmp_path, matrix, shown):
    stored = np.zeros((48, 64), np.uint8)
    stored[:16, :20], stored[32:, :20], stored[:16, 44:] = 80, 160, 240
    write_video(tmp_path / 'a.mp4', [np.dstack([stored] * 3)] * 2, 'libx264', 'yuv420p', 25)
    rotated(tmp_path / 'a.mp4', matrix)
    source = open_source(tmp_path / 'a.mp4')
    expected = shown(stored)
    assert source.size == expected.shape[::-1]
    for image in source:
        assert np.abs(image.pixels.astype(int) - expected).mean() < 4


@pytest.mark.parametrize('bits', [10, 12])
@pytest.mark.parametrize('form', ['gray{}le', 'yuv420p{}le'])
def test_video_of_more_than_8_bits_keeps_its_counts(tmp_path, bits, form):
    counts = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) % 2**bits
    with av.open(str(tmp_path / 'a.mkv'), 'w') as container:
        stream = container.add_stream('ffv1', 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, form.format(bits)
        frame = av.VideoFrame(64, 48, form.format(bits))
        for plane in frame.planes:
            rows = np.full((plane.height, plane.line_size // 2), 2 ** (bits - 1), np.uint16)
            if plane.width == 64:
                rows[:, :64] = counts
            plane.update(rows.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (image,) = open_source(tmp_path / 'a.mkv')
    assert image.encoding == 'mono16'
    assert np.array_equal(image.pixels, counts)


def test_a_thumbnail_before_the_video_is_not_taken_for_it(tmp_path):
    with av.open(str(tmp_path / 'a.mkv'), 'w') as container:
        thumbnail = container.add_stream('mjpeg', 25)
        thumbnail.width, thumbnail.height, thumbnail.pix_fmt = 32, 24, 'yuvj420p'
        thumbnail.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream('ffv1', 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'gray'
        small = np.full((24, 32, 3), 99, np.uint8)
        container.mux(thumbnail.encode(av.VideoFrame.from_ndarray(small, 'bgr24')))
        for value in (10, 20, 30):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64), value, np.uint8), 'gray')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    source = open_source(tmp_path / 'a.mkv')
    assert source.size == (64, 48)
    assert [int(image.pixels[0, 0]) for image in source] == [10, 20, 30]


@pytest.mark.parametrize('damaged', [0, 3])
def test_a_damaged_packet_is_told_and_the_other_images_keep_their_numbers(
    tmp_path, caplog, damaged
):
    with av.open(str(tmp_path / 'a.mkv'), 'w') as container:
        stream = container.add_stream('mjpeg', 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuvj420p'
        for index in range(6):
            pixels = np.full((48, 64, 3), 40 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, 'bgr24')
            frame.pts = index
            for packet in stream.encode(frame):
                if index == damaged:
                    broken = av.Packet(bytes(40))
                    broken.stream, broken.time_base = packet.stream, packet.time_base
                    broken.pts, broken.dts = packet.pts, packet.dts
                    packet = broken
                container.mux(packet)
    source = open_source(tmp_path / 'a.mkv')
    assert source.size == (64, 48)
    found = {number: image.pixels.mean() for number, image in source.numbered()}
    assert found == pytest.approx({i: 40 * i for i in range(6) if i != damaged}, abs=2)
    assert f'image {damaged} of a is left out: its packet is damaged' in caplog.text


def test_every_page_of_a_tiff_file_is_an_image(tmp_path):
    pages = [np.full((6, 8), 1000 + index, np.uint16) for index in range(40)]
    (tmp_path / 'folder').mkdir()
    cv2.imwritemulti(str(tmp_path / 'stack.tiff'), pages)
    cv2.imwrite(str(tmp_path / 'folder' / '1.png'), np.zeros((6, 8), np.uint16))
    cv2.imwritemulti(str(tmp_path / 'folder' / '2.tif'), pages[:3])
    source = open_source(tmp_path / 'stack.tiff')
    assert (source.name, source.length, source.size) == ('stack', 40, (8, 6))
    assert [int(image.pixels[0, 0]) for image in source] == list(range(1000, 1040))
    source = open_source(tmp_path / 'folder')
    assert source.length == 4
    assert [int(image.pixels[0, 0]) for image in source] == [0, 1000, 1001, 1002]
    assert [image.stamp for image in source] == [0, 33_333_333, 66_666_667, 100_000_000]


@pytest.mark.parametrize('orientation', [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_jpeg_is_turned_as_viewers_show_it(tmp_path, orientation):
    stored = np.zeros((48, 64), np.uint8)
    stored[:16, :20], stored[32:, :20], stored[:16, 44:] = 80, 160, 240
    jpeg = cv2.imencode('.jpg', stored)[1].tobytes()
    entry = struct.pack('>HHIHH', 0x0112, 3, 1, orientation, 0)
    exif = b'Exif\0\0MM\0*' + struct.pack('>IH', 8, 1) + entry + bytes(4)
    marker = b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif
    (tmp_path / '1.jpg').write_bytes(jpeg[:2] + marker + jpeg[2:])
    turned = stored if orientation < 5 else stored.T
    flips = {1: '', 2: 'x', 3: 'xy', 4: 'y', 5: '', 6: 'x', 7: 'xy', 8: 'y'}[orientation]
    turned = turned[:: -1 if 'y' in flips else 1, :: -1 if 'x' in flips else 1]
    (image,) = open_source(tmp_path)
    assert image.pixels.shape == turned.shape
    assert np.abs(image.pixels.astype(int) - turned).mean() < 4


def test_files_whose_names_begin_with_a_dot_are_no_images(tmp_path):
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.full((6, 8), number, np.uint8))
        (tmp_path / f'._{number}.png').write_bytes(b'Mac OS X')
    assert [int(image.pixels[0, 0]) for image in open_source(tmp_path)] == [1, 2]


@pytest.mark.parametrize('suffix', ['.tiff', '.npy'])
@pytest.mark.parametrize('kind', [np.int16, np.int32, np.float32, np.float64])
def test_images_of_other_numbers_keep_them(tmp_path, suffix, kind):
    pixels = (np.arange(48).reshape(6, 8) - 20).astype(kind)
    path = tmp_path / f'1{suffix}'
    np.save(path, pixels) if suffix == '.npy' else cv2.imwrite(str(path), pixels)
    (image,) = open_source(tmp_path)
    assert image.pixels.dtype == np.float32
    assert np.array_equal(image.pixels, pixels)


@pytest.mark.parametrize('suffix', ['.webp', '.jp2'])
def test_webp_and_jpeg_2000_are_read(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / f'1{suffix}'), np.full((64, 80), 130, np.uint8))
    (image,) = open_source(tmp_path)
    assert image.pixels.shape == (64, 80)
    assert image.pixels.mean() == pytest.approx(130, abs=2)


def test_a_numpy_file_is_an_image_or_a_stack_of_them(tmp_path):
    stack = np.arange(5 * 6 * 8, dtype=np.uint16).reshape(5, 6, 8)
    np.save(tmp_path / 'stack.npy', stack)
    found = [image.pixels for image in open_source(tmp_path / 'stack.npy')]
    assert np.array_equal(found, stack)
    np.save(tmp_path / 'colour.npy', np.full((6, 8, 3), (0, 0, 255), np.uint8))
    (image,) = open_source(tmp_path / 'colour.npy')
    assert image.pixels[0, 0] == 76
    np.save(tmp_path / 'line.npy', np.zeros(5))
    with pytest.raises(ValueError, match=r'line\.npy .*shape \(5,\)'):
        open_source(tmp_path / 'line.npy')


def test_a_stream_from_the_network_is_read_once_from_its_first_image(tmp_path):
    images, _ = tiny_scene(4)
    write_video(tmp_path / 'raw.mkv', [image.pixels for image in images], 'ffv1', 'gray16le', 20)
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f'http://127.0.0.1:{server.server_port}'
        source = open_source(f'{address}/raw.mkv')
        assert (source.name, source.size) == ('raw_mkv', (96, 72))
        for found, expected in zip(list(source), images, strict=True):
            assert np.array_equal(found.pixels, expected.pixels)
        with pytest.raises(OSError, match='gone.mkv cannot be read'):
            open_source(f'{address}/gone.mkv')
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a log."""

    def log_message(self, format, *args):
        pass


class FakeCapture:
    """A camera of OpenCV that offers some pixel formats."""

    opened: ClassVar[list] = []

    def __init__(self, index):
        self.opened.append(index)
        self.code, self.converts = 0, True

    def set(self, key, value):
        if key == cv2.CAP_PROP_FOURCC and value in self.codes:
            self.code = value
        if key == cv2.CAP_PROP_CONVERT_RGB:
            self.converts = bool(value)

    def get(self, key):
        return self.code if key == cv2.CAP_PROP_FOURCC else 9.0

    def read(self):
        if self.code and not self.converts:
            return True, np.full((6, 8), 7000, np.uint16)
        return True, np.full((6, 8, 3), 70, np.uint8)


@pytest.mark.parametrize(('offered', 'count'), [(('Y16 ',), 7000), ((), 70)])
def test_a_camera_is_asked_for_its_raw_counts(monkeypatch, offered, count):
    codes = [cv2.VideoWriter.fourcc(*name) for name in offered]
    monkeypatch.setattr(FakeCapture, 'codes', codes, raising=False)
    monkeypatch.setattr(FakeCapture, 'opened', [])
    monkeypatch.setattr(cv2, 'VideoCapture', FakeCapture)
    source = open_source('/dev/video98')
    assert (FakeCapture.opened, source.name, source.size) == ([98], 'camera98', (8, 6))
    assert source.rate == 9
    assert next(iter(source)).pixels[0, 0] == count
