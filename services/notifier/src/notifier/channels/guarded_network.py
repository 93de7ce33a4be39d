"""TCP connections to addresses that others chose: none into the trunk itself, and never more bytes than agreed.

The check is made on the address that is then connected to, so that a name that resolves differently a moment later
gains nothing. Names are resolved in threads of their own: a name server that is silent for half a minute, which no
limit of ours ends, keeps nobody else's threads busy.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore

from common.containment import call_for_coroutine

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
RESOLVERS = 32
"""Names resolved at the same time."""


class RefusedAddress(Exception):
    """The host lies where no webhook may lie."""


class AnswerTooLong(Exception):
    """The other side sent more than was agreed."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects for an HTTP client."""

    def __init__(self, refused: Iterable[Network], max_bytes: int) -> None:
        """``max_bytes``: the most that is read of one connection, after the TLS handshake if there is one."""
        self._refused = tuple(refused)
        self._max_bytes = max_bytes
        self._network = httpcore.AnyIOBackend()
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address of the host. Raises ``RefusedAddress`` if it has none."""
        found = await self._addresses(host, port)
        allowed = [address for address in found if not is_refused(address, self._refused)]
        if not allowed:
            raise RefusedAddress
        stream = await self._network.connect_tcp(
            str(allowed[0]), port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        return CountedStream(stream, self._max_bytes)

    async def _addresses(self, host: str, port: int) -> list[Address]:
        resolve = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, call_for_coroutine, resolve)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("name not resolved") from error
        return [ip_address(str(answer[4][0])) for answer in answers]


class CountedStream(httpcore.AsyncNetworkStream):
    """A stream of which only so many bytes are read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._read_bytes = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Read. Raises ``AnswerTooLong``."""
        read = await self._stream.read(max_bytes, timeout)
        self._read_bytes += len(read)
        if self._read_bytes > self._max_bytes:
            raise AnswerTooLong
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write all."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Go on over TLS; the limit begins anew."""
        return CountedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._max_bytes)

    def get_extra_info(self, info: str) -> object:
        """What the stream says of itself."""
        return self._stream.get_extra_info(info)


def is_refused(address: Address, refused: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks; an IPv4 address written as IPv6 counts as what it is."""
    plain = (getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)) or address
    return any(plain in network or address in network for network in refused)
