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
from ..models.inference import find_precision
from .config import TrainConfig
from .pools import load_pools, source_name
from .recipes import recipe_of


def train(config: TrainConfig, out: str | Path, resume: bool = False) -> Path:
    """
    Train and write `<out>/<model>.safetensors`; returns its path.

    Beside it: `last.ckpt` after every epoch, `metrics.csv`, TensorBoard events, `curves.png`. With
    `resume` a run that was stopped goes on from `last.ckpt` with the same pairs as if it had not
    been. Raises ValueError for data that cannot be used, FileNotFoundError for a run that cannot
    be resumed.
    """
    out = Path(out)
    checkpoint = out / 'last.ckpt'
    path = out / f'{config.model}.safetensors'
    if resume and not checkpoint.is_file():
        raise FileNotFoundError(f"there is no '{checkpoint}' to resume from")
    out.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    lightning.seed_everything(config.seed, verbose=False)

    module = recipe_of(config.model).module(config)
    if config.initial_weights:
        module.start_from(config.initial_weights)
    training, validation = load_pools(config)
    module.check(training)
    module.pools = {'train': training, 'val': validation}
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
        limit_val_batches=1.0 if len(validation) else 0,
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
    if trainer.is_global_zero:
        metrics = {
            name: round(float(value), 4) for name, value in trainer.callback_metrics.items()
        }
        facts = {
            'seed': config.seed,
            'metrics': metrics,
            'data': [source_name(source) for source in config.sources],
            'pairs': config.epochs * config.batches * config.batch,
            'config': config.model_dump(mode='json', exclude={'data'}),
            **module.facts(training),
        }
        network = module.model.cpu()
        zoo.save_weights(network, path, {**facts, **module.calibration()})
        plot_curves(out / 'metrics.csv', out / 'curves.png')
    return path


def plot_curves(metrics: Path, picture: Path) -> None:
    """Draw loss and share of right pairs over epochs from a run's `metrics.csv`."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    with open(metrics, encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout='constrained')
    titles = {'loss': 'loss', 'hit': 'share of pairs that come out right'}
    for axis, (name, title) in zip(axes, titles.items()):
        for part in ('train', 'val'):
            points = [
                (int(row['epoch']), float(row[f'{part}/{name}']))
                for row in rows
                if row.get(f'{part}/{name}')
            ]
            if points:
                axis.plot(*zip(*points), label=part)
        axis.set(xlabel='epoch', title=title)
        axis.legend()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def _precision(name: str) -> str:
    if name != 'auto':
        return name
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    return 'bf16-mixed' if find_precision('auto', device) == torch.bfloat16 else '32-true'
