# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker simulate --out OUT --category NAME`: write synthetic scenes with ground truth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from itertools import product
from pathlib import Path
import sys

import cv2
import numpy as np
from tqdm import tqdm

from ..geometry import Box
from ..imaging.thermal_image import ThermalImage
from ..sequences.benchmarks.layout import MASKS
from ..simulation import CATEGORIES, CHALLENGES, render, Scene, TARGETS
from ..simulation.camera import CAMERAS
from .output import is_file_name, naming

IMAGE_TOPIC = '/thermal/image_raw'
INIT_TOPIC = '/tracker/init'
TRUTH_TOPIC = '/ground_truth'
MASK_TOPIC = '/ground_truth/mask'
_FORMATS = {'.bag': 'bag', '.mcap': 'bag', '.jpg': 'sheet', '.png': 'sheet'}
"""Output format by suffix of `--out`; a folder for any other."""
_COLUMNS, _PER_SCENE = 3, 3
"""Of a contact sheet: scenes side by side, and images of each."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `simulate`."""
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        help='folder of the sequences; NAME.bag or NAME.mcap is one ROS 2 bag, NAME.jpg or '
        'NAME.png a contact sheet',
    )
    parser.add_argument(
        '--category',
        default='easy',
        help=f'all (but random and demo), or one of {", ".join(CATEGORIES)}; default easy',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the first scene; default 0')
    parser.add_argument('--scenes', type=int, default=1, help='of each category; default 1')
    parser.add_argument('--frames', type=int, default=150, help='images a scene; default 150')
    parser.add_argument('--rate', type=float, default=30.0, help='images a second; default 30')
    parser.add_argument('--bits', type=int, default=8, help='8, or 16 for 14-bit counts')
    parser.add_argument('--size', default='320x256', metavar='WxH', help='default 320x256')
    parser.add_argument('--target', choices=TARGETS, help='what to follow; default: drawn')
    parser.add_argument('--camera', choices=CAMERAS, help='default: drawn')
    parser.add_argument(
        '--format', choices=('folder', 'bag'), help='of each sequence in the folder --out'
    )
    parser.add_argument(
        '--masks',
        action='store_true',
        help=f'also write which pixels show the target: masks/ beside img/, in a bag {MASK_TOPIC}',
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')


def run(arguments: Namespace) -> int:
    """Write the scenes; raises ValueError or OSError that names what is wrong."""
    if arguments.scenes < 1:
        raise ValueError(f'--scenes {arguments.scenes} is not 1 or more')
    size, out = _size(arguments.size), arguments.out
    categories = CHALLENGES if arguments.category == 'all' else (arguments.category,)
    seeds = range(arguments.seed, arguments.seed + arguments.scenes)
    # A suffix means one file; --format is what each sequence in the folder becomes.
    single = _FORMATS.get(out.suffix.lower()) if arguments.format is None else None
    if single == 'bag' and len(categories) * len(seeds) > 1:
        raise ValueError(
            f'--out {out} is one bag, which holds one scene, not {len(categories) * len(seeds)}; '
            'with --format bag a folder takes a bag for each'
        )
    if is_file_name(out) and out.suffix.lower() not in _FORMATS and not out.is_dir():
        raise ValueError(
            f'--out {out}: no {out.suffix} file can be written, but a folder of sequences, a bag '
            '(NAME.bag, NAME.mcap) or a contact sheet (NAME.jpg, NAME.png)'
        )
    if single == 'sheet' and arguments.masks:
        raise ValueError(f'--masks: {out} is a contact sheet, which holds no masks')
    if single is None and out.exists() and not out.is_dir():
        raise NotADirectoryError(f'--out {out} is a file, not a folder')
    strips = []
    images = _PER_SCENE if single == 'sheet' else arguments.frames
    total = len(categories) * len(seeds) * images
    written = 0
    with tqdm(total=total, unit='image', disable=arguments.quiet) as progress:
        try:
            for category, seed in product(categories, seeds):
                scene = render(
                    category,
                    seed,
                    arguments.frames,
                    size,
                    arguments.bits,
                    arguments.target,
                    arguments.camera,
                    arguments.rate,
                )
                if single == 'sheet':
                    strips.append(draw_strip(scene))
                    progress.update(images)
                elif single == 'bag':
                    write_bag(scene, out, progress, arguments.masks)
                else:
                    write = write_bag if arguments.format == 'bag' else write_folder
                    write(scene, out / f'{category}_{seed:06d}', progress, arguments.masks)
                written += 1
        except KeyboardInterrupt:
            if single != 'sheet':
                print(
                    f'stopped in scene {written + 1}; its images and those before are in {out}, '
                    'with their truth',
                    file=sys.stderr,
                )
            raise
    if strips:
        write_sheet(strips, out)
    print(f'{len(categories) * len(seeds)} scenes in {out}')
    return 0


def write_folder(
    scene: Scene, folder: Path, progress: tqdm | None = None, masks: bool = False
) -> None:
    """
    Write `img/00000001.png` ... and `groundtruth.txt`: a line `x,y,w,h`, nan where hidden.

    With `masks` also `masks/00000001.png` ..., 255 in the pixels that show the target. Each image
    gets its line at once, so that a scene that is interrupted is one of fewer images. Raises
    OSError, naming the path, for what cannot be written or would be mixed with the images of an
    earlier and longer sequence.
    """
    images = folder / 'img'
    images.mkdir(parents=True, exist_ok=True)
    if masks:
        (folder / MASKS).mkdir(exist_ok=True)
    known = {f'{number:08d}.png' for number in range(1, len(scene) + 1)}
    there = [folder / name for name in ('img', MASKS) if (folder / name).is_dir()]
    for each in there:
        stray = sorted({path.name for path in each.iterdir()} - known)
        if stray:
            raise FileExistsError(f'{each} holds {stray[0]}, which is not of this scene')
    for each in there:
        for path in each.iterdir():  # of the same scene, or else a later end would leave both
            path.unlink()
    with (folder / 'groundtruth.txt').open('w', buffering=1) as truth:
        for number, (image, box) in enumerate(scene, 1):
            path = images / f'{number:08d}.png'
            values = box or Box(*[float('nan')] * 4)
            try:
                if masks:
                    _write_png(folder / MASKS / path.name, _mask(scene, number - 1))
                _write_png(path, image.pixels)
                truth.write(','.join(f'{value:.3f}' for value in values) + '\n')
            except BaseException:
                path.unlink(missing_ok=True)  # perhaps half of an image, and one without a line
                (folder / MASKS / path.name).unlink(missing_ok=True)
                raise
            if progress is not None:
                progress.update()


def _mask(scene: Scene, index: int) -> np.ndarray:
    """Return 255 where more than half of a pixel shows the target, else 0."""
    return np.where(scene.visible_mask(index) > 0.5, 255, 0).astype(np.uint8)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    """Write an image; raises OSError where OpenCV's own writer may lose the end on a full disk."""
    # Noise does not compress, so more effort would only cost time.
    good, encoded = cv2.imencode('.png', pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not good:
        raise OSError(f'image {path} cannot be written')
    with naming(path):
        path.write_bytes(encoded.tobytes())


def write_bag(scene: Scene, path: Path, progress: tqdm | None = None, masks: bool = False) -> None:
    """
    Write a bag: images on /thermal/image_raw, the init box of the first on /tracker/init.

    The truth is on /ground_truth, with empty results where the target is hidden; with `masks`
    the pixels that show it are 255 on /ground_truth/mask.
    """
    from ..sequences.bags import BagWriter, detection_message, header, image_message

    path.parent.mkdir(parents=True, exist_ok=True)
    writer = BagWriter(path)
    name = scene.target_class
    try:
        for number, (image, box) in enumerate(scene):
            writer.write(IMAGE_TOPIC, image_message(image, 'thermal_camera'), image.stamp)
            head = header(image.stamp, 'thermal_camera')
            if number == 0 and box is not None:
                message = detection_message(head, box, 1.0, class_id=name)
                writer.write(INIT_TOPIC, message, image.stamp)
            truth = detection_message(
                head, box or Box(0.0, 0.0, 0.0, 0.0), None if box is None else 1.0, 'truth', name
            )
            writer.write(TRUTH_TOPIC, truth, image.stamp)
            if masks:
                mask = ThermalImage(_mask(scene, number), image.stamp)
                writer.write(MASK_TOPIC, image_message(mask, 'thermal_camera'), image.stamp)
            if progress is not None:
                progress.update()
    finally:
        writer.close()


def draw_strip(scene: Scene) -> np.ndarray:
    """Return the first, middle and last image side by side, 160 px wide each, with the truth."""
    factor = 160 / scene.size[0]
    tiles = []
    for index in np.linspace(0, len(scene) - 1, _PER_SCENE).round().astype(int).tolist():
        image, box = scene[index]
        pixels = image.pixels
        if pixels.dtype != np.uint8:
            low, high = np.percentile(pixels, (0.5, 99.5))
            pixels = np.clip((pixels - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
        height = round(scene.size[1] * factor)
        tile = cv2.resize(pixels, (160, height), interpolation=cv2.INTER_AREA)
        tile = cv2.cvtColor(tile, cv2.COLOR_GRAY2BGR)
        if box is not None:
            corners = np.array([box.x, box.y, box.x + box.w, box.y + box.h]) * factor
            left, top, right, bottom = corners.round().astype(int).tolist()
            cv2.rectangle(tile, (left, top), (right, bottom), (0, 230, 255), 1)
        tiles.append(tile)
    row = np.hstack(tiles)
    text = f'{scene.category}: {scene.target_class}, {scene.camera_kind}'
    font = cv2.FONT_HERSHEY_SIMPLEX
    (wide, _), _ = cv2.getTextSize(text, font, 0.4, 1)
    cv2.rectangle(row, (0, 0), (wide + 7, 17), (0, 0, 0), -1)
    cv2.putText(row, text, (4, 13), font, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return row


def write_sheet(strips: list[np.ndarray], path: Path) -> None:
    """Write strips of equal size as one picture; raises OSError when it cannot be written."""
    columns = min(_COLUMNS, len(strips))
    strips = strips + [np.zeros_like(strips[0])] * (-len(strips) % columns)
    rows = [np.hstack(strips[i : i + columns]) for i in range(0, len(strips), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 80] if path.suffix.lower() == '.jpg' else []
    good, encoded = cv2.imencode(path.suffix.lower(), np.vstack(rows), quality)
    if not good:
        raise OSError(f'picture {path} cannot be written')
    path.write_bytes(encoded.tobytes())


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition('x')
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ValueError(f"--size '{text}' is not WxH, such as 640x512")
    return int(width), int(height)
