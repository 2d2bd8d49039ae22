# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other projects: the same answers as their code, and files that are refused."""

import os
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from seeded_checkpoint import crops, fingerprint, recorded, seeded
import torch

from tir_tracker_ros.cli import main
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.models import zoo
from tir_tracker_ros.models.imports import import_weights
from tir_tracker_ros.tracking.loading import load_tracker
from tir_tracker_ros.training import calibration

RECORDED = recorded()
# The others take long; they differ from these in their dimensions.
QUICK = ('siamrpn_alex_dwxcorr', 'siamrpn_mobilev2_l234_dwxcorr', 'siammask_sharp', 'SiamRPNvot')
CONFIGURATIONS = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in RECORDED
]


@pytest.fixture(scope='module')
def alex():
    """The tensors of a checkpoint of `siamrpn_alex`."""
    return seeded(RECORDED['siamrpn_alex_dwxcorr']['keys'])


@pytest.fixture
def file(tmp_path):
    """Write a checkpoint; returns its path."""

    def write(content, **options):
        path = tmp_path / 'checkpoint.pth'
        torch.save(content, path, **options)
        return path

    return write


@pytest.mark.parametrize('name', CONFIGURATIONS)
def test_an_imported_network_answers_like_the_code_that_trained_it(name, file):
    expected = RECORDED[name]
    network, facts = import_weights(file(seeded(expected['keys'])), expected['model'])
    assert facts['imported']['project'] == expected['project']
    template, search = crops(expected['search_size'])
    with torch.inference_mode():
        found = network._propose(network.taps(search), network.template(template))
        answers = {'scores': found.scores, 'offsets': found.offsets.flatten(1, 2)}
        if 'mask' in expected:
            answers['mask'] = network.draw(found, 0, 1, 9, expected['search_size'])
    for part, values in answers.items():
        total, size, largest, *some = fingerprint(values)
        recorded_total, recorded_size, recorded_largest, *recorded_some = expected[part]
        assert (total, size) == pytest.approx(
            (recorded_total, recorded_size), rel=1e-4, abs=1e-4 * recorded_size
        )
        assert [largest, *some] == pytest.approx(
            [recorded_largest, *recorded_some], rel=1e-4, abs=1e-4 * recorded_largest
        )


def test_a_snapshot_of_a_training_on_several_devices_is_the_same(alex, file):
    plain, _ = import_weights(file(alex), 'siamrpn_alex')
    content = {f'module.{key}': value for key, value in alex.items()}
    content['module.backbone.features.1.num_batches_tracked'] = torch.tensor(7)
    snapshot = {'epoch': 3, 'state_dict': content, 'optimizer': {'lr': 0.1, 'state': {}}}
    again, _ = import_weights(file(snapshot, _use_new_zipfile_serialization=False), 'siamrpn_alex')
    for key, value in plain.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


class Python2Pickler(pickle._Pickler):
    """Writes text as Python 2 did, in which the older checkpoints were written."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_text(self, text):
        """Write text as bytes of no coding."""
        self.write(pickle.SHORT_BINSTRING + bytes([len(text)]) + text.encode())
        self.memoize(text)

    dispatch[str] = save_text


def test_a_file_of_python_2_is_the_same(alex, file):
    plain, _ = import_weights(file(alex), 'siamrpn_alex')
    writer = SimpleNamespace(
        __name__='pickle',
        Pickler=Python2Pickler,
        dump=lambda value, out, protocol: Python2Pickler(out, protocol).dump(value),
    )
    old = file(alex, pickle_module=writer, _use_new_zipfile_serialization=False)
    assert b'U\x1abackbone.features.0.weight' in old.read_bytes()
    again, _ = import_weights(old, 'siamrpn_alex')
    for key, value in plain.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


def test_the_names_of_the_training_configuration_of_alexnet_are_known(alex, file):
    plain, _ = import_weights(file(alex), 'siamrpn_alex')
    renamed = {
        key.replace(f'features.{at + part}.', f'layer{index + 1}.{part}.'): value
        for key, value in alex.items()
        for index, at in enumerate((0, 4, 8, 11, 14))
        for part in (0, 1)
        if f'features.{at + part}.' in key
    } | {key: value for key, value in alex.items() if 'features' not in key}
    again, _ = import_weights(file(renamed), 'siamrpn_alex')
    for key, value in plain.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


# ------------------------------------------------------------------------------- refused
class Hostile:
    """What runs a command where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ('hostile',)


def test_a_file_that_would_run_something_is_refused_and_runs_nothing(alex, file, monkeypatch):
    path = file({**alex, 'backbone.more': Hostile()})
    monkeypatch.chdir(path.parent)
    with pytest.raises(zoo.WeightsError, match='more than tensors, and would call ') as refused:
        import_weights(path, 'siamrpn_alex')
    assert 'mkdir' in str(refused.value) and '\n' not in str(refused.value)
    assert not (path.parent / 'hostile').exists()


@pytest.mark.parametrize(
    'content, reason',
    [
        ([torch.zeros(2)], 'holds a list, not tensors'),
        ({}, 'holds a dict, not tensors'),
        ({'backbone.a': 'text'}, "holds a str as 'backbone.a', where a tensor should be"),
        ({3: torch.zeros(2)}, 'holds a Tensor as 3, where'),
        ({'conv.weight': torch.zeros(2)}, 'no checkpoint of .*pysot: it holds conv.weight'),
        ({'backbone.a': torch.tensor([1.0, float('nan')])}, "'backbone.a' that are not finite"),
        ({'backbone.a': torch.zeros(1).expand(10**13)}, "'backbone.a' that is sparse, shared or"),
        ({'backbone.a': torch.zeros(3).to_sparse()}, "'backbone.a' that is sparse, shared or"),
        ({'backbone.a': torch.zeros(3, dtype=torch.complex64)}, 'sparse, shared or strange'),
        ({'backbone.a': torch.zeros(2)}, r'64 missing.*; 1 left over \(backbone.a\)'),
        ({'rpn_head.cls.what.0': torch.zeros(()), 'backbone.features.77.weight': torch.zeros(())},
         '2 left over'),
    ],
)  # fmt: skip
def test_files_of_something_else_get_a_reason_of_one_line(content, reason, file):
    with pytest.raises(zoo.WeightsError, match=reason) as refused:
        import_weights(file(content), 'siamrpn_alex')
    assert '\n' not in str(refused.value)


@pytest.mark.parametrize('keep', [0, 7, 4000, -1000])
def test_damaged_files_get_a_reason_of_one_line(keep, alex, file):
    path = file(alex)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(zoo.WeightsError, match='is no checkpoint of torch, or damaged') as refused:
        import_weights(path, 'siamrpn_alex')
    assert '\n' not in str(refused.value)


def test_the_checkpoint_of_another_model_is_told(alex, file):
    path = file(alex)
    with pytest.raises(
        zoo.WeightsError, match=r"does not fit the model 'siamrpn':.*fits the model siamrpn_alex$"
    ):
        import_weights(path, 'siamrpn')
    changed = dict(alex)
    changed['rpn_head.loc.head.3.weight'] = torch.zeros(12, 256, 1, 1)
    with pytest.raises(
        zoo.WeightsError,
        match=r'1 of another shape \(heads.0.offsets.output.3.weight \(12, 256, 1, 1\) instead of '
        r'\(20, 256, 1, 1\)\)$',
    ):
        import_weights(file(changed), 'siamrpn_alex')


def test_models_of_other_families_take_no_checkpoints(file):
    with pytest.raises(zoo.WeightsError, match='no MAT-file of level 5'):
        import_weights(file({}), 'siamfc')
    with pytest.raises(ValueError, match="'box_refiner' follows no target"):
        import_weights(file({}), 'box_refiner')
    with pytest.raises(FileNotFoundError, match='no file'):
        import_weights('nowhere.pth', 'siamrpn_alex')


# ------------------------------------------------------------------------------- the command
def test_the_command_writes_weights_that_a_tracker_takes(alex, file, tmp_path, capsys):
    path, out = file(alex), tmp_path / 'new' / 'alex.safetensors'
    command = ['import-weights', str(path), '--model', 'siamrpn_alex', '--out', str(out)]
    assert main([*command, '--no-calibration']) == 0
    printed = capsys.readouterr().out
    assert 'pysot, fits siamrpn_alex' in printed and 'at best uncertain' in printed
    tracker = load_tracker('siamrpn_alex', 'cpu', out)
    assert tracker.facts['imported']['file'] == 'checkpoint.pth'
    image = np.random.default_rng(0).random((120, 160), np.float32)
    track = tracker.start(image, Box(60, 40, 30, 20))
    [estimate] = tracker.update(image, [track])
    assert estimate.box.is_finite() and not estimate.calibrated
    assert main(['weights', str(out)]) == 0
    assert 'imported from pysot, checkpoint.pth' in capsys.readouterr().out


def test_the_command_calibrates_on_as_many_scenes_as_it_is_told(alex, file, tmp_path, monkeypatch):
    asked = []

    def calibrate(engine, scenes):
        asked.append((engine.size.name, scenes))
        return [-4.0, 9.0, 0.0]

    monkeypatch.setattr(calibration, 'calibrate_score', calibrate)
    out = tmp_path / 'alex.safetensors'
    command = ['import-weights', str(file(alex)), '--model', 'siamrpn_alex', '--out', str(out)]
    assert main([*command, '--scenes', '2']) == 0
    # Both modes of tracking follow the size in the same way.
    assert asked == [('network', 2)]
    assert zoo.read_weights(out)[1]['score'] == {'network': [-4.0, 9.0, 0.0]}


def test_the_command_fails_in_one_line(file, tmp_path, capsys):
    out = tmp_path / 'out.safetensors'
    command = ['import-weights', str(file({})), '--model', 'siamrpn_alex', '--out', str(out)]
    assert main(command) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1 and not out.exists()
    assert main([*command, '--scenes', '0']) == 1
    assert '--scenes 0 is less than 1' in capsys.readouterr().err
