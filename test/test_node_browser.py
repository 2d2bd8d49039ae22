# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The page in a real browser: mouse and fingers, real nodes behind it, over DDS.

Needs chromium (`apt install chromium`) and playwright (`pip install '.[browser]'`).
"""

from __future__ import annotations

import shutil
import threading
import time

from moving_blob import HEIGHT, second, truth, two, WIDTH
from node_rig import box_of
import numpy as np
from playwright.sync_api import expect, sync_playwright
import pytest
from test_viewer import Stand
from viewer_page import Page
from viewer_rig import Watched

from tir_tracker_ros.geometry import Box

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
TIMEOUT = 60_000
BLOBS = truth(0), second(0)

expect.set_options(timeout=TIMEOUT)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason='no chromium: apt install chromium'),
]


class Camera(threading.Thread):
    """Sends the same two blobs, on a ground that is new each time, or the ground alone."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.rig, self.empty, self.over = rig, False, False

    def run(self):
        number = 10_000  # behind what the set-up has sent
        while not self.over:
            number += 1
            pixels = np.random.default_rng(number).integers(0, 60, (HEIGHT, WIDTH), np.uint8)
            for box in () if self.empty else BLOBS:
                rows = slice(int(box.y), int(box.y + box.h))
                columns = slice(int(box.x), int(box.x + box.w))
                pixels[rows, columns] = two(0).pixels[rows, columns]
            self.rig.send(number, pixels=pixels)
            time.sleep(0.05)

    def close(self):
        self.over = True
        self.join()


@pytest.fixture(scope='module')
def watched():
    watched = Watched()
    watched.camera = Camera(watched.rig)
    watched.camera.start()
    yield watched
    watched.camera.close()
    watched.close()


@pytest.fixture(scope='module')
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox', '--disable-dev-shm-usage']
        )
        yield browser
        browser.close()


class Seen:
    """A page in the browser, with what it asks for and complains of."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(TIMEOUT)
        self.page = self.context.new_page()
        self.asked, self.complaints = [], []
        self.page.on('request', lambda request: self.asked.append(request.url))
        self.page.on('pageerror', lambda error: self.complaints.append(str(error)))
        self.page.on(
            'console',
            lambda line: line.type == 'error' and self.complaints.append(line.text),
        )
        self.page.goto(address)

    def rows(self):
        return self.page.locator('#targets li')

    def on_screen(self, x, y):
        """Return where a place of the image is on the screen."""
        area = self.page.locator('#image').bounding_box()
        scale = min(area['width'] / WIDTH, area['height'] / HEIGHT)
        left = area['x'] + (area['width'] - WIDTH * scale) / 2
        top = area['y'] + (area['height'] - HEIGHT * scale) / 2
        return left + x * scale, top + y * scale

    def drag(self, start, end):
        mouse = self.page.mouse
        mouse.move(*self.on_screen(*start))
        mouse.down()
        mouse.move(*self.on_screen(*end), steps=5)
        mouse.up()

    def draw(self, box):
        self.drag((box.x, box.y), (box.x + box.w, box.y + box.h))

    def follow(self):
        self.page.click('#follow')
        expect(self.page.locator('#stage')).not_to_have_class('frozen')

    def close(self):
        self.context.close()
        assert not self.complaints


@pytest.fixture
def seen(browser, watched):
    watched.camera.empty = False
    watched.page.ask('reset')
    watched.rig.state('idle')
    seen = Seen(browser, watched.address)
    expect(seen.page.locator('#images')).to_contain_text('Hz')
    expect(seen.page.locator('#none')).to_be_visible()
    seen.page.wait_for_timeout(300)
    yield seen
    seen.close()


def first_box(watched, seen):
    """Return the box of the first answer about the only target, which is that of its init."""
    expect(seen.rows()).to_have_count(1)
    id = seen.rows().get_attribute('data-id')
    answers = watched.rig.detections
    return box_of(watched.rig.until(lambda: [one for one in answers if one.id == id], 'it')[0])


def test_a_box_is_drawn_followed_lost_and_reset(seen, watched):
    blob = BLOBS[0]
    seen.draw(blob)
    expect(seen.page.locator('#follow')).to_be_visible()
    seen.follow()
    badge = seen.rows().locator('.badge')
    expect(badge).to_have_text('tracking')
    assert first_box(watched, seen).iou(blob) > 0.9
    watched.camera.empty = True
    expect(badge).to_have_text('lost')
    seen.page.click('#reset')
    expect(seen.rows()).to_have_count(0)


def test_a_click_proposes_a_box_that_is_corrected_before_it_is_sent(seen, watched):
    blob = BLOBS[0]
    seen.page.mouse.click(*seen.on_screen(blob.cx, blob.cy))
    expect(seen.page.locator('#follow')).to_be_visible()
    expect(seen.rows()).to_have_count(0)
    # The lower right corner is pulled further out.
    seen.drag((blob.x + blob.w, blob.y + blob.h), (blob.x + blob.w + 4, blob.y + blob.h + 6))
    seen.follow()
    sent = first_box(watched, seen)
    wanted = Box(blob.x, blob.y, blob.w + 4, blob.h + 6)
    assert sent.iou(wanted) > 0.85 and sent.iou(wanted) > sent.iou(blob)


def test_escape_discards_a_box_and_enter_sends_one(seen, watched):
    seen.draw(BLOBS[0])
    seen.page.keyboard.press('Escape')
    expect(seen.page.locator('#actions')).to_be_hidden()
    seen.draw(BLOBS[1])
    seen.page.keyboard.press('Enter')
    expect(seen.rows()).to_have_count(1)
    assert first_box(watched, seen).iou(BLOBS[1]) > 0.9


def test_two_targets_are_seen_by_two_viewers_and_one_is_cancelled(seen, browser, watched):
    other = Seen(browser, watched.address)
    for count, blob in enumerate(BLOBS, 1):
        seen.draw(blob)
        seen.follow()
        expect(seen.rows()).to_have_count(count)
        expect(other.rows()).to_have_count(count)
    colors = seen.rows().locator('.swatch').evaluate_all('all => all.map(e => e.style.background)')
    assert len(set(colors)) == 2
    other.rows().first.locator('.cancel').click()
    for page in (seen, other):
        expect(page.rows()).to_have_count(1)
        expect(page.page.locator('#log')).to_contain_text('cancelled')
    other.close()


def test_a_target_is_drawn_again_and_the_tracker_is_paused(seen, watched):
    seen.draw(BLOBS[0])
    seen.follow()
    expect(seen.rows()).to_have_count(1)
    id = seen.rows().get_attribute('data-id')
    seen.rows().locator('.again').click()
    expect(seen.page.locator('#hint')).to_contain_text(f'New box for target {id}')
    watched.rig.detections.clear()
    seen.draw(BLOBS[1])
    seen.follow()
    watched.rig.until(
        lambda: any(box_of(one).iou(BLOBS[1]) > 0.9 for one in watched.rig.detections), 'it'
    )
    expect(seen.rows()).to_have_count(1)
    assert seen.rows().get_attribute('data-id') == id
    seen.page.click('#pause')
    expect(seen.rows().locator('.badge')).to_have_text('paused')
    expect(seen.page.locator('#pause')).to_have_text('Resume')
    seen.page.click('#pause')
    expect(seen.rows().locator('.badge')).to_have_text('tracking')


def test_on_a_phone_a_tap_is_enough_and_fingers_zoom(browser, watched, seen):
    phone = Seen(
        browser,
        watched.address,
        viewport={'width': 390, 'height': 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    expect(phone.page.locator('#images')).to_contain_text('Hz')
    phone.page.wait_for_timeout(500)
    wide = phone.page.evaluate('document.documentElement.scrollWidth')
    assert wide <= 390
    blob = BLOBS[0]
    phone.page.touchscreen.tap(*phone.on_screen(blob.cx, blob.cy))
    expect(phone.page.locator('#follow')).to_be_visible()
    phone.page.locator('#follow').tap()
    expect(phone.rows()).to_have_count(1)
    assert first_box(watched, phone).iou(blob) > 0.6
    devtools = phone.context.new_cdp_session(phone.page)
    x, y = phone.on_screen(blob.cx, blob.cy)
    for kind, spread in (('touchStart', 20), ('touchMove', 50), ('touchMove', 80)):
        points = [{'x': x - spread, 'y': y, 'id': 0}, {'x': x + spread, 'y': y, 'id': 1}]
        devtools.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': points})
    devtools.send('Input.dispatchTouchEvent', {'type': 'touchEnd', 'touchPoints': []})
    expect(phone.page.locator('#fit')).to_be_visible()
    phone.page.locator('#fit').tap()
    expect(phone.page.locator('#fit')).to_be_hidden()
    phone.close()


def test_nothing_is_asked_for_from_elsewhere(seen, watched):
    assert len(seen.asked) >= 5
    assert all(url.startswith((watched.address, 'data:')) for url in seen.asked)


def test_the_token_is_asked_for(browser):
    stand = Stand(host='0.0.0.0', token='correct horse')
    seen = Seen(browser, stand.address)
    seen.complaints.clear()  # the status 401 is one
    seen.page.fill('#token', 'battery staple')
    seen.page.click('button')
    expect(seen.page.locator('#problem')).to_have_text('wrong token')
    seen.complaints.clear()
    seen.page.fill('#token', 'correct horse')
    seen.page.click('button')
    expect(seen.page.locator('#link')).to_have_text('connected')
    seen.close()
    stand.close()


def test_a_viewer_that_starts_again_is_found_again(browser):
    stand = Stand()
    seen = Seen(browser, stand.address)
    expect(seen.page.locator('#link')).to_have_text('connected')
    port = stand.server.port
    stand.close()
    expect(seen.page.locator('#link')).not_to_have_text('connected')
    stand = Stand(port=port)
    expect(seen.page.locator('#link')).to_have_text('connected')
    Page(stand.address).close()
    seen.complaints.clear()  # of the connections that were refused meanwhile
    seen.close()
    stand.close()
