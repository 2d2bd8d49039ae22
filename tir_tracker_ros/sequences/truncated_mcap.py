# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What is left of an mcap file whose end is missing: the recorder lost power, or a copy broke off.

The index of an mcap file is at its end, so rosbags cannot open such a file. The records before
it are enough to read the messages (mcap specification, section Records).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from io import BytesIO
from pathlib import Path
import struct
from typing import BinaryIO, NamedTuple

from lz4.frame import LZ4FrameDecompressor

try:
    from compression import zstd  # from Python 3.14 on
except ImportError:
    from backports import zstd

MAGIC = b'\x89MCAP0\r\n'
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 3, 4, 5, 6, 15
# These decompress what there is of a chunk that broke off.
_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    '': bytes,
    'lz4': lambda data: LZ4FrameDecompressor().decompress(data),
    'zstd': lambda data: zstd.ZstdDecompressor().decompress(data),
}
_CHUNK_HEAD = 48
"""Most bytes of a chunk before its records, with the longest name of a compression."""


class Connection(NamedTuple):
    """A topic in the file."""

    topic: str
    msgtype: str
    msgcount: int


def is_truncated(path: Path) -> bool:
    """Tell whether a file begins with the mcap magic bytes and does not end with them."""
    if path.suffix != '.mcap':
        return False
    with path.open('rb') as file:
        start = file.read(len(MAGIC))
        file.seek(max(file.seek(0, 2) - len(MAGIC), 0))
        return start == MAGIC and file.read() != MAGIC


class TruncatedMcap:
    """Read a truncated mcap file from its front, in the way of a rosbags reader."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.channels: dict[int, tuple[str, str]] = {}
        """Topic and message type of each channel."""
        counts: dict[int, int] = {}
        times = []
        for channel, at, _ in self._messages():
            counts[channel] = counts.get(channel, 0) + 1
            times.append(at)
        self.duration = max(times) - min(times) if times else 0
        self.connections = [
            Connection(*self.channels[channel], count) for channel, count in counts.items()
        ]

    def messages(
        self, connections: Collection[Connection]
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield connection, time (ns) and data; raises OSError after the last whole message."""
        wanted = {connection.topic: connection for connection in connections}
        for channel, at, data in self._messages():
            topic, _ = self.channels[channel]
            if topic in wanted:
                yield wanted[topic], at, data
        raise OSError(f'{self.path.name} ends early; `mcap recover` repairs such a file')

    def _messages(self) -> Iterator[tuple[int, int, bytes]]:
        schemas = {0: ''}
        with self.path.open('rb') as file:
            file.seek(len(MAGIC))
            for kind, body in _records(file):
                if kind == _SCHEMA:
                    (number,) = struct.unpack_from('<H', body)
                    schemas[number] = _string(body, 2)
                elif kind == _CHANNEL:
                    number, schema = struct.unpack_from('<HH', body)
                    self.channels[number] = _string(body, 4), schemas[schema]
                elif kind == _MESSAGE:
                    number, _, at = struct.unpack_from('<HIQ', body)
                    yield number, at, body[22:]


def _records(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each whole record, also of those in chunks, the last one torn."""
    while len(head := file.read(9)) == 9:
        kind, length = struct.unpack('<BQ', head)
        body = file.read(length)
        if kind == _CHUNK and len(body) > _CHUNK_HEAD:
            compression = _string(body, 28)
            records = body[40 + len(compression) :]
            yield from _records(BytesIO(_DECOMPRESS[compression](records)))
        elif len(body) < length or kind == _DATA_END:
            return
        else:
            yield kind, body


def _string(body: bytes, at: int) -> str:
    (length,) = struct.unpack_from('<I', body, at)
    return body[at + 4 : at + 4 + length].decode()
