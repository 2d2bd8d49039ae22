# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Who may see the page, and how often anybody may ask."""

from __future__ import annotations

from collections import OrderedDict
import hmac
import ipaddress
import secrets
import time
from urllib.parse import urlsplit

_ADDRESSES = 256
"""Addresses whose requests are counted; of more, the oldest is forgotten."""
_SHORTEST_TOKEN = 8


class Bucket:
    """Lets `burst` events pass at once, and `rate` a second from then on."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, time.monotonic()

    def take(self) -> bool:
        """Return whether one more may pass now."""
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * self._rate, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Buckets:
    """A bucket for each address."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str) -> bool:
        """Return whether one more from an address may pass now."""
        bucket = self._of.pop(address, None) or Bucket(self._rate, self._burst)
        self._of[address] = bucket
        if len(self._of) > _ADDRESSES:
            self._of.popitem(last=False)
        return bucket.take()


class Access:
    """
    Decides by the token and by the headers of a request.

    On an address of this machine alone no token is needed. There, a page from elsewhere that runs
    in the same browser is kept out by the name that it calls this machine (`Host`), which has to
    be a local one; everywhere by its own address (`Origin`), which has to be that of the viewer.
    """

    def __init__(self, host: str, token: str = '') -> None:
        self.made = not token and not is_local(host)
        """Whether the token was made here, and so has to be told."""
        if token and len(token) < _SHORTEST_TOKEN:
            raise ValueError(
                f'the token has {len(token)} characters, which is not {_SHORTEST_TOKEN} or more'
            )
        self.token = secrets.token_urlsafe(12) if self.made else token

    def fits(self, token: str) -> bool:
        """Return whether a token is the right one, or none is needed."""
        given, wanted = token.encode(errors='replace'), self.token.encode(errors='replace')
        return hmac.compare_digest(given, wanted) if wanted else True

    def foreign(self, host: str, origin: str | None) -> str:
        """Say what in the headers `Host` and `Origin` is not of this viewer; empty if nothing."""
        if not self.token and not is_local(_hostname(f'//{host}')):
            return f"a request to '{host[:100]}', which is no name of this machine's own"
        if origin is not None and urlsplit_or_empty(origin).netloc.lower() != host.lower():
            return f"a request from a page of '{origin[:100]}'"
        return ''


def is_local(host: str) -> bool:
    """Return whether an address or name can be reached from this machine only."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def urlsplit_or_empty(address: str):
    """Take an address apart; one that is none has no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit('')


def _hostname(address: str) -> str:
    return urlsplit_or_empty(address).hostname or ''
