# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A synthetic scene: a target, what moves around it, a background, a camera, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import math

import cv2
import numpy as np

from ..geometry import Box
from ..imaging.thermal_image import ThermalImage
from .camera import CAMERAS
from .composition import Composer
from .contents import Actor
from .painting import blend, overlap, paint, Patch, smear_kernel
from .recipes import make_recipe, SHARES, TARGETS

HIDDEN_BELOW = 0.1
"""A target of which less than this part can be seen has no box."""


@dataclass(frozen=True)
class SceneFrame:
    """One image of a scene and the truth about it."""

    image: ThermalImage
    box: Box | None
    """Around the target's visible and covered parts, clipped to the image; None when hidden."""
    visibility: float
    """Part of the target's area that can be seen, 0..1."""


class Scene(Sequence):
    """
    Images with the target's box, made when asked for, in any order.

    `scene[i]` and iteration give `(ThermalImage, Box | None)`; the box is None where less than a
    tenth of the target can be seen. The same arguments of `render` give the same bytes.
    """

    category: str
    target_class: str
    size: tuple[int, int]
    """Width and height, pixels."""
    stamps: list[int]
    """Nanoseconds, of each image."""

    def __init__(
        self,
        category: str,
        seed: int,
        frames: int,
        size: tuple[int, int],
        bits: int,
        target: str | None,
        camera: str | None,
        rate: float,
    ) -> None:
        self.category, self.seed, self.size = category, seed, size
        rng = np.random.default_rng([seed, *category.encode()])
        recipe = make_recipe(category, rng)
        shares = np.array([SHARES[name] for name in recipe.targets])
        drawn = str(rng.choice(recipe.targets, p=shares / shares.sum()))
        self.target_class = target or drawn
        drawn = str(rng.choice(recipe.cameras))
        self.camera_kind = camera or drawn
        times = np.arange(frames) / rate
        self.stamps = [10**9 + round(time * 1e9) for time in times.tolist()]
        composer = Composer(rng, recipe, self.target_class, self.camera_kind, times, size)
        self.contents = composer.compose(bits)

    def __len__(self) -> int:
        return len(self.stamps)

    def __getitem__(self, index):
        """Return image and box; a slice gives a list of them."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        frame = self.frame(index)
        return frame.image, frame.box

    def __iter__(self) -> Iterator[tuple[ThermalImage, Box | None]]:
        for index in range(len(self)):
            yield self[index]

    def frame(self, index: int) -> SceneFrame:
        """Render one image; raises IndexError outside the scene."""
        index = range(len(self))[index]
        kelvin = self._view(index)
        kernel = smear_kernel(*self._smear(index, None))
        if kernel is not None:
            kelvin = cv2.filter2D(kelvin, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        box, visibility = self._act(index, kelvin)
        rng = np.random.Generator(np.random.SFC64([self.seed, index]))
        changes = self.contents.changes
        pixels = self.contents.sensor.observe(
            kelvin,
            rng,
            changes.gain[index],
            changes.offset[index],
            bool(changes.flipped[index]),
            changes.defocus[index],
            changes.drift[index],
        )
        encoding = 'mono8' if pixels.dtype == np.uint8 else 'mono16'
        image = ThermalImage(pixels, self.stamps[index], encoding)
        return SceneFrame(image, box, visibility)

    def target_mask(self, index: int) -> np.ndarray:
        """Return which part of each pixel the target covers or would, were nothing before it."""
        index = range(len(self))[index]
        mask = np.zeros(self.size[::-1], np.float32)
        patch = self._outlined(index, self.contents.actors[0])
        if patch is not None:
            here, there = overlap(mask.shape, patch)
            mask[here] = patch.alpha[there]
        return mask

    def visible_mask(self, index: int) -> np.ndarray:
        """Return which part of each pixel shows the target, `H x W`, 0..1."""
        index = range(len(self))[index]
        mask = self.target_mask(index)
        target, nearer = self.contents.actors[0], False
        for actor in self._far_first(index):
            patch = self._outlined(index, actor) if nearer else None
            nearer |= actor is target
            if patch is not None:
                here, there = overlap(mask.shape, patch)
                mask[here] *= 1 - patch.alpha[there]
        return mask

    def _outlined(self, index: int, actor: Actor) -> Patch | None:
        """Return the part of the image that a body covers, without its motion in the exposure."""
        plain = np.zeros((2, 2), np.float32)
        return paint(actor.outline(index, self.contents.camera), self.size, plain)

    def _far_first(self, index: int) -> list[Actor]:
        """Return the bodies in the order in which they cover each other."""
        actors = self.contents.actors
        return sorted(actors, key=lambda actor: actor.places[index, 1] + actor.nearer)

    def _view(self, index: int) -> np.ndarray:
        """Return what the camera sees of the background, kelvin."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        kelvin: np.ndarray | None = None
        for layer in self.contents.background.layers:
            matrix = self.contents.camera.matrix(index, layer.pixels.shape, layer.parallax)
            seen: np.ndarray = cv2.warpAffine(
                layer.pixels, matrix, self.size, flags=flags, borderMode=cv2.BORDER_REFLECT_101
            )
            if kelvin is None:
                kelvin = seen
            else:
                kelvin *= 1 - seen[:, :, 1]
                kelvin += seen[:, :, 0]
        assert kelvin is not None
        return kelvin

    def _act(self, index: int, kelvin: np.ndarray) -> tuple[Box | None, float]:
        """Draw the bodies, the far ones first, and find out what can be seen of the target."""
        camera = self.contents.camera
        target = self.contents.actors[0]
        seen: np.ndarray | None = None
        full: Patch | None = None
        box = target.outline(index, camera).box
        for actor in self._far_first(index):
            outline = actor.outline(index, camera)
            blending = 0.5 + 0.5 * math.sin(index * 0.07)
            texture = actor.textures[0] * blending + actor.textures[1] * (1 - blending)
            smear = self._smear(index, actor.places)
            patch = paint(outline, self.size, texture, smear)
            if patch is None:
                continue
            base = self._behind(kelvin, outline.box) if actor.local else 0.0
            if actor is target:
                full = patch
                seen = np.zeros(kelvin.shape, np.float32)
                here, there = overlap(kelvin.shape, patch)
                seen[here] = patch.alpha[there]
            elif seen is not None:
                here, there = overlap(kelvin.shape, patch)
                seen[here] *= 1 - patch.alpha[there]
            blend(kelvin, patch, base, actor.contrast[index])
        if full is None or seen is None:
            return None, 0.0
        visibility = float(seen.sum() / max(float(full.alpha.sum()), 1e-6))
        box = box.clipped(*self.size)
        if visibility < HIDDEN_BELOW or box.area <= 0:
            return None, visibility
        return box, visibility

    def _behind(self, kelvin: np.ndarray, box: Box) -> float:
        """Return the mean temperature around a box."""
        wide = box.scaled(1.3).clipped(*self.size)
        part = kelvin[
            int(wide.y) : int(wide.y + wide.h) + 1, int(wide.x) : int(wide.x + wide.w) + 1
        ]
        return float(part.mean()) if part.size else 0.0

    def _smear(self, index: int, places: np.ndarray | None) -> tuple[float, float]:
        """Return how far a body at `places`, or the background, moves in an exposure, pixels."""
        before, after = max(index - 1, 0), min(index + 1, len(self) - 1)
        if before == after:
            return 0.0, 0.0
        motion = self.contents.camera.centers[before] - self.contents.camera.centers[after]
        if places is not None:
            motion = motion + places[after] - places[before]
        scale = self.contents.changes.shutter / (after - before)
        x, y = self.contents.camera.linear(index) @ motion * scale
        return float(x), float(y)


def render(
    category: str,
    seed: int,
    frames: int = 100,
    size: tuple[int, int] = (320, 256),
    bits: int = 8,
    target: str | None = None,
    camera: str | None = None,
    rate: float = 30.0,
) -> Scene:
    """
    Make a scene: `frames` images of `size` (width, height) with one target.

    `category` is one of `CATEGORIES`; `bits` is 8 (gray) or 16 (14-bit counts in uint16);
    `target` (`person`, `vehicle`, ...) and `camera` (`fixed`, `hand_held`, ...) override what the
    seed draws. Images are made when they are asked for, so a pair out of a long scene is cheap.
    Raises ValueError, naming value and choices, for anything else.
    """
    if bits not in (8, 16):
        raise ValueError(f'bits {bits} is neither 8 nor 16')
    if target is not None and target not in TARGETS:
        raise ValueError(f"target '{target}' is not one of {', '.join(TARGETS)}")
    if camera is not None and camera not in CAMERAS:
        raise ValueError(f"camera '{camera}' is not one of {', '.join(CAMERAS)}")
    if frames < 1:
        raise ValueError(f'frames {frames} is not 1 or more')
    if min(size) < 64 or max(size) > 2048:
        raise ValueError(f'size {size[0]}x{size[1]} is not within 64x64 .. 2048x2048')
    if seed < 0:
        raise ValueError(f'seed {seed} is negative')
    if not 0 < rate <= 1000:
        raise ValueError(f'rate {rate} is not within 0 .. 1000 images a second')
    return Scene(category, seed, frames, size, bits, target, camera, rate)
