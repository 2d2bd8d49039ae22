# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node's own record: a line of CSV for each image that it processed."""

from __future__ import annotations

import csv
from pathlib import Path

from ..imaging.radiometry import NAMES as TEMPERATURES
from ..tracking.target import Answer

COLUMNS = (
    *('stamp', 'arrival_ns', 'publish_ns', 'model_ms', 'state', 'score'),
    *('x', 'y', 'w', 'h', 'wait_ms'),
)
"""
stamp: of the image, ns. arrival_ns: when the middleware had the image; publish_ns: when its
detection had been published; both are system time. score: empty while the target is lost. wait_ms:
how long the model was still busy with the image before. With radiometry, minimum, median and
maximum of the box follow, degrees Celsius; empty where nothing could be measured. With rotated
boxes, `theta` follows: x, y, w and h are those before the box is turned about its centre by it,
radians. With several targets, each has a line with its id at the end. For an image without a
detection, only stamp, arrival and state are given.
"""


class Record:
    """Writes the record; raises OSError when the file cannot be written."""

    def __init__(
        self, path: str, temperatures: bool = False, ids: bool = False, rotated: bool = False
    ) -> None:
        self._temperatures = TEMPERATURES if temperatures else ()
        self._ids = ('id',) if ids else ()
        self._theta = ('theta',) if rotated else ()
        self._file = Path(path).expanduser().open('w', buffering=1, newline='')
        self._writer = csv.writer(self._file)
        self._extras = self._temperatures + self._theta + self._ids
        self._writer.writerow(COLUMNS + self._extras)

    def idle(self, stamp: int, arrival: int, state: str) -> None:
        """Add an image that was processed without a target."""
        self._writer.writerow(
            (
                stamp,
                arrival,
                '',
                '',
                state,
                *[''] * 6,
                *('' for _ in self._extras),
            )
        )

    def answered(self, answer: Answer, arrival: int, published: int, wait_ms: float) -> None:
        """Add an image that was answered."""
        score = '' if answer.score is None else f'{answer.score:.6f}'
        measured = answer.temperatures.named() if answer.temperatures else {}
        self._writer.writerow(
            (
                answer.stamp,
                arrival,
                published,
                f'{answer.model_ms:.3f}',
                answer.state,
                score,
                *(f'{value:.3f}' for value in answer.box),
                f'{wait_ms:.3f}',
                *(f'{measured[name]:.2f}' if measured else '' for name in self._temperatures),
                *(f'{answer.theta:.6f}' for _ in self._theta),
                *(answer.id for _ in self._ids),
            )
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()
