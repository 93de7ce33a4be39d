"""HTTP to servers of this machine: httpx with one set of trusted authorities for the whole process.

httpx reads all authorities for each client otherwise, also for an address without TLS. That takes 15 ms of CPU, and
whoever waits for a server asks many times a second.
"""

import ssl
from functools import cache
from typing import Any

import httpx


@cache
def _authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def get(address: str, **options: Any) -> httpx.Response:
    """As ``httpx.get``."""
    return httpx.get(address, verify=_authorities(), **options)


def post(address: str, **options: Any) -> httpx.Response:
    """As ``httpx.post``."""
    return httpx.post(address, verify=_authorities(), **options)


def client(**options: Any) -> httpx.Client:
    """As ``httpx.Client``."""
    return httpx.Client(verify=_authorities(), **options)
