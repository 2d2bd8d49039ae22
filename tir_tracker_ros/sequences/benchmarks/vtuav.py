# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the boxes of VTUAV begin: the first frames in `init_frame.npy`, beside its folders."""

from __future__ import annotations

from functools import cache
from pathlib import Path
import pickletools

import numpy as np

from .annotations import report

FILE = 'init_frame.npy'
_LEVELS = 4
"""Folders above a sequence in which the file may be: `VTUAV/test_ST/<part>/<sequence>`."""


def first_frame(folder: Path) -> int:
    """Return the number of the frame that a sequence's first box belongs to; most begin at 0."""
    for above in list(folder.parents)[:_LEVELS]:
        if (above / FILE).is_file():
            return _read(above / FILE).get(folder.name, 0)
    return 0


@cache
def _read(path: Path) -> dict[str, int]:
    """
    Read names and numbers of the file; nothing in it is executed.

    It holds a pickled dictionary, which numpy only loads by running what the file says
    (`allow_pickle`). So only the names and the numbers behind them are taken from its opcodes.
    """
    try:
        with path.open('rb') as stream:
            version = np.lib.format.read_magic(stream)
            header = getattr(np.lib.format, f'read_array_header_{version[0]}_0')
            _, _, kind = header(stream)
            if kind != np.dtype(object):
                raise ValueError(f'it holds {kind}')
            frames, name = {}, None
            for code, value, _ in pickletools.genops(stream):
                if isinstance(value, str) and 'UNICODE' in code.name:
                    name = value
                elif isinstance(value, int) and 'BININT' in code.name and name is not None:
                    frames[name], name = value, None
                elif 'PUT' not in code.name and code.name != 'MEMOIZE':
                    name = None
            return frames
    except (OSError, ValueError, AttributeError) as error:
        expected = 'it is not a dictionary of names and first frames; all begin at 0'
        report(path, None, f'{error}; {expected}')
        return {}
