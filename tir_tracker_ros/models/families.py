# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The families of networks; a new one is a network class, its presets and a line in `FAMILIES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from .box_refiner import BoxRefiner
from .matching import MatchingNet
from .network import Network
from .presets import MATCHING, MATCHING_ABLATIONS, Preset
from .proposal_presets import PROPOSALS
from .proposals import ProposalNet


@dataclass(frozen=True)
class Family:
    """Networks that are built, and trained, in the same way."""

    name: str
    presets: Mapping[str, Any]
    """What each network of the family is built from, by the network's name."""
    build: Callable[[Any], nn.Module]
    """Builds an untrained network."""
    ablations: Mapping[str, Any] = field(default_factory=dict)
    """Presets that are for experiments only, and not listed."""
    tracks: bool = True
    """Whether its networks follow a target; the box refiner helps those that do."""


FAMILIES = {
    family.name: family
    for family in (
        Family('matching', MATCHING, MatchingNet, MATCHING_ABLATIONS),
        Family('proposals', PROPOSALS, ProposalNet),
        Family(
            'refiner', {BoxRefiner.name: BoxRefiner.name}, lambda name: BoxRefiner(), tracks=False
        ),
    )
}
PRESETS: dict[str, Preset] = {
    name: preset
    for family in FAMILIES.values()
    if family.tracks
    for name, preset in family.presets.items()
}
"""The trackers that can be chosen as `model`."""


def family_of(name: str) -> Family:
    """Find the family of a network; raises ValueError that lists the trackers."""
    for family in FAMILIES.values():
        if name in family.presets or name in family.ablations:
            return family
    raise ValueError(f"no model '{name}'; the models are {', '.join(PRESETS)}")


def find_preset(name: str) -> Preset:
    """Look up a tracker or an ablation of one; raises ValueError that lists the trackers."""
    family = family_of(name)
    if not family.tracks:
        raise ValueError(f"'{name}' follows no target; the models are {', '.join(PRESETS)}")
    return {**family.presets, **family.ablations}[name]


def build(name: str) -> Any:
    """Build the network of that name, untrained; raises ValueError for an unknown one."""
    family = family_of(name)
    return family.build({**family.presets, **family.ablations}[name])


def build_tracker_network(name: str) -> Network:
    """Build the network of a tracker, untrained; raises ValueError for any other name."""
    return build(find_preset(name).name)
