# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What the processes of `--jobs` run, imported once before they are forked; see `worker_start`.

The objects of these imports live as long as the process. So they are not looked through for
garbage, neither while they are made nor in each process and at its end, which takes half a second.
"""

from contextlib import suppress
import gc

gc.disable()
with suppress(Exception):  # each process tries again and tells what is wrong
    from ..models import inference, zoo  # noqa: F401
    from ..tracking import engine, refinement  # noqa: F401
    from . import parallel  # noqa: F401
gc.freeze()
gc.enable()
