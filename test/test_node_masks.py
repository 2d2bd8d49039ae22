# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Masks and turned boxes over DDS, and in the record."""

import csv

from moving_blob import HEIGHT, second, SIDE, truth, two, WIDTH
from node_rig import BEST_EFFORT, box_of, Rig, stamp_of
import numpy as np
from sensor_msgs.msg import Image


def pixels_of(picture):
    """Return the pixels of a mask of the node's own image size."""
    assert (picture.encoding, picture.height, picture.width) == ('mono8', HEIGHT, WIDTH)
    assert picture.header.frame_id == 'thermal_optical'
    return np.frombuffer(bytes(picture.data), np.uint8).reshape(HEIGHT, WIDTH)


def mask_of(rig, masks, number, pixels=None):
    """Send images from `number` on, until one has its mask; returns its number and the mask."""
    while True:
        rig.send(number, pixels=two(number).pixels if pixels is None else pixels)
        rig.answered(rig.at(number))
        rig.spin(0.05)
        if masks and stamp_of(masks[-1]) == rig.at(number):
            return number, pixels_of(masks[-1])
        number += 1
        assert number < 100


def filled(box, value):
    """Return the mask of a box."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[int(box.y) : int(box.y) + SIDE, int(box.x) : int(box.x) + SIDE] = value
    return mask


def test_masks_come_while_somebody_listens_and_turned_boxes_always(tmp_path):
    record = tmp_path / 'record.csv'
    rig = Rig(model='masked', rotated_box=True, record_path=str(record), lost_after=1)
    rig.start(0)
    for number in (1, 2):
        rig.send(number)
        found = rig.answered(rig.at(number))
        assert (box_of(found), found.bbox.center.theta) == (truth(number), 0.5)
    assert 'mask' not in rig.process.log, 'nobody listens'
    masks: list[Image] = []
    rig.listen(Image, '/tracker/mask', masks, BEST_EFFORT)
    number, mask = mask_of(rig, masks, 3)
    assert (mask == filled(truth(number), 255)).all()
    # While the target is lost, the mask is empty.
    blank = np.full((HEIGHT, WIDTH), 7, np.uint8)
    _, mask = mask_of(rig, masks, number + 1, blank)
    assert not mask.any()
    rig.close()
    with record.open() as file:
        thetas = [float(row['theta']) for row in csv.DictReader(file) if row['x']]
    assert thetas[:3] == [0.0, 0.5, 0.5], 'the init itself was not turned'


def test_masks_of_several_targets_have_their_places_in_the_array():
    rig = Rig(model='masked', max_targets=2)
    rig.fresh()
    for id, box in (('a', truth(0)), ('b', second(0))):
        rig.init(box, rig.at(0), id=id)
    rig.spin(0.1)
    masks: list[Image] = []
    rig.listen(Image, '/tracker/mask', masks, BEST_EFFORT)
    number, mask = mask_of(rig, masks, 0)
    assert (mask == filled(truth(number), 1) + filled(second(number), 2)).all()
    assert rig.answered(rig.at(number)).bbox.center.theta == 0.0
    rig.close()


def test_a_model_without_masks_sends_none():
    rig = Rig()
    rig.start(0)
    masks: list[Image] = []
    rig.listen(Image, '/tracker/mask', masks, BEST_EFFORT)
    for number in range(1, 6):
        rig.send(number)
        rig.answered(rig.at(number))
        rig.spin(0.05)
    assert not masks
    rig.close()
