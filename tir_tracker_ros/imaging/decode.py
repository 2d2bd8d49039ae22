# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
From the bytes of an image message to gray pixels.

cv_bridge is not used here: it divides 16-bit images by 257 on their way to 8 bit, refuses
`8UC1` and `16UC1`, and its big-endian path does not run on numpy 2.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import cv2
import numpy as np

_DEPTH_HEAD = 12
"""Bytes before the png of a compressedDepth image."""


class _Layout(NamedTuple):
    type: str
    channels: int
    to_gray: int | None = None
    """OpenCV's conversion to gray; without one the first channel is taken."""
    offset: int = 0
    """Bytes of a pixel before its first channel that is taken."""
    rows: Fraction = Fraction(1)
    """Rows of all planes for a row of the luminance plane, which comes first."""


_LAYOUTS = {
    'mono8': _Layout('u1', 1),
    '8UC1': _Layout('u1', 1),
    'mono10': _Layout('u2', 1),
    'mono12': _Layout('u2', 1),
    'mono14': _Layout('u2', 1),
    'mono16': _Layout('u2', 1),
    '16UC1': _Layout('u2', 1),
    '8SC1': _Layout('i1', 1),
    '16SC1': _Layout('i2', 1),
    '32SC1': _Layout('i4', 1),
    '32FC1': _Layout('f4', 1),
    '64FC1': _Layout('f8', 1),
    'bgr8': _Layout('u1', 3, cv2.COLOR_BGR2GRAY),
    '8UC3': _Layout('u1', 3, cv2.COLOR_BGR2GRAY),
    'rgb8': _Layout('u1', 3, cv2.COLOR_RGB2GRAY),
    'bgra8': _Layout('u1', 4, cv2.COLOR_BGRA2GRAY),
    '8UC4': _Layout('u1', 4, cv2.COLOR_BGRA2GRAY),
    'rgba8': _Layout('u1', 4, cv2.COLOR_RGBA2GRAY),
    # Of the YUV encodings the luminance is taken, which is the gray image.
    'yuv422': _Layout('u1', 2, offset=1),  # the older name of uyvy
    'uyvy': _Layout('u1', 2, offset=1),
    'yuv422_yuy2': _Layout('u1', 2),  # the older name of yuyv
    'yuyv': _Layout('u1', 2),
    'nv12': _Layout('u1', 1, rows=Fraction(3, 2)),
    'nv21': _Layout('u1', 1, rows=Fraction(3, 2)),
    'nv24': _Layout('u1', 1, rows=Fraction(3)),
}
ENCODINGS = tuple(_LAYOUTS)
"""The encodings of sensor_msgs/Image that `decode_image` takes."""


def decode_image(
    data: Any, height: int, width: int, encoding: str, step: int, big_endian: bool
) -> np.ndarray:
    """
    Decode the fields of a sensor_msgs/Image.

    `data` is any contiguous buffer (bytes, array.array, uint8 array) of `height` rows that are
    `step` bytes apart; the padding of the last row may be missing. Returns `height x width`
    uint8, uint16 or float32 in native byte order; a view of `data` where no conversion is needed.
    Signed counts and float64 become float32. `height` of nv12, nv21 and nv24 may be that of the
    image or, as some drivers fill it in, of all planes together.
    Raises ValueError that names the value for an image of size zero, an unknown encoding, a
    step shorter than a row, and too few bytes.
    """
    if height <= 0 or width <= 0:
        raise ValueError(f'image of {width} x {height} pixels has no area')
    layout = _LAYOUTS.get(encoding)
    if layout is None:
        raise ValueError(f"encoding '{encoding}' is not one of {', '.join(ENCODINGS)}")
    if layout.rows > 1 and len(memoryview(data).cast('B')) < height * step * layout.rows:
        height = int(height / layout.rows)
    stored = np.dtype(layout.type).newbyteorder('>' if big_endian else '<')
    pixel_bytes = stored.itemsize * layout.channels
    if step < width * pixel_bytes:
        raise ValueError(
            f'step of {step} bytes is shorter than a row of {width} {encoding} pixels, '
            f'{width * pixel_bytes} bytes'
        )
    buffer = memoryview(data).cast('B')
    needed = step * (height - 1) + width * pixel_bytes
    if len(buffer) < needed:
        raise ValueError(
            f'data of {len(buffer)} bytes is too short for {width} x {height} {encoding} pixels '
            f'with a step of {step} bytes, {needed} bytes'
        )
    strides: tuple[int, ...] = (step, pixel_bytes)
    shape: tuple[int, ...] = (height, width)
    if layout.to_gray is not None:
        strides, shape = (*strides, stored.itemsize), (*shape, layout.channels)
    pixels: np.ndarray = np.ndarray(shape, stored, buffer, layout.offset, strides)
    if layout.to_gray is not None:
        return cv2.cvtColor(pixels, layout.to_gray)
    if stored.kind == 'i' or stored.itemsize == 8:
        return pixels.astype(np.float32)
    return np.require(pixels, stored.newbyteorder('='), ['ALIGNED'])


def decode_compressed(data: Any, format: str) -> np.ndarray:
    """
    Decode the fields of a sensor_msgs/CompressedImage: 8- or 16-bit png, jpeg, tiff.

    Also those of compressed_depth_image_transport, which writes a head of 12 bytes before a png:
    16UC1 keeps its counts, 32FC1 becomes depth again, NaN where it is not known. Returns gray
    `H x W` uint8, uint16 or float32. Raises ValueError, naming the format and the number of
    bytes, for what is no such image.
    """
    encoded = np.frombuffer(memoryview(data).cast('B'), np.uint8)
    depth = 'compresseddepth' in format.lower()
    image = encoded[_DEPTH_HEAD:] if depth else encoded
    try:
        pixels = cv2.imdecode(image, cv2.IMREAD_UNCHANGED) if image.size else None
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ValueError(
            f"{encoded.size} bytes of format '{format}' are not a complete png, jpeg or tiff image"
        )
    gray = to_gray(pixels)
    if not depth or not format.startswith('32FC1'):
        return gray
    _, scale, shift = np.frombuffer(encoded[:_DEPTH_HEAD].tobytes(), '<f4')
    with np.errstate(divide='ignore'):
        return np.where(gray > 0, scale / (gray - shift), np.float32(np.nan))


def to_gray(pixels: np.ndarray) -> np.ndarray:
    """
    Turn `H x W`, `H x W x 1`, BGR or BGRA pixels into gray `H x W`.

    The type stays uint8, uint16 or float32; other numbers become float32. Raises ValueError,
    naming shape and type, for anything else.
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.ndim not in (2, 3) or pixels.dtype.kind not in 'iuf' or channels not in (1, 3, 4):
        raise ValueError(
            f'pixels of shape {pixels.shape} and type {pixels.dtype} are not a gray or colour '
            'image of numbers'
        )
    kept = pixels.dtype in (np.uint8, np.uint16, np.float32)
    with np.errstate(over='ignore'):
        pixels = pixels.astype(pixels.dtype.newbyteorder('=') if kept else np.float32, copy=False)
    if channels == 1:
        return pixels.reshape(pixels.shape[:2])
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY)
