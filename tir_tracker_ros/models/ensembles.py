# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the responses of several branches become the one that is tracked."""

from __future__ import annotations

from collections.abc import Sequence
import math

import torch
from torch import nn, Tensor


class SumEnsemble(nn.Module):
    """Add the responses (MMNet, Eq. 11)."""

    def __init__(self, branches: int) -> None:
        super().__init__()

    def forward(self, responses: Sequence[Tensor]) -> Tensor:
        """Fuse responses `N x 1 x R x R` to one."""
        return torch.stack(list(responses)).sum(dim=0)


class EntropyEnsemble(nn.Module):
    """
    Fuse by relative entropy, with learned weights (MLSSNet).

    Each response `m_k` stands for the distribution `p_k = softmax(m_k)` of the target's place over
    the R R cells. The fused one is

        q = argmin_q sum_k w_k KL(p_k || q),   sum_i q_i = 1,   w_k > 0,   sum_k w_k = 1.

    Of `KL(p_k || q) = sum_i p_ki log p_ki - sum_i p_ki log q_i` only the last sum depends on q.
    With a multiplier `l` for the sum of q, `d/dq_i: -sum_k w_k p_ki / q_i + l = 0`, so
    `q_i = sum_k w_k p_ki / l`, and since both sides sum to one, `l = 1`: the weighted mean of the
    distributions. (The objective is convex in q, so that is the minimum.) The released code adds
    the adjusted maps themselves; its authors' MCFTS calls their mean the minimiser, too.

    The result is `log(R R q)`: 0 where the cell is as probable as any, which makes it comparable
    with other responses. `w = softmax(weights)`, equal at the start.
    """

    def __init__(self, branches: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(branches))

    def forward(self, responses: Sequence[Tensor]) -> Tensor:
        """Fuse responses `N x 1 x R x R` to one."""
        shape = responses[0].shape
        logs = torch.stack([one.flatten(1).log_softmax(dim=1) for one in responses])
        share = self.weights.log_softmax(dim=0)[:, None, None]
        return (torch.logsumexp(logs + share, dim=0) + math.log(logs.shape[-1])).reshape(shape)


ENSEMBLES = {'sum': SumEnsemble, 'entropy': EntropyEnsemble}
