"""HTTP as `curl` speaks it: publish, history, health, and a JSON error with the right status for the rest."""

import json
import subprocess
import time

import pytest


def curl(broker, path, *arguments, body=None):
    """Runs curl once; the answer's status and text."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--write-out", "\n%{http_code}"]
    done = subprocess.run(
        [*command, *arguments, broker.http(path)], input=body, stdout=subprocess.PIPE, timeout=30, check=True
    )
    text, _, status = done.stdout.decode().rpartition("\n")
    return int(status), text


def refused(answer, status):
    """An error's status is the expected one, its body JSON with a code and a message."""
    assert answer[0] == status, answer
    error = json.loads(answer[1])["error"]
    assert error["code"] and error["message"], error
    return error


def test_publish_and_read_back(broker, topic):
    """`curl -d` publishes, by POST and PUT, and GET reads the same messages back with their positions."""
    status, text = curl(broker, f"/t/{topic}", "--data", "hello", "--header", "Content-Type: text/plain")
    first = json.loads(text)
    assert status == 200 and first["topic"] == topic, text
    json_header = ["--header", "Content-Type: application/json"]
    status, text = curl(broker, f"/t/{topic}", "--request", "PUT", *json_header, "--data", '{"n": 1}')
    second = json.loads(text)
    status, text = curl(broker, f"/t/{topic}", "--data-binary", "@-", "--header", "Content-Type: image/png", body=b"\xff\x00")
    third = json.loads(text)
    status, text = curl(broker, f"/t/{topic}")
    history = json.loads(text)
    assert status == 200 and history["topic"] == topic
    assert [message["at"] for message in history["messages"]] == [first["at"], second["at"], third["at"]]
    assert [message.get("text") for message in history["messages"]] == ["hello", None, None]
    assert history["messages"][1]["data"] == {"n": 1} and history["messages"][2]["base64"] == "/wA="
    assert all(message["time"] for message in history["messages"])
    assert (history["first"], history["last"]) == (first["at"], third["at"])


def test_plain_data_reaches_everybody(broker, topic):
    """`curl -d hello` with curl's own content type is accepted as it is."""
    status, text = curl(broker, f"/t/{topic}", "-d", "hello")
    assert status == 200 and json.loads(text)["at"], text


def test_history_is_cut_by_the_query(broker, topic):
    """`last` and `since` choose the part of the history that is asked for."""
    positions = [broker.publish(topic, f"m{count}") for count in range(5)]
    for query, expected in [("last=2", ["m3", "m4"]), (f"since={positions[1]}", ["m2", "m3", "m4"])]:
        status, text = curl(broker, f"/t/{topic}?{query}")
        assert status == 200, text
        assert [message["text"] for message in json.loads(text)["messages"]] == expected


def test_escaped_topics_are_one(broker, topic):
    """A topic's name is the same however the URL escapes it, blanks and other scripts too."""
    curl(broker, f"/t/{topic}/%C3%A9%20b", "-d", "one")
    status, text = curl(broker, f"/t/{topic}/%c3%a9%20%62")
    assert status == 200 and json.loads(text)["topic"] == f"{topic}/é b"
    assert [message["at"].split(":")[1] for message in json.loads(text)["messages"]] == ["1"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", b"{"), ("application/json", b'{"a":1} x'), ("application/json", b"\xff"), ("text/plain", b"\xff")],
)
def test_bodies_that_are_not_what_they_say(broker, topic, content_type, body):
    """A body that is not the JSON or UTF-8 that its type promises is refused with 400, and nothing is published."""
    name = "python/curl/wrong"
    answer = curl(broker, f"/t/{name}", "--data-binary", "@-", "--header", f"Content-Type: {content_type}", body=body)
    refused(answer, 400)
    assert json.loads(curl(broker, f"/t/{name}")[1])["messages"] == []


MALFORMED = ["/t/", "/t/a%00", "/t/a%0A", "/t/a%2B", "/t/a/*", "/t/a/**", "/t/%ff", "/t/a//b", "/t/" + "a/" * 16 + "a"]


@pytest.mark.parametrize(("path", "status"), [*((path, 400) for path in MALFORMED), ("/t/%24SYS/a", 403)])
def test_names_that_are_no_topics(broker, path, status):
    """Publishing to a name that is no topic is refused with 400, to a reserved one with 403."""
    refused(curl(broker, path, "-d", "x"), status)


def test_unknown_paths_and_methods(broker, topic):
    """An unknown path is 404 and names the known ones; a method that a path does not have is 405 and says which it has."""
    assert "/t/" in refused(curl(broker, "/nothing"), 404)["message"]
    refused(curl(broker, f"/t/{topic}", "--request", "DELETE"), 405)
    refused(curl(broker, "/healthz", "-d", "x"), 405)
    head = curl(broker, f"/t/{topic}", "--request", "DELETE", "--include")[1].lower()
    assert "allow:" in head and "post" in head, head


def test_bodies_that_are_too_big(broker, topic):
    """A body at the limit is taken; one byte more is refused with 413, whether its length is declared or chunked."""
    limit = 65_536
    octets = ["--data-binary", "@-", "--header", "Content-Type: application/octet-stream"]
    assert curl(broker, f"/t/{topic}", *octets, body=b"x" * limit)[0] == 200
    refused(curl(broker, f"/t/{topic}", *octets, body=b"x" * (limit + 1)), 413)
    chunked = [*octets, "--header", "Transfer-Encoding: chunked"]
    assert curl(broker, f"/t/{topic}", *chunked, body=b"x" * limit)[0] == 200
    refused(curl(broker, f"/t/{topic}", *chunked, body=b"x" * (limit + 1)), 413)


def test_expectations_are_answered(broker, topic):
    """A client that waits for `100 Continue` before its body is not kept waiting."""
    started = time.monotonic()
    answer = curl(
        broker, f"/t/{topic}", "--data-binary", "@-", "--header", "Expect: 100-continue",
        "--expect100-timeout", "18", body=b"x" * 50_000,
    )
    assert answer[0] == 200 and time.monotonic() - started < 15


def test_connections_are_kept(broker, topic):
    """Three requests of one curl use one connection."""
    url = broker.http(f"/t/{topic}")
    done = subprocess.run(
        ["curl", "--silent", "--noproxy", "*", "--max-time", "20", "--write-out", "|%{num_connects}|", "-d", "x", url, url, url],
        stdout=subprocess.PIPE, timeout=30, check=True,
    )
    assert done.stdout.decode().split("|")[1::2] == ["1", "0", "0"], done.stdout


def test_health(broker):
    """`/healthz` and `/readyz` say 200 on a broker that serves."""
    assert curl(broker, "/healthz")[0] == 200
    assert curl(broker, "/readyz")[0] == 200


def test_upgrades_that_are_none(broker, topic):
    """A handshake for another version is answered 426 with the version that is served; one without a key 400."""
    upgrade = ["--include", "--header", "Connection: Upgrade", "--header", "Upgrade: websocket"]
    key = ["--header", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    status, text = curl(broker, f"/t/{topic}", *upgrade, *key, "--header", "Sec-WebSocket-Version: 8")
    assert status == 426 and "sec-websocket-version: 13" in text.lower(), text
    assert curl(broker, f"/t/{topic}", *upgrade, "--header", "Sec-WebSocket-Version: 13")[0] == 400
