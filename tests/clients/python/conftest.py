"""The broker under test, and one line in the report for what each test proved.

The program's path comes in BROKER_UNDER_TEST. A broker listens on a free port of the loopback
interface, is ready when /readyz says so, and is stopped by SIGTERM, by its own process id.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

PROGRAM = os.environ.get("BROKER_UNDER_TEST", "")
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60

# The loopback interface is never behind a proxy, whatever the environment says.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Broker:
    """One broker process and where it listens."""

    def __init__(self, process, port, tls_port):
        self.process = process
        self.port = port
        self.tls_port = tls_port

    def ws(self, path):
        return f"ws://127.0.0.1:{self.port}{path}"

    def http(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def wss(self, path):
        return f"wss://localhost:{self.tls_port}{path}"

    def https(self, path):
        return f"https://localhost:{self.tls_port}{path}"

    def request(self, method, path, body=None, content_type="text/plain"):
        """One HTTP request; the answer's status and parsed JSON."""
        headers = {} if body is None else {"Content-Type": content_type}
        request = urllib.request.Request(self.http(path), body, headers, method=method)
        try:
            with DIRECT.open(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def publish(self, topic, text):
        """Publishes text; the message's position."""
        status, answer = self.request("POST", f"/t/{topic}", text.encode())
        assert status == 200, answer
        return answer["at"]

    def stop(self):
        """Asks the broker to stop; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(process, port):
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the broker ended with {process.returncode} before it was ready"
        try:
            with DIRECT.open(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the broker was not ready in time")


@contextmanager
def running_broker(*flags, **surroundings):
    """A broker of its own, over two cores, `surroundings` as Popen takes them; killed if it does not stop."""
    port, tls_port = free_port(), free_port()
    listen = ["--listen", f"127.0.0.1:{port}", "--tls-listen", f"127.0.0.1:{tls_port}"]
    process = subprocess.Popen([PROGRAM, *listen, "--cores", "2", *flags], **surroundings)
    broker = Broker(process, port, tls_port)
    try:
        wait_until_ready(process, port)
        yield broker
        assert broker.stop() == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def broker():
    """One broker for all tests that leave it running; each uses topics of its own."""
    with running_broker() as broker:
        yield broker


@pytest.fixture
def own_broker():
    """A broker for one test, which may stop it."""
    with running_broker() as broker:
        yield broker


@pytest.fixture
def topic(request):
    """A topic that no other test uses."""
    return "python/" + request.node.name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.proved = item.function.__doc__
    return report


def pytest_terminal_summary(terminalreporter):
    passed = terminalreporter.stats.get("passed", [])
    for proved in dict.fromkeys(" ".join(report.proved.split()) for report in passed):
        terminalreporter.write_line("proved: " + proved)
