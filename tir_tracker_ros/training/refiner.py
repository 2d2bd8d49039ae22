# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the box refiner is trained: configuration and Lightning module of its family."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..models import families
from ..models.box_refiner import BoxRefiner
from .box_windows import BoxErrorConfig, VerificationConfig, WindowAugmentation
from .config import TrainConfig
from .module import PairModule
from .sampling import PairBatch
from .views import ViewPool

_RIGHT = 0.05
"""Mean error of the four offsets up to which a correction counts as right."""


class RefinerConfig(TrainConfig):
    """The training of the box refiner."""

    box_errors: BoxErrorConfig = BoxErrorConfig()
    verification: VerificationConfig | None = None
    """
    Trains the head that verifies the object, in place of the one that corrects boxes; `freeze`
    all else.
    """


class RefinerModule(PairModule):
    """
    Train the box refiner: the likelihood of what a box lacks, under a Laplace law.

    Or, with `verification`, whether the box is on the object of the reference.
    """

    model: BoxRefiner
    config: RefinerConfig

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__(families.build(config.model), config)
        self.augmentation = WindowAugmentation(
            config.augmentation,
            config.box_errors,
            BoxRefiner.size,
            BoxRefiner.context,
            config.verification,
        )

    def losses(self, pairs: PairBatch, pool: ViewPool) -> tuple[dict[str, Tensor], Tensor]:
        """Compute the terms of the loss, and the share of boxes that end right, or are told."""
        windows = self.augmentation(pool, pairs)
        reference, current = (
            self.model.embed(one) for one in (windows.reference, windows.current)
        )
        if self.config.verification:
            same = self.model.verify(reference, current)
            loss = binary_cross_entropy_with_logits(same, windows.same)
            return {'verification': loss}, ((same > 0) == (windows.same > 0.5)).float().mean()
        correction = self.model.compare(reference, current)
        error = (correction.offset - windows.offset).abs()
        terms = {
            'likelihood': (error / correction.spread + correction.spread.log()).mean(),
            # By itself, the likelihood lets go of pairs that are hard.
            'error': 2 * error.mean(),
        }
        return terms, (error.mean(dim=1) < _RIGHT).float().mean()
