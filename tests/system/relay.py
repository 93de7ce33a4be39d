"""A port in front of servers on this machine, as a Kubernetes service is."""

import asyncio
import random
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

END_SECONDS = 30.0


@contextmanager
def relay(ports: Sequence[int], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Passes each connection on to one of ``ports`` that answers, chosen by chance. At the end all are cut.

    context: speak TLS to clients, and plainly to the servers.
    """
    loop = asyncio.new_event_loop()
    passing = _Relay(ports)
    server = loop.run_until_complete(asyncio.start_server(passing.serve, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(passing.end(server), loop).result(END_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Relay:
    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self._open.add(writer)
        try:
            for port in random.sample(self._ports, len(self._ports)):
                try:
                    source, target = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    continue
                self._open.add(target)
                await asyncio.gather(_pass_on(reader, target), _pass_on(source, writer))
                self._open.discard(target)
                return
        finally:
            self._open.discard(writer)
            writer.close()

    async def end(self, server: asyncio.Server) -> None:
        """Cut all connections, and return when nothing runs any more: cancelled, these tasks would be logged."""
        server.close()
        while serving := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in self._open:
                writer.transport.abort()
            await asyncio.wait(serving, timeout=0.1)


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    except OSError:
        pass  # one side went away
    finally:
        target.close()
