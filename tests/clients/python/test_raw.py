"""The raw way in, `/t/<topic>`, with the `websockets` library: bytes as published, nothing around."""

import asyncio
import json
from contextlib import AsyncExitStack

from dialogue import closed, open_socket, receive, receive_many


def test_one_order_for_all(broker, topic):
    """4 publishers at once, 8 subscribers: all see the same 1000 messages in one order, each publisher's own kept."""

    async def main():
        async with AsyncExitStack() as stack:
            subscribers = [
                await stack.enter_async_context(open_socket(broker, f"/t/{topic}?mode=sub")) for _ in range(8)
            ]
            publishers = [
                await stack.enter_async_context(open_socket(broker, f"/t/{topic}?mode=pub")) for _ in range(4)
            ]

            async def publish(number, socket):
                for count in range(250):
                    await socket.send(f"{number}:{count}")

            publishing = [publish(number, socket) for number, socket in enumerate(publishers)]
            received, *_ = await asyncio.gather(
                asyncio.gather(*(receive_many(subscriber, 1000) for subscriber in subscribers)), *publishing
            )
        assert all(sequence == received[0] for sequence in received)
        for number in range(4):
            own = [message for message in received[0] if message.startswith(f"{number}:")]
            assert own == [f"{number}:{count}" for count in range(250)]

    asyncio.run(main())


def test_bytes_as_published(broker, topic):
    """Text arrives as text, binary as binary, empty as empty, to the last byte, also at the one who sent it."""

    async def main():
        sent = ["text: é 漢 🦀", b"\x00\xff binary", "", b"", "x" * 65_536, bytes(range(256)) * 256]
        async with open_socket(broker, f"/t/{topic}") as both, open_socket(broker, f"/t/{topic}?mode=sub") as other:
            for message in sent:
                await both.send(message)
            assert await receive_many(both, len(sent)) == sent
            assert await receive_many(other, len(sent)) == sent

    asyncio.run(main())


def test_upgrade_stands_before_it_is_answered(broker, topic):
    """What is published the moment after the upgrade was answered is received, 50 times out of 50."""

    async def main():
        for number in range(50):
            async with open_socket(broker, f"/t/{topic}/{number}?mode=sub") as subscriber:
                await asyncio.to_thread(broker.publish, f"{topic}/{number}", "now")
                assert await receive(subscriber) == "now"

    asyncio.run(main())


def test_resume_is_exact(broker, topic):
    """Resuming at a position gives exactly the missing messages, then live, on 16 topics spread over both cores."""

    async def main():
        for number in range(16):
            name = f"{topic}/{number}"
            positions = [broker.publish(name, f"m{count}") for count in range(10)]
            async with open_socket(broker, f"/t/{name}?mode=sub&since={positions[3]}") as subscriber:
                assert await receive_many(subscriber, 6) == [f"m{count}" for count in range(4, 10)]
                await asyncio.to_thread(broker.publish, name, "live")
                assert await receive(subscriber) == "live"

    asyncio.run(main())


def test_last_messages_first(broker, topic):
    """`last=3` starts with the three newest, `last=3` of an empty topic with none."""

    async def main():
        for count in range(5):
            broker.publish(topic, f"m{count}")
        async with open_socket(broker, f"/t/{topic}?mode=sub&last=3") as subscriber:
            assert await receive_many(subscriber, 3) == ["m2", "m3", "m4"]
        async with open_socket(broker, f"/t/{topic}/empty?last=3") as subscriber:
            await subscriber.send("first")
            assert await receive(subscriber) == "first"

    asyncio.run(main())


def test_resume_that_cannot_be_honoured(broker, topic):
    """A position of another epoch, and one ahead of the topic, end with close code 4410 and a reason."""

    async def main():
        epoch, offset = broker.publish(topic, "only").split(":")
        other = ("b" if epoch[0] == "a" else "a") + epoch[1:]
        for position in [f"{other}:{offset}", f"{epoch}:{int(offset) + 10}"]:
            async with open_socket(broker, f"/t/{topic}?mode=sub&since={position}") as subscriber:
                code, reason = await closed(subscriber)
                assert code == 4410 and reason, (code, reason)

    asyncio.run(main())


def test_patterns_with_envelope(broker, topic):
    """A pattern's subscriber tells topics apart by the envelope; other topics stay out; without it only bytes come."""

    async def main():
        async with (
            open_socket(broker, f"/t/{topic}/*/live?mode=sub&envelope=1") as one_level,
            open_socket(broker, f"/t/{topic}/**?mode=sub") as all_levels,
        ):
            published = [f"{topic}/a/live", f"{topic}/a/b/live", f"{topic}/b/live", topic]
            for name in published:
                await asyncio.to_thread(broker.publish, name, name)
            assert sorted(await receive_many(all_levels, 4)) == sorted(published)
            for name in [f"{topic}/a/live", f"{topic}/b/live"]:
                message = json.loads(await receive(one_level))
                assert message["topic"] == name and message["text"] == name and ":" in message["at"], message

    asyncio.run(main())
