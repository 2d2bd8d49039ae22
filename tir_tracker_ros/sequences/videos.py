# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Video files and cameras, in and out.

PyAV reads and writes the files: OpenCV turns 16-bit video into 8 bit and writes no H.264. Where
PyAV is not installed, OpenCV does what it can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
import re
import time
from typing import Any

import cv2
import numpy as np

from ..imaging.decode import to_gray
from ..imaging.thermal_image import ThermalImage
from .base import Source
from .folders import ENCODINGS

try:
    import av
except ImportError:  # a sourced ROS 2 may have no PyAV
    av = None  # type: ignore[assignment]

_RAW_16_BIT = int.from_bytes(b'Y16 ', 'little')
_PATIENCE = 10.0
"""Seconds for a stream from the network to begin, or to go on."""
_GRAY16 = int.from_bytes(b'Y1\x00\x10', 'little')


class VideoSource(Source):
    """
    A video file; gray video of more than 8 bits keeps its counts (FFV1 gray16 and others).

    Images are turned and mirrored as the file asks players to do.
    """

    def __init__(self, path: Path) -> None:
        """Raise OSError, naming the file, when it is no video or holds no sound image."""
        self.path = path
        self.name = path.stem
        try:
            first = self._first()
        except ValueError as error:
            raise OSError(f'video {path} cannot be read: {error}') from error
        self.size = first.width, first.height
        self.length, rate = _av_facts(path) if av else _opencv_facts(path)
        self.rate = rate if rate and 0 < rate < 1000 else Source.rate

    def _read(self) -> Iterator[ThermalImage | ValueError]:
        """Iterate over the images, stamped with their time in the file."""
        return _av_images(str(self.path)) if av else _opencv_images(self.path)


class StreamSource(Source):
    """A video from the network (rtsp, http ...), which can be read once."""

    live = True

    def __init__(self, url: str) -> None:
        """Raise OSError, naming the address, when no video comes from there."""
        if av is None:
            raise ImportError(f'{url} needs PyAV: pip install av')
        self.name = re.sub(r'\W+', '_', url.partition('?')[0].rpartition('/')[2]) or 'stream'
        # An answer may take long, but not for ever; UDP would lose packets of images.
        options = {'rtsp_transport': 'tcp'} if url.startswith('rtsp') else {}
        self._images: Iterator[ThermalImage | ValueError] = _av_images(
            url, timeout=_PATIENCE, options=options
        )
        try:
            first = self._first()
        except ValueError as error:
            raise OSError(f'video {url} cannot be read: {error}') from error
        self._images = chain([first], self._images)
        self.size = first.width, first.height

    def _read(self) -> Iterator[ThermalImage | ValueError]:
        """Iterate over the images, stamped with their time in the stream."""
        return self._images


class CameraSource(Source):
    """A camera that the operating system knows by an index; raw 16-bit where it offers Y16."""

    live = True

    def __init__(self, index: int) -> None:
        """Raise OSError, naming the index, when the camera gives no image."""
        self.name = f'camera{index}'
        self._index = index
        self._capture = cv2.VideoCapture(index)
        self._capture.set(cv2.CAP_PROP_FOURCC, _RAW_16_BIT)
        if int(self._capture.get(cv2.CAP_PROP_FOURCC)) == _RAW_16_BIT:
            self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        first = next(self._read(), None)
        if first is None:
            raise OSError(f'camera {index} gives no image')
        self.size = first.width, first.height
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate < 1000 else Source.rate

    def numbered(self) -> Iterator[tuple[int, ThermalImage]]:
        """Iterate over the images until the camera gives no more, which raises OSError."""
        yield from super().numbered()
        raise OSError(f'camera {self._index} gives no more images')

    def _read(self) -> Iterator[ThermalImage]:
        """Iterate over the images, stamped with the time at which they came."""
        while True:
            good, frame = self._capture.read()
            if not good:
                return
            pixels = to_gray(frame)
            yield ThermalImage(pixels, time.time_ns(), ENCODINGS[pixels.dtype.name])


class VideoWriter:
    """
    Write blue-green-red images to an mp4 file: H.264, or MPEG-4 where that cannot be written.

    The first image decides the size of the video; others are scaled to it. The file is made with
    the first image and is complete after `close`.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self.path = path
        # A coarse fraction, since MPEG-4 allows no large denominator.
        self._rate = Fraction(rate).limit_denominator(1000)
        self._size: tuple[int, int] | None = None
        self._container: Any = None
        self._stream: Any = None

    def write(self, image: np.ndarray) -> None:
        """Append an image, uint8 `H x W x 3`; raises OSError when it cannot be written."""
        if self._size is None:
            # Both codecs need even sides.
            self._size = image.shape[1] + image.shape[1] % 2, image.shape[0] + image.shape[0] % 2
            self._open()
        if (image.shape[1], image.shape[0]) != self._size:
            image = cv2.resize(image, self._size)
        if self._stream is None:
            self._container.write(image)
            return
        frame = av.VideoFrame.from_ndarray(image, 'bgr24')
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file."""
        container, self._container = self._container, None
        if container is None:
            return
        if self._stream is None:
            container.release()
            return
        container.mux(self._stream.encode())
        container.close()

    def _open(self) -> None:
        assert self._size is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if av is None:
            code = cv2.VideoWriter.fourcc(*'mp4v')
            self._container = cv2.VideoWriter(str(self.path), code, float(self._rate), self._size)
            if not self._container.isOpened():
                raise OSError(f'video {self.path} cannot be written')
            return
        # Each image goes to the disk at once, so that a full one is told then, not at the end.
        self._container = av.open(str(self.path), 'w', options={'flush_packets': '1'})
        codec = 'libx264' if 'libx264' in av.codecs_available else 'mpeg4'
        # One thread and no look-ahead, so that the same images give the same bytes: with
        # look-ahead the output of x264 differed between runs.
        options = {'qscale': '4'}
        if codec == 'libx264':
            options = {'crf': '20', 'preset': 'veryfast', 'tune': 'zerolatency'}
        self._stream = self._container.add_stream(codec, self._rate, options=options)
        self._stream.codec_context.thread_count = 1
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = 'yuv420p'


def _av_images(source: str, **how: Any) -> Iterator[ThermalImage | ValueError]:
    try:
        with av.open(source, **how) as container:
            stream = _video_stream(container, source)
            # Threads per frame would decode ahead, during the time measured for a tracker.
            stream.thread_type = 'SLICE'
            rate = stream.average_rate or Fraction(30)
            number = 0
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError as error:
                    yield ValueError(f'its packet is damaged: {error.strerror}')
                    number += 1
                    continue
                for frame in frames:
                    at = number / rate if frame.pts is None else frame.pts * frame.time_base
                    number += 1
                    if frame.is_corrupt:
                        yield ValueError('its packet is damaged')
                        continue
                    pixels = _upright(_gray(frame), frame)
                    yield ThermalImage(pixels, round(at * 10**9), ENCODINGS[pixels.dtype.name])
    except av.FFmpegError as error:
        raise OSError(f'video {source} cannot be read: {error.strerror}') from error


def _video_stream(container: Any, source: Any) -> Any:
    """Return the video among the streams, which may begin with a thumbnail or a cover picture."""
    best = container.streams.best('video')
    if best is None:
        raise OSError(f'{source} holds no video')
    if len(container.streams.video) == 1 or container.duration is None:
        return best
    # The containers do not always say which of them is a single picture.
    packets = islice(container.demux(*container.streams.video), 100)
    counts = Counter(packet.stream.index for packet in packets if packet.size)
    container.seek(0)
    videos = [each for each in container.streams.video if counts[each.index] > 1]
    return videos[0] if videos and best not in videos else best


def _gray(frame: Any) -> np.ndarray:
    """Return the frame as gray; the luminance itself where it has more than 8 bits."""
    luminance, *others = frame.format.components
    packed = any(other.plane == luminance.plane for other in others)
    if frame.format.is_rgb or packed or not 8 < luminance.bits <= 16:
        return frame.to_ndarray(format='gray')
    plane = frame.planes[0]
    order = '>' if frame.format.is_big_endian else '<'
    rows = np.frombuffer(plane, f'{order}u2').reshape(-1, plane.line_size // 2)
    pixels = rows[: frame.height, : frame.width].astype(np.uint16)
    # Formats with one plane for both colours (p010 ...) keep the counts in the upper bits.
    shared = len(others) > 1 and others[0].plane == others[1].plane
    return pixels >> (16 - luminance.bits) if shared else pixels


def _upright(pixels: np.ndarray, frame: Any) -> np.ndarray:
    """Turn and mirror an image by the display matrix of the file (ISO 14496-12, track header)."""
    for data in frame.side_data:
        if data.type.name == 'DISPLAYMATRIX':
            # A pixel (x, y) is shown at (a x + c y, b x + d y).
            a, b, _, c, d = np.frombuffer(data, np.int32)[:5].tolist()
            if abs(b) > abs(a):
                pixels, a, d = pixels.T, c, b
            return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
    return pixels


def _av_facts(path: Path) -> tuple[int | None, float | None]:
    with av.open(str(path)) as container:
        stream = _video_stream(container, path)
        rate = float(stream.average_rate) if stream.average_rate else None
        length = stream.frames
        if not length and rate and container.duration:
            length = round(container.duration / av.time_base * rate)
        return length or None, rate


def _opencv_images(path: Path) -> Iterator[ThermalImage]:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise OSError(f'video {path} cannot be read')
    if int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) == _GRAY16:
        raise OSError(f'video {path} has 16-bit images: PyAV reads those (pip install av)')
    while True:
        stamp = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        good, frame = capture.read()
        if not good:
            return
        yield ThermalImage(to_gray(frame), stamp)


def _opencv_facts(path: Path) -> tuple[int | None, float | None]:
    capture = cv2.VideoCapture(str(path))
    length = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return length if length > 0 else None, capture.get(cv2.CAP_PROP_FPS) or None
