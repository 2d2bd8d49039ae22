# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the page is, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass

from ..imaging.gain import GainSettings


@dataclass(frozen=True)
class ServerSettings:
    """Settings of the server."""

    host: str = '127.0.0.1'
    """Address to listen on; others than local ones ask for a token."""
    port: int = 8080
    """0 takes a free one."""
    token: str = ''
    """Empty: none on a local address, elsewhere a new one."""
    rate: float = 30.0
    """Images a second at most, for each viewer."""
    gain: GainSettings | None = None
