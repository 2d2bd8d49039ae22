# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whole training runs, small ones: they learn, they can be resumed, their files can be used."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.torch import save_file
import torch

from tir_tracker_ros.cli import main
from tir_tracker_ros.models import families, zoo
from tir_tracker_ros.models.inference import prepare
from tir_tracker_ros.models.network import Network
from tir_tracker_ros.simulation import render
from tir_tracker_ros.tracking.loading import build_engine
from tir_tracker_ros.tracking.score import FEATURES, probability
from tir_tracker_ros.tracking.settings import TrackingSettings
from tir_tracker_ros.training import calibration, module, pack, pools, run
from tir_tracker_ros.training.config import TrainConfig
from tir_tracker_ros.training.matching import MatchingModule
from tir_tracker_ros.training.recipes import make_config

SIMULATOR = {'kind': 'simulator', 'tracks': 40, 'views_per_track': 5}
OWN = Path(__file__).parents[1] / 'config' / 'train' / 'own.yaml'
MARGIN = 0.05
"""Of mean overlap; such a run was measured to gain 0.12."""


@pytest.fixture(autouse=True)
def _no_calibration(monkeypatch):
    """Calibrating the score takes as long as the rest, and has its own test."""
    monkeypatch.setattr(
        module, 'calibrated_scores', lambda network, scenes: {'verified': [-2.0, 4.0, 1.0]}
    )


def small(**changes) -> TrainConfig:
    """Three batches an epoch on a few scenes."""
    values = {
        'model': 'cfnet_fast',
        'sources': [SIMULATOR | {'tracks': 12, 'views_per_track': 3}],
        'epochs': 2,
        'batches': 3,
        'batch': 4,
    }
    return make_config(values | changes)


def overlap_with_truth(network: Network, mode: str = 'default', **settings) -> float:
    """Mean overlap over some simulated scenes that no training run has seen."""
    overlaps = []
    network = prepare(network, torch.device('cpu'), torch.float32)
    for category in (
        'clutter',
        'scale',
        'look_alikes',
        'low_contrast',
        'fast_motion',
        'deformation',
    ):
        scene = render(category, seed=9100, frames=40)
        engine = track = None
        for image, box in scene:
            image01 = image.pixels.astype(np.float32) / 255
            if track is None:
                chosen = TrackingSettings.of(network.preset, mode, **settings)
                engine = build_engine(network, chosen)
                track = engine.start(image01, box)
                continue
            found = engine.update(image01, [track])[0].box
            if box is not None:
                overlaps.append(found.iou(box))
    return float(np.mean(overlaps))


def metrics_of(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / 'metrics.csv').read_text(encoding='utf-8').splitlines()))


@pytest.mark.slow
def test_a_minute_of_training_makes_a_better_tracker(tmp_path):
    # Correlation filters follow well before any training: SiamFC shows what a minute teaches. A
    # target model follows well without, too, and the shipped refiner would hide what is gained.
    alone = {'size': 'pyramid', 'target_model': False}
    torch.manual_seed(0)
    untrained = overlap_with_truth(families.build('siamfc_fast').eval(), **alone)
    config = small(model='siamfc_fast', sources=[SIMULATOR], epochs=4, batches=20, batch=8)
    network, facts = zoo.load_model('siamfc_fast', run.train(config, tmp_path))
    losses = [float(row['train/loss']) for row in metrics_of(tmp_path)]
    assert len(losses) == 4 and losses[-1] < 0.95 * losses[0]
    assert facts['pairs'] == 4 * 20 * 8
    assert overlap_with_truth(network, **alone) > untrained + MARGIN


@pytest.mark.slow
def test_a_minute_of_training_teaches_a_proposal_network_to_follow(tmp_path):
    torch.manual_seed(0)
    config = small(
        model='siamrpn_fast', sources=[SIMULATOR], epochs=4, batches=30, batch=8,
        calibration_scenes=0,
    )  # fmt: skip
    network, _ = zoo.load_model('siamrpn_fast', run.train(config, tmp_path))
    losses = [float(row['train/loss']) for row in metrics_of(tmp_path)]
    assert losses[-1] < 0.7 * losses[0]
    # Untrained, it loses its target at once: 0.1 or less.
    assert overlap_with_truth(network, 'paper') > 0.25


@pytest.mark.slow
def test_a_short_training_of_the_box_refiner_lowers_its_error(tmp_path):
    sampling = {'easy': 0, 'background': 0, 'semantic': 0}
    config = small(
        model='box_refiner',
        sources=[SIMULATOR],
        sampling=sampling,
        epochs=5,
        batches=20,
        batch=24,
        learning_rate=2e-3,
    )
    path = run.train(config, tmp_path)
    errors = [float(row['val/error']) for row in metrics_of(tmp_path)]
    assert errors[-1] < 0.9 * errors[0]
    name, facts, _ = zoo.read_weights(path)
    assert name == 'box_refiner' and facts['pairs'] == 5 * 20 * 24
    zoo.load_weights(families.build(name), path)


def test_verification_is_trained_while_corrections_stay_what_they_are(tmp_path):
    sources = {'sources': [SIMULATOR], 'model': 'box_refiner', 'batch': 16}
    start = run.train(small(**sources, epochs=1, batches=2), tmp_path / 'start')
    config = small(
        **sources, epochs=4, batches=15, learning_rate=2e-3, initial_weights=str(start),
        freeze=['features', 'mix', 'head'], verification={}, sampling={'semantic': 0.3},
    )  # fmt: skip
    path = run.train(config, tmp_path / 'verified')
    losses = [float(row['train/verification']) for row in metrics_of(tmp_path / 'verified')]
    assert losses[-1] < 0.95 * losses[0]
    before, after = (zoo.read_weights(one)[2] for one in (start, path))
    changed = {name.split('.')[0] for name in before if not before[name].equal(after[name])}
    assert changed == {'verify_mix', 'verify_head'}


def test_a_proposal_network_is_trained_like_any_other(tmp_path):
    start = tmp_path / 'start.safetensors'
    zoo.save_weights(families.build('siamrpn_fast'), start, {})
    config = small(
        model='dasiamrpn_fast', epochs=1, batches=2, batch=2, calibration_scenes=0,
        initial_weights=str(start), freeze=['backbone.convs.0', 'backbone.norms.0'],
    )  # fmt: skip
    network, facts = zoo.load_model('dasiamrpn_fast', run.train(config, tmp_path / 'run'))
    assert facts['pairs'] == 4 and facts['metrics']['train/offsets'] > 0
    assert facts['initial_weights'] == start.name and str(tmp_path) not in json.dumps(facts)
    backbone = zoo.read_weights(start)[2]['backbone.convs.0.weight'].float()
    torch.testing.assert_close(network.backbone.convs[0].weight, backbone, rtol=1e-3, atol=1e-3)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    whole = zoo.read_weights(run.train(small(), tmp_path / 'whole'))[2]

    step = MatchingModule.training_step

    def stopped(self, pairs, index):
        if self.current_epoch == 1:
            raise RuntimeError('the power is gone')
        return step(self, pairs, index)

    with monkeypatch.context() as patch:
        patch.setattr(MatchingModule, 'training_step', stopped)
        with pytest.raises(RuntimeError, match='the power is gone'):
            run.train(small(), tmp_path / 'halves')
    halves = zoo.read_weights(run.train(small(), tmp_path / 'halves', resume=True))[2]
    history = [metrics_of(tmp_path / name) for name in ('whole', 'halves')]
    assert [row['epoch'] for row in history[0]] == ['0', '1']
    assert history[0] == history[1]
    assert whole.keys() == halves.keys()
    for name, value in whole.items():
        torch.testing.assert_close(halves[name], value, msg=name)


def test_a_finished_run_is_left_as_it_is_and_one_without_a_calibration_gets_it(
    tmp_path, monkeypatch
):
    def stopped(network, scenes):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, 'calibrated_scores', stopped)
        with pytest.raises(KeyboardInterrupt):
            run.train(small(), tmp_path)
    (tmp_path / 'cfnet_fast.safetensors').write_bytes(b'cut off')
    path = run.train(small(), tmp_path, resume=True)
    assert zoo.read_weights(path)[1]['score']
    written = path.stat().st_mtime_ns
    assert run.train(small(), tmp_path, resume=True) == path
    assert path.stat().st_mtime_ns == written
    run.train(small(epochs=3), tmp_path, resume=True)
    assert [row['epoch'] for row in metrics_of(tmp_path)] == ['0', '1', '2']


def test_a_run_is_not_overwritten_unless_it_is_asked_for(tmp_path):
    path = run.train(small(epochs=1), tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match='holds a training run already: --resume goes on'):
        run.train(small(epochs=1, seed=3), tmp_path)
    assert path.read_bytes() == before
    run.train(small(epochs=1, seed=3), tmp_path, fresh=True)
    assert path.read_bytes() != before
    assert [row['epoch'] for row in metrics_of(tmp_path)] == ['0']


def test_the_weights_are_there_before_the_score_is_calibrated(tmp_path, monkeypatch):
    def stopped(network, scenes):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, 'calibrated_scores', stopped)
    with pytest.raises(KeyboardInterrupt):
        run.train(small(epochs=1), tmp_path)
    _, facts = zoo.load_model('cfnet_fast', tmp_path / 'cfnet_fast.safetensors')
    assert facts['pairs'] == 12 and 'score' not in facts
    assert (tmp_path / 'curves.png').is_file()


def test_weights_without_a_calibration_say_so(tmp_path):
    path = run.train(small(epochs=1, calibration_scenes=0), tmp_path)
    network, facts = zoo.load_model('cfnet_fast', path)
    assert not build_engine(network, facts=facts).calibrated


def test_a_weight_file_that_is_not_there_is_told_before_the_data_are_read(tmp_path):
    nowhere = [{'kind': 'sequences', 'root': 'nowhere'}]
    config = small(initial_weights='runs/fast.safetensors', sources=nowhere)
    with pytest.raises(FileNotFoundError, match="no file 'runs/fast.safetensors'.*=cfnet_fast"):
        run.train(config, tmp_path)


def test_the_shipped_weights_are_fitted_to_own_data(tmp_path):
    data = tmp_path / 'data'
    for number in range(2):
        scene = render('easy', seed=40 + number, frames=12)
        (data / f'walk_{number}' / 'img').mkdir(parents=True)
        lines = []
        for index, (image, box) in enumerate(scene):
            name = f'{index:04}.png'
            cv2.imwrite(str(data / f'walk_{number}' / 'img' / name), image.pixels)
            lines.append('nan,nan,nan,nan' if box is None else ','.join(map(str, box)))
        (data / f'walk_{number}' / 'groundtruth.txt').write_text('\n'.join(lines))
    out = tmp_path / 'run'
    words = ['train', '--config', str(OWN), '--data', str(data), '--out', str(out)]
    changes = ["sources=[{kind: sequences, root: '.'}]", 'epochs=1', 'batches=2', 'batch=4']
    assert main([*words, *changes]) == 0
    fitted = zoo.read_weights(out / 'mmnet_fast.safetensors')[2]
    shipped = zoo.load_model('mmnet_fast')[0].state_dict()
    for name, value in fitted.items():
        if value.is_floating_point() and 'running' not in name:
            assert (value - shipped[name]).abs().max() < 0.01 + 0.01 * shipped[name].abs().max()


def test_a_recording_alone_can_be_trained_on(tmp_path):
    config = small(epochs=1, sources=[SIMULATOR | {'tracks': 1}])
    run.train(config, tmp_path)
    (row,) = metrics_of(tmp_path)
    assert row['train/loss'] and 'val/loss' not in row


def test_resuming_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no '.*last.ckpt'"):
        run.train(small(), tmp_path, resume=True)


def test_the_command_trains_and_the_file_says_on_what(tmp_path, capsys):
    config = tmp_path / 'small.yaml'
    config.write_text(json.dumps(small(epochs=1).model_dump(mode='json')))  # JSON is YAML
    out = tmp_path / 'run'
    assert main(['train', '--config', str(config), '--out', str(out), 'seed=5']) == 0
    path = out / 'cfnet_fast.safetensors'
    assert str(path) in capsys.readouterr().out
    _, facts = zoo.load_model('cfnet_fast', path)
    assert (facts['seed'], facts['data'], facts['pairs']) == (5, ['simulator:random'], 12)
    assert not facts['class_head_trained']
    assert {'curves.png', 'last.ckpt', 'metrics.csv'} <= {one.name for one in out.iterdir()}


def test_the_backbone_of_another_model_is_a_start(tmp_path):
    start = tmp_path / 'start.safetensors'
    zoo.save_weights(families.build('cfnet_fast'), start, {})
    tensors = zoo.read_weights(start)[2]
    frozen = small(
        model='tdsiam_fast',
        initial_weights=str(start),
        freeze=['backbone'],
        epochs=1,
    )
    trained = zoo.read_weights(run.train(frozen, tmp_path / 'run'))[2]
    same = [name for name in tensors if name.startswith('backbone.convs')]
    assert same and all(torch.equal(trained[name], tensors[name]) for name in same)


def test_a_backbone_that_does_not_fit_is_refused(tmp_path):
    start = tmp_path / 'start.safetensors'
    zoo.save_weights(families.build('siamfc'), start, {})
    with pytest.raises(ValueError, match=r"start.safetensors' \(siamfc\) does not fit the model"):
        run.train(small(initial_weights=str(start)), tmp_path / 'run')


def test_single_numbers_learn_at_a_rate_of_their_own(tmp_path):
    def moved(number_rate: float) -> float:
        out = tmp_path / str(number_rate)
        trained = zoo.read_weights(run.train(small(epochs=1, number_rate=number_rate), out))[2]
        start = families.build('cfnet_fast').state_dict()
        name = 'branches.0.maker.log_ridge'
        return abs(float(trained[name] - start[name]))

    assert moved(30.0) > 10 * moved(1.0) > 0


@pytest.mark.parametrize('logistic', ['paper', 'balanced', 'hinge'])
def test_every_loss_trains_every_kind_of_model(tmp_path, logistic):
    config = small(model='mlssnet_fast', loss={'logistic': logistic}, epochs=1)
    weights = zoo.read_weights(run.train(config, tmp_path))[2]
    assert all(bool(value.isfinite().all()) for value in weights.values())
    assert weights['ensemble.weights'].any()


def test_the_score_is_calibrated_on_scenes_and_on_places_without_the_target(monkeypatch):
    monkeypatch.setattr(calibration, 'CATEGORIES', ('easy', 'fast_motion'))
    model, _ = zoo.load_model('cfnet_fast')
    engine = build_engine(
        prepare(model, torch.device('cpu'), torch.float32),
        TrackingSettings.of(model.preset, target_model=False),
    )
    weights = calibration.calibrate_score(engine, scenes=1, frames=20)
    assert len(weights) == len(FEATURES) + 1 and min(weights[1:]) >= 0
    # So few images are all followed rightly: only the other places tell what wrong is.
    assert probability(np.ones(len(FEATURES)), weights) > 0.9
    # No peak, and a refiner that is sure to see something else.
    assert probability(np.array([0.0, -1.0]), weights) < 0.3


def test_the_score_is_also_calibrated_on_scenes_in_which_everything_is_learned(monkeypatch):
    model, _ = zoo.load_model('cfnet_fast')
    engine = build_engine(
        prepare(model, torch.device('cpu'), torch.float32),
        TrackingSettings.of(model.preset, target_model=False),
    )
    runs = []

    def follow(engine, scenes, frames):
        runs.append((engine.settings.thresholds.learn_above, scenes))
        # Nearly all boxes of the first run are wrong although they match.
        right = np.arange(40) > 0
        return np.ones((40, len(FEATURES))), right if len(runs) > 1 else ~right

    monkeypatch.setattr(calibration, '_followed', follow)
    weights = calibration.calibrate_score(engine, scenes=3)
    assert runs == [(0.0, 2), (engine.settings.thresholds.learn_above, 3)]
    assert engine.settings.thresholds.learn_above > 0
    assert probability(np.ones(len(FEATURES)), weights) < 0.6


def test_the_score_is_calibrated_for_each_mode_of_tracking(monkeypatch):
    seen = []
    monkeypatch.setattr(
        calibration,
        'calibrate_score',
        lambda engine, scenes: seen.append(engine.settings) or [float(len(seen))],
    )
    network = families.build('cfnet_fast')
    scores = {'verified': [1.0], 'pyramid': [2.0], 'verified with target model': [3.0]}
    assert calibration.calibrated_scores(network) == scores
    assert [one.size for one in seen] == ['refiner', 'pyramid', 'refiner']
    assert [one.target_model for one in seen] == [False, False, True]


def test_a_weight_file_can_be_calibrated_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(calibration, 'calibrate_score', lambda engine, scenes: [-1.0, 2.0, 3.0])
    path = tmp_path / 'own.safetensors'
    network = families.build('cfnet_fast')
    zoo.save_weights(network, path, {'seed': 7, 'score': {'refiner': [1.0, 2.0, 3.0]}})
    before = zoo.read_weights(path)[2]
    assert main(['calibrate', str(path)]) == 0
    assert 'own.safetensors pyramid: -1.000, 2.000, 3.000' in capsys.readouterr().out
    _, facts, after = zoo.read_weights(path)
    names = ('verified', 'pyramid', 'verified with target model')
    assert facts == {'seed': 7, 'score': dict.fromkeys(names, [-1.0, 2.0, 3.0])}
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_pack_trains_as_its_sources_do(tmp_path, capsys):
    config = tmp_path / 'small.yaml'
    config.write_text(json.dumps(small(epochs=1).model_dump(mode='json')))
    path = tmp_path / 'pack.safetensors'
    assert main(['pack', '--config', str(config), '--out', str(path)]) == 0
    assert 'simulator:random' in capsys.readouterr().out
    trained = [
        zoo.read_weights(run.train(one, tmp_path / str(number)))[2]
        for number, one in enumerate((small(epochs=1), small(epochs=1, pack=str(path))))
    ]
    for name, value in trained[0].items():
        torch.testing.assert_close(trained[1][name], value, msg=name)


def test_a_pack_gives_the_sources_that_the_configuration_names(tmp_path):
    scenes = [SIMULATOR | {'tracks': 12, 'category': name} for name in ('easy', 'clutter')]
    both = small(sources=scenes)
    path = tmp_path / 'pack.safetensors'
    pack.write_pack(path, both, pools.build_pools(both))
    one = pools.load_pools(small(sources=scenes[1:], pack=str(path)))[0]
    assert {one.sources[index] for index in one.source} == {'simulator:clutter'}
    assert len(one) > 0
    with pytest.raises(ValueError, match="does not hold the source 'simulator:scale', but sim"):
        pools.load_pools(small(sources=[SIMULATOR | {'category': 'scale'}], pack=str(path)))


def test_files_that_are_no_packs_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no pack '.*none'"):
        pack.read_pack(tmp_path / 'none')
    damaged = tmp_path / 'damaged'
    damaged.write_bytes(b'no safetensors')
    with pytest.raises(ValueError, match="damaged' is damaged"):
        pack.read_pack(damaged)
    other = tmp_path / 'weights'
    zoo.save_weights(families.build('cfnet_fast'), other, {})
    with pytest.raises(ValueError, match="weights' is no pack"):
        pack.read_pack(other)


@pytest.mark.parametrize(
    ('facts', 'reason'),
    [
        ('{"classes": ', 'its facts are no JSON'),
        ('["person"]', 'its facts are a list, not a JSON object'),
        ('{"classes": "person"}', "its fact 'classes' is 'person', not a list of names"),
        ('{"data": [1]}', r"its fact 'data' is \[1\], not a list of names"),
    ],
)
def test_wrong_facts_are_told_in_one_line_that_names_the_file(tmp_path, facts, reason):
    tensors = dict(families.build('cfnet_fast').state_dict())
    metadata = {'preset': 'cfnet_fast', 'sha256': zoo.checksum(tensors), 'facts': facts}
    path = tmp_path / 'own.safetensors'
    save_file(tensors, path, metadata)
    with pytest.raises(zoo.WeightsError, match=f"^weight file '.*own.safetensors': {reason}"):
        zoo.read_weights(path)


def test_values_too_large_for_half_precision_are_kept(tmp_path):
    network = families.build('cfnet_fast')
    variance = network.backbone.norms[0].running_var.fill_(1e6)
    path = tmp_path / 'weights.safetensors'
    zoo.save_weights(network, path, {})
    assert torch.equal(
        zoo.load_model('cfnet_fast', path)[0].backbone.norms[0].running_var, variance
    )


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    network = families.build('cfnet_fast')
    network.branches[0].bias.data.fill_(torch.nan)
    with pytest.raises(ValueError, match="'branches.0.bias' is not finite"):
        zoo.save_weights(network, tmp_path / 'weights.safetensors', {})
    assert not any(tmp_path.iterdir())
