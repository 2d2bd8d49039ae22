# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temperatures of the target over DDS: status, topic and record."""

import csv

from moving_blob import scene, truth
from node_rig import Rig, stamp_of
import numpy as np
import pytest
from sensor_msgs.msg import Temperature


def kelvin(number):
    """Return the blob in centikelvin, from 20 degrees Celsius on."""
    pixels = scene(number).pixels.astype(np.uint16) * 10 + 29315
    return {'pixels': pixels, 'encoding': 'mono16'}


def inside(number):
    """Return the temperatures of the blob."""
    box = truth(number)
    rows, columns = slice(int(box.y), int(box.y + box.h)), slice(int(box.x), int(box.x + box.w))
    degrees = scene(number).pixels[rows, columns] * 0.1 + 20
    return degrees.min(), np.median(degrees), degrees.max()


def test_temperatures_are_told_while_somebody_listens_and_recorded(tmp_path):
    record = tmp_path / 'record.csv'
    rig = Rig(radiometric__camera='lepton', record_path=str(record))
    rig.init(truth(0), rig.at(0))
    rig.send(0, **kelvin(0))
    rig.answered(rig.at(0))
    values = {value.key: value.value for value in rig.state('tracking').values}
    told = [float(values[f'temperature_{name}']) for name in ('min', 'median', 'max')]
    assert told == pytest.approx(inside(0), abs=0.01)
    heard: list[Temperature] = []
    rig.listen(Temperature, '/tracker/temperature', heard)
    for number in range(1, 200):
        rig.send(number, **kelvin(number))
        rig.answered(rig.at(number))
        if heard:
            break
    assert heard[0].header.frame_id == 'thermal_optical'
    # Which image is the first to be heard of is up to discovery; it may be that of the init.
    sent = {rig.at(n): n for n in range(number + 1)}
    of = sent[stamp_of(heard[0])]
    assert heard[0].temperature == pytest.approx(inside(of)[1], abs=0.01)
    rig.close()
    with record.open() as file:
        row = [row for row in csv.DictReader(file) if row['score']][0]
    recorded = [float(row[f'temperature_{name}']) for name in ('min', 'median', 'max')]
    assert recorded == pytest.approx(inside(0), abs=0.01)


def test_images_of_8_bits_have_no_temperatures_which_is_told_once():
    rig = Rig(radiometric__scale=0.01, radiometric__offset=-273.15)
    rig.start(0)
    heard: list[Temperature] = []
    rig.listen(Temperature, '/tracker/temperature', heard)
    for number in range(1, 5):
        rig.send(number)
        rig.answered(rig.at(number))
        rig.spin(0.05)
    assert not heard
    assert rig.process.log.count('no temperatures are measured') == 1
    assert not any(v.key.startswith('temperature') for v in rig.statuses[-1].values)
    assert 'radiometric.scale out of range' in rig.set('radiometric.scale', 0.0).reason
    rig.close()


def test_a_camera_together_with_numbers_is_refused_in_one_line():
    rig = Rig(active=False, radiometric__camera='lepton', radiometric__scale=0.04)
    rig.logged('radiometric camera lepton has a scale and an offset of its own')
    rig.close()
