"""TCP connections to addresses that units chose: none into refused networks, and with a limit of bytes read.

The check applies to the same address that is then connected to, so a name that resolves differently a moment later
gains nothing. Names are resolved in a thread pool of their own: a name server may be silent for half a minute, which no
time limit of ours ends, and must not block threads that others need.
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
    """The host has no address outside the refused networks."""


class AnswerTooLong(Exception):
    """The other side sent more bytes than allowed."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for an HTTP client."""

    def __init__(self, refused: Iterable[Network], max_bytes: int) -> None:
        """``refused``: networks to which no connection is made; ``max_bytes``: how many bytes may be read from one
        connection, counted after the TLS handshake if there is one."""
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
        """Connect to the first allowed address of a host. Raises ``RefusedAddress`` if it has none, and
        ``httpcore.ConnectError`` if its name does not resolve."""
        addresses = await self._addresses(host, port)
        allowed = [address for address in addresses if not is_refused(address, self._refused)]
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
    """A stream with a limit of bytes read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._read_bytes = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Read from the stream. Raises ``AnswerTooLong`` beyond the limit."""
        read = await self._stream.read(max_bytes, timeout)
        self._read_bytes += len(read)
        if self._read_bytes > self._max_bytes:
            raise AnswerTooLong
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write all bytes to the stream."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Continue over TLS. The count of bytes starts again at zero."""
        return CountedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._max_bytes)

    def get_extra_info(self, info: str) -> object:
        """Information about the underlying stream."""
        return self._stream.get_extra_info(info)


def is_refused(address: Address, refused: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks. An IPv4 address embedded in IPv6 (mapped, 6to4) counts as IPv4,
    too."""
    plain = (getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)) or address
    return any(plain in network or address in network for network in refused)
