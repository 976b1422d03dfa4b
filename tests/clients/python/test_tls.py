"""TLS as others speak it: `websockets` over Python's OpenSSL, `curl`, and `openssl s_client` for what neither shows.

The client is the one for asyncio, which reads and writes from one thread. The threaded one of `websockets` reads
and writes the same TLS session at once, which OpenSSL forbids and CPython does not prevent (python/cpython#143756):
about one connection in a thousand never sends its request.
"""

import asyncio
import json
import shutil
import signal
import ssl
import subprocess
import time
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect

from conftest import PROGRAM, running_broker
from dialogue import WAIT_SECONDS_MAX, closed, open_socket, receive, receive_many


def make_certificate(folder, *names):
    """A development certificate for localhost and `names`, as the program makes it."""
    made = subprocess.run(
        [PROGRAM, "cert", "--dev", "--out", folder, *names], stdout=subprocess.PIPE, check=True, timeout=30
    )
    assert b"--tls-certificate" in made.stdout
    return folder


def flags(folder):
    return ["--tls-certificate", folder / "cert.pem", "--tls-key", folder / "key.pem"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The certificate of the module's broker."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "dev")


@pytest.fixture(scope="module")
def tls_broker(certificate):
    """A broker that speaks TLS."""
    with running_broker(*flags(certificate)) as broker:
        yield broker


def context(certificate, version=None):
    """What Python verifies with: the authority alone, and the name."""
    trusting = ssl.create_default_context(cafile=certificate / "ca.pem")
    if version:
        trusting.minimum_version = trusting.maximum_version = version
    return trusting


def dial(broker, path, trusting, **options):
    """A connection over TLS, for `async with`."""
    return connect(broker.wss(path), ssl=trusting, proxy=None, open_timeout=WAIT_SECONDS_MAX, **options)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_messages_of_every_size_over_both_versions(tls_broker, certificate, topic, version):
    """`websockets` over wss, TLS 1.2 and 1.3: messages from nothing to the limit come back whole and in order."""

    async def main():
        async with dial(tls_broker, f"/t/{topic}", context(certificate, version)) as client:
            spoken = client.transport.get_extra_info("ssl_object").version()
            assert spoken == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
            sizes = [0, 1, 125, 126, 4096, 16383, 16384, 16385, 65535, 65536]
            for size in sizes:
                await client.send("x" * size)
            for size in sizes:
                assert await receive(client) == "x" * size

    asyncio.run(main())


def test_many_subscribers_hear_one_publisher_and_an_end(tls_broker, certificate, topic):
    """Twenty wss subscribers and a plain one hear the same hundred messages, and each close is answered."""

    async def main():
        trusting = context(certificate)
        async with AsyncExitStack() as stack:
            path = f"/t/{topic}?mode=sub"
            opening = [dial(tls_broker, path, trusting) for _ in range(20)]
            opening.append(open_socket(tls_broker, path))
            clients = [await stack.enter_async_context(client) for client in opening]
            sent = [f"message {count}" for count in range(100)]
            for text in sent:
                await asyncio.to_thread(tls_broker.publish, topic, text)
            for client in clients:
                assert await receive_many(client, len(sent)) == sent
                await client.close()
                assert await closed(client) == (1000, "")

    asyncio.run(main())


def test_a_stranger_is_not_believed(tls_broker, certificate):
    """Who does not trust the authority, or asks for another name, does not get a connection."""

    async def main():
        for trusting, name in [(ssl.create_default_context(), "localhost"), (context(certificate), "other.test")]:
            with pytest.raises(ssl.SSLCertVerificationError):
                async with dial(tls_broker, "/t/a", trusting, server_hostname=name):
                    pass

    asyncio.run(main())


def curl(broker, certificate, path, *arguments):
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20"]
    return subprocess.run(
        [*command, "--cacert", certificate / "ca.pem", *arguments, broker.https(path)],
        stdout=subprocess.PIPE, check=True, timeout=30,
    ).stdout


def test_curl_publishes_and_reads_over_https(tls_broker, certificate, topic):
    """`curl` publishes over https and reads the history back, several requests on one connection; h2 is not offered."""
    for text in ["one", "two"]:
        at = json.loads(curl(tls_broker, certificate, f"/t/{topic}", "--data", text))["at"]
        assert at
    urls = [tls_broker.https(f"/t/{topic}")] * 3
    used = curl(tls_broker, certificate, f"/t/{topic}", "--http2", *urls, "--write-out", "\n%{http_version} %{num_connects}\n")
    lines = used.decode().splitlines()
    histories = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(histories) == 4
    assert all([message["text"] for message in history["messages"]] == ["one", "two"] for history in histories)
    assert [line for line in lines if line.startswith("1.1")] == ["1.1 1", "1.1 0", "1.1 0", "1.1 0"]


def test_plain_and_tls_on_each_others_port(tls_broker):
    """Plain HTTP to the TLS port is answered in words; TLS to the plain port is not left hanging."""
    plain = subprocess.run(
        ["curl", "--silent", "--noproxy", "*", "--max-time", "10", f"http://127.0.0.1:{tls_broker.tls_port}/"],
        stdout=subprocess.PIPE, check=True, timeout=20,
    )
    assert json.loads(plain.stdout)["error"]["code"] == "wrong_protocol"

    async def main():
        with pytest.raises(ssl.SSLError):
            async with connect(f"wss://127.0.0.1:{tls_broker.port}/t/a", proxy=None, open_timeout=WAIT_SECONDS_MAX):
                pass

    asyncio.run(main())


def s_client(broker, *arguments, said=""):
    """What `openssl s_client` prints when it says something and goes."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{broker.tls_port}", *arguments],
        input=said.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False,
    )
    return done.stdout.decode(errors="replace")


REQUEST = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_taken_up_again(tls_broker, tmp_path, version):
    """`openssl s_client` takes its session up again with TLS 1.2 and 1.3, and is verified only the first time."""
    session = tmp_path / "session"
    # Quiet and to the end: the tickets of TLS 1.3 come behind the handshake.
    first = s_client(tls_broker, version, "-ign_eof", "-sess_out", session, said=REQUEST)
    assert "New, TLSv1" in first and "200 OK" in first, first
    second = s_client(tls_broker, version, "-ign_eof", "-sess_in", session, said=REQUEST)
    assert "Reused, TLSv1" in second and "200 OK" in second, second


def test_protocols_that_are_offered(tls_broker):
    """ALPN chooses http/1.1 wherever it is offered, and refuses who offers only something else; TLS 1.1 is refused."""
    assert "ALPN protocol: http/1.1" in s_client(tls_broker, "-alpn", "h2,http/1.1")
    assert "No ALPN negotiated" in s_client(tls_broker)
    assert "alert no application protocol" in s_client(tls_broker, "-alpn", "h2")
    assert "Cipher is (NONE)" in s_client(tls_broker, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


def test_certificates_are_chosen_by_name(tmp_path):
    """Of several certificates a client sees the one for the name that it asks for, and else the first."""
    folders = {name: make_certificate(tmp_path / name, name) for name in ["first.test", "second.test"]}
    config = tmp_path / "config.toml"
    entries = ",\n".join(
        f'{{ certificate = "{folder}/cert.pem", key = "{folder}/key.pem" }}' for folder in folders.values()
    )
    config.write_text(f"[tls]\ncertificates = [\n{entries}\n]\n")
    with running_broker("--config", config) as broker:
        for asked, shown in [("first.test", "first.test"), ("second.test", "second.test"), ("third.test", "first.test")]:
            ca = folders[shown] / "ca.pem"
            said = s_client(broker, "-servername", asked, "-CAfile", ca, "-verify_return_error")
            assert "Verification: OK" in said, said


def replace(certificate, other):
    for name in ["ca.pem", "cert.pem", "key.pem"]:
        shutil.copy(other / name, certificate / name)


async def until(said, what):
    """Looks again until it is said."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        if await said():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


def test_new_certificates_disturb_nobody(tmp_path, topic):
    """SIGHUP puts new certificates in force for new connections, while one that stands loses nothing; a bad file changes nothing."""
    served = make_certificate(tmp_path / "served")
    renewed = make_certificate(tmp_path / "renewed")
    log = tmp_path / "log"

    async def main(broker):
        old = context(served)
        path = f"/t/{topic}"

        async def believes(trusting):
            try:
                async with dial(broker, path, trusting):
                    return True
            except ssl.SSLCertVerificationError:
                return False

        async def is_renewed():
            return await believes(context(renewed))

        async def refuses_the_mistake():
            return "the configuration stays as it was" in log.read_text()

        async with dial(broker, path, old) as standing:
            replace(served, renewed)
            broker.process.send_signal(signal.SIGHUP)
            await until(is_renewed, "the new certificate")
            assert not await believes(old)
            await standing.send("after the change")
            assert await receive(standing) == "after the change"
            key = served / "key.pem"
            key.write_text(key.read_text()[:60])
            broker.process.send_signal(signal.SIGHUP)
            await until(refuses_the_mistake, "the refusal")
            assert "key.pem" in log.read_text()
            assert await is_renewed()
            await standing.send("and after the mistake")
            assert await receive(standing) == "and after the mistake"

    with log.open("wb") as errors, running_broker(*flags(served), stderr=errors) as broker:
        asyncio.run(main(broker))


def test_the_shell_clients_speak_tls(tls_broker, certificate, topic):
    """`ringwire sub` and `pub` speak wss and https with the authority that they are given, and refuse without it."""
    server = ["--server", tls_broker.https("").rstrip("/")]
    trusting = [*server, "--ca", certificate / "ca.pem"]
    for text in ["one", "two"]:
        subprocess.run([PROGRAM, "pub", *trusting, "--quiet", topic, text], check=True, timeout=30)
    heard = subprocess.run(
        [PROGRAM, "sub", *trusting, "--last", "2", "--count", "2", topic],
        stdout=subprocess.PIPE, check=True, timeout=30,
    )
    assert heard.stdout == b"one\ntwo\n"
    refused = subprocess.run([PROGRAM, "pub", *server, topic, "x"], stderr=subprocess.PIPE, timeout=30, check=False)
    assert refused.returncode == 1 and b"--ca FILE" in refused.stderr, refused.stderr
