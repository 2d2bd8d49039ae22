# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker benchmark imaging`: a table, and the same measurements as JSON."""

from __future__ import annotations

import json

import pytest

from tir_tracker_ros.commands.benchmark_imaging import benchmark_imaging, CASES, STEPS


def test_every_kind_of_image_is_in_the_table_and_in_the_file(tmp_path, capsys):
    measurements = benchmark_imaging(repeat=2, json_file=tmp_path / 'new' / 'imaging.json')
    assert json.loads((tmp_path / 'new' / 'imaging.json').read_text()) == measurements
    table = capsys.readouterr().out
    assert len(measurements) == len(CASES)
    for entry in measurements:
        assert entry['image'] in table
        assert all(entry[f'{step}_ms_p50'] > 0 for step in STEPS)


def test_no_repetition_is_refused():
    with pytest.raises(ValueError, match='--repeat 0'):
        benchmark_imaging(repeat=0)
