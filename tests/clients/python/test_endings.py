"""How connections end, seen by the `websockets` library: handshakes refused, closes answered, the drain."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
from dialogue import WAIT_SECONDS_MAX, closed, open_socket, receive
from websockets.exceptions import InvalidStatus


def test_close_is_answered(broker, topic):
    """A client's close is answered with its own code, at once, on both ways in."""

    async def main():
        for path in [f"/t/{topic}", "/ws"]:
            async with open_socket(broker, path, close_timeout=WAIT_SECONDS_MAX) as socket:
                started = time.monotonic()
                await socket.close(1000, "done")
                assert socket.protocol.close_rcvd.code == 1000
                # The broker ended the connection, and not the client that waited for it.
                assert time.monotonic() - started < WAIT_SECONDS_MAX / 2

    asyncio.run(main())


def test_pings_are_answered(broker, topic):
    """Each ping is answered with its own payload, also between messages."""

    async def main():
        async with open_socket(broker, f"/t/{topic}") as socket:
            for number in range(20):
                await socket.send(f"m{number}")
                pong = await socket.ping(f"ping {number}")
                await asyncio.wait_for(pong, WAIT_SECONDS_MAX)
                assert await receive(socket) == f"m{number}"

    asyncio.run(main())


def test_other_sites_are_refused(broker, topic):
    """A page of another site is refused with 403, the broker's own is not."""

    async def main():
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(broker, f"/t/{topic}", origin="http://elsewhere.example"):
                pass
        assert refused.value.response.status_code == 403
        async with open_socket(broker, f"/t/{topic}", origin=f"http://127.0.0.1:{broker.port}") as socket:
            await socket.send("mine")
            assert await receive(socket) == "mine"

    asyncio.run(main())


def test_stop_closes_with_going_away(own_broker, topic):
    """SIGTERM: what was accepted still arrives, every connection is closed with 1001, the broker exits with 0."""

    async def main():
        async with AsyncExitStack() as stack:
            sockets = [
                await stack.enter_async_context(open_socket(own_broker, f"/t/{topic}?mode=sub")) for _ in range(20)
            ]
            for count in range(50):
                own_broker.publish(topic, f"m{count}")
            stopping = asyncio.create_task(asyncio.to_thread(own_broker.stop))
            for socket in sockets:
                received = [message async for message in socket]
                assert received == [f"m{count}" for count in range(50)]
                assert (await closed(socket))[0] == 1001
            assert await stopping == 0

    asyncio.run(main())
