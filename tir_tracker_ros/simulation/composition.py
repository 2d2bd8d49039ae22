# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Draws the contents of a scene from its recipe: bodies, their ways, background and camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
import math

import numpy as np

from .backgrounds import make_background, Weather
from .bodies import BODIES, Pose, Posing
from .camera import Camera, keep_in_view, make_camera, Path
from .contents import Actor, Contents, SensorChanges
from .painting import Outline, project
from .recipes import Recipe
from .sensor import Sensor, SensorSettings
from .textures import fractal_noise, smooth_step, wander

_FLYING = ('drone', 'bird', 'airplane')
_RIGID = ('vehicle', 'airplane')
_STRIDE = 1.4
"""Metres of two steps, and metres a second of an easy walk."""


class Composer:
    """
    Draws the contents of a scene with one target; many of the draws depend on earlier ones.

    `target` is the kind of body and `camera` the kind of camera. `times` are those of the images
    in seconds, evenly spaced, and `size` is their width and height.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        recipe: Recipe,
        target: str,
        camera: str,
        times: np.ndarray,
        size: tuple[int, int],
    ) -> None:
        self.rng, self.recipe, self.times, self.size = rng, recipe, times, size
        self.kind, self.camera_kind = target, camera
        self.flying = target in _FLYING
        self.period = float(times[1] - times[0]) if len(times) > 1 else 1 / 30
        self.duration = len(times) * self.period
        unit = size[1] / 256
        self.side = float(np.clip(self.draw('side') * unit, 6.0, 0.55 * size[1]))
        self.sharpness = max(unit, 0.7)

    def draw(self, name: str) -> float:
        """Draw a number from a range of the recipe."""
        return float(self.rng.uniform(*getattr(self.recipe, name)))

    def compose(self, bits: int) -> Contents:
        """Draw everything, each part after those that it depends on; `bits` of a pixel: 8, 16."""
        self._surroundings()
        target = self._target()
        camera = self._camera(target)
        actors = self._company(target, camera)
        return Contents(self.background, camera, actors, self._sensor(bits), self._changes())

    def _surroundings(self) -> None:
        rng, camera = self.rng, self.camera_kind
        if self.flying:
            tilt = rng.uniform(-0.35, 0.0) if camera != 'drone' else rng.uniform(0.0, 0.5)
            self.aloft = rng.uniform(-0.3, 0.3) if camera != 'drone' else rng.uniform(0.0, 0.7)
        else:
            tilt = {
                'fixed': rng.uniform(0.02, 0.5),
                'hand_held': rng.uniform(-0.02, 0.2),
                'vehicle': rng.uniform(-0.02, 0.1),
                'drone': rng.uniform(0.5, 1.3),
            }[camera]
        weather = Weather(
            relief=self.draw('relief'),
            sky=-self.draw('sky'),
            sun=self.draw('sun'),
            clouds=rng.choice([0.0, 1.0]) * rng.uniform(2, 7),
            clutter=self.draw('clutter'),
        )
        extent = 2.4 if self.recipe.exits and camera != 'fixed' else 1.8
        if camera == 'fixed':
            extent = 1.25
        self.background = make_background(rng, self.size, extent, tilt, weather, self.side)
        width, height = self.size
        low = self.background.horizon + 0.12 * height
        foot = self.side * 0.5 + rng.uniform(-0.1, 0.15) * height
        self.foot = foot if self.flying else max(foot, low)
        self.slant = float(self._elevation(np.array([self.foot]))[0])
        # Rows for a pixel of ground, and how many of them a body may go to and fro.
        self.slope = 0.7 if self.flying else max(math.sin(self.slant), 0.15)
        depth = math.inf if self.flying else self.foot - self.background.horizon
        self.rows = self.recipe.approach * depth

    def _elevation(self, row: np.ndarray) -> np.ndarray:
        """Return how steeply the camera looks down on bodies whose feet are at some rows."""
        if self.flying:
            return np.full(len(row), self.aloft)
        return self.background.elevation(row)

    def _standing(self, posing: Posing, yaw: float, metre: float) -> Outline:
        """Return the outline of a body at the row of the target, around its foot."""
        return project(posing(Pose()), yaw, self.slant, np.eye(2) * metre, np.zeros(2))

    def _metre(self, posing: Posing, yaw: float, side: float) -> float:
        """Return pixels for a metre so that a body's box has the area of a square of `side`."""
        return side / math.sqrt(max(self._standing(posing, yaw, 1.0).box.area, 1e-6))

    def _path(
        self, center: np.ndarray, reach: np.ndarray, speed: float, yaw: float | None
    ) -> Path:
        """
        Return a way within `reach` pixels around `center` at about `speed` pixels a second.

        It is a line to where `yaw` faces, or, without one, a stroll.
        """
        amplitude = np.minimum(reach, speed * 4.0)
        # Of sinusoids with this amplitude and speed.
        period = max(float(amplitude[0]) * 2.8 / max(speed, 1e-3), 0.3)
        along, across = wander(self.rng, period), wander(self.rng, period)
        if yaw is None:
            room = amplitude[0], min(amplitude[1], amplitude[0] * self.slope, self.rows)
            return lambda times: center + np.stack([along(times), across(times)], axis=1) * room
        step = np.array([math.cos(yaw), -math.sin(yaw) * self.slope]) * amplitude[0]
        if abs(step[1]) > self.rows:
            step[1] *= self.rows / abs(step[1])
        return lambda times: center + along(times)[:, None] * step

    def _actor(
        self,
        posing: Posing,
        path: Path,
        yaw: float | None,
        metre: float,
        contrast: float,
        standing: bool = False,
    ) -> Actor:
        """Let a body go along a path, facing `yaw`, or without one where it goes."""
        rng, times = self.rng, self.times
        places = path(times)
        n = len(times)
        ahead = path(times + 0.15) - path(times - 0.15)
        speed = np.hypot(*ahead.T) / 0.3
        if yaw is None:
            turned = np.arctan2(-ahead[:, 1] / self.slope, ahead[:, 0] + 1e-9)
        else:
            turned = np.full(n, yaw)
        if not standing:
            turned = turned + self.draw('turning') * wander(rng, 3.0)(times)
        pixels = np.full(n, metre)
        if not self.flying:
            pixels = pixels * self.background.nearness(places[:, 1], self.foot)
        in_metres = speed / pixels
        # Radians a second; small bodies take quicker steps than large ones at the same speed.
        pace = np.clip(in_metres / _STRIDE * 5.5, 2.0, 14.0)
        bend = self.draw('bending')
        tile = fractal_noise(rng, 2 * 10, 8, 5, 0.7, finest=1.0)
        return Actor(
            posing,
            places,
            pixels,
            self._elevation(places[:, 1]),
            turned,
            phase=rng.uniform(0, 2 * np.pi) + np.cumsum(pace) * self.period,
            stride=np.clip(in_metres / _STRIDE, 0.35, 1.5),
            crouch=np.clip(bend * 2 * wander(rng, 2.5)(times), 0, 1),
            reach=np.clip(bend * 2 * wander(rng, 2.0)(times), 0, 1),
            contrast=np.full(n, contrast),
            textures=(tile * self.draw('texture')).reshape(2, 10, 8).astype(np.float32),
        )

    def _target(self) -> Actor:
        rng, recipe = self.rng, self.recipe
        fixed = self.camera_kind == 'fixed'
        size = np.array(self.size)
        self.posing = BODIES[self.kind](rng)
        self.yaw = float(rng.uniform(-np.pi, np.pi))
        self.metre = self._metre(self.posing, self.yaw, self.side)
        self.speed = self.draw('rate') * self.side
        self.contrast = self.draw('contrast') * (-1 if rng.random() < recipe.cold else 1)
        reach = np.maximum((size / 2 - 0.9 * self.side) * (0.85 if fixed else 1.1), 4.0)
        center = np.array([rng.uniform(-0.15, 0.15) * size[0], self.foot])
        facing = self.yaw if self.kind in _RIGID else None
        self.path = way = self._path(center, reach, self.speed, facing)
        if recipe.exits and fixed:
            away = self._excursion()
            self.path = lambda times: way(times) + away(times)
        target = self._actor(self.posing, self.path, facing, self.metre, self.contrast)
        if recipe.crossover:
            # Starts clearly visible, and passes zero in the middle.
            turn = rng.uniform(0.4, 0.6) * self.duration
            target.contrast = target.contrast * np.tanh((turn - self.times) / self.duration * 4)
        target.local = recipe.crossover or abs(self.contrast) < 3
        return target

    def _camera(self, target: Actor) -> Camera:
        recipe, fixed = self.recipe, self.camera_kind == 'fixed'
        camera = make_camera(
            self.rng,
            self.camera_kind,
            self.times,
            self.size,
            self.path,
            self.draw('shake'),
            self.draw('zooming'),
            self.draw('rolling'),
        )
        if not fixed or recipe.zooming[1] > 0.3:
            middle = self._standing(self.posing, self.yaw, self.metre).box.cy
            camera = keep_in_view(camera, target.places + (0, middle), 0.8 * self.side)
        if recipe.exits and not fixed:
            camera = replace(camera, centers=camera.centers + self._excursion()(self.times))
        return camera

    def _excursion(self) -> Path:
        """Return a shift that takes the target out of the view and back, some times."""
        times = max(int(round(self.recipe.exits * len(self.times) / 150)), 1)
        signs = self.rng.choice([-1.0, 1.0], times)
        starts = [(k + self.rng.uniform(0.35, 0.5)) / times * self.duration for k in range(times)]
        length = min(0.35 * self.duration / times, 1.6)
        ramp = max(min(0.5, length / 3), self.period)
        far = self.size[0] + 1.5 * self.side

        def shift(at: np.ndarray) -> np.ndarray:
            total = np.zeros((len(at), 2))
            for sign, start in zip(signs, starts):
                up = smooth_step(at, start, start + ramp)
                down = smooth_step(at, start + length - ramp, start + length)
                total[:, 0] += sign * far * (up - down)
            return total

        return shift

    def _company(self, target: Actor, camera: Camera) -> list[Actor]:
        """Return the target, look-alikes, others, and what passes in front of it."""
        rng, recipe = self.rng, self.recipe
        actors = [target]
        first = target.outline(0, camera).box

        def add(make: Callable[[], Actor], behind: bool = False) -> None:
            """Add a body that leaves the target free in the first image, in which it is shown."""
            for _ in range(4):
                actor = make()
                if behind:
                    actor.nearer = -float(self.size[1])
                if not actor.outline(0, camera).box.iou(first):
                    actors.append(actor)
                    return

        for _ in range(rng.integers(*recipe.look_alikes, endpoint=True)):
            add(lambda: self._look_alike(target), recipe.behind)
        for _ in range(rng.integers(*recipe.others, endpoint=True)):
            add(self._other, recipe.behind)
        wanted = rng.integers(*recipe.occlusions, endpoint=True)
        count = max(round(wanted * len(self.times) / 100), int(wanted > 0))
        for k in range(count):
            # Where the target is fast, or it would stay behind what stands.
            times = (k + rng.uniform(0.25, 0.75, 6)) / count * self.duration
            speeds = np.hypot(*(self.path(times + 0.1) - self.path(times - 0.1)).T)
            add(partial(self._occluder, float(times[speeds.argmax()])))
        return actors

    def _look_alike(self, target: Actor) -> Actor:
        rng = self.rng
        posing = self.posing if rng.random() < 0.5 else BODIES[self.kind](rng)
        facing = None
        if self.kind in _RIGID:
            facing = self.yaw + (np.pi if rng.random() < 0.5 else 0.0)
        own = self._path(np.zeros(2), np.array(self.size) * 0.5, self.speed * 1.3, facing)
        meet = np.array([rng.uniform(0.2, 1.0) * self.duration])
        beside = np.array([rng.normal(0, 0.2), rng.choice([-1, 1]) * rng.uniform(0.05, 0.2)])
        shift = (self.path(meet) - own(meet))[0] + beside * self.side
        start = np.zeros(1)
        if np.hypot(*(own(start) + shift - self.path(start))[0]) < 1.3 * self.side:
            shift = shift + (rng.choice([-1, 1]) * rng.uniform(1.5, 2.5) * self.side, 0)
        actor = self._actor(
            posing,
            lambda times: own(times) + shift,
            facing,
            self.metre * rng.uniform(0.9, 1.1),
            self.contrast * rng.uniform(0.85, 1.15),
        )
        actor.local = target.local
        return actor

    def _other(self) -> Actor:
        """Make a body somewhere else, of a kind that fits."""
        rng = self.rng
        around = ('drone', 'bird') if self.flying else ('person', 'person', 'vehicle', 'animal')
        kind = str(rng.choice(around))
        posing = BODIES[kind](rng)
        yaw = float(rng.uniform(-np.pi, np.pi))
        facing = yaw if kind in _RIGID else None
        width, height = self.size
        place = np.array([rng.uniform(-0.6, 0.6) * width, rng.uniform(-0.3, 0.3) * height])
        place[1] += self.foot
        if not self.flying:
            place[1] = max(place[1], self.background.horizon + 0.1 * height)
        first = self.path(np.zeros(1))[0]
        if abs(place[0] - first[0]) < 2 * self.side:
            place[0] = first[0] + math.copysign(2 * self.side, place[0] - first[0])
        way = self._path(place, np.array(self.size) * 0.3, self.speed, facing)
        # As large as it is beside the target, but neither a dot nor as large as the view.
        metre = self.metre * rng.uniform(0.9, 1.1)
        usual = self._metre(posing, yaw, self.side)
        metre = float(np.clip(metre, 0.5 * usual, 1.8 * usual))
        contrast = max(abs(self.contrast), 2.0) * rng.uniform(0.6, 1.2)
        return self._actor(posing, way, facing, metre, contrast)

    def _occluder(self, at: float) -> Actor:
        """Let something pass in front of the target at a time."""
        rng = self.rng
        kinds = list(self.recipe.occluders)
        if self.flying:
            kinds = [kind for kind in kinds if kind in ('tree', 'post', 'bush')]
        kind = str(rng.choice(kinds))
        posing = BODIES[kind](rng)
        yaw = float(rng.uniform(-0.4, 0.4)) + (np.pi if rng.random() < 0.5 else 0.0)
        there, before = self.path(np.array([at, 0.0]))
        metre = self._metre(posing, yaw, self.side * self.draw('cover'))
        box = self._standing(posing, yaw, metre).box
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
            standing=not moving,
        )
        actor.nearer = float(self.size[1])
        return actor

    def _sensor(self, bits: int) -> Sensor:
        rng = self.rng
        settings = SensorSettings(
            noise=self.draw('noise'),
            stripes=self.draw('stripes'),
            shading=self.draw('shading'),
            dead=self.draw('dead'),
            blur=self.draw('blur') * self.sharpness,
            sharpen=float(rng.choice([0.0, 0.0, 1.0]) * rng.uniform(0.3, 1.2)),
            tails=float(rng.uniform(0.0, 0.01)),
            inverted=bool(rng.random() < self.recipe.inverted),
            quality=int(rng.choice([0, 0, 1]) * rng.integers(50, 90)),
            counts_per_kelvin=float(rng.uniform(20, 100)),
            counts_offset=float(rng.uniform(3000, 9000)),
        )
        return Sensor(rng, settings, self.size, bits)

    def _changes(self) -> SensorChanges:
        rng, times = self.rng, self.times
        gain = 1 + 0.04 * wander(rng, 5.0)(times)
        offset = 0.2 * wander(rng, 7.0)(times)
        flipped = np.zeros(len(times), bool)
        if self.recipe.jumps:
            count = max(round(3 * len(times) / 100), 1)
            for k in range(count):
                begin = int((k + rng.uniform(0.2, 0.8)) / count * len(times))
                levels = np.array([0.4, 0.7, 1.1, 1.7])
                gain[begin:] = rng.choice(levels[abs(np.log(levels / gain[begin])) > 0.4])
                offset[begin:] = rng.uniform(-2.0, 2.0)
                if rng.random() < 0.5:
                    flipped[begin:] = ~flipped[begin:]
        return SensorChanges(
            gain,
            offset,
            flipped,
            defocus=np.abs(self.draw('defocus') * 1.6 * wander(rng, 3.0)(times)),
            drift=1 + self.draw('drifting') * wander(rng, 2.5)(times),
            shutter=self.draw('shutter'),
        )
