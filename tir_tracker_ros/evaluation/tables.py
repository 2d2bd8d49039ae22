# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables of Markdown, and what stands in their cells."""

from __future__ import annotations

from collections.abc import Mapping
import math
from typing import Any


def cell(metrics: Mapping[str, Any], key: str, form: str, nothing: str = '-') -> str:
    """Return a metric in a format; `nothing` where it is missing or not finite."""
    value = metrics.get(key)
    return nothing if value is None or not math.isfinite(value) else format(value, form)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table, all columns but the first flush right, and an empty line."""
    lines = [head, ['---', *['---:'] * (len(head) - 1)], *rows]
    return [f'| {" | ".join(line)} |' for line in lines] + ['']
