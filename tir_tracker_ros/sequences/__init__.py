# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images, videos, bags and benchmark folders as one stream of frames, and the writers."""
