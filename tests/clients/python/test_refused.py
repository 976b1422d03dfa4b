"""A machine that refuses io_uring, as the default seccomp profiles of Docker and containerd do."""

import ctypes
import errno
import struct
import subprocess

import pytest
from conftest import PROGRAM, running_broker

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h, and io_uring_setup on every architecture.
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
IO_URING_SETUP = 425


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def refusing(error):
    """What a child calls before it becomes the broker: from then on io_uring_setup fails with `error`."""
    steps = [(LOAD_WORD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP)]
    steps += [(RETURN, 0, 0, SECCOMP_RET_ERRNO | error), (RETURN, 0, 0, SECCOMP_RET_ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)

    def refuse(keep=code):
        for call in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)]:
            if libc.prctl(*call) != 0:
                raise OSError(ctypes.get_errno(), "prctl")

    return refuse


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
def test_epoll_takes_over_where_io_uring_is_refused(error, capfd):
    """Where io_uring is refused, the broker says so in one line and serves on epoll, on both cores."""
    with running_broker(preexec_fn=refusing(error)) as broker:
        for number in range(10):
            position = broker.publish(f"refused/{number}", "hello")
            status, kept = broker.request("GET", f"/t/refused/{number}")
            assert status == 200 and position in str(kept), kept
    said = capfd.readouterr()
    assert "epoll on kernel" in said.out
    assert said.err.count("running on epoll, for io_uring cannot be had") == 1


def test_forced_io_uring_does_not_start_where_it_is_refused():
    """With io.driver = "io_uring" a refusal is the end, with exit code 1 and a line that says what to do."""
    ended = subprocess.run(
        [PROGRAM, "--listen", "127.0.0.1:0"],
        env={"RINGWIRE_IO_DRIVER": "io_uring"},
        preexec_fn=refusing(errno.EPERM),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ended.returncode == 1
    assert "io_uring is " in ended.stderr
    assert "seccomp" in ended.stderr or "sysctl" in ended.stderr
