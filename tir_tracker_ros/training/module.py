# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the Lightning modules have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
import math
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import nn, Tensor
from torch.utils.data import DataLoader

from ..models import zoo
from ..models.network import Network
from .calibration import calibrated_scores
from .config import TrackerConfig, TrainConfig
from .crops import CropAugmentation
from .pools import source_name
from .sampling import PairBatch, PairSampler
from .views import ViewPool


class PairModule(lightning.LightningModule):
    """Train a network on pairs of a pool of views: batches, optimiser and metrics."""

    model: nn.Module
    """The network; each family's module knows more of it."""
    coupled = False
    """Whether batches show each object in two pairs, see `PairBatch`."""
    pools: Mapping[str, ViewPool]
    """The views to train on, `train`, and those for validation, `val`."""

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        # Convolutions in low precision are twice as fast that way on CPUs, and on GPUs too.
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for name, parameter in self.model.named_parameters():
            if name.startswith(tuple(config.freeze)):
                parameter.requires_grad_(False)

    @abstractmethod
    def losses(self, pairs: PairBatch, pool: ViewPool) -> tuple[dict[str, Tensor], Tensor]:
        """Compute the terms of the loss of a batch, and the share of pairs that it gets right."""

    def check(self, training: ViewPool) -> None:
        """Raise ValueError for views that the network cannot be trained on."""

    def facts(self, training: ViewPool) -> dict[str, Any]:
        """Tell what the family's weight files say of the views trained on."""
        return {}

    def calibration(self) -> dict[str, Any]:
        """Fit what follows the training, and belongs in the facts of the weight file."""
        return {}

    def start_from(self, weights: str) -> None:
        """
        Fill the network from a weight file, or from the shipped weights of a model of that name.

        Raises FileNotFoundError, or ValueError for weights that do not fit.
        """
        path = zoo.shipped_weights(weights) or Path(weights)
        if not path.is_file():
            raise FileNotFoundError(
                f"initial_weights: there is no file '{weights}', and no shipped model of that "
                f'name; initial_weights={self.config.model} starts from the shipped weights, '
                "initial_weights='' from scratch"
            )
        preset, _, tensors = zoo.read_weights(path)
        try:
            if preset == self.config.model:
                self.model.load_state_dict(tensors)
            else:
                self.start_from_other(preset, tensors)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"'{weights}' ({preset}) does not fit the model '{self.config.model}': {error}"
            ) from error

    def start_from_other(self, preset: str, tensors: Mapping[str, Tensor]) -> None:
        """Take what can be used of the weights of another model; raises ValueError, or fails."""
        raise ValueError('it can only start from its own weights')

    def train_dataloader(self) -> DataLoader:
        """Give the batches of the current epoch; made anew each epoch."""
        config = self.config
        return self._loader('train', config.batches, self.current_epoch * config.batches, 0)

    def val_dataloader(self) -> DataLoader:
        """Give the validation batches, the same each time."""
        return self._loader('val', max(1, self.config.batches // 10), 0, 1)

    def _loader(self, part: str, batches: int, first: int, seed: int) -> DataLoader:
        config = self.config
        weights = {source_name(source): source.weight for source in config.sources}
        # Items are whole batches already.
        return DataLoader(
            PairSampler(
                self.pools[part],
                config.sampling,
                weights,
                config.batch,
                batches,
                first,
                config.seed + seed,
                self.coupled,
            ),
            batch_size=None,
            # Drawing pairs keeps a core busy that an accelerator would wait for.
            num_workers=0 if self.device.type == 'cpu' else 2,
        )

    def transfer_batch_to_device(
        self, batch: PairBatch, device: torch.device, dataloader_idx: int
    ) -> PairBatch:
        """Leave the numbers of the views where they are: what they stand for is on the device."""
        return batch

    def on_fit_start(self) -> None:
        """Move the pools to the device of the model, once."""
        for pool in self.pools.values():
            pool.to(self.device)

    def training_step(self, pairs: PairBatch, index: int) -> Tensor:
        """Compute the loss of a batch."""
        return self._step(pairs, 'train')

    def validation_step(self, pairs: PairBatch, index: int) -> None:
        """Compute the metrics of a batch of pairs that are not trained on."""
        self._step(pairs, 'val')

    def on_train_epoch_start(self) -> None:
        """Keep frozen parts frozen, the statistics of their batch norm included."""
        for name, module in self.model.named_modules():
            if name and name.startswith(tuple(self.config.freeze)):
                module.eval()

    def _step(self, pairs: PairBatch, part: str) -> Tensor:
        terms, hit = self.losses(pairs, self.pools[part])
        total = torch.stack(list(terms.values())).sum()
        metrics = {f'{part}/loss': total, f'{part}/hit': hit}
        metrics |= {f'{part}/{name}': value for name, value in terms.items()}
        self.log_dict(
            {name: value.detach().float() for name, value in metrics.items()},
            on_step=False,
            on_epoch=True,
            batch_size=len(pairs.kind),
            sync_dist=True,
            prog_bar=False,
        )
        return total

    def configure_optimizers(self) -> Any:
        """AdamW with a learning rate that falls from batch to batch along a cosine."""
        config = self.config
        rate = config.learning_rate
        # By number of axes: single numbers, norm scales and biases, weights of convolutions.
        groups: list[dict[str, Any]] = [
            {'params': [], 'lr': rate * config.number_rate, 'weight_decay': 0.0},
            {'params': [], 'lr': rate, 'weight_decay': 0.0},
            {'params': [], 'lr': rate, 'weight_decay': config.weight_decay},
        ]
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                groups[min(parameter.ndim, 2)]['params'].append(parameter)
        optimiser = torch.optim.AdamW(groups)
        floor = config.final_learning_rate / config.learning_rate
        steps = int(self.trainer.estimated_stepping_batches)

        def factor(step: int) -> float:
            warm = min(1.0, (step + 1) / min(100, steps))
            return warm * (
                floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
            )

        return {
            'optimizer': optimiser,
            'lr_scheduler': {
                'scheduler': torch.optim.lr_scheduler.LambdaLR(optimiser, factor),
                'interval': 'step',
            },
        }


class TrackerModule(PairModule):
    """Train a tracker's network on crops of templates and search regions."""

    model: Network
    config: TrackerConfig

    def __init__(self, model: Network, config: TrackerConfig) -> None:
        super().__init__(model, config)
        preset = model.preset
        self.augmentation = CropAugmentation(
            config.augmentation,
            preset.template_size,
            preset.search_size,
            preset.context,
            preset.search_context,
        )

    def calibration(self) -> dict[str, Any]:
        """Fit the scores of the trained network, for each way that it follows the size."""
        scenes = self.config.calibration_scenes
        return {'score': calibrated_scores(self.model, scenes)} if scenes else {}

    def start_from_other(self, preset: str, tensors: Mapping[str, Tensor]) -> None:
        """Take the backbone of another model."""
        prefix = 'backbone.'
        self.model.get_submodule('backbone').load_state_dict(
            {
                name[len(prefix) :]: value
                for name, value in tensors.items()
                if name.startswith(prefix)
            }
        )
