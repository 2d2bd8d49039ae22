# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker simulate --out OUT --category NAME`: write synthetic scenes with ground truth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import cv2
from tqdm import tqdm

from ..geometry import Box
from ..simulation import CATEGORIES, CHALLENGES, render, Scene, TARGETS
from ..simulation.camera import CAMERAS

IMAGE_TOPIC = '/thermal/image_raw'
INIT_TOPIC = '/tracker/init'
TRUTH_TOPIC = '/ground_truth'
_BAG_SUFFIXES = ('.bag', '.mcap')


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `simulate`."""
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        help='folder of the sequences; a name that ends in .bag or .mcap is one ROS 2 bag',
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
    parser.add_argument('--quiet', action='store_true', help='no progress bar')


def run(arguments: Namespace) -> int:
    """Write the scenes; raises ValueError or OSError, naming what is wrong, before it starts."""
    if arguments.scenes < 1:
        raise ValueError(f'--scenes {arguments.scenes} is not 1 or more')
    size = _size(arguments.size)
    categories = CHALLENGES if arguments.category == 'all' else (arguments.category,)
    scenes = [
        (category, arguments.seed + number)
        for category in categories
        for number in range(arguments.scenes)
    ]
    one_bag = arguments.out.suffix in _BAG_SUFFIXES and arguments.format != 'folder'
    if one_bag and len(scenes) > 1:
        raise ValueError(
            f'--out {arguments.out} is one bag, which holds one scene, not {len(scenes)}; '
            'with --format bag a folder takes a bag for each'
        )
    if not one_bag and arguments.out.exists() and not arguments.out.is_dir():
        raise NotADirectoryError(f'--out {arguments.out} is a file, not a folder')
    with tqdm(
        total=len(scenes) * arguments.frames, unit='image', disable=arguments.quiet
    ) as progress:
        for category, seed in scenes:
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
            path = arguments.out if one_bag else arguments.out / f'{category}_{seed:06d}'
            if one_bag or arguments.format == 'bag':
                write_bag(scene, path, progress)
            else:
                write_folder(scene, path, progress)
    print(f'{len(scenes)} scenes of {arguments.frames} images in {arguments.out}')
    return 0


def write_folder(scene: Scene, folder: Path, progress: tqdm | None = None) -> None:
    """
    Write `img/00000001.png` ... and `groundtruth.txt`: a line `x,y,w,h`, nan where hidden.

    Raises OSError, naming the path, for what cannot be written or would be mixed with the images
    of an earlier and longer sequence.
    """
    images = folder / 'img'
    images.mkdir(parents=True, exist_ok=True)
    known = {f'{number:08d}.png' for number in range(1, len(scene) + 1)}
    stray = sorted({path.name for path in images.iterdir()} - known)
    if stray:
        raise FileExistsError(f'{images} holds {stray[0]}, which is not of this scene')
    lines = []
    for number, (image, box) in enumerate(scene, 1):
        path = images / f'{number:08d}.png'
        # Noise does not compress, so more effort would only cost time.
        if not cv2.imwrite(str(path), image.pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
            raise OSError(f'image {path} cannot be written')
        values = box or Box(*[float('nan')] * 4)
        lines.append(','.join(f'{value:.3f}' for value in values))
        if progress is not None:
            progress.update()
    (folder / 'groundtruth.txt').write_text('\n'.join(lines) + '\n')


def write_bag(scene: Scene, path: Path, progress: tqdm | None = None) -> None:
    """
    Write a bag: images on /thermal/image_raw, the init box of the first on /tracker/init.

    The truth is on /ground_truth, with empty results where the target is hidden.
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
            if progress is not None:
                progress.update()
    finally:
        writer.close()


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition('x')
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ValueError(f"--size '{text}' is not WxH, such as 640x512")
    return int(width), int(height)
