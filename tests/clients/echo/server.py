"""An echo server made of Python's `websockets`, which the Autobahn test suite judges beside the broker: server.py PORT."""

import asyncio
import os
import sys

# Read when the package is: as many fragments as a case of the suite has.
os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = "65537"

from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    # No bound on messages; permessage-deflate is on by default.
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=None) as server:
        await server.serve_forever()


asyncio.run(main())
