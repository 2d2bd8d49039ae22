# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A tracker node, a viewer node and a page, and a camera that shows two blobs."""

from __future__ import annotations

import re

from moving_blob import two
from node_rig import PYTHONPATH, Rig
import numpy as np
from viewer_page import Page

from tir_tracker_ros.nodes.harness.process import node_command, Process

PATIENCE = 60.0
"""The imports of the node may take long on a loaded machine."""


def viewing(domain, **parameters):
    """Start the node on a free port."""
    environment = {'ROS_DOMAIN_ID': str(domain), 'PYTHONPATH': PYTHONPATH}
    command = node_command('viewer', {'port': 0, **parameters})
    return Process('viewer', command, environment=environment)


def address_of(observer, process):
    """Wait until the page is there, and return where."""
    line = r'the page is at (http://\S+)'
    return observer.until(lambda: re.search(line, process.log), 'the address', PATIENCE)[1]


def place(number):
    """Return which image of the scene is sent, so that both blobs go to and fro."""
    return abs(number % 40 - 20)


class Watched:
    """A rig with a viewer and a page."""

    def __init__(self):
        self.rig = Rig(max_targets=2)
        self.viewer = viewing(self.rig.domain)
        self.rig.log = lambda: self.rig.process.log + self.viewer.log
        self.address = address_of(self.rig, self.viewer)
        self.number = 0
        self.page = Page(self.address)
        # The viewer listens to the images now that a page is open.
        self.rig.until(lambda: self.rig.camera.get_subscription_count() == 2, 'both readers')
        # The first answer tells that it hears the tracker, too.
        self.until(lambda: self.page.news[-1]['rates']['answers'] > 0, 'an answer')

    def send(self, empty=False):
        """Send the next image, and return its number."""
        self.number += 1
        pixels = two(place(self.number)).pixels
        if empty:
            pixels = np.random.default_rng(self.number).integers(0, 60, pixels.shape, np.uint8)
        self.rig.send(self.number, pixels=pixels)
        return self.number

    def until(self, condition, what, empty=False):
        """Send images until a condition holds, and return its value."""

        def held():
            if not (value := condition()):
                self.send(empty)
                self.rig.spin(0.05)
            return value

        return self.rig.until(held, what)

    def frozen(self):
        """Freeze the newest image, and return its number."""
        self.shows(self.send())
        self.page.freeze()
        return self.number

    def shows(self, number):
        """Wait until the page shows an image."""
        wanted = str(self.rig.at(number))
        self.rig.until(
            lambda: self.page.images and self.page.images[-1][0]['stamp'] == wanted, 'the image'
        )

    def follow(self, box, **more):
        """Send a box, and let the page be live again."""
        answer = self.page.ask('init', box=list(box), **more)
        self.page.ask('live')
        return answer

    def close(self):
        """End everything, and check that it ends well."""
        self.page.close()
        assert self.viewer.stop() == 0, self.viewer.log
        assert 'Traceback' not in self.viewer.log
        self.rig.close()
