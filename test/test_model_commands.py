# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker models`, `weights`, `features` and `benchmark model`, as a user calls them."""

import json

import cv2
import numpy as np
import pytest
import torch

from tir_tracker_ros.cli import main
from tir_tracker_ros.commands import benchmark_model, models
from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.families import find_preset, PRESETS
from tir_tracker_ros.models.matching import MatchingNet


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / 'own.safetensors'
    zoo.save_weights(MatchingNet(find_preset('mmnet_fast')), path, {'seed': 4, 'pairs': 10})
    return path


def test_models_lists_every_preset_with_its_cost(capsys):
    assert main(['models', '--json', '--no-speed']) == 0
    rows = {row['name']: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == set(PRESETS)
    # conv1 to conv5 of 255 px at the paper's size, counted by hand, and the correlation.
    backbone = (
        123**2 * 96 * 121
        + 57**2 * 256 * 25 * 48
        + 53**2 * 384 * 9 * 256
        + 51**2 * 384 * 9 * 192
        + 49**2 * 32 * 9 * 192
    )
    correlation = 33**2 * 32 * 17**2
    assert rows['cfnet']['multiply_adds'] == pytest.approx(backbone + correlation, rel=0.01)
    assert rows['mmnet_fast']['stride'] == 8


def test_a_model_is_timed_unless_that_is_left_out():
    assert models.describe('cfnet_fast')['speed'] > 0
    assert models.describe('cfnet_fast', timed=False)['speed'] is None
    assert models.describe('siamrpnpp_r50')['speed'] is None, 'that would take long'


def test_weights_verifies_a_file(weights, capsys):
    assert main(['weights', str(weights)]) == 0
    assert 'mmnet_fast' in capsys.readouterr().out


def test_weights_fails_on_a_damaged_file_and_still_lists_the_others(weights, tmp_path, capsys):
    damaged = tmp_path / 'damaged.safetensors'
    damaged.write_bytes(weights.read_bytes()[:500])
    assert main(['weights', str(damaged), str(weights)]) == 1
    printed = capsys.readouterr()
    assert 'damaged.safetensors' in printed.err and 'own.safetensors' in printed.out


def test_features_draws_a_picture(weights, tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(2):
        cv2.imwrite(str(folder / f'{index}.png'), random.integers(0, 255, (120, 160), np.uint8))
    out = tmp_path / 'picture.png'
    assert (
        main(
            [
                'features',
                str(folder),
                '--init',
                '60,40,30,30',
                '--weights',
                str(weights),
                '--out',
                str(out),
            ]
        )
        == 0
    )
    assert cv2.imread(str(out)).shape[1] > 1000


def test_features_says_when_the_source_is_too_short(weights, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((90, 90), np.uint8))
    assert (
        main(
            [
                'features',
                str(tmp_path),
                '--init',
                '10,10,30,30',
                '--weights',
                str(weights),
                '--frame',
                '3',
            ]
        )
        == 1
    )
    assert 'has 1 images: no --frame 3' in capsys.readouterr().err


def test_model_benchmark_measures_stages():
    threads = torch.get_num_threads()
    try:
        row = benchmark_model.measure('cfnet_fast', 1, 'cpu', 'float32', 'default', 3, (1, 4))
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    assert row['threads'] == 1 and row['fps'] == pytest.approx(1e3 / row['update_ms'], rel=0.01)
    assert all(row[f'{stage}_ms'] > 0 for stage in benchmark_model.STAGES)
    assert row['targets_ms'][1] == row['update_ms'] < row['targets_ms'][4]
