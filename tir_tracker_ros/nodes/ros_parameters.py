# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A parameter table on a ROS node: declaration, descriptors, refusal."""

from __future__ import annotations

from collections.abc import Callable

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from .parameters import Parameter, problems_of, unknown_problem, Value

# Parameters that rclpy itself declares, depending on the distribution.
_RCLPY = ('use_sim_time', 'start_type_description_service', 'qos_overrides')


def descriptor(row: Parameter) -> ParameterDescriptor:
    """Describe a parameter to `ros2 param describe` and its like."""
    when = 'May change at any time' if row.live else 'May change while the node is unconfigured'
    described = ParameterDescriptor(
        description=f'{row.description} {when}.',
        dynamic_typing=True,  # types are checked below, with a reason that names the value
        additional_constraints=f'one of {row.range}' if row.choices else '',
    )
    if row.low is not None and row.high is not None:
        if isinstance(row.default, int):
            described.integer_range = [
                IntegerRange(from_value=int(row.low), to_value=int(row.high), step=1)
            ]
        else:
            described.floating_point_range = [
                FloatingPointRange(from_value=row.low, to_value=row.high, step=0.0)
            ]
    return described


class RosParameters:
    """
    The values of a table on a node, which has to allow undeclared parameters.

    A bad value from the command line or a parameter file is replaced by the default. `problems`
    names it until it is corrected, so that a mistake in a file is seen but does not end the
    process. Later changes to bad values or of unknown parameters are refused with the reason.
    `frozen` tells why parameters that are not live may not change now; `on_change` gets all values
    after a change.
    """

    def __init__(
        self,
        node: Node,
        table: tuple[Parameter, ...],
        frozen: Callable[[], str] = lambda: '',
        on_change: Callable[[dict[str, Value]], None] = lambda values: None,
    ) -> None:
        self._table = {row.name: row for row in table}
        self._node = node
        self._rows, self._frozen, self._on_change = table, frozen, on_change
        self._bad: dict[str, str] = {}
        self.values: dict[str, Value] = {}
        for row in table:
            self.values[row.name] = self._declare(node, row)
        # rclpy drops overrides of parameters that nobody declares, and logs nothing.
        for name in getattr(node, '_parameter_overrides', {}):
            if name not in self._table and name.split('.')[0] not in _RCLPY:
                self._bad[name] = unknown_problem(table, name)
        node.add_on_set_parameters_callback(self._on_set)

    @property
    def problems(self) -> list[str]:
        """What is wrong with the values that the node was started with."""
        return [*self._bad.values(), *problems_of(self._rows, self.values)]

    def __getitem__(self, name: str) -> Value:
        """Return the value of a parameter."""
        return self.values[name]

    def _declare(self, node: Node, row: Parameter) -> Value:
        # It is declared without a range at first, because rclpy raises for a value outside of it.
        free = ParameterDescriptor(dynamic_typing=True)
        value = node.declare_parameter(row.name, row.default, free).value
        problem = row.problem(value)
        if problem:
            self._bad[row.name] = problem
            value = row.default
            node.set_parameters([RosParameter(row.name, value=value)])
        node.set_descriptor(row.name, descriptor(row))
        return type(row.default)(value)

    def _on_set(self, changed: list[RosParameter]) -> SetParametersResult:
        given = {each.name: each.value for each in changed}
        ours = {name: given[name] for name in given if name in self._table}
        problems = [
            unknown_problem(self._rows, name)
            for name in given
            if name not in ours and name.split('.')[0] not in _RCLPY
        ]
        problems += [p for name, value in ours.items() if (p := self._table[name].problem(value))]
        if why_not := self._frozen():
            problems += [
                f'parameter {name} {why_not}'
                for name, value in ours.items()
                if not self._table[name].live and value != self.values[name]
            ]
        if not problems:
            kinds = {name: type(self._table[name].default) for name in ours}
            values = {**self.values, **{name: kinds[name](ours[name]) for name in ours}}
            problems = problems_of(self._rows, values)
        if problems:
            return SetParametersResult(successful=False, reason='; '.join(problems))
        if ours:
            self.values = values
            for name in ours:
                self._bad.pop(name, None)
            self._on_change(values)
        return SetParametersResult(successful=True)
