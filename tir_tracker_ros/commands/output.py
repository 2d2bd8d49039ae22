# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where results go: nothing that was made before is lost by mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
import json
from pathlib import Path
import re
import sys
from typing import Any

BOXES, SUMMARY = 'boxes.csv', 'summary.json'
_FILES = re.compile(
    r'\.(avi|bag|bmp|csv|db3|gif|jpe?g|json|m4v|mcap|md|mkv|mov|mp4|mpe?g|npy|pdf|pgm|png|tiff?|'
    r'txt|webm|webp|zip)',
    re.IGNORECASE,
)
"""Suffixes of files that users expect from an option `--out`."""


def is_file_name(path: Path) -> bool:
    """Tell whether a path ends as a file of video, images, text or data does."""
    return bool(_FILES.fullmatch(path.suffix))


def check_folder(folder: Path) -> None:
    """Raise an error that names --out where it cannot be, or was not meant to be, a folder."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(f'--out {folder} is a file, not a folder')
    if is_file_name(folder):
        raise ValueError(
            f'--out {folder} is the name of a {folder.suffix} file, but is to be a folder: leave '
            'the suffix away'
        )


def results_folder(out: Path | None, name: str, source: str) -> Path:
    """
    Return the folder for the results of a run over `source`.

    Without `out` it is runs/NAME, or runs/NAME-2 and so on where that is taken. Earlier results in
    a folder `out` are replaced, which is told, if they are of the same source; raises ValueError
    if they are of another one.
    """
    if out is None:
        places = (Path('runs', name if i == 1 else f'{name}-{i}') for i in count(1))
        return next(place for place in places if not (place / BOXES).exists())
    check_folder(out)
    if (out / BOXES).exists():
        try:
            earlier = json.loads((out / SUMMARY).read_text()).get('source', source)
        except (OSError, ValueError):
            earlier = source
        if earlier != source:
            raise ValueError(
                f'--out {out} holds the results of {earlier}: choose another folder, or remove it'
            )
        print(f'the earlier results in {out} are replaced', file=sys.stderr)
    return out


def full_name(source: str | Path) -> str:
    """Return the full path of a source that is a file or folder; others stay as they are."""
    return str(Path(source).resolve()) if Path(source).exists() else str(source)


def write_summary(folder: Path, summary: dict[str, Any]) -> None:
    """Write summary.json."""
    with naming(folder / SUMMARY):
        (folder / SUMMARY).write_text(json.dumps(summary, indent=2) + '\n')


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in the error where it cannot be written, such as on a full disk."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
