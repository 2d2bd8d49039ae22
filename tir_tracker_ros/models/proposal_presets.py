# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The trackers that propose boxes: parts, dimensions and the tracking of their papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .anchors import AnchorShape
from .backbones import AlexNetShape, ConvStage
from .masks import MaskShape
from .mobilenet import MobileNetShape
from .presets import Preset
from .resnet import ResNetShape, ResStage


@dataclass(frozen=True, kw_only=True)
class ProposalPreset(Preset):
    """The parts of a proposal network."""

    template_size: int = 127
    backbone: AlexNetShape | ResNetShape | MobileNetShape
    levels: tuple[str, ...]
    """Taps of the same size that are matched, from shallow to deep; their maps are added."""
    necks: tuple[int, ...] = ()
    """Channels that a 1x1 convolution brings each level to; none leaves them as they are."""
    template_cells: int | None = None
    """Side of the middle of the template's features that is used; None uses all of them."""
    match: str = 'depthwise'
    """How features are compared: `depthwise` or `up_channel`, see `proposal_heads`."""
    weighted: bool = False
    """Whether the weights of the levels are learned; otherwise their mean is taken."""
    anchors: AnchorShape = field(default_factory=AnchorShape)
    masks: MaskShape | None = None
    standardise: bool = False
    """Feed each crop as (x - mean) / (std + 4 grey levels) instead of grey levels 0..255."""


def _tracking(
    penalty: float, window: float, rate: float, **own: Any
) -> Mapping[str, Mapping[str, Any]]:
    """
    Give the numbers of a paper's tracking to both modes.

    The paper's mode is that of the authors' code but for its limit of at least 10 pixels to a
    side, which is more than many thermal targets have. The default mode adds what this package has
    beyond it: limits of the size, a nearby search first, redetection, nearest pixels as padding.
    own: further settings of the paper alone: its search for a lost target, which redetection
    replaces, and what it does about look-alikes.
    """
    common = {
        'size': 'network',
        'upsample': 1,
        'template': 'fixed',
        'window': 'cosine',
        'window_weight': window,
        'size_penalty': penalty,
        'size_rate': rate,
        'target_model': False,
        # The penalty holds the size.
        'resize_above': 0.0,
    }
    paper = {
        'padding': 'mean',
        'min_scale': 0.01,
        'max_scale': 100.0,
        'near_share': 1.0,
        'redetection': False,
        **own,
    }
    return {'default': common, 'paper': {**common, **paper}}


def _small(
    tracking: Mapping[str, Mapping[str, Any]], **changes: Any
) -> Mapping[str, Mapping[str, Any]]:
    """
    Follow with a small network as those of the matching family do, unless in the paper's mode.

    The boxes of a network that saw some 40,000 pairs are rougher than those of the box refiner,
    and its scores tell less apart than with a target model. changes: to the default mode.
    """
    return {'default': changes, 'paper': tracking['paper']}


def _alexnet(*channels: int) -> AlexNetShape:
    """SiamRPN's AlexNet: no padding, no groups, norms everywhere; 127 px -> 6 cells, 287 -> 26."""
    first, second, third, fourth, last = channels
    return AlexNetShape(
        (
            ConvStage(first, 11, 2, pool=(3, 2)),
            ConvStage(second, 5, pool=(3, 2)),
            ConvStage(third, 3),
            ConvStage(fourth, 3),
            ConvStage(last, 3, activate=False),
        ),
        normed=True,
    )


_ALEXNET = _alexnet(96, 256, 384, 384, 256)
# 255 px -> 125, 63 and then 31 cells; 127 px -> 61, 31 and then 15.
_RESNET_50 = ResNetShape(
    (
        ResStage(3, 256),
        ResStage(4, 512, stride=2),
        ResStage(6, 1024, dilation=2),
        ResStage(3, 2048, dilation=4),
    ),
    bottleneck=True,
)


def _basic_resnet(*blocks: int) -> ResNetShape:
    """ResNet-18 or -34 up to layer3, dilated as ResNet-50."""
    first, second, third = blocks
    return ResNetShape(
        (ResStage(first, 64), ResStage(second, 128, stride=2), ResStage(third, 256, dilation=2))
    )


# For CPUs and small boards. Sizes are those of the full ones, the stem of AlexNet has stride 4.
_ALEXNET_FAST = AlexNetShape(
    (
        ConvStage(32, 11, 4),
        ConvStage(96, 5, pool=(3, 2)),
        ConvStage(128, 3),
        ConvStage(128, 3),
        ConvStage(64, 3, activate=False),
    ),
    normed=True,
)
_RESNET_FAST = ResNetShape(
    (
        ResStage(1, 24),
        ResStage(1, 48, stride=2),
        ResStage(1, 64, dilation=2),
        ResStage(1, 64, dilation=2),
    ),
    stem=16,
)

# From local to global in steps, of which the paper does not give the size. Look-alikes, and the
# averages over images of their templates and of the target's, are as the paper describes them (no
# public code has them, and its authors dropped them as unstable); the larger search crop for
# targets that are small at the start is that of the code.
_DASIAMRPN = _tracking(
    0.055,
    0.42,
    0.295,
    widest_search=767,
    widen_by=64,
    widen_below=0.8,
    narrow_above=0.95,
    small_search=287,
    distractors=0.5,
    template='average',
    template_rate=0.01,
    template_interval=1,
)

_SIAMRPN = ProposalPreset(
    name='siamrpn',
    source='Li et al., CVPR 2018',
    backbone=_ALEXNET,
    levels=('conv5',),
    match='up_channel',
    # The numbers of the file for OTB; the paper's own are not public.
    search_size=271,
    tracking=_tracking(0.22, 0.40, 0.30),
)
_SIAMRPN_R18 = ProposalPreset(
    name='siamrpn_r18',
    source='Li et al., CVPR 2019; ResNet-18, own dimensions',
    backbone=_basic_resnet(2, 2, 2),
    levels=('layer3',),
    necks=(256,),
    template_cells=7,
    # Nothing is public of it; the numbers are those of ResNet-50.
    tracking=_tracking(0.05, 0.42, 0.38),
)
_SIAMRPNPP_R50 = ProposalPreset(
    name='siamrpnpp_r50',
    source='Li et al., CVPR 2019',
    backbone=_RESNET_50,
    levels=('layer2', 'layer3', 'layer4'),
    necks=(256, 256, 256),
    template_cells=7,
    weighted=True,
    tracking=_tracking(0.05, 0.42, 0.38),
)
_SIAMMASK_R50 = ProposalPreset(
    name='siammask_r50',
    source='Wang et al., CVPR 2019',
    backbone=replace(_RESNET_50, stages=_RESNET_50.stages[:3]),
    levels=('layer3',),
    necks=(256,),
    template_cells=7,
    masks=MaskShape(),
    tracking=_tracking(0.10, 0.41, 0.32),
)
_SIAMRPN_FAST = replace(
    _SIAMRPN,
    name='siamrpn_fast',
    source='Li et al., CVPR 2018 and 2019; narrower',
    backbone=_ALEXNET_FAST,
    match='depthwise',
    search_size=287,
    standardise=True,
    features='conv3',
    tracking=_small(_tracking(0.16, 0.40, 0.30)),
)

_PRESETS = (
    _SIAMRPN,
    replace(
        _SIAMRPN,
        name='siamrpn_alex',
        source='Li et al., CVPR 2019; AlexNet',
        match='depthwise',
        search_size=287,
        tracking=_tracking(0.16, 0.40, 0.30),
    ),
    ProposalPreset(
        name='siamrpn_mobilenet',
        source='Li et al., CVPR 2019; MobileNetV2',
        backbone=MobileNetShape(1.4),
        levels=('layer3', 'layer5', 'layer7'),
        necks=(256, 256, 256),
        template_cells=7,
        tracking=_tracking(0.04, 0.40, 0.50),
    ),
    _SIAMRPN_R18,
    replace(
        _SIAMRPN_R18,
        name='siamrpn_r34',
        source='Li et al., CVPR 2019; ResNet-34, own dimensions',
        backbone=_basic_resnet(3, 4, 6),
    ),
    _SIAMRPNPP_R50,
    replace(
        _SIAMRPNPP_R50,
        name='siamrpnpp_r50_lt',
        source='Li et al., CVPR 2019; long-term',
        necks=(128, 256, 512),
        tracking=_tracking(
            0.05, 0.28, 0.22, widest_search=831, widen_below=0.8, narrow_above=0.998
        ),
    ),
    replace(
        _SIAMRPN,
        name='dasiamrpn',
        source='Zhu et al., ECCV 2018; twice as wide',
        backbone=_alexnet(192, 512, 768, 768, 512),
        tracking=_DASIAMRPN,
    ),
    _SIAMMASK_R50,
    _SIAMRPN_FAST,
    replace(
        _SIAMRPN_FAST,
        name='dasiamrpn_fast',
        source='Zhu et al., ECCV 2018; narrower',
        necks=(32,),
        match='up_channel',
        tracking=_small(_DASIAMRPN),
    ),
    replace(
        _SIAMRPNPP_R50,
        name='siamrpnpp_fast',
        source='Li et al., CVPR 2019; narrower',
        backbone=_RESNET_FAST,
        necks=(48, 48, 48),
        standardise=True,
        features='layer2',
        tracking=_small(_SIAMRPNPP_R50.tracking),
    ),
    replace(
        _SIAMMASK_R50,
        name='siammask_fast',
        source='Wang et al., CVPR 2019; narrower',
        backbone=replace(_RESNET_FAST, stages=_RESNET_FAST.stages[:3]),
        necks=(64,),
        masks=MaskShape(widths=(16, 8, 4)),
        standardise=True,
        features='layer2',
        tracking=_small(_SIAMMASK_R50.tracking, mask_above=0.45),
    ),
)
PROPOSALS: dict[str, ProposalPreset] = {preset.name: preset for preset in _PRESETS}
