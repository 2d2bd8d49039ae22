# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The package as pip, colcon and rosdep see it."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from importlib import import_module, metadata
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import tir_tracker_ros
from tir_tracker_ros.cli import COMMANDS
from tir_tracker_ros.commands.benchmark import PARTS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'tir_tracker_ros'
OPENCV = 'opencv-contrib-python-headless'

# No rosdep key that every distribution resolves: README.md names the pip line for these.
BY_PIP = {'av', 'rosbags', 'safetensors', 'torch'}
# Brought by rosbags, which decompresses with them.
BY_ROSBAGS = {'backports', 'compression', 'lz4'}
KEYS = {'cv2': 'python3-opencv', 'numpy': 'python3-numpy', 'tqdm': 'python3-tqdm'}
KEYS |= {'aiohttp': 'python3-aiohttp', 'yaml': 'python3-yaml'}

# What knows ROS 2; nothing else imports its packages.
KNOWS_ROS = {*PACKAGE.glob('nodes/**/*.py'), PACKAGE / 'commands' / 'benchmark_node.py'}

# A room imports only from its own or an earlier rank.
RANKS = {
    rank: number
    for number, rooms in enumerate(
        [
            ['geometry'],
            ['imaging'],
            ['models'],
            ['tracking'],
            ['sequences', 'simulation', 'viewer'],
            ['training', 'evaluation', 'nodes'],
            ['commands'],
            ['cli'],
        ]
    )
    for rank in rooms
}


@pytest.fixture(scope='module')
def setup():
    """What setup.py gives to setuptools."""
    import_module('setuptools')  # brings distutils to Python 3.12 and later
    core = import_module('distutils.core')
    return core.run_setup(str(ROOT / 'setup.py'), stop_after='init')


@pytest.fixture(scope='module')
def manifest():
    """The root element of package.xml."""
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def imports(path: Path) -> set[str]:
    """Return the absolute names of the modules that a file of the package imports, anywhere."""
    folder = ('tir_tracker_ros', *path.relative_to(PACKAGE).parent.parts)
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = '.'.join(folder[: len(folder) - node.level + 1]) if node.level else ''
            module = '.'.join(part for part in (base, node.module) if part)
            names |= {f'{module}.{alias.name}' for alias in node.names}
    return names


def test_one_version_number(setup, manifest):
    changelog = re.search(r'^(\d+\.\d+\.\d+) \(', (ROOT / 'CHANGELOG.rst').read_text(), re.M)
    versions = {tir_tracker_ros.__version__, setup.get_version(), manifest.findtext('version')}
    assert versions == {changelog[1]}


COLCON = {
    'build': 'install --prefix=/p --root={0} --single-version-externally-managed',
    'build --symlink-install': 'develop --editable --build-directory={0}/b --no-deps '
    '--script-dir={0}/p/lib/{1}',
}


@pytest.mark.parametrize('command', COLCON)
def test_what_colcon_installs_runs_with_the_python_of_the_users_environment(command, tmp_path):
    """Not with that of colcon itself, which does not see torch in a virtual environment."""
    source, root = tmp_path / 'source', tmp_path / 'root'
    for name in ('setup.py', 'setup.cfg', 'package.xml', 'resource', 'launch', 'config', 'rviz'):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name)
    (source / PACKAGE.name).mkdir()
    shutil.copy(PACKAGE / '__init__.py', source / PACKAGE.name)
    words = COLCON[command].format(root, PACKAGE.name).split()
    site = tmp_path / 'site'  # where the test's own Python keeps what it has is no place to write
    site.mkdir()
    if 'symlink' in command:
        words += [f'--install-dir={site}']
    environment = {**os.environ, 'PYTHONPATH': str(site)}
    done = subprocess.run(
        [sys.executable, 'setup.py', *words], cwd=source, capture_output=True, text=True,
        env=environment,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    for name in ('tracker', 'player', 'viewer', 'tir-tracker'):
        script = root / 'p' / 'lib' / PACKAGE.name / name
        assert script.read_text().splitlines()[0] == '#!/usr/bin/env python3'
        assert os.access(script, os.X_OK)


def test_requirements_name_one_opencv_wheel(setup):
    requirements = [*setup.install_requires, *sum(setup.extras_require.values(), [])]
    assert {re.match('[a-z-]+', r)[0] for r in requirements if 'opencv' in r} == {OPENCV}


def test_one_opencv_wheel_is_installed():
    """Two of them share the folder cv2, and the later one overwrites the earlier."""
    folders = [
        (distribution.metadata['Name'].lower(), Path(distribution.locate_file('cv2')).resolve())
        for distribution in metadata.distributions()
        if distribution.metadata['Name'].lower().startswith('opencv-')
    ]
    assert len({folder for _, folder in folders}) == len(set(folders)), folders


def test_torch_is_the_users_choice(setup, manifest):
    assert not [r for r in setup.install_requires if r.startswith('torch')]
    assert not [key.text for key in manifest if key.tag.endswith('depend') and 'torch' in key.text]


def test_extras(setup):
    assert set(setup.extras_require) == {'train', 'eval', 'dask', 'browser', 'test'}
    # colcon runs the tests with pytest only where this extra says so; launch_pytest limits it
    assert 'pytest<8.4' in setup.extras_require['test']


def test_manifest_is_strictly_well_formed(manifest):
    """Colcon takes a package with a malformed manifest for plain Python, without ament hooks."""
    assert manifest.get('format') == '3'
    assert manifest.findtext('license') == 'Apache-2.0'
    assert manifest.findtext('export/build_type') == 'ament_python'
    for person in manifest.findall('maintainer'):
        assert re.fullmatch(r'[\w.%+-]+@[\w-]+(\.[\w-]+)*\.[a-zA-Z]{2,6}', person.get('email'))
    keys = [element.text for element in manifest if element.tag == 'exec_depend']
    assert keys == sorted(set(keys))


def test_manifest_names_what_the_node_imports(manifest):
    """Everything that the ROS glue imports has a key, or is installed by pip."""
    files = [*KNOWS_ROS, *ROOT.glob('launch/*.py')]
    trees = [ast.walk(ast.parse(path.read_text())) for path in files]
    nodes = [node for tree in trees for node in tree]
    found = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    found |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    tops = {name.split('.')[0] for name in found} - set(sys.stdlib_module_names)
    needed = {KEYS.get(name, name) for name in tops - BY_PIP - {'tir_tracker_ros'}}
    declared = {element.text for element in manifest if element.tag == 'exec_depend'}
    assert needed <= declared


def test_requirements_name_what_is_imported(setup):
    """Except in the ROS glue, and less torch, the user's choice."""
    files = set(PACKAGE.rglob('*.py')) - KNOWS_ROS
    found = {name.split('.')[0] for path in files for name in imports(path)}
    found -= {*sys.stdlib_module_names, *BY_ROSBAGS, 'tir_tracker_ros', 'torch'}
    requirements = [*setup.install_requires, *sum(setup.extras_require.values(), [])]
    named = {re.match('[A-Za-z0-9-]+', requirement)[0] for requirement in requirements}
    assert {{'cv2': OPENCV, 'yaml': 'pyyaml'}.get(name, name) for name in found} <= named


def test_data_files_are_installed(tmp_path):
    command = [sys.executable, 'setup.py', '-q', 'install_data', '-d', str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    share = tmp_path / 'share' / 'tir_tracker_ros'
    marker = tmp_path / 'share/ament_index/resource_index/packages/tir_tracker_ros'
    assert marker.exists()
    assert (share / 'package.xml').exists()
    for folder in ('launch', 'config', 'rviz'):
        wanted = {path.relative_to(ROOT) for path in (ROOT / folder).rglob('*.*')}
        assert {path.relative_to(share) for path in (share / folder).rglob('*.*')} == wanted


def test_every_other_file_of_the_package_is_installed(setup):
    patterns = setup.package_data[PACKAGE.name]
    others = [path for path in PACKAGE.rglob('*.*') if path.suffix not in ('.py', '.pyc')]
    assert {'.html', '.js', '.safetensors'} <= {path.suffix for path in others}
    for path in others:
        assert any(path.relative_to(PACKAGE).match(pattern) for pattern in patterns), path


def test_every_executable_exists(setup):
    """Each console script names a module and a function that are there."""
    for script in setup.entry_points['console_scripts']:
        module, function = script.split('=')[1].strip().split(':')
        tree = ast.parse((ROOT / f'{module.replace(".", "/")}.py').read_text())
        assert function in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, script


def test_every_command_exists():
    """Each word that a --help lists has its module with the two functions."""
    for name in (*COMMANDS, *(f'benchmark_{part}' for part in PARTS)):
        tree = ast.parse((PACKAGE / 'commands' / f'{name.replace("-", "_")}.py').read_text())
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert functions >= {'add_arguments', 'run'}, name


@pytest.mark.parametrize('path', sorted(PACKAGE.rglob('*.py')), ids=lambda path: path.stem)
def test_imports_run_downwards(path):
    """Also inside of functions and for type checking, and not between rooms of the same rank."""
    room = (path.relative_to(PACKAGE).parts + ('',))[0].removesuffix('.py')
    imported = {
        name.split('.')[1] for name in imports(path) if name.startswith('tir_tracker_ros.')
    }
    if room == '__init__':  # the package itself
        assert not imported
        return
    for other in imported - {room, '__version__'}:
        assert RANKS[other] < RANKS[room], f'{room} imports {other}'


def test_no_imports_run_in_a_circle():
    """Also inside of functions and for type checking."""
    modules = {}
    for path in PACKAGE.rglob('*.py'):
        parts = path.relative_to(ROOT).with_suffix('').parts
        modules['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    graph = {}
    for module, path in modules.items():
        # A name in a module is an import of that module.
        names = {name if name in modules else name.rpartition('.')[0] for name in imports(path)}
        graph[module] = names & set(modules) - {module}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_core_needs_neither_ros_nor_torch():
    code = (
        'import sys, tir_tracker_ros.cli, tir_tracker_ros.imaging, tir_tracker_ros.sequences, '
        'tir_tracker_ros.simulation, tir_tracker_ros.tracking\n'
        'print(*sorted({"torch", "rclpy", "lightning"} & set(sys.modules)))'
    )
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ''
