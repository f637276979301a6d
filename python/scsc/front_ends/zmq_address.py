# SPDX-License-Identifier: GPL-3.0-or-later
"""Binding a ZeroMQ socket to an address that nobody else holds.

ZeroMQ removes the file of an ipc:// address before it binds, whoever listens there: two programs, or
two blocks of one flowgraph, would both succeed and the first would wait for ever. So an ipc://
address is tried first, and its directory is locked from the trial to the binding.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket as sockets
import time
from collections.abc import Iterator

import zmq

from scsc_core.radio.front_end import FrontEndError

_CLOSING_S = 1.0  # sockets close in a thread of ZeroMQ
_STEP_S = 0.05


def bind(socket: zmq.Socket, address: str) -> None:
    """Bind a socket; one that this process has just closed is given the time to go.

    Raises:
        FrontEndError: the address is in use, or none of this host; with the cure.
    """
    deadline = time.monotonic() + _CLOSING_S
    while True:
        with _directory_locked(address, deadline):
            if not _ipc_in_use(address):
                return _bind(socket, address)
        if time.monotonic() > deadline:
            raise _in_use(address)
        time.sleep(_STEP_S)


def _bind(socket: zmq.Socket, address: str) -> None:
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        if error.errno == zmq.EADDRINUSE:
            raise _in_use(address) from None
        raise FrontEndError(
            "zmq", f"cannot bind {address}: {error}", "bind an address of this host, as 127.0.0.1"
        ) from None


def _in_use(address: str) -> FrontEndError:
    return FrontEndError(
        "zmq", f"address {address} is in use", "end the other program or take another address"
    )


def _ipc_path(address: str) -> str | None:
    """The file of an ipc:// address; None for other addresses and the abstract ones, ipc://@NAME."""
    path = address.removeprefix("ipc://")
    return None if path == address or path.startswith("@") else path


def _ipc_in_use(address: str) -> bool:
    path = _ipc_path(address)
    if path is None:
        return False
    with sockets.socket(sockets.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _directory_locked(address: str, deadline: float) -> Iterator[None]:
    """Hold the directory of an ipc:// address, which other threads and programs that bind wait for.

    Who keeps it for longer than the deadline, or has no right to read it, is not waited for: the
    trial alone then has to do.
    """
    path = _ipc_path(address)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            if path is not None:
                directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
                stack.callback(os.close, directory)
                _lock(directory, deadline)
        yield


def _lock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return None
            time.sleep(_STEP_S / 10)
