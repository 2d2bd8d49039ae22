# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temperatures: counts of several cameras, boxes anywhere, what holds no temperature."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.gain import GainControl, GainSettings
from tir_tracker_ros.imaging.overlay import draw_overlay
from tir_tracker_ros.imaging.radiometry import CAMERAS, Radiometry, radiometry_of
from tir_tracker_ros.imaging.thermal_image import ThermalImage

LEPTON = CAMERAS['lepton']


@pytest.mark.parametrize(
    ('camera', 'counts'),
    [('lepton', 30965), ('boson', 30965), ('flir_a_10mk', 30965), ('flir_a_100mk', 3096.5),
     ('celsius', 36.5)],
)  # fmt: skip
def test_each_camera_has_its_own_counts_for_the_same_temperature(camera, counts):
    pixels = np.full((20, 30), counts, np.float32)
    found = CAMERAS[camera].measure(ThermalImage(pixels, 0, '32FC1'), Box(5, 5, 4, 4))
    assert [found.minimum, found.median, found.maximum] == pytest.approx([36.5] * 3, abs=1e-3)


def test_only_the_pixels_inside_of_the_box_count():
    pixels = np.full((20, 30), 29315, np.uint16)
    pixels[5:8, 10:14] = 31315
    pixels[5, 10] = 31415
    pixels[6, 11] = 30315
    found = LEPTON.measure(ThermalImage(pixels, 0, 'mono16'), Box(10, 5, 4, 3))
    assert (found.minimum, found.median, found.maximum) == pytest.approx((30, 40, 41))
    assert LEPTON.measure(ThermalImage(pixels, 0), Box(9, 5, 5, 3)).minimum == pytest.approx(20)


@pytest.mark.parametrize(
    ('pixels', 'box'),
    [
        (np.full((20, 30), 200, np.uint8), Box(5, 5, 4, 4)),
        (np.full((20, 30), np.nan, np.float32), Box(5, 5, 4, 4)),
        (np.full((20, 30), 30000, np.uint16), Box(30, 5, 4, 4)),
        (np.full((20, 30), 30000, np.uint16), Box(math.nan, 5, 4, 4)),
    ],
    ids=['8 bits', 'no finite pixel', 'outside', 'not finite'],
)
def test_where_nothing_can_be_measured_there_is_no_number(pixels, box):
    assert LEPTON.measure(ThermalImage(pixels, 0), box) is None


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([np.uint16, np.float32]).flatmap(lambda kind: arrays.arrays(kind, (5, 7))),
    st.builds(Box, *[st.floats(-20, 20)] * 2, *[st.floats(0, 20)] * 2),
    st.floats(1e-3, 10),
    st.floats(-300, 300),
)
def test_the_median_of_any_box_lies_between_finite_extremes(pixels, box, scale, offset):
    found = Radiometry(scale, offset).measure(ThermalImage(pixels, 0), box)
    if found is not None:
        assert found.minimum <= found.median <= found.maximum
        assert math.isfinite(found.minimum) and math.isfinite(found.maximum)


def test_a_fixed_range_is_in_degrees():
    gain = LEPTON.in_counts(GainSettings('fixed', minimum=20, maximum=40))
    pixels = np.array([[29315, 30315, 31315, 32000]] * 2, np.uint16)
    image01 = GainControl(gain)(ThermalImage(pixels, 0, 'mono16'))
    assert image01[0].tolist() == pytest.approx([0, 0.5, 1, 1], abs=1e-4)
    assert LEPTON.in_counts(GainSettings()) == GainSettings()


def test_a_fixed_range_in_degrees_leaves_8_bit_images_alone():
    gain = LEPTON.in_counts(GainSettings('fixed', minimum=20, maximum=40, stretch_8bit=True))
    pixels = np.array([[0, 51, 255]] * 2, np.uint8)
    assert GainControl(gain)(ThermalImage(pixels, 0))[0].tolist() == pytest.approx([0, 0.2, 1])


def test_camera_and_numbers_say_the_same_or_exclude_each_other():
    assert radiometry_of('none', 1.0, 0.0) is None
    assert radiometry_of('none', 0.04, -273.15) == Radiometry(0.04, -273.15)
    assert radiometry_of('lepton', 1.0, 0.0) == LEPTON == Radiometry.parse('lepton')
    assert Radiometry.parse('0.04,-273.15') == Radiometry(0.04, -273.15)
    for bad, words in (
        (('lepton', 0.04, 0.0), 'of its own'),
        (('none', 0.0, 0.0), 'scale 0.0 is not above 0'),
        (('none', math.nan, 0.0), 'scale nan'),
        (('none', 1.0, math.inf), 'offset inf'),
        (('seek', 1.0, 0.0), "'seek' is not none or of celsius, lepton"),
    ):
        with pytest.raises(ValueError, match=words):
            radiometry_of(*bad)
    with pytest.raises(ValueError, match="'0.04' is neither SCALE,OFFSET nor one of"):
        Radiometry.parse('0.04')


def test_the_temperature_is_drawn():
    gray = np.full((120, 160), 0.5, np.float32)
    plain = draw_overlay(gray, Box(40, 50, 30, 20))
    drawn = draw_overlay(gray, Box(40, 50, 30, 20), temperature=36.5)
    assert (drawn != plain).any()


def test_of_a_turned_box_only_the_pixels_inside_count():
    pixels = np.full((60, 60), 30000, np.uint16)
    rows, columns = np.mgrid[:60, :60]
    pixels[abs(rows - columns) <= 4] = 31000  # a stripe from upper left to lower right
    box = Box.from_center(30.5, 30.5, 40, 5)
    turned = CAMERAS['lepton'].measure(ThermalImage(pixels, 0), box, np.pi / 4)
    assert turned == CAMERAS['lepton'].measure(ThermalImage(pixels, 0), Box(20, 20, 3, 3))
    upright = CAMERAS['lepton'].measure(ThermalImage(pixels, 0), box)
    assert upright.median < turned.minimum
