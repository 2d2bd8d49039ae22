# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The page's server: what goes to a page, what a page may ask for, and who may see it."""

import asyncio
from pathlib import Path
import re
import time
from types import SimpleNamespace

import aiohttp
import cv2
from moving_blob import scene, truth
import numpy as np
import pytest
from viewer_page import Page

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.thermal_image import ThermalImage
from tir_tracker_ros.tracking.inits import InitRequest
from tir_tracker_ros.viewer import access, server
from tir_tracker_ros.viewer.board import Board
from tir_tracker_ros.viewer.commands import proposal
from tir_tracker_ros.viewer.pictures import Picture, Seen
from tir_tracker_ros.viewer.server import PAGE, Server
from tir_tracker_ros.viewer.settings import ServerSettings

BOX = [20, 30, 12, 12]


class Asked:
    """Notes what is asked for; refuses what `refuse` says."""

    def __init__(self):
        self.calls, self.refuse = [], ''

    def _note(self, *call):
        if self.refuse:
            raise ValueError(self.refuse)
        self.calls.append(call)
        return f'{call[0]} done'

    def init(self, request):
        return self._note('init', request)

    def cancel(self, id):
        return self._note('cancel', id)

    def reset(self):
        return self._note('reset')

    def pause(self, on):
        return self._note('pause', on)


class Stand:
    """A server with a board, and the pages that watch it."""

    def __init__(self, **settings):
        self.board, self.asked, self.log = Board('/tracker'), Asked(), []
        self.server = Server(
            self.board, self.asked, ServerSettings(**{'port': 0, **settings}), self.log.append
        )
        self.server.start()
        self.address = f'http://127.0.0.1:{self.server.port}/'
        self.pages = []

    def page(self, **more):
        page = Page(self.address, **more)
        self.pages.append(page)
        return page

    def show(self, number, *seen):
        image = scene(number)
        self.board.arrived()
        self.board.answered(seen, 0.02)
        self.board.show(Picture(number, image.stamp, lambda: image, seen))

    def logged(self, pattern, count=1):
        end = time.monotonic() + 10
        while len(found := [line for line in self.log if re.search(pattern, line)]) < count:
            assert time.monotonic() < end, self.log
            time.sleep(0.005)
        assert len(found) == count, self.log
        assert all('\n' not in line for line in self.log)

    def close(self):
        for page in self.pages:
            page.close()
        self.server.stop()


@pytest.fixture
def stand():
    stand = Stand()
    yield stand
    stand.close()


@pytest.fixture
def open_stand():
    """One that other machines can reach."""
    stand = Stand(host='0.0.0.0', token='correct horse')
    yield stand
    stand.close()


def request(stand, method='GET', path='', headers=None, **more):
    """Ask without following redirects; returns status, text and headers."""

    async def ask():
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            address = stand.address + path
            async with session.request(
                method, address, headers=headers, allow_redirects=False, **more
            ) as response:
                return response.status, await response.text(), response.headers

    return asyncio.run(ask())


# What a page gets -----------------------------------------------------------------------------


def test_an_image_comes_with_its_own_boxes_and_its_stamp_to_the_nanosecond(stand):
    page = stand.page()
    stand.show(3, Seen('7', truth(3), 0.91, 'person'))
    head, jpeg = page.until(lambda: page.images, 'the image')[0]
    assert head['stamp'] == str(scene(3).stamp)
    assert (head['width'], head['height']) == (96, 72)
    assert head['boxes'] == [['7', *truth(3)]]
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    assert shown.shape == (72, 96)
    assert np.abs(shown.astype(int) - scene(3).pixels).mean() < 12
    target = page.target('7')
    assert (target['state'], target['score'], target['class_id']) == ('tracking', 0.91, 'person')


def test_a_large_image_is_sent_smaller_and_its_boxes_stay_in_its_own_pixels(stand):
    page = stand.page()
    pixels = np.zeros((1600, 2560), np.uint8)
    box = Box(2000, 1500, 50, 40)
    stand.board.show(Picture(0, 1, lambda: ThermalImage(pixels, 1), (Seen('1', box, 0.9),)))
    head, jpeg = page.until(lambda: page.images, 'the image')[0]
    assert (head['width'], head['height'], head['boxes']) == (2560, 1600, [['1', *box]])
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED).shape == (800, 1280)


def test_an_image_does_not_wait_for_the_pause_between_news_without_one(stand):
    page = stand.page()
    for number in range(24):
        stand.show(number)
        time.sleep(0.05)
    page.until(lambda: page.images and page.images[-1][0]['number'] == 23, 'the last image')
    assert len(page.images) >= 20


def test_states_and_scores_go_to_every_page_also_to_one_that_comes_late(stand):
    first = stand.page()
    for number, score in enumerate([0.9, 0.8, None]):
        stand.show(number, Seen('1', truth(number), score))
    stand.board.state('1', 'lost', 'five scores below 0.65', warn=True)
    late = stand.page()
    for page in (first, late):
        page.until(lambda p=page: p.news and p.news[-1]['viewers'] == 2, 'both viewers')
        page.until(lambda p=page: len(p.scores) == 3, 'the scores')
        assert [score for _, _, score in page.scores] == [0.9, 0.8, None]
        assert page.notices == ['target 1 lost: five scores below 0.65']
        target = page.target('1')
        assert (target['state'], target['reason']) == ('lost', 'five scores below 0.65')
        assert target['color'] == '#ff3c3c'


def test_several_targets_have_colours_of_their_own_and_one_that_ends_goes(stand):
    stand.board.limits = {'max_targets': 2}
    page = stand.page()
    stand.show(0, Seen('a', truth(0), 0.9), Seen('b', Box(1, 2, 9, 9), 0.8))
    page.until(lambda: page.target('a') and page.target('b'), 'both')
    assert page.target('a')['color'] != page.target('b')['color']
    stand.board.state('a', 'idle', 'cancelled')
    page.until(lambda: not page.target('a'), 'the end of one')
    assert page.target('b')


def test_a_paused_target_is_still_listed(stand):
    page = stand.page()
    stand.show(0, Seen('1', truth(0), 0.9))
    stand.board.state('1', 'idle', 'paused')
    stand.board.pause(True)
    stand.show(1)
    page.until(lambda: page.news and page.news[-1]['paused'], 'the pause')
    page.until(lambda: page.target('1')['state'] == 'paused', 'the paused target')
    stand.board.state('', 'idle', 'reset; paused')
    page.until(lambda: not page.news[-1]['targets'], 'the end of all')


def test_rates_and_latency_are_measured(stand):
    page = stand.page()
    for number in range(20):
        stand.show(number)
    page.until(
        lambda: (
            page.news
            and page.news[-1]['rates'] == {'images': 10.0, 'answers': 10.0, 'latency_ms': 20.0}
        ),
        '20 images in two seconds',
    )


def test_an_image_that_cannot_be_decoded_is_told_once_and_the_next_one_is_shown(stand):
    def broken():
        raise ValueError("encoding 'odd' is not one of mono8")

    page = stand.page()
    for number in range(5):
        stand.board.show(Picture(number, number, broken))
    page.until(lambda: page.notices, 'the reason')
    stand.show(7)
    page.until(lambda: page.images, 'the next image')
    assert page.notices == ["image left out: encoding 'odd' is not one of mono8"]


@pytest.mark.parametrize('way', ['answering', 'reading'])
def test_a_page_that_stops_is_sent_no_more_and_the_other_one_gets_all(stand, way):
    slow, other = stand.page(), stand.page()
    slow.until(lambda: slow.news, 'news')
    setattr(slow, way, False)
    time.sleep(0.1)
    before = len(slow.images)
    for number in range(40):
        stand.show(number)
        other.until(lambda n=number: other.images[-1:] and other.images[-1][0]['number'] == n,
                    'each image')  # fmt: skip
    # It has got no more than the news that may go out without an answer.
    (connection,) = (one for one in stand.server._connections if len(one._sent) < 4)
    assert len(connection._sent) <= 2 and len(slow.images) - before <= 2
    setattr(slow, way, True)
    if way == 'answering':
        for _ in range(2):
            slow.send('{"do":"drawn"}')
    newest = slow.until(lambda: slow.images[-1:] and slow.images[-1][0]['number'] == 39, 'newest')
    assert newest and len(slow.images) - before <= 4


def test_a_page_that_is_no_longer_there_is_let_go_with_one_line(monkeypatch):
    monkeypatch.setattr(server, '_HEARTBEAT_SECONDS', 0.3)
    stand = Stand()
    page = stand.page()
    page.until(lambda: page.news, 'news')
    page.reading = False
    stand.logged('viewer 127.0.0.1: sent away: it no longer answers')
    assert stand.board.viewers == 0
    stand.close()


# What a page may ask for ----------------------------------------------------------------------


def test_a_box_is_sent_with_the_stamp_of_the_frozen_image(stand):
    page = stand.page()
    stand.show(4)
    image = page.freeze()
    for number in range(5, 30):
        stand.show(number)
    assert page.ask('init', box=BOX, id='x') == 'init done'
    page.ask('live')
    assert stand.asked.calls == [('init', InitRequest(Box(*BOX), int(image['stamp']), 'x'))]
    assert int(image['stamp']) == scene(4).stamp
    page.until(lambda: page.images[-1][0]['number'] == 29, 'live images again')


def test_while_an_image_is_frozen_only_news_without_images_come(stand):
    page = stand.page()
    stand.show(0)
    page.freeze()
    count = len(page.images)
    stand.show(1, Seen('1', truth(1), 0.9))
    page.until(lambda: page.target('1'), 'the news')
    assert len(page.images) == count


def test_an_init_without_a_frozen_image_is_refused_unless_it_is_for_the_newest_one(stand):
    page = stand.page()
    with pytest.raises(ValueError, match='no image is frozen'):
        page.ask('init', box=BOX)
    page.ask('init', box=BOX, newest=True)
    assert stand.asked.calls == [('init', InitRequest(Box(*BOX)))]


def test_an_image_from_long_ago_cannot_be_frozen(stand):
    page = stand.page()
    for number in range(10):
        stand.show(number)
        page.until(lambda n=number: page.images[-1:] and page.images[-1][0]['number'] == n, 'it')
    with pytest.raises(ValueError, match='gone already'):
        page.ask('freeze', image=[0])


def test_an_init_on_an_image_from_before_the_stamps_jumped_back_is_refused(stand):
    page = stand.page()
    stand.show(20)
    page.freeze()
    stand.show(2)
    with pytest.raises(ValueError, match='jumped back'):
        page.ask('init', box=BOX)


def test_an_image_without_a_stamp_can_be_named_while_it_is_the_newest(stand):
    page = stand.page()
    image = scene(0, stamp=0)
    stand.board.show(Picture(0, 0, lambda: image))
    page.freeze()
    page.ask('init', box=BOX)
    stand.board.show(Picture(1, 0, lambda: image))
    with pytest.raises(ValueError, match='without a stamp can be named while they are the newes'):
        page.ask('init', box=BOX)
    assert len(stand.asked.calls) == 1


def test_a_click_proposes_the_box_of_what_stands_out_on_the_frozen_image(stand):
    page = stand.page()
    stand.show(4)
    page.freeze()
    stand.show(30)
    assert Box(*page.ask('propose', at=[truth(4).cx, truth(4).cy, 0])).iou(truth(4)) > 0.7
    with pytest.raises(ValueError, match='nothing stands out there'):
        page.ask('propose', at=[80, 60, 0])
    with pytest.raises(ValueError, match='outside of the image'):
        page.ask('propose', at=[800, 60, 0])


@pytest.mark.parametrize('contrast', [-0.3, 0.3])
def test_a_finger_beside_a_small_object_is_enough(contrast):
    image = np.full((120, 160), 0.5, np.float32)
    image += np.random.default_rng(0).normal(0, 0.005, image.shape).astype(np.float32)
    image[60:66, 80:86] += contrast
    with pytest.raises(ValueError):
        proposal(image, 90, 63, 0)
    assert proposal(image, 90, 63, 12).iou(Box(80, 60, 6, 6)) > 0.6
    with pytest.raises(ValueError):
        proposal(image, 120, 63, 12)


def test_the_other_commands_arrive_and_a_refusal_comes_back_with_its_reason(stand):
    page = stand.page()
    assert page.ask('cancel', id='3') == 'cancel done'
    assert page.ask('reset') == 'reset done'
    assert page.ask('pause', on=True) == 'pause done'
    page.ask('pause', on=False)
    assert stand.asked.calls == [('cancel', '3'), ('reset',), ('pause', True), ('pause', False)]
    stand.asked.refuse = 'there is no /tracker/reset'
    with pytest.raises(ValueError, match='there is no /tracker/reset'):
        page.ask('reset')


@pytest.mark.parametrize(
    ('sent', 'why'),
    [
        ('hello', 'it is not JSON'),
        ('[' * 3000, 'it is not JSON'),
        ('[1]', "no object with 'do'"),
        ('{"do":1}', "no object with 'do'"),
        ('{"do":"format the disk"}', "there is no 'format the disk'"),
        ('{"do":"init","box":[1,2,3]}', "'box' is not a list of 4 numbers"),
        ('{"do":"init","box":[1,2,3,NaN]}', "'box' holds something else than numbers"),
        ('{"do":"init","box":[1,2,3,true]}', "'box' holds something else than numbers"),
        ('{"do":"init","box":[1,2,3,4],"newest":true,"id":7}', "'id' is not a text"),
        ('{"do":"cancel"}', "'id' is missing"),
        ('{"do":"freeze"}', "'image' is not a list of 1 numbers"),
        (b'{}', 'not text'),
    ],
)
def test_what_no_page_sends_closes_the_page_with_one_line(stand, sent, why):
    page, other = stand.page(), stand.page()
    page.send(sent)
    page.until(lambda: page.closed, 'the end')
    assert page.closed[0] == 1008 and why in page.closed[1]
    stand.logged(f'viewer 127.0.0.1: sent away: .*{why}')
    assert other.ask('reset') and not stand.asked.calls[1:]


def test_a_request_that_is_too_large_closes_the_page_with_one_line(stand):
    page = stand.page()
    page.send('x' * 10_000)
    page.until(lambda: page.closed, 'the end')
    assert page.closed[0] == 1009
    stand.logged('sent away: a request of more than 4096 bytes')
    assert request(stand, 'POST', data={'token': 'x' * 10_000})[0] == 413
    stand.logged('refused: a request of more than 4096 bytes')


def test_a_page_that_asks_too_often_is_sent_away_with_one_line(stand, monkeypatch):
    monkeypatch.setattr(access, 'time', SimpleNamespace(monotonic=lambda: 0.0))
    page = stand.page()

    async def flood():
        for _ in range(250):
            await page._socket.send_str('{"do":"drawn"}')

    asyncio.run_coroutine_threadsafe(flood(), page._loop).result(20)
    page.until(lambda: page.closed, 'the end')
    assert page.closed == (1008, 'more than 120 requests a second')
    stand.logged('sent away: more than 120 requests a second')


def test_requests_that_come_too_often_are_refused(stand, monkeypatch):
    monkeypatch.setattr(access, 'time', SimpleNamespace(monotonic=lambda: 0.0))

    async def flood():
        async with aiohttp.ClientSession() as session:
            found = []
            for _ in range(125):
                async with session.get(stand.address + 'viewer.css') as response:
                    found.append((response.status, await response.text()))
            return found

    answers = asyncio.run(flood())
    assert {status for status, _ in answers[:120]} == {200}
    assert set(answers[120:]) == {(429, 'too many requests: wait a moment\n')}


def test_more_viewers_than_there_is_room_for_are_told(stand):
    for _ in range(16):
        stand.page()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        stand.page()
    assert refused.value.status == 503
    stand.logged('16 viewers watch already')


# Who may see it -------------------------------------------------------------------------------


def test_on_this_machine_no_token_is_needed_and_the_page_asks_for_nothing_from_outside(stand):
    assert stand.server.address == stand.address
    status, html, headers = request(stand)
    assert status == 200 and '<canvas id="image"' in html
    assert "default-src 'none'" in headers['Content-Security-Policy']
    for path in PAGE.iterdir():
        text = path.read_text()
        assert not re.search(r'(https?|wss?)://(?!\$)', text), path
        if path.suffix in ('.js', '.css'):
            assert request(stand, path=path.name)[1] == text
    assert request(stand, path='../server.py')[0] == 404


@pytest.mark.parametrize(
    ('headers', 'why'),
    [
        ({'Host': 'evil.example'}, "to 'evil.example', which is no name of this machine's own"),
        ({'Origin': 'http://evil.example'}, "from a page of 'http://evil.example'"),
        ({'Origin': 'http://127.0.0.1:1'}, "from a page of 'http://127.0.0.1:1'"),
        ({'Origin': 'null'}, "from a page of 'null'"),
        ({'Origin': 'http://['}, 'from a page of'),
    ],
)
def test_pages_from_elsewhere_in_the_same_browser_are_kept_out(stand, headers, why):
    for path in ('', 'socket'):
        status, text, _ = request(stand, path=path, headers=headers)
        assert status == 403 and why in text
    stand.logged('refused: a request ', count=2)


def test_through_a_tunnel_the_page_has_another_port(stand):
    headers = {'Host': 'localhost:9000', 'Origin': 'http://localhost:9000'}
    assert request(stand, headers=headers)[0] == 200


def test_on_other_addresses_the_token_is_asked_for(open_stand):
    status, html, _ = request(open_stand)
    assert status == 401 and 'name="token"' in html and 'canvas' not in html
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        open_stand.page()
    assert refused.value.status == 403
    open_stand.logged('wrong token')


@pytest.mark.parametrize('how', ['address', 'form'])
def test_the_right_token_opens_the_page_and_leaves_the_address(open_stand, how):
    if how == 'address':
        status, _, headers = request(open_stand, path='?token=correct+horse')
    else:
        status, _, headers = request(open_stand, 'POST', data={'token': 'correct horse'})
    assert (status, headers['Location']) == (303, '/')
    name, value = headers['Set-Cookie'].partition(';')[0].split('=', 1)
    assert 'HttpOnly' in headers['Set-Cookie']
    value = value.strip('"')
    assert 'canvas' in request(open_stand, headers={'Cookie': f'{name}="{value}"'})[1]
    page = open_stand.page(cookies={name: value})
    open_stand.show(0)
    page.until(lambda: page.images, 'an image')
    assert not open_stand.log


def test_a_wrong_token_is_told_in_one_line_and_guessing_gets_slow(open_stand):
    for _ in range(5):
        status, html, _ = request(open_stand, path='?token=wrong')
        assert status == 403 and 'wrong token' in html
    open_stand.logged('viewer 127.0.0.1: wrong token', count=5)
    status, html, _ = request(open_stand, path='?token=wrong')
    assert status == 429 and 'too many wrong tokens' in html
    # Who knows it is let in all the same.
    assert request(open_stand, path='?token=correct+horse')[0] == 303


def test_a_token_is_made_where_none_is_given_and_told_with_the_address():
    stand, other = Stand(host='0.0.0.0'), Stand(host='0.0.0.0')
    made = re.fullmatch(r'http://\S+:\d+/\?token=([\w-]{16})', stand.server.address)
    assert made and made[1] not in other.server.address
    assert request(stand, path=f'?token={made[1]}')[0] == 303
    stand.close()
    other.close()


def test_a_token_that_is_given_is_not_told_and_a_short_one_is_refused(open_stand):
    assert 'token' not in open_stand.server.address
    with pytest.raises(ValueError, match='the token has 3 characters, which is not 8 or more'):
        Stand(token='abc')


def test_a_port_in_use_and_an_address_of_another_machine_are_told_in_one_line(stand):
    port = stand.server.port
    second = Server(Board('x'), Asked(), ServerSettings(port=port))
    with pytest.raises(OSError, match=f'cannot listen on 127.0.0.1, port {port}: .* in use'):
        second.start()
    second = Server(Board('x'), Asked(), ServerSettings(host='192.0.2.1'))
    with pytest.raises(OSError, match=r'192.0.2.1, port 8080: this is no address of this mach'):
        second.start()


def test_when_the_viewer_ends_its_pages_are_told():
    stand = Stand()
    page = stand.page()
    page.until(lambda: page.news, 'news')
    stand.server.stop()
    page.until(lambda: page.closed, 'the end')
    assert page.closed == (1001, 'the viewer has ended')
    page.close()


def test_every_file_of_the_page_is_of_this_package():
    assert {path.name for path in Path(PAGE).iterdir()} == {
        'index.html', 'token.html', 'viewer.css', 'viewer.js', 'image.js', 'chart.js',
    }  # fmt: skip
