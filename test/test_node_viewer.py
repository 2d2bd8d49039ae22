# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node with the page, a real tracker node beside it: both in processes, over DDS."""

from moving_blob import second, truth
from node_rig import box_of, Observer, stamp_of
import numpy as np
import pytest
from viewer_page import Page
from viewer_rig import address_of, PATIENCE, place, viewing, Watched

from tir_tracker_ros.geometry import Box


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
    watched.until(
        lambda: (watched.page.target('a') or {}).get('state') == 'tracking', 'it is followed again'
    )
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
    watched.rig.until(lambda: not other.running, 'its end', PATIENCE)
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
