# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A training run from configuration to weight file, with checkpoints, logs and a plot."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
import torch

from ..models import zoo
from ..models.inference import find_precision
from .config import TrainConfig
from .pools import load_pools, source_name
from .recipes import recipe_of

logger = logging.getLogger(__name__)
_CHECKPOINT, _METRICS, _CURVES = 'last.ckpt', 'metrics.csv', 'curves.png'


def train(config: TrainConfig, out: str | Path, resume: bool = False, fresh: bool = False) -> Path:
    """
    Train and write `<out>/<model>.safetensors`; returns its path.

    Beside it: `last.ckpt` and `metrics.csv` after every epoch, TensorBoard events, `curves.png`.
    With `resume` a run that was stopped goes on from `last.ckpt` with the same pairs as if it had
    not been, and a finished one is left as it is; with `fresh` one that is there is deleted.
    Raises ValueError for data that cannot be used, FileNotFoundError for a run that cannot be
    resumed or a file that is not there, FileExistsError for a run that is there already.
    """
    out = Path(out)
    checkpoint = out / _CHECKPOINT
    path = out / f'{config.model}.safetensors'
    if resume and not checkpoint.is_file():
        raise FileNotFoundError(f"there is no '{checkpoint}' to resume from")
    if resume and _is_finished(path, config):
        logger.info("'%s' is finished already", out)
        return path
    if not resume:
        _make_room(out, path, fresh)
    if config.threads:
        torch.set_num_threads(config.threads)
    lightning.seed_everything(config.seed, verbose=False)

    # What can be wrong is found out before the data are read, which takes minutes.
    module = recipe_of(config.model).module(config)
    if config.initial_weights and not resume:
        module.start_from(config.initial_weights)
    training, validation = load_pools(config)
    module.check(training)
    module.pools = {'train': training, 'val': validation}
    trainer = lightning.Trainer(
        max_epochs=config.epochs,
        reload_dataloaders_every_n_epochs=1,
        gradient_clip_val=config.clip,
        precision=_precision(config.precision),  # type: ignore[arg-type]
        # All batches of a run have one shape.
        benchmark=torch.cuda.is_available(),
        devices=config.devices,
        num_nodes=config.nodes,
        strategy=config.strategy,
        default_root_dir=out,
        log_every_n_steps=10,
        limit_val_batches=1.0 if len(validation) else 0,
        enable_model_summary=False,
        logger=TensorBoardLogger(out, name='', version=''),
        callbacks=[
            _MetricsFile(out / _METRICS),
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
        plot_curves(out / _METRICS, out / _CURVES)
        facts = {
            'seed': config.seed,
            'metrics': _last_metrics(out / _METRICS),
            'data': [source_name(source) for source in config.sources],
            'pairs': config.epochs * config.batches * config.batch,
            'config': _without_folders(config),
            'initial_weights': Path(config.initial_weights).name,
            **module.facts(training),
        }
        network = module.model.cpu()
        # The calibration takes minutes, and may be stopped.
        zoo.save_weights(network, path, facts)
        if calibration := module.calibration():
            zoo.save_weights(network, path, {**facts, **calibration})
    return path


def _without_folders(config: TrainConfig) -> dict[str, Any]:
    """Give what goes out with the weights: no folder of whoever trained them."""
    return config.model_dump(mode='json', exclude={'data', 'pack', 'initial_weights'})


def _is_finished(path: Path, config: TrainConfig) -> bool:
    """Tell whether a weight file is what a run makes, its calibration included."""
    try:
        _, facts, _ = zoo.read_weights(path)
    except (FileNotFoundError, ValueError):
        return False
    calibrated = 'score' in facts or not getattr(config, 'calibration_scenes', 0)
    return calibrated and facts.get('config') == _without_folders(config)


def _make_room(out: Path, path: Path, fresh: bool) -> None:
    """Make the folder of a new run, and refuse to overwrite another one."""
    out.mkdir(parents=True, exist_ok=True)
    files = [out / _CHECKPOINT, out / _METRICS, out / _CURVES, path]
    files += out.glob('events.out.tfevents.*')
    there = [one for one in files if one.is_file()]
    if fresh:
        for one in there:
            one.unlink()
    elif (out / _CHECKPOINT) in there or path in there:
        raise FileExistsError(
            f"'{out}' holds a training run already: --resume goes on with it, --fresh begins it "
            'anew, another --out keeps it'
        )


class _MetricsFile(Callback):
    """Write the metrics of each epoch as a row of a CSV file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write the file anew, with the earlier epochs that it holds and this one."""
        if not trainer.is_global_zero:
            return
        rows = [
            row for row in _read_metrics(self.path) if int(row['epoch']) < pl_module.current_epoch
        ]
        new = {name: f'{float(value):.6g}' for name, value in trainer.callback_metrics.items()}
        rows.append(
            {'epoch': str(pl_module.current_epoch), 'step': str(trainer.global_step), **new}
        )
        names = list(dict.fromkeys(name for row in rows for name in row))
        with open(self.path, 'w', encoding='utf-8', newline='') as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)


def _read_metrics(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with open(path, encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def _last_metrics(path: Path) -> dict[str, float]:
    return {
        name: round(float(value), 4)
        for row in _read_metrics(path)[-1:]
        for name, value in row.items()
        if '/' in name and value
    }


def plot_curves(metrics: Path, picture: Path) -> None:
    """Draw loss and share of right pairs over epochs from a run's `metrics.csv`."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    rows = _read_metrics(metrics)
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
