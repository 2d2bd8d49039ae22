# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names, parts and dimensions of the trackers, and the tracking of their papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .backbones import AlexNetShape, ConvStage


@dataclass(frozen=True)
class Branch:
    """One match: features of a tap, a template made of them, an affine adjustment of the map."""

    name: str
    tap: str
    embedding: str = 'plain'
    """A key of `embeddings.EMBEDDINGS`: what happens to the tap before matching."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the embedding."""
    template: str = 'filter'
    """`filter` (correlation filter) or `crop` (the features themselves)."""
    margin: int = 0
    """Cells cut from each side of the template."""
    ridge: float = 10.0
    sigma: float = 2.0
    """Of the filter's Gaussian label, in cells."""
    learn_ridge: bool = False
    gain: float = 1.0
    bias: float = -0.5
    learn_gain: bool = True


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What all families need to know of a tracker: the scale at which it sees its target."""

    name: str
    source: str
    """The paper."""
    template_size: int = 255
    """Side of the template crop, pixels."""
    search_size: int = 255
    """Side of the search crop, pixels."""
    context: float = 1.0
    """Side of the template crop over `s_z = sqrt((w + p)(h + p))`, `p = (w + h) / 2`."""
    features: str = ''
    """The tap whose activation a target model learns on; empty for none."""
    tracking: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {'default': {}, 'paper': {}}
    )
    """By the mode of tracking, what it changes in the settings of `tracking/settings.py`."""

    @property
    def search_context(self) -> float:
        """Side of the search crop over `s_z`: the same pixels per target as the template."""
        return self.context * self.search_size / self.template_size


@dataclass(frozen=True, kw_only=True)
class MatchingPreset(Preset):
    """The parts of a matching network."""

    backbone: AlexNetShape
    branches: tuple[Branch, ...]
    standardise: bool = False
    """Feed each crop as (x - mean) / (std + 4 grey levels) instead of grey levels 0..255."""
    ensemble: str = 'sum'
    """A key of `ensembles.ENSEMBLES`: how the maps of the branches become one."""
    features: str = 'conv3'
    classes: int = 0
    """Outputs of the class head on the last tap of the template; 0 is no head."""


# MMNet's backbone: total stride 4; spec: 255 px -> conv3 53 cells, conv5 49 cells.
STRIDE_4 = AlexNetShape(
    (
        ConvStage(96, 11, 2, pool=(3, 2)),
        ConvStage(256, 5, 1, groups=2, pool=(3, 1)),
        ConvStage(384, 3),
        ConvStage(384, 3, groups=2),
        ConvStage(64, 3, groups=2, activate=False),
    )
)


def _with_output(shape: AlexNetShape, channels: int) -> AlexNetShape:
    """Change the channels of the last stage."""
    return AlexNetShape((*shape.stages[:-1], replace(shape.stages[-1], channels=channels)))


# CFNet's is the same with 32 output channels.
STRIDE_4_CFNET = _with_output(STRIDE_4, 32)
# HSSNet's with 256.
STRIDE_4_HSSNET = _with_output(STRIDE_4, 256)
# SiamFC's: total stride 8; 127 px -> 6 cells, 255 px -> 22 cells.
STRIDE_8_SIAMFC = AlexNetShape(
    (
        ConvStage(96, 11, 2, pool=(3, 2)),
        ConvStage(256, 5, 1, groups=2, pool=(3, 2)),
        ConvStage(384, 3),
        ConvStage(384, 3, groups=2),
        ConvStage(256, 3, groups=2, activate=False),
    )
)
# For CPUs and small boards: total stride 8; 191 px -> conv3 18, conv5 14; 287 px -> 30 and 26.
STRIDE_8_FAST = AlexNetShape(
    (
        ConvStage(32, 11, 4),
        ConvStage(96, 5, pool=(3, 2)),
        ConvStage(128, 3),
        ConvStage(128, 3),
        ConvStage(48, 3, activate=False),
    )
)

# The tracking of MMNet's implementation (spec of the paper's code, section 1.8), which HSSNet
# shares: raw maps, the mean of the first image as filling, a running average of the templates.
_MMNET_TRACKING: dict[str, Any] = {
    'raw_maps': True,
    'padding': 'mean',
    'size': 'pyramid',
    'scale_count': 3,
    'scale_step': 1.0375,
    'scale_penalty': 0.9745,
    'scale_rate': 0.59,
    'upsample': 8,
    'window': 'blend',
    'window_weight': 0.2625,
    'template': 'average',
    'template_rate': 0.005,
    'template_interval': 1,
    'learn_above': 0.0,
    'resize_above': 0.0,
    'near_share': 1.0,
    'target_model': False,
    'redetection': False,
}


def _paper(**changes: Any) -> Mapping[str, Mapping[str, Any]]:
    return {'default': {}, 'paper': _MMNET_TRACKING | changes}


_LIKE_MMNET = _paper()
_LIKE_MLSSNET = _paper(raw_maps=False)
# The numbers of cfnet2, the variant of which CFNet's authors report most.
_LIKE_CFNET = _paper(scale_step=1.0575, scale_penalty=0.978, scale_rate=0.52)
_LIKE_SIAMFC = _paper(raw_maps=False, window_weight=0.176, upsample=16, template='fixed')

_MMNET = MatchingPreset(
    name='mmnet',
    source='Liu et al., AAAI 2020',
    backbone=STRIDE_4,
    branches=(
        Branch('discriminative', 'conv5', margin=16),
        Branch('fine', 'conv3', 'fanet', {'channels': 64}, margin=16),
    ),
    classes=30,
    tracking=_LIKE_MMNET,
)

_FAST_DEEP = Branch(
    'discriminative',
    'conv5',
    margin=3,
    ridge=0.02,
    sigma=1.0,
    learn_ridge=True,
    gain=20.0,
)
_FAST_SHALLOW = replace(_FAST_DEEP, name='fine', tap='conv3')

_FAST = replace(
    _MMNET,
    name='mmnet_fast',
    source='Liu et al., AAAI 2020; narrower, stride 8',
    backbone=STRIDE_8_FAST,
    branches=(
        _FAST_DEEP,
        replace(_FAST_SHALLOW, embedding='fanet', options={'channels': 32, 'key_stride': 2}),
    ),
    template_size=191,
    search_size=287,
    context=2.0,
    standardise=True,
)

_PRESETS = (
    _MMNET,
    _FAST,
    MatchingPreset(
        name='cfnet',
        source='Valmadre et al., CVPR 2017',
        backbone=STRIDE_4_CFNET,
        branches=(Branch('match', 'conv5', margin=16),),
        tracking=_LIKE_CFNET,
    ),
    replace(
        _FAST,
        name='cfnet_fast',
        source='Valmadre et al., CVPR 2017; narrower, stride 8',
        branches=(replace(_FAST_DEEP, name='match'),),
        classes=0,
        tracking=_LIKE_CFNET,
    ),
    MatchingPreset(
        name='siamfc',
        source='Bertinetto et al., ECCVW 2016',
        backbone=STRIDE_8_SIAMFC,
        branches=(
            Branch('match', 'conv5', template='crop', gain=1e-3, bias=0.0, learn_gain=False),
        ),
        template_size=127,
        tracking=_LIKE_SIAMFC,
    ),
    replace(
        _FAST,
        name='siamfc_fast',
        source='Bertinetto et al., ECCVW 2016; narrower',
        branches=(Branch('match', 'conv5', template='crop', margin=4, gain=1e-3, bias=0.0),),
        classes=0,
        tracking=_LIKE_SIAMFC,
    ),
    MatchingPreset(
        name='hssnet',
        source='Li et al., Knowledge-Based Systems 2019',
        backbone=STRIDE_4_HSSNET,
        branches=(Branch('match', 'conv5', 'hierarchical', margin=16),),
        tracking=_LIKE_MMNET,
    ),
    replace(
        _FAST,
        name='hssnet_fast',
        source='Li et al., Knowledge-Based Systems 2019; narrower, stride 8',
        branches=(
            replace(
                _FAST_DEEP,
                name='match',
                embedding='hierarchical',
                options={'channels': 48, 'localiser': ((2, 3), (1, 3)), 'hidden': 12},
            ),
        ),
        classes=0,
    ),
    MatchingPreset(
        name='mlssnet',
        source='Liu et al., IEEE Transactions on Multimedia 2021',
        backbone=STRIDE_4,
        branches=(
            Branch('structural', 'conv3', 'structural', margin=16),
            Branch('semantic', 'conv5', 'semantic', margin=16),
        ),
        ensemble='entropy',
        tracking=_LIKE_MLSSNET,
    ),
    replace(
        _FAST,
        name='mlssnet_fast',
        source='Liu et al., IEEE Transactions on Multimedia 2021; narrower, stride 8',
        branches=(
            replace(
                _FAST_SHALLOW,
                name='structural',
                embedding='structural',
                options={'channels': 32},
            ),
            replace(_FAST_DEEP, name='semantic', embedding='semantic'),
        ),
        ensemble='entropy',
        classes=0,
        tracking=_LIKE_MLSSNET,
    ),
    replace(
        _FAST,
        name='tdsiam_fast',
        source='Wu et al., Journal of Electronic Imaging 2019; own dimensions',
        branches=(replace(_FAST_DEEP, name='match', embedding='top_down'),),
        classes=0,
        # Nothing is public of the paper's tracking.
        tracking=_LIKE_CFNET,
    ),
)
MATCHING: dict[str, MatchingPreset] = {preset.name: preset for preset in _PRESETS}


def _without(preset: MatchingPreset, name: str, **left_out: bool) -> MatchingPreset:
    """Leave a correlation out of a preset's fine branch, or the branch where nothing is said."""
    deep, fine = preset.branches
    kept = (deep, replace(fine, options={**fine.options, **left_out})) if left_out else (deep,)
    return replace(preset, name=f'{preset.name}-{name}', branches=kept)


MATCHING_ABLATIONS: dict[str, MatchingPreset] = {
    variant.name: variant
    for preset in (_MMNET, _FAST)
    for variant in (
        _without(preset, 'dis'),
        _without(preset, 'hc', pixel=False),
        _without(preset, 'pc', holistic=False),
    )
}
"""
For the ablation of MMNet's Table 1: `-dis` has no fine branch, `-hc` one with the holistic
correlation alone, `-pc` one with the pixel-level correlation alone. `mmnet-released` is what the
authors' code computes, for their networks.
"""
_DEEP, _FINE = _MMNET.branches
MATCHING_ABLATIONS['mmnet-released'] = replace(
    _MMNET,
    name='mmnet-released',
    source='Liu et al., AAAI 2020, as in their code',
    branches=(_DEEP, replace(_FINE, options={**_FINE.options, 'released': True})),
)
