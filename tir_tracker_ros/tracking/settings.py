# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The settings of a matching tracker at run time; each addition to the paper is a switch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class TrackingSettings:
    """
    How a matching network follows a target. Raises ValueError for a value out of range.

    The defaults are this package's own tracking; `PAPER` is that of MMNet's implementation.
    """

    search_size: int = 0
    """Side of the search crop, pixels; 0 takes the preset's."""
    padding: str = 'edge'
    """What lies outside of the image: `edge` (its nearest pixel) or `mean` (the image's mean)."""
    scale: str = 'refiner'
    """
    How size and shape of the target are followed: `refiner` (a small network that corrects the
    position, too), `filter` (one-dimensional scale filter), `pyramid` (several crops) or `none`.
    """
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
    What keeps the target from jumping: `product` (the response is taken for a logarithm of
    chances, and that of a displacement is added: `-window_weight log(1 + d^2)` with `d` in fifths
    of the largest that can be seen; heavy-tailed, since targets stay near most of the time and now
    and then move far) or `blend` (a weighted mean with a Hann window, as the paper has it).
    """
    window_weight: float = 1.0
    """Weight of the window: of a `product` 0 or more, in a `blend` its share, 0..1."""
    template: str = 'previous'
    """
    What the template is made of: `previous` (the newest image that was learnt; the refiner has put
    the box back into place there, which no other `scale` does), `statistics` (running numerator
    and denominator of the filter: for the other ways of `scale`), `average` (running average of
    templates) or `fixed` (first image).
    """
    template_rate: float = 0.01
    """Share of the new template in `statistics` and `average`, 0..1."""
    learn_above: float = 0.6
    """Score, 0..1, below which template, scale filter and recent reference are not updated."""
    template_interval: int = 8
    """Images from one template update to the next."""
    refiner_interval: int = 20
    """Images from one recent reference of the refiner to the next; 0 keeps to the first image."""
    near_share: float = 0.33
    """
    Share of the search region's reach, 0..1, that is looked at first while the target is sure and
    slow; the whole region is where it is not found so. 1 always looks at the whole, and so does a
    `blend` window. The shipped scores are calibrated for the default.
    """
    redetection: bool = True
    """Whether a target that was lost is looked for in the whole image, two places an image."""

    def __post_init__(self) -> None:
        for name, allowed in (
            ('padding', ('edge', 'mean')),
            ('window', ('product', 'blend')),
            ('scale', ('refiner', 'filter', 'pyramid', 'none')),
            ('template', ('previous', 'statistics', 'average', 'fixed')),
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
            ('min_scale', 0.01, 1.0),
            ('max_scale', 1.0, 100.0),
            ('upsample', 1, 32),
            ('window_weight', 0.0, 1.0 if self.window == 'blend' else 100.0),
            ('template_rate', 0.0, 1.0),
            ('learn_above', 0.0, 1.0),
            ('template_interval', 1, 1000),
            ('refiner_interval', 0, 1000),
            ('search_size', 0, 2047),
            ('near_share', 0.0, 1.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(
                    f'tracking setting {name} {getattr(self, name)} is not in {low}..{high}'
                )

    @classmethod
    def named(cls, name: str, **changes) -> TrackingSettings:
        """
        Take `default` or `paper` settings, with changes.

        Raises ValueError for an unknown name or setting, naming the valid ones.
        """
        if name not in TRACKING:
            raise ValueError(f"no tracking '{name}'; there are {', '.join(TRACKING)}")
        unknown = set(changes) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(
                f"unknown tracking setting '{sorted(unknown)[0]}'; there are "
                f'{", ".join(field.name for field in fields(cls))}'
            )
        return replace(TRACKING[name], **changes)


PAPER = TrackingSettings(
    padding='mean',
    scale='pyramid',
    window='blend',
    window_weight=0.2625,
    template='average',
    template_rate=0.005,
    template_interval=1,
    learn_above=0.0,
    near_share=1.0,
    redetection=False,
)
TRACKING = {'default': TrackingSettings(), 'paper': PAPER}
