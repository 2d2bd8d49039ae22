# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A training run from configuration to weight file, with checkpoints, logs and a plot."""

from __future__ import annotations

import csv
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
import torch

from ..models import zoo
from ..models.box_refiner import BoxRefiner
from ..models.inference import find_precision, prepare
from ..models.matching import MatchingNet
from ..tracking.loading import build_tracker
from .calibration import calibrate_score
from .config import TrainConfig
from .matching import MatchingModule
from .module import PairModule
from .pools import build_pools, source_name
from .refiner import RefinerModule


def train(config: TrainConfig, out: str | Path, resume: bool = False) -> Path:
    """
    Train and write `<out>/<model>.safetensors`; returns its path.

    Beside it: `last.ckpt` after every epoch, `metrics.csv`, TensorBoard events, `curves.png`. With
    `resume` a run that was stopped goes on from `last.ckpt` with the same pairs as if it had not
    been. Raises ValueError for data that cannot be used, FileNotFoundError for a run that cannot
    be resumed.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / 'last.ckpt'
    if resume and not checkpoint.is_file():
        raise FileNotFoundError(f"there is no '{checkpoint}' to resume from")
    if config.threads:
        torch.set_num_threads(config.threads)
    lightning.seed_everything(config.seed, verbose=False)

    training, validation = build_pools(config)
    module: PairModule
    if config.model == BoxRefiner.name:
        module = RefinerModule(config, training, validation)
    else:
        module = MatchingModule(config, training, validation)
    network = module.model
    outputs = network.preset.classes if isinstance(network, MatchingNet) else 0
    classes = len(training.classes)
    if outputs and classes > outputs:
        raise ValueError(
            f"the data hold {classes} classes; the model '{config.model}' has {outputs}"
        )
    if config.initial_weights:
        _start_from(network, config.initial_weights)
    trainer = lightning.Trainer(
        max_epochs=config.epochs,
        reload_dataloaders_every_n_epochs=1,
        gradient_clip_val=config.clip,
        precision=_precision(config.precision),  # type: ignore[arg-type]
        devices=config.devices,
        num_nodes=config.nodes,
        strategy=config.strategy,
        default_root_dir=out,
        log_every_n_steps=10,
        enable_model_summary=False,
        logger=[CSVLogger(out, name='', version=''), TensorBoardLogger(out, name='', version='')],
        callbacks=[
            # One file, written anew after each epoch.
            ModelCheckpoint(
                out,
                filename=checkpoint.stem,
                save_on_train_epoch_end=True,
                enable_version_counter=False,
            ),
            TQDMProgressBar(refresh_rate=10),
        ],
    )
    trainer.fit(module, ckpt_path=checkpoint if resume else None)

    path = out / f'{config.model}.safetensors'
    if trainer.is_global_zero:
        figures = {
            name: round(float(value), 4) for name, value in trainer.callback_metrics.items()
        }
        facts = {
            'classes': list(training.classes),
            'seed': config.seed,
            'figures': figures,
            'class_head_trained': bool(outputs and classes and not config.drop_classification),
            'data': [source_name(source) for source in config.sources],
            'pairs': config.epochs * config.batches * config.batch,
            'config': config.model_dump(mode='json', exclude={'data'}),
        }
        network = network.cpu()
        if isinstance(network, MatchingNet):
            # On the device and in the precision that most will run it in.
            device = torch.device('cpu')
            fast = prepare(network, device, find_precision('auto', device))
            facts['score'] = calibrate_score(build_tracker(fast))
        zoo.save_weights(network, path, facts)
        plot_curves(out / 'metrics.csv', out / 'curves.png')
    return path


def _start_from(model: MatchingNet | BoxRefiner, path: str) -> None:
    """Fill a model from a weight file; from one of another model take the backbone alone."""
    preset, _, tensors = zoo.read_weights(path)
    if preset == model.name or isinstance(model, BoxRefiner):
        zoo.load_weights(model, path)
        return
    prefix = 'backbone.'
    backbone = {
        name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)
    }
    try:
        model.backbone.load_state_dict(backbone)
    except RuntimeError as error:
        raise ValueError(
            f"the backbone of '{path}' ({preset}) does not fit the model '{model.name}': {error}"
        ) from error


def plot_curves(metrics: Path, picture: Path) -> None:
    """Draw loss and share of right pairs over epochs from Lightning's `metrics.csv`."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    with open(metrics, encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout='constrained')
    for axis, name in zip(axes, ('loss', 'hit')):
        for part in ('train', 'val'):
            points = [
                (int(row['epoch']), float(row[f'{part}/{name}']))
                for row in rows
                if row.get(f'{part}/{name}')
            ]
            if points:
                axis.plot(*zip(*points), label=part)
        axis.set(
            xlabel='epoch',
            title={'loss': 'loss', 'hit': 'share of pairs that come out right'}[name],
        )
        axis.legend()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def _precision(name: str) -> str:
    if name != 'auto':
        return name
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    return 'bf16-mixed' if find_precision('auto', device) == torch.bfloat16 else '32-true'
