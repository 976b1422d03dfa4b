"""The JSON dialect, `/ws`, with the `websockets` library: every command and its answers."""

import asyncio
import base64
import json
from contextlib import AsyncExitStack

from dialogue import Json, closed, open_socket, receive

KEPT_BY_DEFAULT = 100


async def opened(stack, broker, count=1, **options):
    """Connections that speak the JSON dialect."""
    return [
        await Json.open(await stack.enter_async_context(open_socket(broker, "/ws", **options))) for _ in range(count)
    ]


def test_subprotocol_is_chosen(broker):
    """`ringwire.v1.json` is chosen among a client's offers; without an offer the dialect is the same, unnamed."""

    async def main():
        async with open_socket(broker, "/ws", subprotocols=["other.v9", "ringwire.v1.json"]) as socket:
            assert socket.subprotocol == "ringwire.v1.json"
            await Json.open(socket)
        async with open_socket(broker, "/ws") as socket:
            assert socket.subprotocol is None
            await Json.open(socket)

    asyncio.run(main())


def test_one_order_for_all(broker, topic):
    """4 clients publish at once to a topic that 6 subscribe to: one order for all, offsets without a gap."""

    async def main():
        async with AsyncExitStack() as stack:
            subscribers = await opened(stack, broker, 6)
            publishers = await opened(stack, broker, 4)
            for subscriber in subscribers:
                await subscriber.ok(subscribe=topic)

            async def publish(number, publisher):
                for count in range(100):
                    answer = await publisher.ok(publish=topic, data={"from": number, "count": count})
                    assert answer["topic"] == topic

            received, *_ = await asyncio.gather(
                asyncio.gather(*(subscriber.take(400) for subscriber in subscribers)),
                *(publish(number, publisher) for number, publisher in enumerate(publishers)),
            )
        assert all(sequence == received[0] for sequence in received)
        offsets = [int(message["at"].split(":")[1]) for message in received[0]]
        assert offsets == list(range(1, 401))
        for number in range(4):
            own = [message["data"]["count"] for message in received[0] if message["data"]["from"] == number]
            assert own == list(range(100))

    asyncio.run(main())


def test_every_kind_of_payload(broker, topic):
    """JSON, text and binary arrive as what they were published as, from a socket and over HTTP."""

    async def main():
        binary = bytes(range(256))
        async with AsyncExitStack() as stack:
            [client] = await opened(stack, broker)
            await client.ok(subscribe=topic)
            await client.ok(publish=topic, data=[1, {"a": None}])
            await client.ok(publish=topic, text="é")
            await client.ok(publish=topic, base64=base64.b64encode(binary).decode())
            bodies = [(b'{"n": 1}', "application/json"), (b"t", "text/plain"), (binary, "image/png")]
            for body, content_type in bodies:
                await asyncio.to_thread(broker.request, "POST", f"/t/{topic}", body, content_type)
            messages = await client.take(6)
        encoded = base64.b64encode(binary).decode()
        assert [message.get("data") for message in messages] == [[1, {"a": None}], None, None, {"n": 1}, None, None]
        assert [message.get("text") for message in messages] == [None, "é", None, None, "t", None]
        assert [message.get("base64") for message in messages] == [None, None, encoded, None, None, encoded]
        assert all(message["topic"] == topic for message in messages)

    asyncio.run(main())


def test_resume_is_exact(broker, topic):
    """After a disconnection `since` brings exactly the missing messages, then live, on 16 topics over both cores."""

    async def main():
        names = [f"{topic}/{number}" for number in range(16)]
        last_seen = {}
        async with AsyncExitStack() as stack:
            [client] = await opened(stack, broker)
            for name in names:
                last_seen[name] = (await client.ok(subscribe=name))["at"]
                await client.ok(publish=name, text="seen")
            for message in await client.take(16):
                last_seen[message["topic"]] = message["at"]
        for name in names:
            for count in range(7):
                await asyncio.to_thread(broker.publish, name, f"missed {count}")
        async with AsyncExitStack() as stack:
            [client] = await opened(stack, broker)
            for name in names:
                answer = await client.ok(subscribe=name, since=last_seen[name])
                assert answer["recovered"] is True, answer
                await client.ok(publish=name, text="live")
                received = [message["text"] for message in await client.take(8)]
                assert received == [f"missed {count}" for count in range(7)] + ["live"]

    asyncio.run(main())


def test_resume_of_a_pattern(broker, topic):
    """A pattern resumes with one position for each topic: from each, exactly what is missing."""

    async def main():
        seen = {f"{topic}/{name}": broker.publish(f"{topic}/{name}", "seen") for name in "abcdef"}
        for name in seen:
            broker.publish(name, f"missed {name}")
        async with AsyncExitStack() as stack:
            [client] = await opened(stack, broker)
            answer = await client.ok(subscribe=f"{topic}/*", since=seen)
            assert answer["recovered"] is True, answer
            received = sorted(message["text"] for message in await client.take(6))
            assert received == sorted(f"missed {name}" for name in seen)

    asyncio.run(main())


def test_resume_that_cannot_be_honoured(broker, topic):
    """Another epoch, a position ahead, one that retention has passed: `recovered` false, the reason, the present position, and no part of it."""

    async def main():
        positions = [broker.publish(topic, f"m{count}") for count in range(KEPT_BY_DEFAULT + 20)]
        epoch, offset = positions[-1].split(":")
        other = ("b" if epoch[0] == "a" else "a") + epoch[1:]
        cases = [(f"{other}:1", "epoch"), (f"{epoch}:{int(offset) + 5}", "ahead"), (positions[0], "retention")]
        for since, reason in cases:
            async with AsyncExitStack() as stack:
                [client] = await opened(stack, broker)
                answer = await client.ok(subscribe=topic, since=since)
                assert answer["recovered"] is False and answer["reason"] == reason, answer
                present = answer["at"]
                published = (await client.ok(publish=topic, text="live"))["at"]
                [message] = await client.take(1)
                assert message["text"] == "live" and message["at"] == published
                assert int(published.split(":")[1]) == int(present.split(":")[1]) + 1

    asyncio.run(main())


def test_subscriptions_end_and_never_double(broker, topic):
    """Subscribed twice and by overlapping patterns, a client gets each message once; unsubscribed from all, none."""

    async def main():
        patterns = [topic, topic, f"{topic}/**", "python/*"]
        async with AsyncExitStack() as stack:
            [client] = await opened(stack, broker)
            for pattern in patterns:
                await client.ok(subscribe=pattern)
            await client.ok(publish=topic, text="one")
            await client.ok(publish=topic, text="two")
            assert [message["text"] for message in await client.take(2)] == ["one", "two"]
            for pattern in set(patterns):
                await client.ok(unsubscribe=pattern)
            await client.ok(publish=topic, text="three")
            await client.ok(subscribe=topic)
            await client.ok(publish=topic, text="four")
            assert [message["text"] for message in await client.take(1)] == ["four"]

    asyncio.run(main())


def test_history_and_ping(broker, topic):
    """`history` answers with the newest messages and their positions, `ping` is answered."""

    async def main():
        positions = [broker.publish(topic, f"m{count}") for count in range(6)]
        async with AsyncExitStack() as stack:
            [client] = await opened(stack, broker)
            answer = await client.ok(history=topic, last=4)
            assert [message["text"] for message in answer["messages"]] == ["m2", "m3", "m4", "m5"]
            assert [message["at"] for message in answer["messages"]] == positions[2:]
            await client.ok(ping=True)

    asyncio.run(main())


def test_bad_commands_are_answered(broker, topic):
    """What is no command is answered with `bad_command`, never guessed at, and the connection goes on."""

    async def main():
        bad = [
            {"subscribe": topic, "unknown": 1},
            {"subscribe": 7},
            {"publish": topic},
            {"publish": topic, "text": "a", "data": 1},
            {"subscribe": topic, "publish": topic, "text": "a"},
            {"nothing": True},
        ]
        for command in bad:
            async with AsyncExitStack() as stack:
                [client] = await opened(stack, broker)
                answer = await client.command(**command)
                assert answer["error"]["code"] == "bad_command" and answer["error"]["message"], answer
                await client.ok(subscribe=topic)
        for text in ["no json", "[1]", '"a"', '{"id":1,', "[" * 100 + "]" * 100]:
            async with AsyncExitStack() as stack:
                [client] = await opened(stack, broker)
                await client.socket.send(text)
                answer = json.loads(await receive(client.socket))
                assert answer["error"]["code"] == "bad_command", answer
                await client.ok(subscribe=topic)

    asyncio.run(main())


def test_bad_commands_repeated_end_it(broker):
    """A client that sends nothing but bad commands is closed with 4500."""

    async def main():
        async with AsyncExitStack() as stack:
            [client] = await opened(stack, broker)
            try:
                for _ in range(10_000):
                    await client.socket.send("no json")
            except OSError:
                pass
            except Exception as error:  # The library's own class for a connection that ended.
                assert type(error).__name__.startswith("ConnectionClosed"), error
            code, _ = await closed(client.socket)
            assert code == 4500

    asyncio.run(main())


def test_names_that_are_no_topics_are_refused(broker):
    """The one validator refuses wildcards in a publish, reserved and malformed names, each with an error."""

    async def main():
        names = ["a/*", "a/**", "$SYS/a", "", "a\n", "a#", "+", "/".join("a" * 17), "é" * 129]
        commands = [{"publish": name, "text": "x"} for name in names]
        commands += [{"subscribe": pattern} for pattern in ["a/**/b", "a*", "", "a/+"]]
        for command in commands:
            async with AsyncExitStack() as stack:
                [client] = await opened(stack, broker)
                answer = await client.command(**command)
                assert answer["error"]["code"] in ("bad_topic", "reserved_topic"), (command, answer)
                assert answer["error"]["message"], (command, answer)

    asyncio.run(main())
