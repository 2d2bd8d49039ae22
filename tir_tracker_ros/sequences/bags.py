# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
ROS 2 bags without ROS 2: images and init boxes in, images and detections out.

The messages are those of sensor_msgs and vision_msgs 4.x, whose layout has been the same since
Humble, so the definitions stored in a bag are not needed (and older bags store none).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, ExitStack
import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from ..geometry import Box
from ..imaging.decode import decode_compressed, decode_image
from ..imaging.thermal_image import ThermalImage
from .base import bag_files, is_bag, read_text, Source
from .folders import ENCODINGS
from .truncated_mcap import is_truncated, TruncatedMcap

logger = logging.getLogger(__name__)

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
DETECTION = 'vision_msgs/msg/Detection2D'

_VISION_MSGS = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'Detection2D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox2D bbox\nstring id'
    ),
    'Detection2DArray': 'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
}
TYPES = get_typestore(Stores.ROS2_JAZZY)
"""The message types that bags are read and written with."""
for _name, _fields in _VISION_MSGS.items():
    TYPES.register(get_types_from_msg(_fields, f'vision_msgs/msg/{_name}'))


_MARK = 'written_by_tir_tracker_ros'
"""Key in the metadata of bags that `BagWriter` wrote."""


_TOLD: set[Path] = set()
"""Bags of which it was told that their metadata cannot be used; each is opened several times."""


class Message(NamedTuple):
    """One message of a bag."""

    topic: str
    type: str
    time: int
    """When it was recorded, nanoseconds."""
    data: bytes | memoryview
    """As it went over the wire (CDR)."""

    def decoded(self) -> Any:
        """Return the message with its fields; raises ValueError for bytes of another type."""
        try:
            return TYPES.deserialize_cdr(self.data, self.type)
        except Exception as error:  # rosbags raises what its generated code happens to run into
            raise ValueError(
                f'message on {self.topic} of {len(self.data)} bytes is no {self.type}: {error}'
            ) from error


class BagReader:
    """
    Read a bag: a storage file, or a folder of them with or without metadata.yaml.

    Raises OSError, naming the bag, when it cannot be read. From an mcap file without its end (the
    recorder was killed) all whole messages are read before the error is raised.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.types: dict[str, str] = {}
        """Message type of each topic."""
        self.counts: dict[str, int] = {}
        """Number of messages on each topic."""
        self.duration = 0
        """From the first message to the last, nanoseconds."""
        self._readers: list[Any] = []

    def __enter__(self) -> BagReader:
        """Open the files of the bag."""
        with _reading(self.path), ExitStack() as stack:
            is_bag(self.path)  # which names a bag of ROS 1 as such
            for reader in self._opened(stack):
                self._readers.append(reader)
                for connection in reader.connections:
                    self.types[connection.topic] = connection.msgtype
                    count = self.counts.get(connection.topic, 0) + connection.msgcount
                    self.counts[connection.topic] = count
                self.duration += reader.duration
            self._stack = stack.pop_all()
        return self

    def _opened(self, stack: ExitStack) -> list[Any]:
        """Open the bag as a whole or, where that cannot be, each of its storage files."""
        paths = bag_files(self.path) if self.path.is_dir() else [self.path]
        if (self.path / 'metadata.yaml').exists() and not any(map(is_truncated, paths)):
            try:
                return [stack.enter_context(Reader(self.path))]
            except Exception as error:  # rosbags and its parser have many of their own
                if not paths:
                    raise
                reason = str(error).strip().split('\n')[0]
                again = self.path in _TOLD
                _TOLD.add(self.path)
                logger.log(
                    logging.DEBUG if again else logging.WARNING,
                    '%s: metadata.yaml cannot be used (%s), so the storage files are read '
                    'without it; `ros2 bag reindex` makes a new one',
                    self.path,
                    reason,
                )
        return [
            TruncatedMcap(path) if is_truncated(path) else stack.enter_context(Reader(path))
            for path in paths
        ]

    def __exit__(self, *exception: object) -> None:
        """Close the files."""
        self._readers.clear()
        self._stack.close()

    def messages(self, topics: Sequence[str]) -> Iterator[Message]:
        """Iterate over the messages of some topics in the order of the bag."""
        with _reading(self.path):
            for reader in self._readers:
                wanted = [c for c in reader.connections if c.topic in topics]
                for connection, at, data in reader.messages(wanted) if wanted else ():
                    yield Message(connection.topic, connection.msgtype, at, data)

    def image_topic(self, topic: str | None = None) -> str:
        """
        Return the full name of `topic`, or of the only image topic.

        Raw images go before compressed ones, and those before compressed depth.

        Raises ValueError that lists the topics when there is no such topic or more than one.
        """
        raw = [name for name, type in self.types.items() if type == IMAGE]
        packed = [name for name, type in self.types.items() if type == COMPRESSED_IMAGE]
        plain = [name for name in packed if not name.endswith('/compressedDepth')]
        return self._chosen(topic, raw or plain or packed, [*raw, *packed], 'image')

    def init_topic(self, topic: str | None = None) -> str | None:
        """
        Return the full name of `topic`, or of the only Detection2D topic that ends in `/init`.

        None when there is none. Raises ValueError as `image_topic` does.
        """
        fitting = [name for name, type in self.types.items() if type == DETECTION]
        inits = [name for name in fitting if name.endswith('/init')]
        if topic is None and not inits:
            return None
        return self._chosen(topic, inits, fitting, 'init')

    def _chosen(
        self, topic: str | None, candidates: list[str], fitting: list[str], kind: str
    ) -> str:
        there = ', '.join(f'{name} ({type})' for name, type in sorted(self.types.items()))
        if topic is not None:
            name = '/' + topic.strip('/')
            if name not in fitting:
                raise ValueError(f'bag {self.path} has no {kind} topic {name}; it has: {there}')
            return name
        if len(candidates) != 1:
            many = (
                f'{len(candidates)} {kind} topics; choose one'
                if candidates
                else f'no {kind} topic'
            )
            raise ValueError(f'bag {self.path} has {many}; it has: {there or "no topics"}')
        return candidates[0]


class BagSource(Source):
    """The images of one topic of a bag, stamped with the stamp of their header."""

    def __init__(self, path: Path, topic: str | None = None) -> None:
        """Raise OSError or ValueError, naming bag and topic, when there is no such image."""
        self.path = path
        self.name = path.stem
        with BagReader(path) as bag:
            self.topic = bag.image_topic(topic)
            self.length = bag.counts[self.topic]
            self.rate = rate_of(bag, self.topic)
        try:
            first = self._first()
        except ValueError as error:
            raise ValueError(f'bag {path} has no image on {self.topic}: {error}') from error
        self.size = first.width, first.height

    def _read(self) -> Iterator[ThermalImage | ValueError]:
        with BagReader(self.path) as bag:
            for message in bag.messages([self.topic]):
                try:
                    yield image_of(message.decoded())
                except ValueError as error:
                    yield error


class BagWriter:
    """
    Write a bag that `ros2 bag` reads: the folder `path`, with one mcap file.

    An earlier bag of this writer at `path` is replaced. The bag is complete after `close`.
    """

    def __init__(self, path: Path) -> None:
        """Raise OSError, naming the path, when something else than such a bag is there."""
        _remove_own(path)
        # Version 8 is what every distribution since Humble reads.
        self._writer = Writer(path, version=8, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_custom_data(_MARK, 'true')
        self._writer.open()
        self._connections: dict[str, Any] = {}

    def write(self, topic: str, message: Any, at: int) -> None:
        """Append a message (of a class of `TYPES`), recorded at `at` nanoseconds."""
        type = message.__msgtype__
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, type, typestore=TYPES)
        self._writer.write(self._connections[topic], at, TYPES.serialize_cdr(message, type))

    def close(self) -> None:
        """Finish the bag."""
        self._writer.close()


def _remove_own(path: Path) -> None:
    """Remove a bag of ours, and nothing else; raises FileExistsError for anything else there."""
    if not path.exists() and not path.is_symlink():
        return
    metadata = path / 'metadata.yaml'
    if not metadata.is_file() or _MARK not in read_text(metadata):
        raise FileExistsError(f'{path} exists and is not a bag of tir-tracker; it is not replaced')
    found = {entry.name for entry in path.iterdir()}
    others = found - {'metadata.yaml', f'{path.name}.mcap'}
    if others:
        raise FileExistsError(f'{path / min(others)} does not belong to the bag; move it away')
    for name in found:
        (path / name).unlink()
    path.rmdir()


def image_of(message: Any) -> ThermalImage:
    """
    Turn a decoded sensor_msgs Image or CompressedImage into a thermal image.

    Raises ValueError that names the bad field.
    """
    stamp = stamp_of(message.header)
    if message.__msgtype__ == COMPRESSED_IMAGE:
        return ThermalImage(decode_compressed(message.data, message.format), stamp, message.format)
    big_endian = bool(message.is_bigendian)
    pixels = decode_image(
        message.data, message.height, message.width, message.encoding, message.step, big_endian
    )
    return ThermalImage(pixels, stamp, message.encoding, big_endian)


def image_message(image: ThermalImage, frame_id: str = '') -> Any:
    """Return a sensor_msgs/Image of the pixels: mono8, mono16 or 32FC1, little endian."""
    pixels = image.pixels.astype(image.pixels.dtype.newbyteorder('<'), copy=False)
    return TYPES.types[IMAGE](
        header=header(image.stamp, frame_id),
        height=image.height,
        width=image.width,
        encoding=ENCODINGS[image.pixels.dtype.name],
        is_bigendian=0,
        step=image.width * image.pixels.itemsize,
        data=np.frombuffer(np.ascontiguousarray(pixels).tobytes(), np.uint8),
    )


def detection_message(
    header: Any,
    box: Box,
    score: float | None,
    id: str = '',
    class_id: str = '',
    theta: float = 0.0,
) -> Any:
    """Return a vision_msgs/Detection2D; `results` is empty where there is no score."""
    new = TYPES.types
    results = []
    if score is not None:
        pose = new['geometry_msgs/msg/PoseWithCovariance'](
            pose=new['geometry_msgs/msg/Pose'](
                position=new['geometry_msgs/msg/Point'](x=0.0, y=0.0, z=0.0),
                orientation=new['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
            ),
            covariance=np.zeros(36),
        )
        hypothesis = new['vision_msgs/msg/ObjectHypothesis'](class_id=class_id, score=score)
        results.append(
            new['vision_msgs/msg/ObjectHypothesisWithPose'](hypothesis=hypothesis, pose=pose)
        )
    center = new['vision_msgs/msg/Pose2D'](
        position=new['vision_msgs/msg/Point2D'](x=box.cx, y=box.cy), theta=theta
    )
    bbox = new['vision_msgs/msg/BoundingBox2D'](center=center, size_x=box.w, size_y=box.h)
    return new[DETECTION](header=header, results=results, bbox=bbox, id=id)


def box_of(detection: Any) -> Box:
    """Return the unrotated box of a decoded Detection2D."""
    bbox = detection.bbox
    center = bbox.center.position
    return Box.from_center(center.x, center.y, bbox.size_x, bbox.size_y)


def header(stamp: int, frame_id: str = '') -> Any:
    """Return a std_msgs/Header; `stamp` in nanoseconds."""
    sec, nanosec = divmod(stamp, 10**9)
    time = TYPES.types['builtin_interfaces/msg/Time'](sec=sec, nanosec=nanosec)
    return TYPES.types['std_msgs/msg/Header'](stamp=time, frame_id=frame_id)


def stamp_of(header: Any) -> int:
    """Return the stamp of a decoded header, nanoseconds."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def rate_of(bag: BagReader, topic: str) -> float:
    """Return the mean images per second of a topic over the whole bag; 30 if not known."""
    gaps = bag.counts[topic] - 1
    rate = gaps / bag.duration * 1e9 if bag.duration > 0 else 0.0
    return rate if 0.1 < rate < 1000 else Source.rate


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # rosbags, its databases and its decompressors each have exceptions of their own.
        raise OSError(f'bag {path} cannot be read: {error}') from error
