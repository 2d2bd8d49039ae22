# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The simulator: repeatable scenes whose truth is true and whose categories keep their word."""

import math
import time

import cv2
from full_disk import full_disk
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from tir_tracker_ros.cli import main
from tir_tracker_ros.geometry import Box
from tir_tracker_ros.sequences import bags
from tir_tracker_ros.sequences.benchmarks import read_benchmark
from tir_tracker_ros.simulation import CATEGORIES, CHALLENGES, render, Scene, TARGETS
from tir_tracker_ros.simulation.bodies import BODIES, Pose
from tir_tracker_ros.simulation.camera import CAMERAS
from tir_tracker_ros.simulation.painting import paint, project

SMALL = (160, 128)


def mask_box(mask):
    """Return the box around the covered pixels of a mask, to half a pixel."""
    rows, columns = np.nonzero(mask.max(axis=1) > 0.05)[0], np.nonzero(mask.max(axis=0) > 0.05)[0]
    return Box(columns[0], rows[0], columns[-1] - columns[0] + 1.0, rows[-1] - rows[0] + 1.0)


def contrast(scene, index):
    """Return how much brighter the target is than what is around it, gray levels."""
    frame = scene.frame(index)
    mask = scene.target_mask(index)
    around = cv2.dilate(mask, np.ones((15, 15))) - cv2.dilate(mask, np.ones((5, 5)))
    pixels = frame.image.pixels.astype(float)
    return (pixels * mask).sum() / mask.sum() - (pixels * around).sum() / around.sum()


# ------------------------------------------------------------------------------ repeatability
@pytest.mark.parametrize('category', CATEGORIES)
def test_the_same_seed_gives_the_same_bytes_in_any_order(category):
    first, second = (render(category, 3, frames=20, size=SMALL) for _ in range(2))
    forwards = [first.frame(index) for index in (2, 9)]
    backwards = [second.frame(index) for index in (9, 2)][::-1]
    for one, other in zip(forwards, backwards):
        assert one.image.pixels.tobytes() == other.image.pixels.tobytes()
        assert (one.box, one.visibility) == (other.box, other.visibility)


def test_another_seed_gives_another_scene():
    first, second = (render('easy', seed, frames=1, size=SMALL)[0] for seed in (0, 1))
    assert np.abs(first[0].pixels.astype(int) - second[0].pixels).mean() > 5
    assert first[1] != second[1]


def test_iteration_indexing_and_slices_agree():
    scene = render('easy', 0, frames=4, size=SMALL)
    images = list(scene)
    assert len(images) == len(scene) == 4
    for (image, box), (again, box_again) in zip(images[1:3], scene[1:3]):
        assert np.array_equal(image.pixels, again.pixels) and box == box_again
    assert np.array_equal(images[-1][0].pixels, scene[-1][0].pixels)
    with pytest.raises(IndexError):
        scene[4]


def test_stamps_follow_the_rate():
    scene = render('easy', 0, frames=3, size=SMALL, rate=50.0)
    assert np.diff(scene.stamps).tolist() == [20_000_000, 20_000_000]
    assert [image.stamp for image, _ in scene] == scene.stamps


# --------------------------------------------------------------------------------- the truth
@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('camera', CAMERAS)
def test_the_box_is_tight_around_the_target(target, camera):
    scene = render('easy', 5, frames=40, target=target, camera=camera)
    assert (scene.target_class, scene.camera_kind) == (target, camera)
    _, box = scene[25]
    around = mask_box(scene.target_mask(25))
    assert abs(box.x - around.x) <= 1.1 and abs(box.y - around.y) <= 1.1
    assert abs(box.x + box.w - around.x - around.w) <= 1.1
    assert abs(box.y + box.h - around.y - around.h) <= 1.1


@given(st.integers(0, 10_000), st.sampled_from(CATEGORIES))
@settings(max_examples=25, deadline=None)
def test_every_scene_starts_with_a_visible_target_inside_the_image(seed, category):
    scene = render(category, seed, frames=10, size=SMALL)
    frame = scene.frame(0)
    assert frame.image.pixels.shape == SMALL[::-1] and frame.image.pixels.dtype == np.uint8
    assert frame.box is not None and frame.visibility > 0.5
    assert frame.box.clipped(*SMALL) == frame.box and min(frame.box.w, frame.box.h) > 1


def test_the_pixels_show_the_target_where_the_box_says():
    changes = []
    for seed in range(6):
        scene = render('night', seed, frames=30, camera='fixed', target='person')
        changes.append(abs(contrast(scene, 10)))
    assert min(changes) > 15


def test_targets_come_in_the_sizes_that_are_promised():
    sides = [
        math.sqrt(box.area)
        for seed in range(40)
        for _, box in [render('random', seed, frames=1)[0]]
    ]
    assert np.percentile(sides, 10) < 28 and np.percentile(sides, 90) > 60
    assert min(sides) > 5 and max(sides) < 200


@pytest.mark.parametrize('name', BODIES)
@given(yaw=st.floats(-4, 4), elevation=st.floats(-0.5, 1.4), phase=st.floats(0, 7))
@settings(max_examples=8, deadline=None)
def test_a_body_is_drawn_within_its_box_from_every_side(name, yaw, elevation, phase):
    shape = BODIES[name](np.random.default_rng(0))(Pose(phase, crouch=0.5, reach=0.5))
    size = max(np.ptp(shape.ends), 1) if len(shape.heat) else 6.0
    outline = project(shape, yaw, elevation, np.eye(2) * 60 / size, np.array([100.3, 110.7]))
    patch = paint(outline, (200, 200), np.zeros((2, 2), np.float32))
    assert patch.alpha.min() >= 0 and patch.alpha.max() > 0.3
    around = mask_box(patch.alpha)
    drawn = Box(around.x + patch.left, around.y + patch.top, around.w, around.h)
    assert drawn.iou(outline.box) > 0.6 or min(outline.box.w, outline.box.h) < 4


def test_a_walking_person_moves_its_limbs():
    person = BODIES['person'](np.random.default_rng(1))
    spans = [np.ptp(person(Pose(phase)).ends[:, :, 0]) for phase in np.linspace(0, 6.3, 16)]
    assert max(spans) > 1.5 * min(spans)


# ------------------------------------------------------------------------------- categories
def test_crossover_takes_the_contrast_through_zero():
    for seed in (0, 1, 2):
        scene = render('thermal_crossover', seed, frames=90, camera='fixed', target='person')
        scene.contents.changes.flipped[:] = False
        start, end = contrast(scene, 0), contrast(scene, 89)
        assert start * end < 0 and min(abs(start), abs(end)) > 8


def test_the_target_leaves_the_view_and_comes_back():
    for seed in range(4):
        scene = render('out_of_view', seed, frames=60, size=SMALL)
        there = [box is not None for _, box in scene]
        assert there[0] and there[-1] and not all(there)


def test_occluders_hide_the_target_for_a_while():
    least, after = [], []
    for seed in range(8):
        scene = render('occlusion', seed, frames=60, size=SMALL)
        seen = [scene.frame(index).visibility for index in range(0, 60, 3)]
        assert seen[0] > 0.75
        least.append(min(seen))
        after.append(max(seen[int(np.argmin(seen)) :]))
    assert np.median(least) < 0.4 and np.mean(np.array(least) < 0.8) >= 0.75
    assert np.median(after) > 0.7


def test_the_visible_mask_is_the_target_without_what_covers_it():
    scene = render('occlusion', 3, frames=60, size=SMALL)
    shares = []
    for index in range(0, 60, 4):
        whole, visible = scene.target_mask(index), scene.visible_mask(index)
        assert (visible <= whole).all()
        shares.append((visible.sum() / whole.sum(), scene.frame(index).visibility))
    seen, told = np.array(shares).T
    # The visibility is that of bodies which are smeared by their motion.
    np.testing.assert_allclose(seen, told, atol=0.1)
    assert seen[0] > 0.99 and seen.min() < 0.5
    easy = render('easy', 2, frames=5, size=SMALL, camera='fixed')
    assert (easy.visible_mask(3) == easy.target_mask(3)).all()


def test_an_unhidden_target_is_wholly_visible():
    scene = render('easy', 2, frames=5, size=SMALL, camera='fixed')
    assert all(scene.frame(index).visibility > 0.99 for index in range(5))


def test_dynamics_change_jumps_in_level_or_polarity():
    for seed in range(3):
        calm, jumping = (
            [
                image.pixels.astype(float)
                for image, _ in render(
                    name, seed, frames=60, size=SMALL, camera='fixed', target='animal'
                )
            ]
            for name in ('easy', 'dynamics_change')
        )
        jump = max(np.abs(b - a).mean() for a, b in zip(jumping, jumping[1:]))
        usual = max(np.abs(b - a).mean() for a, b in zip(calm, calm[1:]))
        assert jump > 2 * usual and jump > 12


def test_scale_changes_the_size_more_than_easy_does():
    def ratio(category, seed):
        scene = render(category, seed, frames=150, size=SMALL, target='vehicle')
        areas = [scene[index][1].area for index in range(0, 150, 10) if scene[index][1]]
        return math.sqrt(max(areas) / min(areas))

    changes = {
        name: np.median([ratio(name, seed) for seed in range(4)]) for name in ('easy', 'scale')
    }
    assert changes['scale'] > 1.5 > changes['easy']


def test_fast_motion_is_fast():
    def step(category, seed):
        scene = render(category, seed, frames=30, camera='fixed')
        boxes = [box for _, box in scene if box]
        moves = [
            math.hypot(b.cx - a.cx, b.cy - a.cy) / math.sqrt(a.area)
            for a, b in zip(boxes, boxes[1:])
        ]
        return np.mean(moves)

    slow, fast = (
        np.mean([step(name, seed) for seed in range(4)]) for name in ('easy', 'fast_motion')
    )
    assert fast > 0.15 and fast > 4 * slow


def test_low_contrast_and_noise_are_harder_to_see():
    def clarity(category):
        return np.median(
            [
                abs(contrast(scene, 3)) / (pixels[2:] - pixels[:-2]).std()
                for seed in range(8)
                for scene in [render(category, seed, frames=5, target='person', camera='fixed')]
                for pixels in [scene[3][0].pixels.astype(float)]
            ]
        )

    easy = clarity('easy')
    assert clarity('noise') < 0.5 * easy and clarity('low_contrast') < 0.5 * easy


def test_low_resolution_targets_are_tiny():
    areas = [render('low_resolution', seed, frames=1)[0][1].area for seed in range(8)]
    assert max(areas) < 20**2


def test_look_alikes_surround_the_target():
    scene = render('look_alikes', 1, frames=10, size=SMALL)
    assert len(scene.contents.actors) >= 4


def test_fixed_pattern_stays_where_the_sensor_is():
    scene = render('fixed_pattern', 0, frames=40, camera='hand_held', bits=16)
    first, last = (scene[index][0].pixels.astype(float) for index in (0, 39))
    columns = [np.diff(np.median(image, axis=0)) for image in (first, last)]
    assert np.corrcoef(columns)[0, 1] > 0.6


def test_blur_softens_edges():
    def steepness(category):
        steps = []
        for seed in range(6):
            scene = render(category, seed, frames=3, target='vehicle', bits=16)
            pixels = cv2.medianBlur(scene[1][0].pixels, 3).astype(np.float32)
            slope = np.abs(cv2.Sobel(pixels, cv2.CV_32F, 1, 0, scale=1 / 8))
            steps.append(np.percentile(slope, 99.8) / np.ptp(np.percentile(pixels, [0.5, 99.5])))
        return np.mean(steps)

    assert steepness('blur') < 0.7 * steepness('easy')


def test_camera_motion_moves_the_background():
    def motion(category):
        moves = []
        for seed in range(4):
            scene = render(category, seed, frames=30, camera='hand_held')
            steps = np.diff(scene.contents.camera.centers, axis=0)
            moves.append(np.hypot(*steps.T).mean())
        return np.mean(moves)

    assert motion('camera_motion') > 3 * motion('easy')


def test_a_fixed_camera_stands_still():
    centers = render('easy', 4, frames=20, size=SMALL, camera='fixed').contents.camera.centers
    assert np.ptp(centers) == 0


# ------------------------------------------------------------------------------------- bits
def test_sixteen_bit_images_hold_fourteen_bit_counts_with_an_offset():
    for seed in range(4):
        image, box = render('random', seed, frames=2, bits=16)[1]
        assert image.pixels.dtype == np.uint16 and image.encoding == 'mono16'
        assert np.median(image.pixels) > 1000 and image.pixels.max() < 2**14
        assert len(np.unique(image.pixels)) > 50


def test_the_truth_does_not_depend_on_the_bits():
    eight, sixteen = (render('easy', 7, frames=3, bits=bits) for bits in (8, 16))
    assert [box for _, box in eight] == [box for _, box in sixteen]


@pytest.mark.parametrize('size', [(320, 256), (640, 512), (160, 120), (384, 288)])
def test_any_size_is_rendered(size):
    image, box = render('easy', 1, frames=2, size=size)[1]
    assert (image.width, image.height) == size
    assert box.area < size[0] * size[1] / 2


# -------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    'wrong, reason',
    [
        ({'category': 'rain'}, "'rain' is not one of easy, occlusion"),
        ({'bits': 12}, 'bits 12 is neither 8 nor 16'),
        ({'target': 'ghost'}, "'ghost' is not one of person, vehicle"),
        ({'camera': 'satellite'}, "'satellite' is not one of fixed, hand_held"),
        ({'frames': 0}, 'frames 0 is not 1 or more'),
        ({'size': (10, 256)}, '10x256 is not within'),
        ({'seed': -1}, 'seed -1 is negative'),
        ({'rate': 0.0}, 'rate 0.0 is not within'),
    ],
)
def test_what_cannot_be_rendered_is_refused_by_name(wrong, reason):
    arguments = {'category': 'easy', 'seed': 0, **wrong}
    with pytest.raises(ValueError, match=reason):
        render(**arguments)


# --------------------------------------------------------------------------------- the speed
def test_rendering_is_fast_enough_to_train_on():
    # The aim is 30 ms and 16 ms; the limits leave room for a busy machine.
    render('random', 0, frames=2)[1]
    setups, frames = [], []
    for seed in range(12):
        start = time.perf_counter()
        scene = render('random', seed, frames=100)
        middle = time.perf_counter()
        scene[3], scene[80]
        setups.append(middle - start)
        frames.append((time.perf_counter() - middle) / 2)
    assert np.median(setups) < 0.09 and np.median(frames) < 0.048


# -------------------------------------------------------------------------------- the command
def simulate(*arguments):
    return main(
        ['simulate', '--quiet', '--frames', '6', '--size', '160x128', *map(str, arguments)]
    )


def test_the_command_writes_plain_folders(tmp_path):
    assert simulate('--out', tmp_path, '--category', 'clutter', '--seed', 4, '--scenes', 2) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ['clutter_000004', 'clutter_000005']
    folder = tmp_path / 'clutter_000005'
    scene = render('clutter', 5, frames=6, size=SMALL)
    images = sorted((folder / 'img').iterdir())
    assert [path.name for path in images] == [f'{n:08d}.png' for n in range(1, 7)]
    boxes = np.loadtxt(folder / 'groundtruth.txt', delimiter=',')
    for path, values, (image, box) in zip(images, boxes, scene):
        assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), image.pixels)
        assert values == pytest.approx(list(box), abs=0.001)


def test_hidden_targets_are_nan_lines_and_16_bit_images_stay_16_bit(tmp_path):
    out = '--out', tmp_path, '--category', 'out_of_view', '--bits', 16
    assert simulate(*out, '--frames', 40) == 0
    folder = tmp_path / 'out_of_view_000000'
    lines = (folder / 'groundtruth.txt').read_text().splitlines()
    assert len(lines) == 40 and 'nan,nan,nan,nan' in lines
    image = cv2.imread(str(folder / 'img' / '00000001.png'), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16


def test_masks_are_written_and_read_back(tmp_path, capsys):
    assert simulate('--out', tmp_path, '--category', 'occlusion', '--masks') == 0
    scene = render('occlusion', 0, frames=6, size=SMALL)
    (sequence,) = read_benchmark(tmp_path)
    for index in range(6):
        assert (sequence.masks[index] == (scene.visible_mask(index) > 0.5)).all()
    folder = tmp_path / 'occlusion_000000'
    assert {path.name for path in folder.iterdir()} == {'img', 'masks', 'groundtruth.txt'}
    # A shorter scene is refused where masks of a longer one would stay.
    for path in sorted((folder / 'img').iterdir())[3:]:
        path.unlink()
    assert simulate('--out', tmp_path, '--category', 'occlusion', '--frames', 3) == 1
    assert '00000004.png' in capsys.readouterr().err
    assert simulate('--out', tmp_path / 'sheet.png', '--masks') == 1
    assert 'contact sheet' in capsys.readouterr().err


def test_without_being_asked_for_no_masks_are_written(tmp_path):
    assert simulate('--out', tmp_path) == 0
    (sequence,) = read_benchmark(tmp_path)
    assert sequence.masks is None


def test_a_bag_holds_masks_with_the_stamps_of_the_images(tmp_path):
    path = tmp_path / 'scene.bag'
    assert simulate('--out', path, '--frames', 3, '--masks') == 0
    scene = render('easy', 0, frames=3, size=SMALL)
    with bags.BagReader(path) as bag:
        masks = [message.decoded() for message in bag.messages(['/ground_truth/mask'])]
    assert [bags.stamp_of(mask.header) for mask in masks] == scene.stamps
    for index, mask in enumerate(masks):
        assert mask.encoding == 'mono8'
        pixels = np.frombuffer(mask.data, np.uint8).reshape(SMALL[::-1])
        assert (pixels == 255 * (scene.visible_mask(index) > 0.5)).all()


def test_every_challenge_is_written_for_all(tmp_path):
    assert simulate('--out', tmp_path, '--category', 'all', '--frames', 1) == 0
    names = {path.name.rsplit('_', 1)[0] for path in tmp_path.iterdir()}
    assert names == set(CHALLENGES) and not names & {'random', 'demo'}


def test_the_command_writes_a_bag(tmp_path):
    path = tmp_path / 'scene.bag'
    # An excursion lies in the middle of the frames, so that some truth is absent.
    assert simulate('--out', path, '--category', 'out_of_view', '--frames', 30) == 0
    scene = render('out_of_view', 0, frames=30, size=SMALL)
    truths, inits, images = [], [], []
    with bags.BagReader(path) as bag:
        topics = {'/thermal/image_raw': images, '/tracker/init': inits, '/ground_truth': truths}
        for message in bag.messages(list(topics)):
            topics[message.topic].append(message.decoded())
    assert len(images) == len(truths) == 30 and len(inits) == 1
    assert bags.stamp_of(inits[0].header) == bags.stamp_of(images[0].header) == scene.stamps[0]
    assert inits[0].results[0].hypothesis.class_id == scene.target_class
    assert tuple(bags.box_of(inits[0])) == pytest.approx(tuple(scene[0][1]))
    for message, (image, box), truth in zip(images, scene, truths):
        assert np.array_equal(bags.image_of(message).pixels, image.pixels)
        assert len(truth.results) == (box is not None)
    assert any(not truth.results for truth in truths)


def test_bags_of_several_scenes_lie_in_a_folder(tmp_path):
    assert simulate('--out', tmp_path, '--format', 'bag', '--scenes', 2) == 0
    assert all((tmp_path / f'easy_00000{n}' / 'metadata.yaml').exists() for n in (0, 1))


def test_a_picture_is_a_contact_sheet(tmp_path):
    path = tmp_path / 'sheet.png'
    assert simulate('--out', path, '--category', 'demo', '--scenes', 4, '--bits', 16) == 0
    # Two rows of three scenes of three images each.
    assert cv2.imread(str(path)).shape == (2 * 128, 3 * 3 * 160, 3)


def test_the_demo_shows_a_person_among_others_passing_behind_something():
    scene = render('demo', 0, frames=240, rate=20.0)
    assert (scene.target_class, scene.camera_kind) == ('person', 'hand_held')
    frames = [scene.frame(index) for index in range(0, 240, 4)]
    assert all(frame.box is not None for frame in frames) and len(scene.contents.actors) > 4
    assert min(frame.visibility for frame in frames) < 0.6


def test_a_correlation_tracker_follows_the_easy_scene():
    scene = render('easy', 3, frames=30, target='vehicle')
    tracker = cv2.TrackerCSRT_create()
    overlaps = []
    for number, (image, box) in enumerate(scene):
        colour = cv2.cvtColor(image.pixels, cv2.COLOR_GRAY2BGR)
        if number == 0:
            tracker.init(colour, tuple(round(value) for value in box))
        else:
            overlaps.append(Box(*tracker.update(colour)[1]).iou(box))
    assert np.mean(overlaps) > 0.6


@pytest.mark.parametrize(
    'arguments, reason',
    [
        (['--out', 'x', '--category', 'rain'], "category 'rain' is not one of easy"),
        (['--out', 'x', '--size', '320'], "--size '320' is not WxH"),
        (['--out', 'x', '--scenes', '0'], '--scenes 0 is not 1 or more'),
        (['--out', 'x.bag', '--scenes', '2'], 'holds one scene, not 2'),
        (['--out', 'taken'], '--out taken is a file'),
        (['--out', 'x.mp4'], '--out x.mp4: no .mp4 file can be written, but a folder of'),
        (['--out', 'x.AVI', '--format', 'folder'], '--out x.AVI: no .AVI file can be written'),
    ],
)
def test_the_command_says_what_is_wrong(arguments, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'taken').write_text('')
    assert simulate(*arguments) == 1
    assert reason in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['taken']


def test_the_suffix_of_a_file_may_be_in_capitals_and_a_folder_may_have_a_dot(tmp_path):
    assert simulate('--out', tmp_path / 'sheet.PNG') == 0
    assert (tmp_path / 'sheet.PNG').is_file()
    assert simulate('--out', tmp_path / 'run.v2') == 0
    assert (tmp_path / 'run.v2' / 'easy_000000' / 'groundtruth.txt').is_file()


@pytest.mark.parametrize('format', ['folder', 'bag'])
def test_an_interrupted_scene_is_one_of_fewer_images(format, tmp_path, monkeypatch, capsys):
    made = Scene.frame

    def frame(scene, index):
        if index == 4:
            raise KeyboardInterrupt
        return made(scene, index)

    monkeypatch.setattr(Scene, 'frame', frame)
    assert simulate('--out', tmp_path, '--format', format) == 130
    assert f'stopped in scene 1; its images and those before are in {tmp_path}' in (
        capsys.readouterr().err
    )
    folder = tmp_path / 'easy_000000'
    if format == 'folder':
        (sequence,) = read_benchmark(folder)
        boxes = sequence.boxes
    else:
        with bags.BagReader(folder) as bag:
            truths = [message.decoded() for message in bag.messages(['/ground_truth'])]
            assert bag.counts['/thermal/image_raw'] == 4
        boxes = [bags.box_of(truth) for truth in truths]
    expected = [box for _, box in render('easy', 0, frames=6, size=SMALL)[:4]]
    assert np.allclose([tuple(box) for box in boxes], [tuple(box) for box in expected], atol=1e-3)


def test_a_full_disk_is_told_with_the_image_that_does_not_fit(tmp_path, capsys):
    assert simulate('--out', tmp_path / 'all', '--frames', 1) == 0
    size = (tmp_path / 'all' / 'easy_000000' / 'img' / '00000001.png').stat().st_size
    with full_disk(size - 100):  # the last bytes of an image are lost without a word by OpenCV
        assert simulate('--out', tmp_path / 'part') == 1
    assert '00000001.png' in capsys.readouterr().err
    assert not list((tmp_path / 'part' / 'easy_000000' / 'img').iterdir())


def test_a_longer_sequence_is_not_mixed_with_a_shorter_one(tmp_path, capsys):
    assert simulate('--out', tmp_path, '--frames', 3) == 0
    assert simulate('--out', tmp_path, '--frames', 3) == 0
    assert simulate('--out', tmp_path, '--frames', 2) == 1
    assert '00000003.png' in capsys.readouterr().err
