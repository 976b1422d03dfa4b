"""permessage-deflate with the `websockets` library."""

import asyncio
import itertools
import json
import os
from contextlib import AsyncExitStack

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from conftest import running_broker
from dialogue import Json, open_socket, receive_many

# Larger than any window, too short, not ASCII, without repetition, empty.
LONG = json.dumps([{"number": number, "square": number * number} for number in range(1500)])
MESSAGES = [LONG, "short", "\u00e4" * 3000, "".join(chr(33 + n * n % 90) for n in range(400)), "", LONG]


def offers():
    """Every combination of the four parameters, with windows at the ends and in the middle."""
    server_bits = [None, 8, 9, 12, 15]
    client_bits = [None, True, 9, 12, 15]
    for server_alone, client_alone in itertools.product([False, True], repeat=2):
        for server, client in itertools.product(server_bits, client_bits):
            yield {
                "server_no_context_takeover": server_alone,
                "client_no_context_takeover": client_alone,
                "server_max_window_bits": server,
                "client_max_window_bits": client,
            }


@pytest.fixture(scope="module")
def compressing():
    """A broker that agrees."""
    with running_broker(env={**os.environ, "RINGWIRE_COMPRESSION_ENABLED": "true"}) as broker:
        yield broker


def deflating(broker, path, **parameters):
    factory = ClientPerMessageDeflateFactory(**parameters)
    return open_socket(broker, path, compression=None, extensions=[factory])


@pytest.mark.parametrize("contexts", ["0B", "1MiB"])
def test_every_set_of_parameters(topic, contexts):
    """100 sets of parameters, without contexts and with: all agreed, every message exact both ways."""

    async def carry(broker, number, parameters):
        async with deflating(broker, f"/t/{topic}/{number}", **parameters) as socket:
            [extension] = socket.protocol.extensions
            assert extension.remote_no_context_takeover, "every message of the broker's stands alone"
            for message in MESSAGES:
                await socket.send(message)
            assert await receive_many(socket, len(MESSAGES)) == MESSAGES
            return extension.local_no_context_takeover

    async def main(broker):
        alone = [await carry(broker, number, offer) for number, offer in enumerate(offers())]
        assert len(alone) == 100
        assert alone.count(False) == (0 if contexts == "0B" else 50)

    settings = {"RINGWIRE_COMPRESSION_ENABLED": "true", "RINGWIRE_COMPRESSION_CONTEXTS_BYTES_MAX": contexts}
    with running_broker(env={**os.environ, **settings}) as broker:
        asyncio.run(main(broker))


def test_one_topic_for_every_window(compressing, topic):
    """Plain subscribers and those with windows of 8 to 15 bits on one topic get the same, and so does a replay."""

    async def main():
        async with AsyncExitStack() as stack:
            openings = [deflating(compressing, f"/t/{topic}?mode=sub", server_max_window_bits=bits) for bits in range(8, 16)]
            openings += [open_socket(compressing, f"/t/{topic}?mode=sub", compression=None) for _ in range(2)]
            sockets = [await stack.enter_async_context(opening) for opening in openings]
            for message in MESSAGES:
                await asyncio.to_thread(compressing.publish, topic, message)
            for bits in [9, 12, 15]:
                late = deflating(compressing, f"/t/{topic}?mode=sub&last=9", server_max_window_bits=bits)
                sockets.append(await stack.enter_async_context(late))
            for socket in sockets:
                assert await receive_many(socket, len(MESSAGES)) == MESSAGES

    asyncio.run(main())


def test_the_json_dialect_compressed(compressing, topic):
    """A message and a history of 40 KB come through /ws compressed."""

    async def main():
        async with deflating(compressing, "/ws") as socket:
            client = await Json.open(socket)
            await client.ok(subscribe=topic)
            await client.ok(publish=topic, data=json.loads(LONG))
            history = await client.ok(history=topic)
            assert history["messages"][0]["data"] == json.loads(LONG)
            assert [message["data"] for message in client.messages] == [json.loads(LONG)]

    asyncio.run(main())


def test_compression_switched_off(broker, topic):
    """Where nothing is configured every offer is declined and messages are plain."""

    async def main():
        async with open_socket(broker, f"/t/{topic}") as socket:
            assert socket.protocol.extensions == []
            await socket.send(LONG)
            assert await receive_many(socket, 1) == [LONG]

    asyncio.run(main())
