# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Style, formatting and types of the whole checkout, with the settings of pyproject.toml."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEADER = '# SPDX-License-Identifier: Apache-2.0'

pytestmark = pytest.mark.linter


@pytest.mark.parametrize(
    'tool', ['ruff check', 'ruff format --check', 'mypy'], ids=['lint', 'format', 'types']
)
def test_clean(tool):
    command = [sys.executable, '-m', *tool.split()]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_file_states_its_license():
    folders = ('tir_tracker_ros', 'test', 'launch', 'desk')
    files = [path for folder in folders for path in (ROOT / folder).rglob('*.py')]
    assert len(files) > 10
    assert not [str(path) for path in files if HEADER not in path.read_text()[:300]]
