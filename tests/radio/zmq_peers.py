# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the virtual radio share: bursts, ends that close by themselves, reading, waiting."""

import socket
import time
from urllib.parse import urlparse

import numpy as np

from scsc_core.radio import open_front_end

LIMIT_S = 20.0


def burst(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))
    return (x / np.abs(x) / np.sqrt(2)).astype(np.complex64)


def open_end(ends, **options):
    front_end = open_front_end("zmq", {"tail_samples": 500, **options})
    ends.callback(front_end.close)
    return front_end


def read_samples(front_end, n):
    """Exactly n samples, and the chunks that they came in."""
    chunks, deadline = [], time.monotonic() + LIMIT_S
    while n > 0:
        assert time.monotonic() < deadline, "samples are missing"
        chunk = front_end.read(min(n, 4096), 0.1)
        n -= chunk.samples.shape[1]
        if chunk.samples.shape[1]:
            chunks.append(chunk)
    return np.concatenate([chunk.samples for chunk in chunks], axis=1), chunks


def wait_until(condition, *steps):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        for step in steps:
            step()


def port_of(address):
    """(host, port) of a tcp:// address."""
    parts = urlparse(address)
    return parts.hostname, parts.port


# What comes to an open port: nothing, a browser, noise, a greeting that stops, one with junk behind it.
STRANGERS = {
    "silent": b"",
    "browser": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "noise": np.random.default_rng(1).bytes(5000),
    "greeting": b"\xff" + bytes(8) + b"\x7f\x03",
    "junk": b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48) + b"\x04\x05junk",
}


def strangers(ends, address):
    """One connection of each kind, all open until the end of the test."""
    for content in STRANGERS.values():
        connection = socket.create_connection(port_of(address))
        ends.callback(connection.close)
        connection.sendall(content)


def reachable_beyond_loopback_address(address):
    """Whether a port bound at 127.0.0.1 answers at another address of this host too."""
    try:
        socket.create_connection(("127.0.0.2", port_of(address)[1]), 1.0).close()
    except OSError:
        return False
    return True
