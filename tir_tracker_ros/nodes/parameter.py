# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a parameter of a node is: a row of a table, and which values it allows."""

from __future__ import annotations

from dataclasses import dataclass

Value = bool | int | float | str

_KINDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text'}


@dataclass(frozen=True)
class Parameter:
    """A row of a table; the type of the parameter is that of its default."""

    name: str
    default: Value
    description: str
    low: float | None = None
    """Smallest value of a number; None for other types."""
    high: float | None = None
    """Largest value of a number."""
    choices: tuple[str, ...] = ()
    """Allowed values of a string; empty for any."""
    live: bool = False
    """Whether it may change while the node is configured."""

    @property
    def range(self) -> str:
        """What is allowed, in words; empty for any value of the type."""
        if self.choices:
            return ', '.join(self.choices)
        return '' if self.low is None else f'{self.low:g} to {self.high:g}'

    def problem(self, value: object) -> str | None:
        """Say what is wrong with a value, or None; a whole number is good for a float, too."""
        kind = type(self.default)
        if type(value) is not kind and not (kind is float and type(value) is int):
            wanted = f'is not {_KINDS[kind]}'
        elif self.choices and value not in self.choices:
            wanted = f'is not one of {self.range}'
        elif self.low is not None and not self.low <= value <= self.high:  # type: ignore
            wanted = f'is not in {self.range}'
        else:
            return None
        return f'parameter {self.name} is {value!r}, which {wanted}'
