# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A reader of MATLAB's MAT-files, level 5 (`save -v6` and `-v7`): numbers, text, cells and structs.

(MathWorks, MAT-File Format. Nothing in a file is executed; objects are refused.)
"""

from __future__ import annotations

import math
from pathlib import Path
import struct
from typing import Any
import zlib

import numpy as np

_NUMBERS = {
    1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 9: 'f8', 12: 'i8', 13: 'u8'
}  # fmt: skip
_TEXTS = {1: 'latin-1', 2: 'latin-1', 16: 'utf-8', 4: 'utf-16', 17: 'utf-16', 18: 'utf-32'}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR, _FIRST_NUMBER, _LAST_NUMBER = 1, 2, 4, 6, 15
_LARGEST = 1 << 31
"""Bytes that a variable may have unpacked: a small file could else fill the memory."""
_DEEPEST = 20
"""Levels of cells and structs in each other."""


class MatError(ValueError):
    """A file that is no MAT-file of level 5, is damaged, or holds what is no data."""


def read_mat(path: str | Path) -> dict[str, Any]:
    """
    Read the variables of a file by their names.

    Arrays of numbers are arrays, text is str, a cell array is a list, a struct is a dict, and an
    array of structs a list of them, columns first. Raises MatError, of one line, and OSError.
    """
    data = Path(path).read_bytes()
    if data[:10] == b'MATLAB 7.3' or data[:4] == b'\x89HDF':
        raise MatError('it is of version 7.3; save it again with -v7')
    order = {b'IM': '<', b'MI': '>'}.get(data[126:128])
    if len(data) < 128 or order is None:
        raise MatError('it is no MAT-file of level 5')
    reader = _Reader(order)
    variables = {}
    try:
        for kind, content in reader.elements(memoryview(data)[128:]):
            if kind == _COMPRESSED:
                [(kind, content)] = reader.elements(_unpacked(content))
            if kind == _MATRIX:
                name, value = reader.matrix(content)
                variables[name] = value
    except (struct.error, ValueError, IndexError, UnicodeDecodeError, zlib.error) as error:
        if isinstance(error, MatError):
            raise
        raise MatError(f'it is damaged or truncated ({error})') from error
    return variables


def _unpacked(content: memoryview) -> memoryview:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(content, _LARGEST)
    if unpacker.unconsumed_tail:
        raise MatError('a variable is larger than 2 GB')
    return memoryview(data)


class _Reader:
    def __init__(self, order: str) -> None:
        self.order = order

    def elements(self, data: memoryview) -> list[tuple[int, memoryview]]:
        """Split data into elements: their types and contents."""
        found, at = [], 0
        while at + 8 <= len(data):
            kind, size = struct.unpack_from(f'{self.order}II', data, at)
            start, step = at + 8, 8 + size + (-size % 8 if kind != _COMPRESSED else 0)
            if kind >> 16:  # a short one, with up to four bytes in its tag
                kind, size, start, step = kind & 0xFFFF, kind >> 16, at + 4, 8
            if start + size > len(data):
                raise MatError('it is damaged or truncated')
            found.append((kind, data[start : start + size]))
            at += step
        return found

    def matrix(self, data: memoryview, depth: int = 0) -> tuple[str, Any]:
        """Read the name and the value of a matrix."""
        if not len(data):
            return '', np.zeros((0, 0))
        if depth > _DEEPEST:
            raise MatError('its cells and structs are too deep in each other')
        parts = self.elements(data)
        flags = int(self._numbers(parts[0])[0])
        kind = flags & 0xFF
        if kind not in (_CELL, _STRUCT, _CHAR, *range(_FIRST_NUMBER, _LAST_NUMBER + 1)):
            raise MatError('it holds an object or a function; save a struct of numbers instead')
        shape = [int(size) for size in self._numbers(parts[1])]
        count, name = math.prod(shape), self._text(parts[2])
        if kind == _CELL:
            return name, [self._inner(part, depth) for part in parts[3 : 3 + count]]
        if kind == _STRUCT:
            width = int(self._numbers(parts[3])[0])
            raw = bytes(parts[4][1])
            fields = [
                raw[i : i + width].split(b'\0')[0].decode('latin-1')
                for i in range(0, len(raw), width)
            ]
            values = [self._inner(part, depth) for part in parts[5:]]
            if len(values) != count * len(fields):
                raise MatError('it is damaged: a struct lacks fields')
            structs = [
                dict(zip(fields, values[i * len(fields) : (i + 1) * len(fields)]))
                for i in range(count)
            ]
            return name, structs[0] if count == 1 else structs
        if kind == _CHAR:
            return name, self._text(parts[3]) if count else ''
        if flags >> 11 & 1:
            raise MatError('it holds complex numbers')
        return name, self._numbers(parts[3]).reshape(shape, order='F')

    def _inner(self, part: tuple[int, memoryview], depth: int) -> Any:
        if part[0] != _MATRIX:
            raise MatError('it is damaged: a matrix is missing')
        return self.matrix(part[1], depth + 1)[1]

    def _numbers(self, part: tuple[int, memoryview]) -> np.ndarray:
        if part[0] not in _NUMBERS:
            raise MatError(f'it is damaged: numbers of type {part[0]}')
        return np.frombuffer(part[1], self.order + _NUMBERS[part[0]])

    def _text(self, part: tuple[int, memoryview]) -> str:
        coding = _TEXTS.get(part[0], 'latin-1')
        if coding.startswith('utf-') and coding != 'utf-8':
            coding += '-le' if self.order == '<' else '-be'
        return bytes(part[1]).decode(coding)
