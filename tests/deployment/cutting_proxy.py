"""A proxy on the loopback interface that loses responses."""

import asyncio


class CuttingProxy:
    """A proxy that closes every second connection in place of the response."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server
        self.requests = 0
        self.cut = 0

    async def start(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Close the listening socket."""
        self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests += 1
        is_cut = self.requests % 2 == 0
        target_reader, target = await asyncio.open_connection("127.0.0.1", self._target)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        target.write(head + await reader.readexactly(length))
        response = await target_reader.read()
        if is_cut:
            self.cut += 1
        else:
            writer.write(response)
        writer.close()
        target.close()
