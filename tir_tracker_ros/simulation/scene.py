# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A synthetic scene: a target, what moves around it, a background, a camera, and the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
import math

import cv2
import numpy as np

from ..geometry import Box
from ..imaging.thermal_image import ThermalImage
from .backgrounds import Background, make_background, Weather
from .camera import Camera, CAMERAS, keep_in_view, make_camera, Path
from .figures import FIGURES, Pose, Posing
from .painting import blend, Outline, overlap, paint, Patch, project, smear_kernel
from .recipes import make_recipe, Recipe, SHARES, TARGETS
from .sensor import Sensor, SensorSettings
from .textures import fractal_noise, smooth_step, wander

HIDDEN_BELOW = 0.1
"""A target of which less than this part can be seen has no box."""
_RATE = 30.0
_FLYING = ('drone', 'bird', 'airplane')
_RIGID = ('vehicle', 'airplane')


@dataclass
class Actor:
    """A body on its way through the scene; arrays have one entry an image."""

    posing: Posing
    places: np.ndarray
    """`N x 2`: its foot, pixels of the background from its middle."""
    metre: np.ndarray
    """`N`: pixels of the background for a metre."""
    yaw: np.ndarray
    phase: np.ndarray
    stride: np.ndarray
    crouch: np.ndarray
    reach: np.ndarray
    contrast: np.ndarray
    """`N`: kelvin for a heat of 1."""
    base: float
    """Temperature of a heat of 0, kelvin above the ground's."""
    textures: np.ndarray
    """`2 x h x w`: two mottlings between which it changes."""
    nearer: float = 0.0
    """Added to the row of its foot when what covers what is decided."""
    local: bool = False
    """Whether its heat counts from the temperature right behind it."""


@dataclass(frozen=True)
class Frame:
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
        self.recipe = recipe
        shares = np.array([SHARES[name] for name in recipe.targets])
        drawn = str(rng.choice(recipe.targets, p=shares / shares.sum()))
        self.target_class = target or drawn
        drawn = str(rng.choice(recipe.cameras))
        self.camera_kind = camera or drawn
        times = np.arange(frames) / rate
        self.stamps = [10**9 + round(index * 1e9 / rate) for index in range(frames)]
        _Builder(self, rng, recipe, times, bits, rate)

    # Set by the builder.
    background: Background
    camera: Camera
    actors: list[Actor]
    sensor: Sensor
    _gain: np.ndarray
    _offset: np.ndarray
    _flipped: np.ndarray
    _defocus: np.ndarray
    _drift: np.ndarray
    _shutter: float

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

    def frame(self, index: int) -> Frame:
        """Render one image; raises IndexError outside the scene."""
        index = range(len(self))[index]
        kelvin = self._view(index)
        kernel = smear_kernel(*self._smear(index, None))
        if kernel is not None:
            kelvin = cv2.filter2D(kelvin, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        box, visibility = self._act(index, kelvin)
        rng = np.random.Generator(np.random.SFC64([self.seed, index]))
        pixels = self.sensor.observe(
            kelvin,
            rng,
            self._gain[index],
            self._offset[index],
            bool(self._flipped[index]),
            self._defocus[index],
            self._drift[index],
        )
        encoding = 'mono8' if pixels.dtype == np.uint8 else 'mono16'
        image = ThermalImage(pixels, self.stamps[index], encoding)
        return Frame(image, box, visibility)

    def target_mask(self, index: int) -> np.ndarray:
        """Return which part of each pixel the target covers or would, were nothing before it."""
        index = range(len(self))[index]
        mask = np.zeros(self.size[::-1], np.float32)
        plain = np.zeros((2, 2), np.float32)
        patch = paint(self._outline(self.actors[0], index), self.size, plain)
        if patch is not None:
            here, there = overlap(mask.shape, patch)
            mask[here] = patch.alpha[there]
        return mask

    def _view(self, index: int) -> np.ndarray:
        """Return what the camera sees of the background, kelvin."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        kelvin: np.ndarray | None = None
        for layer in self.background.layers:
            matrix = self.camera.matrix(index, layer.pixels.shape, layer.parallax)
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

    def _outline(self, actor: Actor, index: int) -> Outline:
        place = actor.places[index]
        shape = actor.posing(
            Pose(actor.phase[index], actor.stride[index], actor.crouch[index], actor.reach[index])
        )
        elevation = self.elevation(place[1])
        linear = self.camera.linear(index) * actor.metre[index]
        return project(
            shape, actor.yaw[index], elevation, linear, self.camera.to_image(index, place)
        )

    def elevation(self, y: float) -> float:
        """Return how steeply the camera looks down on a body whose foot is at row y."""
        if self.target_class in _FLYING:
            return self._looking_down
        return self.background.elevation(y)

    _looking_down: float = 0.0

    def _act(self, index: int, kelvin: np.ndarray) -> tuple[Box | None, float]:
        """Draw the bodies, the far ones first, and find out what can be seen of the target."""
        target = self.actors[0]
        order = sorted(self.actors, key=lambda actor: actor.places[index, 1] + actor.nearer)
        seen: np.ndarray | None = None
        full: Patch | None = None
        box = self._outline(target, index).box
        for actor in order:
            outline = self._outline(actor, index)
            blending = 0.5 + 0.5 * math.sin(index * 0.07)
            texture = actor.textures[0] * blending + actor.textures[1] * (1 - blending)
            smear = self._smear(index, actor.places)
            patch = paint(outline, self.size, texture, smear)
            if patch is None:
                continue
            base = actor.base
            if actor.local:
                base = self._behind(kelvin, outline.box)
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
        motion = self.camera.centers[before] - self.camera.centers[after]
        if places is not None:
            motion = motion + places[after] - places[before]
        scale = self._shutter / (after - before)
        x, y = self.camera.linear(index) @ motion * scale
        return float(x), float(y)


def render(
    category: str,
    seed: int,
    frames: int = 100,
    size: tuple[int, int] = (320, 256),
    bits: int = 8,
    target: str | None = None,
    camera: str | None = None,
    rate: float = _RATE,
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


class _Builder:
    """Draws everything that a scene consists of."""

    def __init__(
        self,
        scene: Scene,
        rng: np.random.Generator,
        recipe: Recipe,
        times: np.ndarray,
        bits: int,
        rate: float,
    ) -> None:
        self.rng, self.recipe, self.times, self.rate = rng, recipe, times, rate
        self.scene, self.size = scene, scene.size
        self.kind = scene.target_class
        self.flying = self.kind in _FLYING
        self.unit = scene.size[1] / 256
        self.duration = max(len(times) / rate, 1 / rate)
        self.side = float(np.clip(self.draw('side') * self.unit, 6.0, 0.55 * scene.size[1]))
        self._surroundings()
        self._target()
        self._company()
        self._instrument(bits)

    def draw(self, name: str) -> float:
        return float(self.rng.uniform(*getattr(self.recipe, name)))

    def _surroundings(self) -> None:
        rng, scene = self.rng, self.scene
        camera = scene.camera_kind
        if self.flying:
            tilt = rng.uniform(-0.35, 0.0) if camera != 'drone' else rng.uniform(0.0, 0.5)
            scene._looking_down = float(
                rng.uniform(-0.3, 0.3) if camera != 'drone' else rng.uniform(0.0, 0.7)
            )
        else:
            tilt = {
                'fixed': rng.uniform(0.02, 0.5),
                'hand_held': rng.uniform(-0.02, 0.2),
                'vehicle': rng.uniform(-0.02, 0.1),
                'drone': rng.uniform(0.5, 1.3),
            }[camera]
        weather = Weather(
            relief=self.draw('relief'),
            sky=-rng.uniform(4, 14),
            sun=self.draw('sun'),
            clouds=rng.choice([0.0, 1.0]) * rng.uniform(2, 7),
            clutter=self.draw('clutter'),
        )
        extent = 2.4 if self.recipe.exits and camera != 'fixed' else 1.8
        if camera == 'fixed':
            extent = 1.25
        scene.background = make_background(rng, self.size, extent, tilt, weather, self.side)
        width, height = self.size
        low = scene.background.horizon + 0.12 * height
        foot = self.side * 0.5 + rng.uniform(-0.1, 0.15) * height
        self.foot = foot if self.flying else max(foot, low)

    def _metre(self, posing: Posing, yaw: float, side: float) -> float:
        """Return pixels for a metre so that a body's box has the area of a square of `side`."""
        elevation = self.scene.elevation(self.foot)
        outline = project(posing(Pose()), yaw, elevation, np.eye(2), np.zeros(2))
        return side / math.sqrt(max(outline.box.area, 1e-6))

    def _path(self, center: np.ndarray, reach: np.ndarray, rate: float, yaw: float) -> Path:
        """Return a way around `center` within `reach` pixels at about `rate` pixels a second."""
        rng = self.rng
        streams = [np.random.default_rng(seed) for seed in rng.integers(0, 2**31, 2)]
        states = [stream.bit_generator.state for stream in streams]
        slope = math.sin(self.scene.elevation(self.foot)) if not self.flying else 0.7
        amplitude = np.minimum(reach, max(rate, 1e-3) * 4.0)
        period = max(float(amplitude[0]) * 2.8 / max(rate, 1e-3), 0.3)

        def path(times: np.ndarray) -> np.ndarray:
            curves = []
            for stream, state in zip(streams, states):
                stream.bit_generator.state = state
                curves.append(wander(stream, times, period))
            if self.kind in _RIGID:
                way = curves[0][:, None] * np.array([math.cos(yaw), -math.sin(yaw) * slope])
                way = way + 0.06 * curves[1][:, None] * (math.sin(yaw), math.cos(yaw) * slope)
                if not self.flying:
                    depth = self.foot - self.scene.background.horizon
                    way[:, 1] *= min(1.0, self.recipe.approach * depth / amplitude[0])
                return center + way * amplitude[0]
            vertical = min(float(amplitude[1]), float(amplitude[0]) * max(abs(slope), 0.15))
            if not self.flying:
                depth = self.foot - self.scene.background.horizon
                vertical = min(vertical, self.recipe.approach * depth)
            return center + np.stack([curves[0] * amplitude[0], curves[1] * vertical], axis=1)

        return path

    def _actor(
        self,
        posing: Posing,
        path: Path,
        yaw: float,
        metre: float,
        contrast: float,
        rigid: bool,
        standing: bool = False,
    ) -> Actor:
        """Let a body go along a path, facing `yaw` if it is rigid and where it goes otherwise."""
        rng, times = self.rng, self.times
        places = path(times)
        n = len(times)
        ahead = path(times + 0.15) - path(times - 0.15)
        speed = np.hypot(*ahead.T) / 0.3
        turned = np.full(n, yaw)
        if not rigid:
            slope = max(abs(math.sin(self.scene.elevation(self.foot))), 0.2)
            turned = np.arctan2(-ahead[:, 1] / slope, ahead[:, 0] + 1e-9)
        if not standing:
            turned = turned + self.draw('turning') * wander(rng, times, 3.0)
        pixels = np.full(n, metre)
        if not self.flying:
            pixels = pixels * self.scene.background.nearness(places[:, 1], self.foot)
        in_metres = speed / pixels
        pace = np.clip(in_metres / 1.4 * 5.5, 2.0, 14.0)
        bend = self.draw('bending')
        tile = fractal_noise(rng, 2 * 10, 8, 5, 0.7, finest=1.0)
        return Actor(
            posing,
            places,
            pixels,
            turned,
            phase=rng.uniform(0, 2 * np.pi) + np.cumsum(pace) / self.rate,
            stride=np.clip(in_metres / 1.4, 0.35, 1.5),
            crouch=np.clip(bend * 2 * wander(rng, times, 2.5), 0, 1),
            reach=np.clip(bend * 2 * wander(rng, times, 2.0), 0, 1),
            contrast=np.full(n, contrast),
            base=0.0,
            textures=(tile * self.draw('texture')).reshape(2, 10, 8).astype(np.float32),
        )

    def _target(self) -> None:
        rng, scene, recipe = self.rng, self.scene, self.recipe
        width, height = self.size
        self.posing = FIGURES[self.kind](rng)
        self.yaw = float(rng.uniform(-np.pi, np.pi))
        self.metre = self._metre(self.posing, self.yaw, self.side)
        self.speed = self.draw('rate') * self.side
        self.contrast = self.draw('contrast') * (-1 if rng.random() < recipe.cold else 1)
        fixed = scene.camera_kind == 'fixed'
        room = np.array([width, height]) / 2 - 0.9 * self.side
        reach = np.maximum(room * (0.85 if fixed else 1.1), 4.0)
        center = np.array([rng.uniform(-0.15, 0.15) * width, self.foot])
        path = self._path(center, reach, self.speed, self.yaw)
        if recipe.exits and fixed:
            path = self._leaving(path)
        self.path = path
        self.rigid = self.kind in _RIGID
        target = self._actor(self.posing, path, self.yaw, self.metre, self.contrast, self.rigid)
        if recipe.crossover:
            # Starts clearly visible, and passes zero in the middle third.
            turn = rng.uniform(0.4, 0.6) * self.duration
            target.contrast = target.contrast * np.tanh((turn - self.times) / self.duration * 4)
        target.local = recipe.crossover or abs(self.contrast) < 3
        camera = make_camera(
            rng,
            scene.camera_kind,
            self.times,
            self.size,
            self.path,
            self.draw('shake'),
            self.draw('zooming'),
            self.draw('rolling'),
        )
        lift = self._height_of(target)
        if not fixed or recipe.zooming[1] > 0.3:
            camera = keep_in_view(camera, target.places - (0, lift / 2), 0.8 * self.side)
        if recipe.exits and not fixed:
            away = self._excursion()(self.times)
            camera = replace(camera, centers=camera.centers + away)
        scene.camera = camera
        scene.actors = [target]

    def _height_of(self, actor: Actor) -> float:
        outline = project(
            actor.posing(Pose()),
            actor.yaw[0],
            self.scene.elevation(self.foot),
            np.eye(2) * actor.metre[0],
            np.zeros(2),
        )
        return -(outline.box.y + outline.box.y + outline.box.h)

    def _leaving(self, path: Path) -> Path:
        away = self._excursion()
        return lambda times: path(times) + away(times)

    def _excursion(self) -> Path:
        """Return a shift that takes the target out of the view and back, some times."""
        times = max(int(round(self.recipe.exits * self.duration * self.rate / 150)), 1)
        signs = self.rng.choice([-1.0, 1.0], times)
        starts = [(k + self.rng.uniform(0.35, 0.5)) / times * self.duration for k in range(times)]
        length = min(0.35 * self.duration / times, 1.6)
        ramp = max(min(0.5, length / 3), 1 / self.rate)
        far = self.size[0] + 1.5 * self.side

        def shift(at: np.ndarray) -> np.ndarray:
            total = np.zeros((len(at), 2))
            for sign, start in zip(signs, starts):
                up = smooth_step(at, start, start + ramp)
                down = smooth_step(at, start + length - ramp, start + length)
                total[:, 0] += sign * far * (up - down)
            return total

        return shift

    def _company(self) -> None:
        """Add look-alikes, others and what passes in front of the target."""
        rng, recipe = self.rng, self.recipe
        for _ in range(rng.integers(recipe.look_alikes[0], recipe.look_alikes[1] + 1)):
            self._add(self._look_alike, recipe.behind)
        for _ in range(rng.integers(recipe.others[0], recipe.others[1] + 1)):
            self._add(self._other, recipe.behind)
        wanted = rng.integers(recipe.occlusions[0], recipe.occlusions[1] + 1)
        count = max(int(round(wanted * len(self.times) / 100)), int(wanted > 0))
        for k in range(count):
            # Where the target is fast, or it would stay behind what stands.
            times = (k + rng.uniform(0.3, 0.9, 6)) / count * self.duration
            speeds = np.hypot(*(self.path(times + 0.1) - self.path(times - 0.1)).T)
            at = float(times[speeds.argmax()])
            self._add(lambda at=at: self._occluder(at))

    def _add(self, make: Callable[[], Actor], behind: bool = False) -> None:
        """Add a body that does not cover the target in the first image, in which it is shown."""
        target = self.scene._outline(self.scene.actors[0], 0).box
        for _ in range(4):
            actor = make()
            if behind:
                actor.nearer = -float(self.size[1])
            box = self.scene._outline(actor, 0).box
            if (
                box.x > target.x + target.w
                or box.x + box.w < target.x
                or (box.y > target.y + target.h or box.y + box.h < target.y)
            ):
                self.scene.actors.append(actor)
                return

    def _look_alike(self) -> Actor:
        rng = self.rng
        posing = self.posing if rng.random() < 0.5 else FIGURES[self.kind](rng)
        yaw = self.yaw + (np.pi if rng.random() < 0.5 else 0.0)
        own = self._path(np.zeros(2), np.array(self.size) * 0.5, self.speed * 1.3, yaw)
        meet = np.array([rng.uniform(0.2, 1.0) * self.duration])
        beside = np.array([rng.normal(0, 0.2), rng.choice([-1, 1]) * rng.uniform(0.05, 0.2)])
        shift = (self.path(meet) - own(meet))[0] + beside * self.side
        start = np.hypot(*(own(np.zeros(1)) + shift - self.path(np.zeros(1)))[0])
        if start < 1.3 * self.side:
            shift = shift + np.array([rng.choice([-1, 1]) * rng.uniform(1.5, 2.5) * self.side, 0])
        actor = self._actor(
            posing,
            lambda times: own(times) + shift,
            yaw,
            self.metre * rng.uniform(0.9, 1.1),
            self.contrast * rng.uniform(0.85, 1.15),
            self.rigid,
        )
        actor.local = self.scene.actors[0].local
        return actor

    def _other(self) -> Actor:
        """Make a body somewhere else, of a kind that fits."""
        rng = self.rng
        kind = str(
            rng.choice(
                ['drone', 'bird'] if self.flying else ['person', 'person', 'vehicle', 'animal']
            )
        )
        posing = FIGURES[kind](rng)
        yaw = float(rng.uniform(-np.pi, np.pi))
        width, height = self.size
        place = np.array(
            [rng.uniform(-0.6, 0.6) * width, self.foot + rng.uniform(-0.3, 0.3) * height]
        )
        if not self.flying:
            place[1] = max(place[1], self.scene.background.horizon + 0.1 * height)
        first = self.path(np.zeros(1))[0]
        if abs(place[0] - first[0]) < 2 * self.side:
            place[0] = first[0] + math.copysign(2 * self.side, place[0] - first[0])
        own = self._path(place, np.array(self.size) * 0.3, self.speed, yaw)
        metre = self._metre(posing, yaw, self.side * rng.uniform(0.6, 1.2))
        contrast = max(abs(self.contrast), 2.0) * rng.uniform(0.6, 1.2)
        return self._actor(posing, own, yaw, metre, contrast, kind in _RIGID)

    def _occluder(self, at: float) -> Actor:
        """Let something pass in front of the target at a time."""
        rng = self.rng
        kinds = list(self.recipe.occluders)
        if self.flying:
            kinds = [kind for kind in kinds if kind in ('tree', 'post', 'bush')]
        kind = str(rng.choice(kinds))
        posing = FIGURES[kind](rng)
        yaw = float(rng.uniform(-0.4, 0.4)) + (np.pi if rng.random() < 0.5 else 0.0)
        there, before = self.path(np.array([at, 0.0]))
        metre = self._metre(posing, yaw, self.side * self.draw('cover'))
        box = project(
            posing(Pose()), yaw, self.scene.elevation(self.foot), np.eye(2) * metre, np.zeros(2)
        ).box
        moving = kind in ('person', 'vehicle')
        # What stands must not cover the target from the start; else it comes past.
        apart = abs(there[0] - before[0]) > (box.w + 1.4 * self.side) / 2
        speed = 0.0
        if moving or not apart:
            rate = max(rng.uniform(1.2, 2.5) * self.side, (box.w + 1.5 * self.side) / 2 / at)
            speed = rate * (-1 if math.cos(yaw) < 0 else 1)
        lift = box.h / 2 - self.side / 2 if self.flying else 0.1 * self.side
        spot = there + np.array([rng.normal(0, 0.1) * self.side - box.cx, lift])
        actor = self._actor(
            posing,
            lambda times: spot + np.stack([speed * (times - at), np.zeros(len(times))], axis=1),
            yaw,
            metre,
            self.contrast if moving else rng.uniform(1.0, 3.0),
            True,
            standing=not moving,
        )
        actor.nearer = float(self.size[1])
        return actor

    def _instrument(self, bits: int) -> None:
        rng, scene, recipe = self.rng, self.scene, self.recipe
        n = len(self.times)
        scene.sensor = Sensor(
            rng,
            SensorSettings(
                noise=self.draw('noise'),
                stripes=self.draw('stripes'),
                shading=self.draw('shading'),
                dead=self.draw('dead'),
                blur=self.draw('blur') * max(self.unit, 0.7),
                sharpen=float(rng.choice([0.0, 0.0, rng.uniform(0.3, 1.2)])),
                tails=float(rng.uniform(0.0, 0.01)),
                inverted=bool(rng.random() < (0.15 if scene.category == 'random' else 0.05)),
                quality=int(rng.choice([0, 0, 1]) * rng.integers(50, 90)),
                counts_per_kelvin=float(rng.uniform(20, 100)),
                counts_offset=float(rng.uniform(3000, 9000)),
            ),
            self.size,
            bits,
        )
        scene._gain = 1 + 0.04 * wander(rng, self.times, 5.0)
        scene._offset = 0.2 * wander(rng, self.times, 7.0)
        scene._flipped = np.zeros(n, bool)
        if recipe.jumps:
            count = max(int(round(3 * n / 100)), 1)
            for k in range(count):
                begin = int((k + rng.uniform(0.2, 0.8)) / count * n)
                scene._gain[begin:] *= rng.choice([0.45, 0.6, 1.7]) / max(
                    scene._gain[min(begin, n - 1)], 0.6
                )
                scene._offset[begin:] = rng.uniform(-2.0, 2.0)
                if rng.random() < 0.5:
                    scene._flipped[begin:] = ~scene._flipped[begin:]
        scene._defocus = np.abs(self.draw('defocus') * 1.6 * wander(rng, self.times, 3.0))
        scene._drift = 1 + self.draw('drifting') * wander(rng, self.times, 2.5)
        scene._shutter = self.draw('shutter')
