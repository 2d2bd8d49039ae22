# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Bodies that can be seen in a thermal image, built of capsules and flat faces in three dimensions.

Metres; x forward (where the body walks or drives), y to its left, z up from the ground. `heat` is
a number without unit: 0 is as warm as the surroundings, 1 as warm as bare skin or an engine; the
scene multiplies it with a contrast in kelvin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Shape:
    """A body in one pose."""

    ends: np.ndarray = field(default_factory=lambda: np.zeros((0, 2, 3)))
    """`N x 2 x 3`: the two ends of each capsule, metres."""
    radii: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    """`N x 2`: radius at each end, metres."""
    heat: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """`N`: heat of each capsule."""
    faces: list[tuple[np.ndarray, float]] = field(default_factory=list)
    """Flat polygons (`M x 3` corners, counter-clockwise from outside) and their heat, drawn in
    this order where they face the camera."""


@dataclass(frozen=True)
class Pose:
    """How a body stands at one moment."""

    phase: float = 0.0
    """Phase of the gait or of the rotors, radians; one stride is 2 pi."""
    stride: float = 1.0
    """How far the limbs swing: 0 standing, 1 walking, 1.6 running."""
    crouch: float = 0.0
    """0 upright .. 1 low."""
    reach: float = 0.0
    """Arms (or wings, tail, neck) raised: 0 hanging .. 1 up."""


Posing = Callable[[Pose], Shape]
"""A body: gives its shape for a pose."""


class _Capsules:
    """Collects capsules."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []

    def add(self, first, second, radius: float, end_radius: float, heat: float) -> None:
        self._rows.append((*first, *second, radius, end_radius, heat))

    def shape(self, faces: list[tuple[np.ndarray, float]] | None = None) -> Shape:
        rows = np.array(self._rows, float).reshape(-1, 9)
        return Shape(rows[:, :6].reshape(-1, 2, 3), rows[:, 6:8], rows[:, 8], faces or [])


def person(rng: np.random.Generator) -> Posing:
    """Return a walking person of about 1.75 m: bare head and hands, cooler clothes."""
    height = rng.uniform(0.9, 1.08)
    girth = rng.uniform(0.85, 1.3)
    coat, trousers = rng.uniform(0.3, 0.75, 2)
    shoes, sleeves = rng.uniform(0.1, 0.45), coat * rng.uniform(0.8, 1.15)
    hair = rng.uniform(0.35, 0.95)
    coat_length = rng.choice([0.0, 0.0, 0.25, 0.5])
    pack = rng.random() < 0.3
    pack_heat = rng.uniform(-0.3, 0.3)

    def pose(at: Pose) -> Shape:
        body = _Capsules()
        swing = np.sin(at.phase) * 0.5 * at.stride
        hip = 0.93 - 0.35 * at.crouch - 0.03 * abs(swing)
        lean = 0.06 * at.stride + 0.5 * at.crouch
        chest = (lean * 0.45, hip + 0.47 * np.cos(lean))
        for side, angle in ((1.0, swing), (-1.0, -swing)):
            lift = max(np.sin(at.phase * side + 2.2), 0.0) * 0.9 * at.stride + 1.3 * at.crouch
            thigh = angle + 0.75 * at.crouch
            knee = (0.44 * np.sin(thigh), side * 0.1, hip - 0.44 * np.cos(thigh))
            shin = thigh - lift
            foot = (
                knee[0] + 0.42 * np.sin(shin),
                side * 0.1,
                max(knee[2] - 0.42 * np.cos(shin), 0.06),
            )
            body.add((0.0, side * 0.09, hip), knee, 0.095 * girth, 0.07 * girth, trousers)
            body.add(knee, foot, 0.068 * girth, 0.05, trousers * 0.9)
            body.add(foot, (foot[0] + 0.17, foot[1], foot[2] - 0.02), 0.05, 0.04, shoes)
            upper = -angle * 0.9 + 2.6 * at.reach
            shoulder = (chest[0], side * 0.2 * girth, chest[1])
            elbow = (
                chest[0] + 0.29 * np.sin(upper),
                side * (0.22 * girth + 0.12 * at.reach),
                chest[1] - 0.29 * np.cos(upper),
            )
            fore = upper + 0.35 + 0.3 * at.reach
            hand = (
                elbow[0] + 0.27 * np.sin(fore),
                side * (0.2 * girth + 0.1 * at.reach),
                elbow[2] - 0.27 * np.cos(fore),
            )
            body.add(shoulder, elbow, 0.065 * girth, 0.05 * girth, sleeves)
            body.add(elbow, hand, 0.048 * girth, 0.04, sleeves)
            body.add(hand, hand, 0.052, 0.052, 0.95)
            body.add(
                (0.0, side * 0.07, hip + 0.02),
                (chest[0], side * 0.11 * girth, chest[1] - 0.03),
                0.125 * girth,
                0.125 * girth,
                coat,
            )
        if coat_length:
            hem = (0.02, 0.0, hip - coat_length)
            body.add((0.0, 0.0, hip + 0.1), hem, 0.17 * girth, 0.19 * girth, coat * 0.9)
        if pack:
            back = (chest[0] - 0.2, 0.0, chest[1] - 0.05)
            body.add(back, (back[0] - 0.02, 0.0, back[2] - 0.3), 0.13, 0.14, pack_heat)
        neck = (chest[0] + 0.02 + 0.1 * lean, 0.0, chest[1] + 0.12)
        head = (neck[0] + 0.04, 0.0, neck[2] + 0.13)
        body.add(neck, neck, 0.065, 0.065, 0.9)
        body.add(head, (head[0], 0.0, head[2] + 0.06), 0.095, 0.1, 1.0)
        body.add(
            (head[0] - 0.05, 0.0, head[2] + 0.07),
            (head[0] - 0.02, 0.0, head[2] + 0.1),
            0.085,
            0.08,
            hair,
        )
        shape = body.shape()
        shape.ends *= height
        shape.radii *= height
        return shape

    return pose


def animal(rng: np.random.Generator) -> Posing:
    """Return a four-legged animal, from a dog to a cow, that trots."""
    height = rng.choice([0.55, 0.8, 1.2, 1.4]) * rng.uniform(0.9, 1.1)
    length, depth = rng.uniform(0.75, 1.1), rng.uniform(0.11, 0.2)
    neck_rise, snout, tail = rng.uniform(0.0, 0.45), rng.uniform(0.1, 0.2), rng.uniform(0.1, 0.4)
    fur, legs, head_heat = rng.uniform(0.45, 0.8), rng.uniform(0.45, 0.9), rng.uniform(0.8, 1.05)
    patch = rng.uniform(-0.2, 0.25)

    def pose(at: Pose) -> Shape:
        body = _Capsules()
        hip = 0.72 - 0.25 * at.crouch + 0.02 * np.sin(2 * at.phase)
        half = length / 2
        for along, side, offset in (
            (half, 1, 0.0),
            (half, -1, np.pi),
            (-half, 1, np.pi),
            (-half, -1, 0.0),
        ):
            swing = 0.5 * at.stride * np.sin(at.phase + offset)
            lift = 0.8 * at.stride * max(np.cos(at.phase + offset), 0.0) + 0.9 * at.crouch
            knee = (
                along + 0.32 * np.sin(swing + 0.4 * at.crouch),
                side * depth * 0.6,
                hip - 0.05 - 0.32 * np.cos(swing + 0.4 * at.crouch),
            )
            foot = (
                knee[0] + 0.33 * np.sin(swing - lift),
                knee[1],
                max(knee[2] - 0.33 * np.cos(swing - lift), 0.03),
            )
            body.add((along, side * depth * 0.6, hip), knee, 0.085, 0.05, fur)
            body.add(knee, foot, 0.045, 0.03, legs)
        body.add((-half, 0, hip + 0.05), (0, 0, hip + 0.03), depth, depth * 1.05, fur)
        body.add((0, 0, hip + 0.03), (half, 0, hip + 0.06), depth * 1.05, depth, fur + patch)
        rise = neck_rise * (1 - at.crouch) + 0.25 * at.reach
        nape = (half + 0.12, 0, hip + 0.14)
        skull = (half + 0.25 + 0.1 * (1 - rise), 0, hip + 0.18 + rise)
        body.add(nape, skull, depth * 0.7, 0.08, fur * 1.05)
        body.add(skull, (skull[0] + snout, 0, skull[2] - 0.05), 0.085, 0.05, head_heat)
        for side in (-1, 1):
            ear = (skull[0] - 0.03, side * 0.07, skull[2] + 0.06)
            body.add(ear, (ear[0] - 0.02, ear[1], ear[2] + 0.1), 0.03, 0.02, head_heat)
        wag = 0.3 * np.sin(at.phase * 0.7)
        rump = (-half - depth * 0.6, 0, hip + 0.1)
        tip = (rump[0] - tail * 0.6, wag * tail, rump[2] + tail * (0.8 * at.reach - 0.3))
        body.add(rump, tip, 0.035, 0.02, fur * 0.8)
        shape = body.shape()
        shape.ends *= height
        shape.radii *= height
        return shape

    return pose


def _prism(low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """Return top, front, rear, left and right of a body between two 4-corner outlines."""
    sides = [
        np.array([low[i], low[j], high[j], high[i]]) for i, j in ((0, 1), (1, 2), (2, 3), (3, 0))
    ]
    return [high, sides[0], sides[2], sides[1], sides[3]]


def _outline(front: float, rear: float, width: float, z: float) -> np.ndarray:
    """Corners front right, front left, rear left, rear right at height z."""
    half = width / 2
    return np.array([[front, -half, z], [front, half, z], [rear, half, z], [rear, -half, z]])


def _inset(face: np.ndarray, amount: float) -> np.ndarray:
    return face + (face.mean(axis=0) - face) * amount


_ROUND = np.linspace(0, 2 * np.pi, 12, endpoint=False)


def vehicle(rng: np.random.Generator) -> Posing:
    """Return a car, van, lorry or bus: warm engine, tyres and exhaust, cold windows, rigid."""
    kind = rng.choice(['car', 'car', 'estate', 'van', 'lorry', 'bus'])
    length, width, belt, top, cabin_front, cabin_rear, roof_front, roof_rear = {
        'car': (4.4, 1.8, 0.9, 1.45, 0.75, -1.6, 0.1, -1.0),
        'estate': (4.6, 1.85, 0.95, 1.55, 0.85, -2.2, 0.2, -1.9),
        'van': (5.2, 2.0, 1.1, 2.2, 1.9, -2.58, 1.3, -2.5),
        'lorry': (7.5, 2.4, 1.3, 3.1, 1.7, -3.7, 1.65, -3.68),
        'bus': (10.0, 2.5, 1.1, 3.0, 4.95, -4.95, 4.8, -4.9),
    }[kind]
    scale = rng.uniform(0.93, 1.07)
    paint, engine, tyres = rng.uniform(-0.1, 0.45), rng.uniform(0.5, 1.1), rng.uniform(0.3, 0.9)
    glass, roof = rng.uniform(-0.6, 0.15), paint + rng.uniform(-0.35, 0.2)
    exhaust, under = rng.uniform(0.6, 1.3), rng.uniform(0.1, 0.5)
    half = length / 2
    low = _outline(half, -half, width, 0.3)
    middle = _outline(half, -half, width, belt)
    foot = _outline(cabin_front, cabin_rear, width * 0.97, belt)
    head = _outline(roof_front, roof_rear, width * 0.8, top)
    deck, front, rear, left, right = _prism(low, middle)
    ceiling, windscreen, rear_window, left_side, right_side = _prism(foot, head)
    bonnet = np.array([middle[0], middle[1], foot[1], foot[0]])
    faces: list[tuple[np.ndarray, float]] = [
        (_outline(half * 0.95, -half * 0.95, width * 0.9, 0.05), under),
        (front, paint + 0.2),
        (rear, paint),
        (left, paint),
        (right, paint),
        (deck, paint),
        (_inset(bonnet, 0.12), engine * 0.8),
        (_inset(front, 0.3), engine),
        (_inset(rear, 0.6), paint - 0.15),
    ]
    for along in (half * 0.62, -half * 0.62):
        for side in (-1, 1):
            radius = 0.33 if length < 6 else 0.48
            ring = np.stack(
                [
                    along + radius * np.cos(_ROUND),
                    np.full(12, side * width / 2 * 1.01),
                    radius + radius * np.sin(_ROUND) * -side,
                ],
                axis=1,
            )
            faces += [(ring, tyres), (_inset(ring, 0.5), tyres * 0.4)]
    cabin = paint if kind in ('car', 'estate', 'bus') else paint - 0.1
    faces += [(windscreen, glass), (rear_window, glass), (left_side, cabin), (right_side, cabin)]
    for side_face in (left_side, right_side):
        # Side windows: two panes between pillars; a lorry's box has none.
        if kind == 'lorry':
            continue
        edge = side_face[1] - side_face[0], side_face[2] - side_face[3]
        for start, stop in ((0.06, 0.47), (0.53, 0.94)):
            pane = np.array(
                [
                    side_face[0] + edge[0] * start,
                    side_face[0] + edge[0] * stop,
                    side_face[3] + edge[1] * stop,
                    side_face[3] + edge[1] * start,
                ]
            )
            faces.append((_inset(pane, 0.16), glass))
    faces.append((ceiling, roof))
    pipe = np.array([[-half * 1.005, width * 0.3, 0.3]])
    faces.append(
        (pipe + 0.1 * np.stack([np.zeros(12), -np.cos(_ROUND), np.sin(_ROUND)], axis=1), exhaust)
    )
    shape = Shape(faces=[(face * scale, float(heat)) for face, heat in faces])
    return lambda at: shape


def drone(rng: np.random.Generator) -> Posing:
    """Return a multicopter: hot motors and battery on thin arms, turning rotors."""
    arms = int(rng.choice([4, 4, 6]))
    reach, size = rng.uniform(0.2, 0.3), rng.uniform(0.8, 1.6)
    shell, motor, battery = rng.uniform(0.1, 0.5), rng.uniform(0.8, 1.2), rng.uniform(0.5, 1.0)
    belly = rng.uniform(0.04, 0.08)

    def pose(at: Pose) -> Shape:
        body = _Capsules()
        for arm in range(arms):
            angle = 2 * np.pi * (arm + 0.5) / arms
            tip = np.array([reach * np.cos(angle), reach * np.sin(angle), 0.1])
            body.add((0, 0, 0.08), tip, 0.02, 0.016, shell)
            body.add(tip, tip + (0, 0, 0.03), 0.028, 0.028, motor)
            spin = at.phase * 3 + arm
            blade = np.array([0.11 * np.cos(spin), 0.11 * np.sin(spin), 0.04])
            body.add(tip + blade, tip + blade * (-1, -1, 1), 0.008, 0.008, shell * 0.5)
        for side in (-1, 1):
            body.add((0, side * 0.05, 0.06), (0.02, side * 0.1, -0.05), 0.01, 0.01, shell)
        body.add((-0.07, 0, 0.08), (0.07, 0, 0.08), belly, belly * 0.9, shell)
        body.add((-0.03, 0, 0.09), (0.03, 0, 0.09), belly * 0.7, belly * 0.7, battery)
        shape = body.shape()
        shape.ends *= size
        shape.radii *= size
        return shape

    return pose


def bird(rng: np.random.Generator) -> Posing:
    """Return a bird with beating wings."""
    span, chord = rng.uniform(0.35, 0.55), rng.uniform(0.08, 0.13)
    plumage, head = rng.uniform(0.3, 0.6), rng.uniform(0.7, 1.0)

    def pose(at: Pose) -> Shape:
        body = _Capsules()
        beat = 0.7 * np.sin(at.phase * 2) * min(at.stride, 1.2) + 0.2
        body.add((-0.14, 0, 0.1), (0.1, 0, 0.1), 0.045, 0.06, plumage + 0.2)
        body.add((0.16, 0, 0.13), (0.19, 0, 0.13), 0.035, 0.02, head)
        body.add((-0.15, 0, 0.1), (-0.26, 0, 0.1), 0.03, 0.045, plumage * 0.7)
        for side in (-1, 1):
            elbow = np.array([0.03, side * span * 0.45, 0.12 + span * 0.45 * np.sin(beat)])
            tip = elbow + span * 0.55 * np.array([-0.35, side * 0.9, np.sin(beat * 1.5 - 0.2)])
            body.add((0.02, side * 0.03, 0.12), elbow, chord * 0.6, chord * 0.5, plumage)
            body.add(elbow, tip, chord * 0.45, chord * 0.15, plumage * 0.8)
        return body.shape()

    return pose


def airplane(rng: np.random.Generator) -> Posing:
    """Return an aeroplane with hot engines."""
    sweep, thickness = rng.uniform(0.0, 4.0), rng.uniform(0.6, 1.1)
    skin, engine = rng.uniform(0.3, 0.6), rng.uniform(0.9, 1.3)
    shape = _Capsules()
    shape.add((-8, 0, 1), (8, 0, 1), thickness * 0.7, thickness, skin)
    for side in (-1, 1):
        shape.add((1.5, side * 0.8, 0.8), (1.5 - sweep, side * 8.5, 1.2), 0.9, 0.3, skin * 0.8)
        shape.add((-7.3, 0, 1.4), (-8.4, side * 3, 1.5), 0.5, 0.2, skin * 0.8)
        shape.add(
            (1.6 - sweep / 3, side * 3, 0.2), (-0.6 - sweep / 3, side * 3, 0.2), 0.55, 0.5, engine
        )
    shape.add((-7, 0, 1.5), (-8.3, 0, 4.2), 0.7, 0.25, skin)
    still = shape.shape()
    return lambda at: still


def tree(rng: np.random.Generator) -> Posing:
    """Return a tree: a trunk and a crown of many leafy balls."""
    height, crown = rng.uniform(3.5, 6), rng.uniform(0.5, 1.1)
    warm = rng.uniform(-0.4, 0.4)
    shape = _Capsules()
    shape.add((0, 0, 0), (0, 0, height * 0.6), 0.18, 0.1, warm + 0.2)
    for _ in range(6):
        clump = rng.normal(0, 0.42 * crown, 3) * (1, 1, 0.8) + (0, 0, height * 0.72)
        shade = warm + rng.normal(0, 0.12)
        for _ in range(7):
            place = clump + rng.normal(0, 0.28 * crown, 3)
            radius = rng.uniform(0.1, 0.32) * crown
            shape.add(
                place,
                place + rng.normal(0, 0.1, 3),
                radius,
                radius * 0.7,
                shade + rng.normal(0, 0.1),
            )
    still = shape.shape()
    return lambda at: still


def bush(rng: np.random.Generator) -> Posing:
    """Return a low bush."""
    warm, spread = rng.uniform(-0.4, 0.4), rng.uniform(0.4, 0.8)
    shape = _Capsules()
    for _ in range(32):
        place = rng.normal(0, spread * 0.42, 3) * (1, 1, 0.7) + (0, 0, spread * 0.8)
        shape.add(
            place,
            place,
            spread * rng.uniform(0.12, 0.36),
            0.1 * spread,
            warm + rng.normal(0, 0.12),
        )
    still = shape.shape()
    return lambda at: still


def post(rng: np.random.Generator) -> Posing:
    """Return a post or a lamp: narrow and tall."""
    height, radius = rng.uniform(3, 6), rng.uniform(0.06, 0.2)
    warm = rng.uniform(-0.5, 0.5)
    shape = _Capsules()
    shape.add((0, 0, 0), (0, 0, height), radius, radius * 0.8, warm)
    if rng.random() < 0.5:
        shape.add((0, 0, height), (0, 0.9, height + 0.2), radius * 0.6, 0.12, warm)
    still = shape.shape()
    return lambda at: still


def wall(rng: np.random.Generator) -> Posing:
    """Return a piece of wall, a container or a hoarding."""
    length, depth = rng.uniform(0.7, 2.2), rng.uniform(0.15, 0.8)
    height = rng.uniform(1.2, 2.6)
    warm = rng.uniform(-0.5, 0.4)
    faces = _prism(
        _outline(length / 2, -length / 2, depth, 0),
        _outline(length / 2, -length / 2, depth, height),
    )
    top, front, rear, left, right = faces
    stripe = np.array([left[0], left[1], (left[1] + left[2]) / 2, (left[0] + left[3]) / 2])
    shape = Shape(
        faces=[
            (front, warm - 0.1),
            (rear, warm - 0.1),
            (left, warm),
            (right, warm),
            (_inset(stripe, 0.1), warm + 0.1),
            (top, warm + 0.15),
        ]
    )
    return lambda at: shape


BODIES: dict[str, Callable[[np.random.Generator], Posing]] = {
    'person': person,
    'vehicle': vehicle,
    'animal': animal,
    'drone': drone,
    'bird': bird,
    'airplane': airplane,
    'tree': tree,
    'bush': bush,
    'post': post,
    'wall': wall,
}
"""Every body by its name."""
