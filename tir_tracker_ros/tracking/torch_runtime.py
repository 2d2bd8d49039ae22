# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The runtime on torch. Crops are cut on the CPU and go to the device in one piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..imaging.subwindow import crop
from ..models.box_refiner import BoxRefiner
from ..models.network import Network, Template
from .runtime import Response, Window


class TorchRuntime:
    """Runs a prepared network (`models.inference.prepare`), on its device, in its precision."""

    def __init__(self, network: Network) -> None:
        preset = network.preset
        self.network = network
        self.name, self.stride = preset.name, network.stride
        self.template_size, self.search_size = preset.template_size, preset.search_size
        self.context = preset.context
        self._device = next(network.parameters()).device
        self.device = str(self._device)
        self.cells = network.cells

    @torch.inference_mode()
    def template(self, image: np.ndarray, windows: Sequence[Window]) -> list[Template]:
        """Make a template of each window."""
        made = self.network.template(_crops(image, windows, self.template_size, self._device))
        return [tuple(part[i : i + 1] for part in made) for i in range(len(windows))]

    @torch.inference_mode()
    def blend(self, old: Template, new: Template, rate: float) -> Template:
        """Mix two templates, with a share `rate`, 0..1, of the new one."""
        return tuple(one.lerp(other, rate) for one, other in zip(old, new))

    @torch.inference_mode()
    def search(
        self,
        image: np.ndarray,
        windows: Sequence[Window],
        templates: Sequence[Template],
        size: int,
    ) -> Response:
        """Search each window, as a crop of `size`, for its template, all in one pass."""
        template = templates[0]
        if any(one is not template for one in templates):
            template = tuple(torch.cat(parts) for parts in zip(*templates))
        found = self.network.search(_crops(image, windows, size, self._device), template)
        return Response(
            _array(found.scores),
            None if found.boxes is None else _array(found.boxes),
            None if found.features is None else _array(found.features),
            None if found.mask is None else _arrays(found.mask),
            None if found.rescore is None else _arrays(found.rescore),
        )

    @torch.inference_mode()
    def classify(self, image: np.ndarray, window: Window) -> np.ndarray | None:
        """Compute the class scores of a template's window; None without a class head."""
        crops = _crops(image, [window], self.template_size, self._device)
        scores = self.network.classify(crops)
        return None if scores is None else _array(scores[0])


class TorchRefiner:
    """Runs a prepared box refiner."""

    def __init__(self, network: BoxRefiner) -> None:
        self.network, self.context = network, network.context
        self._device = next(network.parameters()).device

    @torch.inference_mode()
    def embed(self, image: np.ndarray, windows: Sequence[Window]) -> list[Tensor]:
        """Compute the features of each window."""
        crops = _crops(image, windows, self.network.size, self._device)
        return list(self.network.embed(crops).split(1))

    @torch.inference_mode()
    def compare(
        self, references: Sequence[Tensor], current: Sequence[Tensor]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell what each current box lacks beside its reference; offsets and spreads `N x 4`."""
        correction = self.network.compare(torch.cat(list(references)), torch.cat(list(current)))
        offset, spread = torch.stack([correction.offset, correction.spread]).cpu().numpy()
        return offset.astype(float), spread.astype(float)

    @torch.inference_mode()
    def verify(self, references: Sequence[Tensor], current: Sequence[Tensor]) -> np.ndarray:
        """Tell, as N log-odds, whether each current box is on the object of its reference."""
        return _array(self.network.verify(torch.cat(list(references)), torch.cat(list(current))))


def _crops(
    image: np.ndarray, windows: Sequence[Window], size: int, device: torch.device
) -> Tensor:
    """Cut out `N x 1 x size x size`."""
    crops = [
        crop(image, one.cx, one.cy, one.width, one.height, size, size, one.fill) for one in windows
    ]
    return torch.from_numpy(np.stack(crops)[:, None]).to(device)


def _arrays(compute: Callable[..., Tensor]) -> Callable[..., np.ndarray]:
    """Return a function that gives what `compute` gives as an array."""
    return torch.inference_mode()(lambda *arguments: _array(compute(*arguments)))


def _array(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
