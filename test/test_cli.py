# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What all commands share: option values, and packages that are missing or broken."""

from __future__ import annotations

from importlib import metadata
import os
from pathlib import Path
import re
import subprocess
import sys

import pytest

from tir_tracker_ros import cli
from tir_tracker_ros.commands import checks, packages


class Distribution:
    """A package that pip has installed."""

    def __init__(self, name: str) -> None:
        self.metadata = {'Name': name}


@pytest.fixture
def two_wheels(monkeypatch):
    """Let pip know two OpenCV wheels, which share one folder."""
    names = ['numpy', None, 'opencv-python', 'opencv-contrib-python-headless']
    monkeypatch.setattr(metadata, 'distributions', lambda: map(Distribution, names))


def run(tmp_path: Path, fakes: dict[str, str], *words: str) -> subprocess.CompletedProcess:
    """Run a command in a process in which each of some packages has only the given content."""
    for name, content in fakes.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / '__init__.py').write_text(content)
    path = os.pathsep.join([str(tmp_path), str(Path(cli.__file__).parents[1])])
    return subprocess.run(
        [sys.executable, '-m', 'tir_tracker_ros.cli', *words],
        env={**os.environ, 'PYTHONPATH': path + os.pathsep + os.environ.get('PYTHONPATH', '')},
        capture_output=True,
        text=True,
        timeout=60,
    )


def missing(package: str) -> dict[str, str]:
    """Return a package whose import fails as that of one that is not installed."""
    return {package: f"raise ModuleNotFoundError('No module named {package}', name={package!r})"}


@pytest.mark.parametrize(
    'values',
    [
        ['--init', '-2,10,30,40'],
        ['--init', '-.5,10,30,40'],
        ['--init=-2,10,30,40'],
        ['--init', '-2 10 30 40'],
        ['--init', '34,31,12,18', '--gain', 'fixed', '--gain-range', '-10,40'],
        ['--init', '34,31,12,18', '--gain', 'fixed', '--gain-range', '-1e1,4e1'],
    ],
)
def test_an_option_value_may_begin_with_a_minus(values, capsys):
    assert cli.main(['track', 'gone.mp4', *values]) == 1
    assert 'source gone.mp4 does not exist' in capsys.readouterr().err


def test_a_negative_number_reaches_the_command_that_refuses_it(capsys):
    assert cli.main(['track', 'gone.mp4', '--init', '1,2,30,40', '--start', '-3']) == 1
    assert '--start -3 is negative' in capsys.readouterr().err


def test_an_option_that_does_not_exist_is_still_named(capsys):
    with pytest.raises(SystemExit):
        cli.main(['track', 'video.mp4', '--init', '1,2,3,4', '--quite', '-2,3'])
    assert '--quite' in capsys.readouterr().err


@pytest.mark.parametrize(
    'content',
    ['', "raise ImportError('OpenCV loader: missing configuration file')", 'import cv2.cv2'],
    ids=['nothing left', 'loader without its configuration', 'half of it left'],
)
def test_checks_and_track_tell_of_a_broken_opencv_without_a_traceback(content, tmp_path):
    # Without torch, which is slow to load and has no part in this.
    report = run(tmp_path, {'cv2': content, **missing('torch')}, 'checks')
    assert report.returncode == 1 and 'Traceback' not in report.stderr
    (line,) = (line for line in report.stdout.splitlines() if ' OpenCV:' in line)
    assert line.startswith('  none') and f'pip install {packages.OPENCV}' in line
    assert 'numpy' in report.stdout and 'matplotlib' in report.stdout  # the others are told, too
    track = run(tmp_path, {}, 'track', 'x.mp4', '--init', '1,2,30,40')
    assert track.returncode == 1
    (line,) = track.stderr.splitlines()
    assert line.startswith('tir-tracker track: ') and f'pip install {packages.OPENCV}' in line


def test_two_opencv_wheels_are_named_with_the_way_out(two_wheels, monkeypatch, capsys):
    monkeypatch.setattr(checks, 'NEEDED', {'OpenCV': checks.NEEDED['OpenCV']})
    monkeypatch.setattr(checks, 'OPTIONAL', {})
    assert cli.main(['checks']) == 1
    assert (
        'but opencv-contrib-python-headless and opencv-python overwrite each other: pip uninstall '
        'opencv-contrib-python-headless opencv-python, then pip install'
    ) in capsys.readouterr().out


@pytest.mark.parametrize(
    ('package', 'words', 'cure'),
    [
        ('matplotlib', ['evaluate', '.', '--out', 'out'], "the extra 'eval': pip install"),
        ('rosbags', ['replay', 'bag'], 'pip install rosbags'),
    ],
)
def test_a_missing_package_is_named_with_what_brings_it(package, words, cure, tmp_path):
    done = run(tmp_path, missing(package), *words)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'tir-tracker {words[0]}: No module named {package}; ') and cure in line


@pytest.mark.parametrize('package', ['lightning', 'lightning.pytorch', 'pydantic', 'tensorboard'])
def test_what_training_needs_comes_with_its_extra(package):
    assert "the extra 'train'" in packages.advice(ImportError('missing', name=package))


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        ('simulate --out x --category nihgt', r"category 'nihgt' is not one of .*mean 'night'\?$"),
        ('simulate --out x --category rain', "category 'rain' is not one of [^?]*demo\n$"),
    ],
)
def test_a_name_that_is_nearly_one_of_the_known_ones_is_asked_for(words, reason, capsys):
    assert cli.main(words.split()) == 1
    assert re.search(reason, capsys.readouterr().err)


def test_an_error_of_the_program_itself_keeps_its_traceback(monkeypatch):
    def broken(*_):
        raise TypeError('a mistake in the program')

    monkeypatch.setattr(checks, 'run', broken)
    with pytest.raises(TypeError):
        cli.main(['checks'])


@pytest.mark.parametrize('command', ['weights', 'checks'])
def test_a_reader_who_has_read_enough_ends_the_command_quietly(command):
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, '-m', 'tir_tracker_ros.cli', command]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, '')


def test_a_command_runs_without_an_output():
    command = [sys.executable, '-m', 'tir_tracker_ros.cli', 'weights']
    done = subprocess.run(['sh', '-c', 'exec "$@" >&-', '-', *command], timeout=60)
    assert done.returncode == 0


def test_another_broken_pipe_than_that_of_the_output_is_told(monkeypatch, capfd):
    def broken(_):
        raise BrokenPipeError('the worker is gone')

    monkeypatch.setattr('tir_tracker_ros.commands.models.run', broken)
    assert cli.main(['models']) == 1
    assert 'the worker is gone' in capfd.readouterr().err
