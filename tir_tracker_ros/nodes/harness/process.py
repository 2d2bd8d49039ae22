# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A node in a process of its own: its start, its output and its end."""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
from typing import Any

END_SECONDS = 20.0
"""A process that has not ended this long after it was expected to is killed."""


class Process:
    """
    Start a command; what it prints goes into the file `log`, or a temporary one.

    `name` stands in messages about it. `environment` holds variables beside those of this process.
    A process that is still alive when this one ends is killed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        # The file stays open: a temporary one is deleted when it is closed.
        self._output = log.open('wb') if log else tempfile.NamedTemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        atexit.register(self._process.kill)

    def __enter__(self) -> Process:
        """Return the process, which is stopped at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """What the process has printed so far."""
        return Path(str(self._output.name)).read_text(errors='replace')

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Return the time of a core that the process, while it runs, has taken so far; Linux."""
        stat = Path(f'/proc/{self._process.pid}/stat').read_text()
        fields = stat.rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def tail(self) -> str:
        """Return the last lines that the process printed."""
        return '\n'.join(self.log.splitlines()[-15:])

    def check(self) -> None:
        """Raise ChildProcessError, with the end of the log, when the process has ended."""
        if not self.running:
            raise ChildProcessError(
                f'{self.name} ended with status {self._process.returncode}:\n{self.tail()}'
            )

    def send(self, number: int = signal.SIGINT) -> None:
        """Send a signal, if the process still runs."""
        if self.running:
            self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end and return the exit status; -9 where the process had to be killed."""
        try:
            return self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def stop(self, number: int = signal.SIGINT) -> int:
        """End the process by a signal, as Ctrl-C does, and return the exit status."""
        self.send(number)
        return self.wait()


def ros_arguments(
    parameters: Mapping[str, Any], remappings: Mapping[str, str] | None = None
) -> list[str]:
    """Write parameters and remappings as the command line of a node takes them."""
    words = ['--ros-args']
    for name, value in parameters.items():
        words += ['-p', f'{name}:={_yaml(value)}']
    for name, target in (remappings or {}).items():
        words += ['-r', f'{name}:={target}']
    return words


def node_command(
    executable: str, parameters: Mapping[str, Any], remappings: Mapping[str, str] | None = None
) -> list[str]:
    """Return the command that starts `tracker` or `player`."""
    module = f'{__package__.rpartition(".")[0]}.{executable}_node'
    return [sys.executable, '-m', module, *ros_arguments(parameters, remappings)]


def _yaml(value: Any) -> str:
    """Write a parameter so that the command line reads it back as the same type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
