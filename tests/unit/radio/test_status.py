# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters board, JSON lines, the HTTP status server, and what becomes of received pictures."""

import contextlib
import http.client
import io
import json
import socket
import time
from types import SimpleNamespace
from urllib.parse import urlparse

import numpy as np
import pytest
from PIL import Image

from scsc_core.radio import Event, FrontEndError
from scsc_core.radio.counters_board import CountersBoard, json_line
from scsc_core.radio.http_status import StatusServer
from scsc_core.radio.received_pictures import PictureSink

PICTURE = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3)


@pytest.fixture
def board():
    board = CountersBoard()
    board.update("tx", bursts=3)
    board.update("rx", snr_db=float("nan"))
    board.show("received", PICTURE, psnr_db=30.0)
    return board


@pytest.fixture
def server(board):
    server = StatusServer(board, 0)
    yield server
    server.close()


def get(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection(urlparse(server.url).netloc, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_events_are_summed_and_told_once(board):
    board.add_events([Event("clip", 0.5, 5)] * 200)

    assert board.snapshot()["events"] == {"clip": 1000}
    assert board.take_events() == [Event("clip", 0.5, 1000)] and board.take_events() == []


def test_json_line_says_its_type_and_has_no_undefined_numbers(board):
    line = json_line("counters", board.snapshot())

    values = json.loads(line)
    assert "\n" not in line and values["type"] == "counters"
    assert values["rx"]["snr_db"] is None and values["tx"]["bursts"] == 3


def test_pictures_of_a_role_are_counted(board):
    board.show("received", PICTURE)

    assert board.picture("received").number == 2 and board.picture("sent") is None


def test_server_gives_page_counters_and_picture(server):
    assert b"counters.json" in get(server, "/")[1]
    assert json.loads(get(server, "/counters.json")[1])["tx"] == {"bursts": 3}
    status, png = get(server, "/received.png?7")
    assert status == 200 and np.array_equal(np.asarray(Image.open(io.BytesIO(png))), PICTURE)


@pytest.mark.parametrize("path", ["/sent.png", "/../secret", "/counters.json/x"])
def test_server_has_nothing_else(server, path):
    assert get(server, path)[0] == 404


def test_server_takes_no_orders(server):
    assert get(server, "/", "POST")[0] == 501


def test_local_server_refuses_other_host_names(server):
    """A web page elsewhere could otherwise read it through the browser of whoever looks at it."""
    assert get(server, "/counters.json", Host="evil.example")[0] == 403
    assert get(server, "/counters.json", Host="localhost:80")[0] == 200


def test_server_is_bound_to_this_host_only(server):
    address = urlparse(server.url)

    assert address.hostname == "127.0.0.1"
    with pytest.raises(OSError):  # another address of this host
        socket.create_connection(("127.0.0.2", address.port), timeout=1)


def test_idle_connections_do_not_hold_up_others(server):
    address = urlparse(server.url).hostname, urlparse(server.url).port
    idle = [socket.create_connection(address) for _ in range(8)]

    status, _ = get(server, "/counters.json")

    for connection in idle:
        connection.close()
    assert status == 200


BAD_REQUESTS = {
    "nothing": b"",
    "noise": np.random.default_rng(1).bytes(3000) + b"\r\n\r\n",
    "words": b"GET\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\n\r\n",
    "long line": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
    "no host": b"GET /counters.json HTTP/1.0\r\n\r\n",
    "open host": b"GET /counters.json HTTP/1.1\r\nHost: [evil\r\n\r\n",
    "other method": b"DELETE /counters.json HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_request_gets_nothing_and_disturbs_nobody(server, capfd, kind):
    address = urlparse(server.url).hostname, urlparse(server.url).port
    with socket.create_connection(address, timeout=10) as connection:
        answer = b""
        with contextlib.suppress(OSError):  # reset: the rest of what it sent was not read
            connection.sendall(BAD_REQUESTS[kind])
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(1 << 16)

    assert b"bursts" not in answer and b"200" not in answer.splitlines()[:1]
    assert get(server, "/counters.json")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_connections_are_bounded_and_free_places_are_used_again(server):
    address = urlparse(server.url).hostname, urlparse(server.url).port
    held = [socket.create_connection(address, timeout=10) for _ in range(40)]
    refused = 0
    for connection in held[20:]:
        refused += connection.recv(1) == b""
    for connection in held:
        connection.close()

    deadline = time.monotonic() + 10
    while True:
        try:
            status = get(server, "/counters.json")[0]
            break
        except (ConnectionError, http.client.HTTPException):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    assert refused == 20 and status == 200


def test_taken_port_is_a_front_end_error(board, server):
    with pytest.raises(FrontEndError, match="take another port"):
        StatusServer(board, urlparse(server.url).port)


def test_port_is_checked(board):
    with pytest.raises(ValueError, match="http must be a port in 0..65535, got 70000"):
        StatusServer(board, 70000)


def received(image, delivered=True, image_id=3):
    payload = SimpleNamespace(
        image_id=image_id,
        frame_ok=np.array([True, delivered]),
        frame_heard=np.array([True, delivered]),
        block_ok=np.array([True, True]),
    )
    picture = SimpleNamespace(
        image=image, delivered=delivered, problem=None if delivered else "a frame is missing"
    )
    return SimpleNamespace(picture=picture, payload=payload, trusted=1.0, snr_db=11.118)


def test_sink_writes_scores_and_reports(tmp_path, board):
    told = []
    sent = {3: (np.clip(PICTURE, 1, None), "sent")}
    sink = PictureSink(tmp_path / "new" / "out", sent.get, board=board, report=told.append)

    sink.take(received(PICTURE))
    sink.take(received(PICTURE, delivered=False, image_id=4))

    first, second = told
    assert first["name"] == "sent" and 50 < first["psnr_db"] < 80 and first["snr_db"] == 11.12
    assert second["psnr_db"] is None and second["frames_lost"] == 1
    assert np.array_equal(np.asarray(Image.open(first["file"])), PICTURE)
    assert sink.counters == {"delivered": 1, "damaged": 1}


def test_reference_that_resembles_most_is_compared(board):
    other, near = np.full_like(PICTURE, 200), PICTURE ^ 1
    sink = PictureSink(None, references=[other, near, PICTURE[:4]], board=board)

    sink.take(received(PICTURE))

    assert sink.psnr_db[0] == pytest.approx(10 * np.log10(255**2), abs=0.01)


def test_disk_that_takes_nothing_ends_no_reception(tmp_path, board):
    sink = PictureSink(tmp_path / "out", board=board)
    (tmp_path / "out").rmdir()

    sink.take(received(PICTURE))

    assert sink.counters["unwritten"] == 1


def test_output_must_be_a_folder(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ValueError, match="output folder"):
        PictureSink(tmp_path / "file" / "x")
