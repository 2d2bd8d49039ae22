# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rates, times and memory of the node, for its diagnostics."""

from __future__ import annotations

import os
from pathlib import Path
import time

import numpy as np

from ..tracking.target import Answer


class Counters:
    """Counts images and answers, and their times, since the rates were last asked for."""

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._received = self._answered = 0
        self._latencies: list[float] = []
        self._model_sum = 0.0
        self._since = time.monotonic()

    def received(self) -> None:
        """Count an image."""
        self._received += 1

    def answered(self, answer: Answer, latency_ms: float) -> None:
        """Count an answer that came so many milliseconds after its image."""
        self._answered += 1
        self._latencies.append(latency_ms)
        self._model_sum += answer.model_ms

    def rates(self) -> dict[str, float]:
        """Return rates, and times in milliseconds, by name; and start anew."""
        latencies, self._latencies = self._latencies or [0.0], []
        p50, p90, p99 = np.percentile(latencies, (50, 90, 99)).tolist()
        elapsed, answered = time.monotonic() - self._since, max(self._answered, 1)
        rates = {
            'images per second': self._received / elapsed,
            'answers per second': self._answered / elapsed,
            'latency mean ms': float(np.mean(latencies)),
            'latency p50 ms': p50,
            'latency p90 ms': p90,
            'latency p99 ms': p99,
            'latency max ms': max(latencies),
            'model mean ms': self._model_sum / answered,
        }
        self._restart()
        return rates


def memory_mib() -> float | None:
    """Return the memory that the process has in use, MiB; None where the system does not say."""
    try:
        pages = int(Path('/proc/self/statm').read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20
