# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The command `tir-tracker`: looks up a subcommand, imports only that one, and runs it."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import select
import signal
import sys
import threading

from . import __version__
from .commands.packages import advice

COMMANDS = {
    'track': 'follow a target through a video, image folder, bag or camera',
    'replay': "run every image of a bag through the node's own logic, without a clock",
    'simulate': 'make synthetic thermal scenes with ground truth',
    'benchmark': 'measure the speed of the models, the imaging and the node',
    'demo': 'play a bag into the node in another process, and report',
    'train': 'train a model',
    'import-weights': 'convert weights of pysot, SiamMask, DaSiamRPN or MatConvNet',
    'calibrate': 'make the scores of weight files probabilities',
    'pack': 'put the training data of a configuration into one small file',
    'evaluate': 'score trackers on benchmark sequences',
    'models': 'list the presets',
    'weights': 'list and verify the installed weights',
    'features': 'draw what the branches of a model see',
    'checks': 'report what this machine has: torch, OpenCV, ROS 2, weights',
}
LONG_OPTION = re.compile(r'--[a-z][a-z0-9-]*')
NEGATIVE_VALUES = re.compile(r'(?!-\d+$|-\d*\.\d+$)-(\d|\.\d|inf\b|nan\b)')
"""Values with a minus in front that argparse takes for an option, unlike a plain number."""


def main(argv: list[str] | None = None) -> int:
    """Run `tir-tracker ARGS`; returns the exit status, with the reason of a failure on stderr."""
    parser = argparse.ArgumentParser(prog='tir-tracker', description=__doc__)
    parser.add_argument('--version', action='version', version=__version__)
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    argv = _with_negative_values(sys.argv[1:] if argv is None else argv)
    wanted = next((word for word in argv if not word.startswith('-')), None)
    modules = {}
    # A run that is ended from outside finishes its files, as one that is stopped by Ctrl-C does.
    on_main_thread = threading.current_thread() is threading.main_thread()
    before = on_main_thread and signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for name, summary in COMMANDS.items():
            command_parser = subparsers.add_parser(name, help=summary, description=summary)
            if name == wanted:
                modules[name] = importlib.import_module(
                    f'{__package__}.commands.{name.replace("-", "_")}'
                )
                modules[name].add_arguments(command_parser)
        arguments = parser.parse_args(argv, argparse.Namespace(words=argv))
        status = modules[arguments.command].run(arguments)
        print(end='', flush=True)  # there may be no output at all to flush
        return status
    except KeyboardInterrupt:
        print(f'tir-tracker {wanted}: stopped', file=sys.stderr)
        return 130
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return 128 + signal.SIGPIPE  # as other programs end whose output goes to `head`
        cure = advice(error)
        if not cure and not isinstance(error, ValueError | OSError | ImportError):
            raise
        text = '; '.join(part for part in (str(error), cure, _meant(str(error))) if part)
        print(f'tir-tracker {wanted}: {text}', file=sys.stderr)
        return 1
    finally:
        if on_main_thread:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _nobody_reads() -> bool:
    """Tell whether the reader of the standard output is gone; what is left goes nowhere then."""
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)
    if not watched.poll(0):  # errors are told without being asked for
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True


def _with_negative_values(words: list[str]) -> list[str]:
    """Write `--init -2,10,30,40` as `--init=-2,10,30,40`, which argparse understands."""
    joined: list[str] = []
    for word in words:
        if joined and LONG_OPTION.fullmatch(joined[-1]) and NEGATIVE_VALUES.match(word):
            joined[-1] += f'={word}'
        else:
            joined.append(word)
    return joined


def _meant(text: str) -> str:
    """Ask for a name that is nearly the one that an error quotes, of those that it lists."""
    quoted = re.search(r"'([\w.-]+)'(.*)", text, re.DOTALL)
    if quoted is None:
        return ''
    known = re.findall(r'(?:\bare|\bof|,) ([\w.-]+)', quoted[2])
    near = difflib.get_close_matches(quoted[1], known, n=1, cutoff=0.7)
    return f"did you mean '{near[0]}'?" if near and quoted[1] not in known else ''


if __name__ == '__main__':
    sys.exit(main())
