# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node as users start it, with the real network: good and bad weights, and its benchmark."""

import json
import sys

from node_rig import box_of, Rig
import pytest

from tir_tracker_ros import cli
from tir_tracker_ros.models import zoo
from tir_tracker_ros.nodes.tracker_node import main
from tir_tracker_ros.simulation import render

CONFIGURE = 1
SHIPPED = zoo.shipped_weights('mmnet_fast')


@pytest.fixture(scope='module')
def rig():
    rig = Rig(active=False, command=[sys.executable, '-m', main.__module__], threads=1)
    yield rig
    rig.close()


def test_weights_that_cannot_be_used_are_named_and_the_node_lives(rig, tmp_path):
    truncated = tmp_path / 'truncated.safetensors'
    truncated.write_bytes(SHIPPED.read_bytes()[:-100])
    text = tmp_path / 'text.safetensors'
    text.write_text('no weights')
    for path in (truncated, text, tmp_path / 'missing.safetensors'):
        assert rig.set('weights', str(path)).successful
        assert not rig.transition(CONFIGURE)
        rig.logged(str(path))
    assert rig.set('weights', '').successful
    assert rig.set('model', 'mmnet_slow').successful
    assert not rig.transition(CONFIGURE)
    rig.logged("no model 'mmnet_slow'; the models are mmnet")
    assert rig.set('model', 'auto').successful
    assert rig.lifecycle_state == 'unconfigured'


def test_a_simulated_target_is_followed(rig):
    rig.bring_up()
    rig.fresh()
    overlaps = []
    for number, (image, box) in enumerate(render('easy', seed=1, frames=8, bits=16)):
        rig.send(number, pixels=image.pixels, encoding='mono16')
        if number == 0:
            rig.init(box, rig.at(0))
        overlaps.append(box_of(rig.answered(rig.at(number))).iou(box))
    assert min(overlaps) > 0.4
    rig.logged('model mmnet_fast on ')


def test_the_benchmark_measures_and_writes(tmp_path, capsys):
    file = tmp_path / 'node.json'
    size = ['--width', '160', '--height', '128']
    options = ['--hz', '10', '--seconds', '1', '--threads', '1', *size, '--view', '--json']
    assert cli.main(['benchmark', 'node', *options, str(file)]) == 0
    assert '160 x 128 mono16 at 10 Hz: 10 published' in capsys.readouterr().out
    read = json.loads(file.read_text())
    assert 0 < read['answered'] <= read['published'] == 10
    assert read['overhead_ms_p50'] > 0
    assert read['model_ms_p50'] < read['age_ms_p50']
    assert read['viewer_cpu_percent'] > 0 and read['images_on_the_page'] > 0


@pytest.mark.parametrize('options', ['--hz 0', '--seconds -1', '--hz nan'])
def test_the_benchmark_refuses_what_cannot_be_measured(options, capsys):
    assert cli.main(['benchmark', 'node', *options.split()]) == 1
    name, value = options.split()
    assert f'{name} {float(value)} is not above 0' in capsys.readouterr().err
