# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How each family of networks is trained: its configuration and its Lightning module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
import yaml

from ..models.families import family_of
from .config import DEFAULT_MODEL, read_values, TrainConfig
from .matching import MatchingConfig, MatchingModule
from .module import PairModule
from .proposals import ProposalConfig, ProposalModule
from .refiner import RefinerConfig, RefinerModule


@dataclass(frozen=True)
class Recipe:
    """What a family of networks needs in order to be trained."""

    config: type[TrainConfig]
    module: Callable[[Any], PairModule]
    """Makes the Lightning module of a configuration."""


RECIPES = {
    'matching': Recipe(MatchingConfig, MatchingModule),
    'proposals': Recipe(ProposalConfig, ProposalModule),
    'refiner': Recipe(RefinerConfig, RefinerModule),
}
"""By the name of the family, see `models.families`."""


def recipe_of(model: str) -> Recipe:
    """Find how a model is trained; raises ValueError for an unknown one."""
    family = family_of(model).name
    if family not in RECIPES:
        raise ValueError(f"models of the family '{family}', such as '{model}', cannot be trained")
    return RECIPES[family]


def make_config(values: dict[str, Any]) -> TrainConfig:
    """
    Make the configuration of the family that the key `model` chooses.

    Raises ValueError that names the keys that are wrong.
    """
    recipe = recipe_of(str(values.get('model', DEFAULT_MODEL)))
    try:
        return recipe.config.model_validate(values)
    except ValidationError as error:
        raise ValueError(
            '; '.join(
                f'{".".join(map(str, one["loc"])) or recipe.config.__name__}: {one["msg"]}'
                for one in error.errors()
            )
        ) from None


def read_config(path: str | Path, changes: list[str] | None = None) -> TrainConfig:
    """
    Read a YAML file, with changes such as `epochs=3` or `loss.fused=0.5`.

    Raises ValueError that names the key and what would be right, OSError for a file that is not
    there.
    """
    values = read_values(Path(path))
    for change in changes or []:
        key, equals, text = change.partition('=')
        if not equals:
            raise ValueError(f"change '{change}' is not KEY=VALUE")
        *parents, last = key.split('.')
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ValueError(f"change '{change}': '{parent}' has no keys of its own")
        place[last] = yaml.safe_load(text)
    try:
        return make_config(values)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
