# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Decoding of image messages: every encoding, padding, both byte orders, and bad input."""

from __future__ import annotations

import array
import struct

import cv2
import numpy as np
import pytest

from tir_tracker_ros.imaging.decode import decode_compressed, decode_image, ENCODINGS, to_gray
from tir_tracker_ros.imaging.thermal_image import ThermalImage

RNG = np.random.default_rng(1)
GRAY = {
    'mono8': np.uint8,
    '8UC1': np.uint8,
    'mono10': np.uint16,
    'mono12': np.uint16,
    'mono14': np.uint16,
    'mono16': np.uint16,
    '16UC1': np.uint16,
    '32FC1': np.float32,
}
WIDE = {'8SC1': np.int8, '16SC1': np.int16, '32SC1': np.int32, '64FC1': np.float64}
COLOR = {
    'bgr8': [0, 1, 2],
    '8UC3': [0, 1, 2],
    'rgb8': [2, 1, 0],
    'bgra8': [0, 1, 2, 3],
    '8UC4': [0, 1, 2, 3],
    'rgba8': [2, 1, 0, 3],
}
YUYV = {'yuv422': 1, 'uyvy': 1, 'yuv422_yuy2': 0, 'yuyv': 0}
PLANES = {'nv12': 3 / 2, 'nv21': 3 / 2, 'nv24': 3}


def _gray_pixels(encoding: str) -> np.ndarray:
    return (RNG.random((5, 7)) * (255 if '8' in encoding else 60_000)).astype(GRAY[encoding])


def _message(pixels: np.ndarray, big_endian: bool, padding: int) -> tuple[bytes, int]:
    stored = pixels.astype(pixels.dtype.newbyteorder('>' if big_endian else '<'))
    rows = [row.tobytes() + b'\xab' * padding for row in stored]
    return b''.join(rows), len(rows[0])


def test_the_encodings_under_test_are_all_that_there_are():
    assert set(ENCODINGS) == {*GRAY, *WIDE, *COLOR, *YUYV, *PLANES}


@pytest.mark.parametrize('padding', [0, 1, 12])
@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('encoding', GRAY)
def test_gray_images_come_back_exactly(encoding, big_endian, padding):
    pixels = _gray_pixels(encoding)
    data, step = _message(pixels, big_endian, padding)
    decoded = decode_image(data, 5, 7, encoding, step, big_endian)
    assert decoded.dtype == pixels.dtype and decoded.dtype.isnative
    assert np.array_equal(decoded, pixels)


@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('encoding', WIDE)
def test_signed_and_wide_counts_are_kept_as_float(encoding, big_endian):
    pixels = RNG.integers(-100, 100, (5, 7)).astype(WIDE[encoding])
    data, step = _message(pixels, big_endian, 3)
    decoded = decode_image(data, 5, 7, encoding, step, big_endian)
    assert decoded.dtype == np.float32
    assert np.array_equal(decoded, pixels)


@pytest.mark.parametrize('encoding', YUYV)
def test_of_yuv_images_the_luminance_is_taken(encoding):
    luminance = _gray_pixels('mono8')
    pixels = np.full((5, 7, 2), 128, np.uint8)
    pixels[..., YUYV[encoding]] = luminance
    data, step = _message(pixels, False, 4)
    assert np.array_equal(decode_image(data, 5, 7, encoding, step, False), luminance)
    assert np.array_equal(decode_image(data[:-4], 5, 7, encoding, step, False), luminance)


@pytest.mark.parametrize('height_of', ['image', 'all planes'])
@pytest.mark.parametrize('encoding', PLANES)
def test_of_yuv_planes_the_luminance_is_taken(encoding, height_of):
    luminance = (RNG.random((4, 6)) * 255).astype(np.uint8)
    rows = round(4 * PLANES[encoding])
    pixels = np.vstack([luminance, np.full((rows - 4, 6), 128, np.uint8)])
    height = 4 if height_of == 'image' else rows
    decoded = decode_image(pixels.tobytes(), height, 6, encoding, 6, False)
    assert np.array_equal(decoded, luminance)


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('encoding', COLOR)
def test_colour_images_become_gray_in_the_right_channel_order(encoding, padding):
    # One pixel each of pure blue, green and red, and white: their weights differ.
    bgr = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    bgra = np.dstack([bgr, np.full(bgr.shape[:2], 7, np.uint8)])
    data, step = _message(np.ascontiguousarray(bgra[..., COLOR[encoding]]), False, padding)
    decoded = decode_image(data, 1, 4, encoding, step, False)
    assert decoded.dtype == np.uint8
    assert decoded.tolist() == [[29, 150, 76, 255]]


@pytest.mark.parametrize('kind', [bytes, bytearray, lambda data: array.array('B', data)])
def test_any_buffer_is_taken_and_16_bit_is_not_copied(kind):
    pixels = _gray_pixels('mono16')
    data = kind(pixels.tobytes())
    decoded = decode_image(data, 5, 7, 'mono16', 14, False)
    assert np.array_equal(decoded, pixels)
    assert np.shares_memory(decoded, np.frombuffer(data, np.uint8))


def test_the_padding_of_the_last_row_may_be_missing():
    pixels = _gray_pixels('mono16')
    data, step = _message(pixels, False, 6)
    assert np.array_equal(decode_image(data[:-6], 5, 7, 'mono16', step, False), pixels)


@pytest.mark.parametrize(
    ('height', 'width', 'encoding', 'step', 'message'),
    [
        (0, 7, 'mono16', 14, '7 x 0 pixels'),
        (5, 0, 'mono16', 14, '0 x 5 pixels'),
        (-5, 7, 'mono16', 14, '7 x -5 pixels'),
        (5, 7, 'rgb16', 14, "encoding 'rgb16' is not one of mono8"),
        (5, 7, '', 14, "encoding ''"),
        (5, 7, 'mono16', 13, 'step of 13 bytes .* 14 bytes'),
        (5, 7, 'bgr8', 14, 'step of 14 bytes .* 21 bytes'),
        (6, 7, 'mono16', 14, 'data of 70 bytes .* 84 bytes'),
        (5, 7, '32FC1', 28, 'data of 70 bytes .* 140 bytes'),
    ],
)
def test_a_bad_field_is_named(height, width, encoding, step, message):
    with pytest.raises(ValueError, match=message):
        decode_image(bytes(70), height, width, encoding, step, False)


def test_compressed_16_bit_png_keeps_its_counts():
    pixels = _gray_pixels('mono16')
    encoded = cv2.imencode('.png', pixels)[1].tobytes()
    assert np.array_equal(decode_compressed(encoded, 'mono16; png compressed'), pixels)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_compressed_colour_becomes_gray(suffix):
    bgr = np.full((16, 16, 3), (255, 0, 0), np.uint8)
    encoded = cv2.imencode(suffix, bgr)[1].tobytes()
    decoded = decode_compressed(array.array('B', encoded), 'bgr8; compressed bgr8')
    assert decoded.shape == (16, 16)
    assert decoded.mean() == pytest.approx(29, abs=2)


@pytest.mark.parametrize('data', [b'', b'not an image', b'\x89PNG\r\n\x1a\n' + bytes(30)])
def test_a_broken_compressed_image_is_named(data):
    with pytest.raises(ValueError, match=f"{len(data)} bytes of format 'png'"):
        decode_compressed(data, 'png')


def test_to_gray_names_what_is_no_image():
    with pytest.raises(ValueError, match=r'\(4, 4, 2\) and type uint8'):
        to_gray(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(ValueError, match='complex64'):
        to_gray(np.zeros((4, 4), np.complex64))


@pytest.mark.parametrize('kind', [np.int16, np.int32, np.float64])
def test_other_numbers_become_float(kind):
    pixels = RNG.integers(-9, 9, (4, 4)).astype(kind)
    assert to_gray(pixels).dtype == np.float32
    assert np.array_equal(to_gray(pixels), pixels)
    assert np.array_equal(to_gray(np.dstack([pixels] * 3)).round(), pixels)


def test_compressed_depth_of_counts_is_read_behind_its_head():
    pixels = _gray_pixels('mono16')
    encoded = struct.pack('<iff', 0, 0.0, 0.0) + cv2.imencode('.png', pixels)[1].tobytes()
    assert np.array_equal(decode_compressed(encoded, '16UC1; compressedDepth png'), pixels)


def test_compressed_depth_of_metres_is_metres_again():
    depth = np.array([[0.5, 1.0, 4.0]], np.float32)
    scale, shift = 1000.0, -1.0
    stored = np.append(np.rint(scale / depth + shift), 0)[None].astype(np.uint16)
    encoded = struct.pack('<iff', 0, scale, shift) + cv2.imencode('.png', stored)[1].tobytes()
    decoded = decode_compressed(encoded, '32FC1; compressedDepth png')
    assert decoded.dtype == np.float32
    assert decoded[0, :3] == pytest.approx(depth[0], rel=1e-3)
    assert np.isnan(decoded[0, 3])


@pytest.mark.parametrize(
    ('pixels', 'message'),
    [
        (np.zeros((0, 4), np.uint8), r'\(0, 4\)'),
        (np.zeros((4, 4, 3), np.uint8), r'\(4, 4, 3\)'),
        (np.zeros((4, 4), np.int32), 'int32'),
        (np.zeros((4, 4), '>u2'), '>u2'),
    ],
)
def test_a_thermal_image_refuses_pixels_that_are_no_gray_image(pixels, message):
    with pytest.raises(ValueError, match=message):
        ThermalImage(pixels, 0)
