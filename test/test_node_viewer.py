# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node with the page, a real tracker node beside it: both in processes, over DDS."""

import re

from moving_blob import second, truth, two
from node_rig import box_of, Observer, PYTHONPATH, Rig, stamp_of
import numpy as np
import pytest
from viewer_page import Page

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.nodes.harness.process import node_command, Process


def viewing(domain, **parameters):
    """Start the node on a free port."""
    environment = {'ROS_DOMAIN_ID': str(domain), 'PYTHONPATH': PYTHONPATH}
    command = node_command('viewer', {'port': 0, **parameters})
    return Process('viewer', command, environment=environment)


def address_of(observer, process):
    """Wait until the page is there, and return where."""
    line = r'the page is at (http://\S+)'
    return observer.until(lambda: re.search(line, process.log), 'the address')[1]


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


@pytest.fixture(scope='module')
def watched():
    watched = Watched()
    yield watched
    watched.close()


def begin(watched):
    """Forget all targets."""
    watched.page.ask('reset')
    watched.rig.state('idle')
    watched.until(lambda: not watched.page.news[-1]['targets'], 'no target')
    watched.page.notices.clear()
    watched.rig.detections.clear()


def test_a_box_drawn_on_a_frozen_image_starts_on_that_very_image(watched):
    begin(watched)
    number = watched.frozen()
    for _ in range(5):
        watched.send()
    assert watched.follow(truth(place(number)), id='mine') == 'the box is sent'
    first = watched.rig.until(lambda: watched.rig.detections, 'the answers')[0]
    assert (first.id, stamp_of(first)) == ('mine', watched.rig.at(number))
    assert list(box_of(first)) == list(truth(place(number)))
    watched.until(lambda: watched.page.target('mine'), 'the target on the page')
    newest = watched.page.images[-1][0]
    assert newest['boxes'][0][0] == 'mine'
    followed = watched.rig.answered(int(newest['stamp']))
    assert np.allclose(newest['boxes'][0][1:], list(box_of(followed)), atol=0.01)


def test_each_image_is_shown_with_the_boxes_found_in_it(watched):
    begin(watched)
    watched.frozen()
    watched.follow(truth(place(watched.number)), id='a')
    watched.until(lambda: watched.page.target('a'), 'the target')
    watched.page.images.clear()
    watched.until(lambda: len(watched.page.images) > 8, 'some images')
    found = {stamp_of(one): one for one in watched.rig.detections}
    for image, _ in watched.page.images:
        (box,) = image['boxes']
        assert np.allclose(box[1:], list(box_of(found[int(image['stamp'])])), atol=0.01)


def test_two_targets_are_followed_and_one_is_cancelled(watched):
    begin(watched)
    watched.follow(truth(place(watched.frozen())), id='a')
    watched.follow(second(place(watched.frozen())), id='b')
    watched.until(lambda: watched.page.target('a') and watched.page.target('b'), 'both')
    colors = {watched.page.target(id)['color'] for id in 'ab'}
    assert len(colors) == 2
    assert watched.page.ask('cancel', id='a') == 'cancel of target a is sent'
    watched.until(lambda: not watched.page.target('a'), 'the end of one')
    assert watched.page.target('b')['state'] == 'tracking'
    assert any('target a idle: cancelled' in line for line in watched.page.notices)


def test_a_click_proposes_a_box_that_is_followed(watched):
    begin(watched)
    blob = truth(place(watched.frozen()))
    box = watched.page.ask('propose', at=[blob.cx, blob.cy, 3])
    assert Box(*box).iou(blob) > 0.6
    watched.follow(box, id='clicked')
    watched.until(lambda: watched.page.target('clicked'), 'the target')


def test_a_target_that_is_lost_is_shown_as_such_and_then_reset(watched):
    begin(watched)
    watched.frozen()
    watched.follow(truth(place(watched.number)), id='a')
    watched.until(lambda: watched.page.target('a'), 'the target')
    watched.until(
        lambda: (watched.page.target('a') or {}).get('state') == 'lost', 'the loss', empty=True
    )
    assert watched.page.target('a')['score'] is None
    watched.rig.until(lambda: any(score is None for *_, score in watched.page.scores), 'the gap')
    assert watched.page.ask('reset') == 'the target is forgotten'
    watched.until(lambda: not watched.page.news[-1]['targets'], 'the end')


def test_the_tracker_is_paused_and_resumed_and_its_images_are_shown_meanwhile(watched):
    begin(watched)
    watched.frozen()
    watched.follow(truth(place(watched.number)), id='a')
    watched.until(lambda: watched.page.target('a'), 'the target')
    assert watched.page.ask('pause', on=True) == 'paused'
    watched.until(lambda: watched.page.news[-1]['paused'], 'the pause')
    watched.shows(watched.send())
    assert watched.page.images[-1][0]['boxes'] == []
    assert watched.page.target('a')['state'] == 'paused'
    assert watched.page.ask('pause', on=False) == 'resumed'
    watched.until(lambda: watched.page.target('a')['state'] == 'tracking', 'it is followed again')
    assert not watched.page.news[-1]['paused']


def test_a_refused_box_is_told_with_the_reason(watched):
    begin(watched)
    watched.frozen()
    watched.follow([500, 400, 20, 20])
    watched.rig.until(
        lambda: any('refused: it lies outside of' in line for line in watched.page.notices),
        'the reason',
    )


def test_the_page_knows_how_long_an_image_can_be_named(watched):
    watched.until(lambda: watched.page.news[-1]['limits'], 'the parameters')
    assert watched.page.news[-1]['limits'] == {'buffer_size': 30, 'max_targets': 2}


def test_two_viewers_see_the_same_and_without_any_no_image_is_read(watched):
    begin(watched)
    other = Page(watched.address)
    watched.frozen()
    watched.follow(truth(place(watched.number)), id='a')
    watched.until(lambda: other.news and other.target('a'), 'the target on the other page')
    assert other.news[-1]['viewers'] == 2
    for page in (other, watched.page):
        page.close()
    rig = watched.rig
    rig.until(lambda: rig.camera.get_subscription_count() == 1, 'one reader less')
    watched.page = Page(watched.address)
    rig.until(lambda: rig.camera.get_subscription_count() == 2, 'it reads again')
    watched.until(lambda: watched.page.target('a'), 'the target on the new page')


@pytest.fixture
def observer():
    observer = Observer()
    yield observer
    observer.end()


def test_a_port_in_use_ends_it_with_one_line(watched):
    port = int(watched.address.rstrip('/').rpartition(':')[2])
    other = viewing(watched.rig.domain, port=port)
    assert other.wait() == 1
    (line,) = (each for each in other.log.splitlines() if each.strip())
    assert f'cannot listen on 127.0.0.1, port {port}: the port is in use' in line


def test_alone_and_on_another_address_it_prints_a_token_once_and_says_what_is_missing(observer):
    with viewing(observer.context.get_domain_id(), host='0.0.0.0') as viewer:
        observer.log = lambda: viewer.log
        address, _, token = address_of(observer, viewer).partition('?token=')
        assert len(token) == 16 and viewer.log.count(token) == 1
        port = address.rstrip('/').rpartition(':')[2]
        page = Page(f'http://127.0.0.1:{port}/', {f'tir_tracker_viewer_{port}': token})
        with pytest.raises(ValueError, match='nobody listens on /tracker/init: is the tracker'):
            page.ask('init', box=[1, 2, 30, 40], newest=True)
        with pytest.raises(ValueError, match='there is no /tracker/reset: is the tracker /tr'):
            page.ask('reset')
        observer.until(
            lambda: any('no image on /image' in line for line in page.notices), 'the silence'
        )
        page.close()
        assert viewer.stop() == 0
    assert 'Traceback' not in viewer.log
