"""A conversation with the broker through the `websockets` library, as a test writes it down.

Every wait has a deadline, so that a message that never comes fails its test and hangs nothing.
"""

import asyncio
import json

from websockets.asyncio.client import connect

WAIT_SECONDS_MAX = 30


def open_socket(broker, path, **options):
    """A connection to the broker, for `async with`."""
    return connect(broker.ws(path), proxy=None, ping_interval=None, **options)


async def receive(socket):
    return await asyncio.wait_for(socket.recv(), WAIT_SECONDS_MAX)


async def receive_many(socket, count):
    return [await receive(socket) for _ in range(count)]


async def closed(socket):
    """Waits for the end; its close code and reason."""
    await asyncio.wait_for(socket.wait_closed(), WAIT_SECONDS_MAX)
    return socket.close_code, socket.close_reason


class Json:
    """The JSON dialect over one connection: numbered commands, answers apart from messages."""

    def __init__(self, socket):
        self.socket = socket
        self.last_id = 0
        self.messages = []

    @classmethod
    async def open(cls, socket):
        """Takes the greeting."""
        hello = json.loads(await receive(socket))
        assert hello["hello"]["protocol"] == "ringwire.v1.json", hello
        return cls(socket)

    async def command(self, **fields):
        """Sends a command and waits for its answer, keeping messages that come before it."""
        self.last_id += 1
        await self.socket.send(json.dumps({"id": self.last_id, **fields}))
        while True:
            received = json.loads(await receive(self.socket))
            if received.get("id") == self.last_id:
                return received
            self.messages.append(received)

    async def ok(self, **fields):
        """A command that has to succeed; its answer's `ok`."""
        answer = await self.command(**fields)
        assert "ok" in answer, answer
        return answer["ok"]

    async def take(self, count):
        """The next messages, kept ones first."""
        while len(self.messages) < count:
            self.messages.append(json.loads(await receive(self.socket)))
        taken, self.messages = self.messages[:count], self.messages[count:]
        return taken
