# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The settings of the engine: this package's own tracking, and that of each tracker's paper."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, TYPE_CHECKING

from .states import Thresholds

if TYPE_CHECKING:
    from ..models.presets import Preset

MODES = ('default', 'paper')


@dataclass(frozen=True)
class TrackingSettings:
    """
    How targets are followed. The defaults are this package's own tracking.

    Raises ValueError for a value that is out of range or does not go with another.
    """

    raw_maps: bool = False
    """Take the network's maps before gain and bias, as the tracking of some papers does."""
    padding: str = 'edge'
    """What lies outside of the image: `edge` (nearest pixel) or `mean` (of the first image)."""
    size: str = 'refiner'
    """
    How size and shape of the target are followed: `refiner` (a small network that corrects the
    position, too), `pyramid` (several crops) or `network` (the boxes of the network itself).
    """
    size_penalty: float = 0.0
    """How much a box of the network counts less the more its size and aspect have changed."""
    size_rate: float = 1.0
    """Share of the network's new size, 0..1, where the box is certain."""
    scale_count: int = 3
    """Crops of the pyramid."""
    scale_step: float = 1.0375
    """Ratio of neighbouring crops of the pyramid."""
    scale_penalty: float = 0.9745
    """Factor on the peak of every crop of the pyramid but the middle one."""
    scale_rate: float = 0.59
    """Share of the newly found scale, 0..1."""
    min_scale: float = 0.2
    """Smallest target size over its size at init."""
    max_scale: float = 5.0
    """Largest target size over its size at init."""
    upsample: int = 8
    """Factor by which the response is enlarged before its peak is taken."""
    window: str = 'product'
    """
    What keeps the target from jumping: `product` (the log-probability of a displacement is added,
    `-window_weight log(1 + d^2)` with `d` in fifths of the largest that can be seen; heavy-tailed,
    since targets stay near most of the time and now and then move far), `blend` (a weighted mean
    with a Hann window, as the papers of the matching family have it) or `cosine` (a weighted mean
    of the probability with a Hann window of height 1, as those of the proposal family have it).
    """
    window_weight: float = 1.0
    """Weight of the window: of a `product` 0 or more, else its share in the mean, 0..1."""
    template: str = 'previous'
    """
    What the template is made of: `previous` (the newest image that was learned; only the refiner
    puts the box back into place there), `average` (running average) or `fixed` (first image).
    """
    template_rate: float = 0.01
    """Share of the new template in an `average`, 0..1."""
    template_interval: int = 8
    """Images from one template update to the next."""
    refiner_interval: int = 20
    """Images from one recent reference of the refiner to the next; 0 keeps to the first image."""
    near_share: float = 0.33
    """
    Share of the search region's reach, 0..1, that is searched first while the target is sure and
    slow; if that fails, the whole region is searched. With 1, and with a `blend` window, the whole
    region is searched at once. The shipped scores are calibrated for the default.
    """
    target_model: bool = True
    """Whether a filter is learned online that tells the target from what is beside it."""
    redetection: bool = True
    """Whether a target that was lost is looked for in the whole image, two places an image."""
    distractors: float = 0.0
    """
    How much, 0..1, the likeness of a place to look-alikes of the target counts against it
    (DaSiamRPN, section 3.3); 0 learns no look-alikes. For boxes of the network.
    """
    small_search: int = 0
    """
    Side, in pixels of the crop, of the search crop for targets that are small at the start (under
    0.004 of the image); 0 makes no difference between them and others.
    """
    widest_search: int = 0
    """
    Side, in pixels of the crop, of the widest search crop that a target is looked for in while the
    network is not sure of it, as the papers on long-term tracking do; 0 keeps to the usual one.
    """
    widen_by: int = 1000
    """Pixels by which the search crop grows from image to image up to `widest_search`."""
    mask_above: float = 0.15
    """Probability above which a pixel belongs to the target."""
    rotated_box: bool = False
    """Whether the box that is told is the rotated one around the mask, where there is one."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """What the score decides; the settings of this name may be given beside the others."""

    def __post_init__(self) -> None:
        for name, allowed in (
            ('padding', ('edge', 'mean')),
            ('window', ('product', 'blend', 'cosine')),
            ('size', ('refiner', 'pyramid', 'network')),
            ('template', ('previous', 'average', 'fixed')),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"tracking setting {name} '{getattr(self, name)}' is not one of "
                    f'{", ".join(allowed)}'
                )
        for name, low, high in (
            ('scale_count', 1, 33),
            ('scale_step', 1.001, 2.0),
            ('scale_penalty', 0.0, 1.0),
            ('scale_rate', 0.0, 1.0),
            ('size_penalty', 0.0, 10.0),
            ('size_rate', 0.0, 1.0),
            ('min_scale', 0.01, 1.0),
            ('max_scale', 1.0, 100.0),
            ('upsample', 1, 32),
            ('window_weight', 0.0, 100.0 if self.window == 'product' else 1.0),
            ('template_rate', 0.0, 1.0),
            ('template_interval', 1, 1000),
            ('refiner_interval', 0, 1000),
            ('near_share', 0.0, 1.0),
            ('mask_above', 0.0, 1.0),
            ('distractors', 0.0, 1.0),
            ('small_search', 0, 2000),
            ('widest_search', 0, 2000),
            ('widen_by', 1, 2000),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(
                    f'tracking setting {name} {getattr(self, name)} is not in {low}..{high}'
                )
        if self.raw_maps and self.window != 'blend':
            raise ValueError(
                f'tracking settings raw_maps and window {self.window} exclude each other: the '
                'window works on log-probabilities, so it needs adjusted maps'
            )
        if self.size == 'network' and self.upsample != 1:
            raise ValueError(
                f'tracking settings size network and upsample {self.upsample} exclude each other: '
                'a box of the network belongs to one cell of the response'
            )

        if self.distractors and (self.size, self.window) != ('network', 'cosine'):
            raise ValueError(
                f'tracking settings distractors {self.distractors}, size {self.size} and window '
                f'{self.window} exclude each other: look-alikes are boxes of the network, and '
                'probabilities are compared (cosine)'
            )

    @classmethod
    def of(cls, preset: Preset, mode: str = 'default', **changes: Any) -> TrackingSettings:
        """
        Take the `default` tracking, or that of the `paper` of a preset, with changes.

        Raises ValueError for an unknown mode or setting, naming the valid ones.
        """
        if mode not in MODES:
            raise ValueError(f"no tracking '{mode}'; there are {', '.join(MODES)}")
        values = {**preset.tracking[mode], **changes}
        own = {one.name for one in fields(cls)} - {'thresholds'}
        scores = {one.name for one in fields(Thresholds)}
        unknown = sorted(set(values) - own - scores)
        if unknown:
            raise ValueError(
                f"unknown tracking setting '{unknown[0]}'; there are "
                f'{", ".join(sorted(own | scores))}'
            )
        thresholds = replace(
            Thresholds(), **{name: values.pop(name) for name in scores & set(values)}
        )
        return cls(thresholds=thresholds, **values)
