# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node `viewer`, as parameters.py has those of the others."""

from __future__ import annotations

from ..viewer.settings import ServerSettings
from .parameter import Parameter

_DEFAULTS = ServerSettings()

VIEWER = (
    Parameter('tracker', 'tracker', 'Name of the tracker node, in the namespace of the viewer.'),
    Parameter(
        'image_transport',
        'auto',
        'Of the images: auto takes that of the tracker, and raw as long as there is none.',
        choices=('auto', 'raw', 'compressed'),
    ),
    Parameter(
        'host',
        _DEFAULTS.host,
        'Address to listen on; 0.0.0.0 for all. Others than local ones ask for a token.',
    ),
    Parameter('port', _DEFAULTS.port, 'Port to listen on; 0 takes a free one.', 0, 65535),
    Parameter(
        'token',
        _DEFAULTS.token,
        'What a viewer has to enter, at least 8 characters; empty: none on a local address, '
        'elsewhere a new one, which is printed at the start.',
    ),
    Parameter('rate', _DEFAULTS.rate, 'Images a second at most, for each viewer.', 0.1, 60.0),
)
