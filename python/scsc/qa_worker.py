# SPDX-License-Identifier: GPL-3.0-or-later
import threading

import pytest
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.worker import Worker

TIMEOUT_S = 10.0


def test_order_is_preserved():
    done, idle = [], threading.Event()
    worker = Worker("test", done.append, Supervisor(), on_idle=idle.set)
    for item in range(100):
        worker.put(item)

    worker.start()

    assert idle.wait(TIMEOUT_S)
    worker.stop()
    assert done == list(range(100)) and worker.idle


def test_live_queue_drops_the_oldest_and_counts():
    done, idle = [], threading.Event()
    worker = Worker("test", done.append, Supervisor(), 3, "drop_oldest", idle.set)
    for item in range(10):
        worker.put(item)

    worker.start()

    assert idle.wait(TIMEOUT_S)
    worker.stop()
    assert done == [7, 8, 9] and worker.dropped == 7


def test_dropped_items_are_handed_out():
    dropped = []
    worker = Worker("test", print, Supervisor(), 1, "drop_oldest", on_drop=dropped.append)

    for item in range(3):
        worker.put(item)

    assert dropped == [0, 1]


def test_stop_leaves_what_waits():
    started, go_on, done = threading.Event(), threading.Event(), []

    def slow(item):
        started.set()
        go_on.wait(TIMEOUT_S)
        done.append(item)

    worker = Worker("test", slow, Supervisor())
    worker.put(1)
    worker.put(2)
    worker.start()
    assert started.wait(TIMEOUT_S)
    stopper = threading.Thread(target=worker.stop)
    stopper.start()
    go_on.set()
    stopper.join(TIMEOUT_S)

    assert done in ([1], [1, 2]) and not stopper.is_alive()


@pytest.mark.parametrize(
    ("depth", "overflow", "words"), [(0, "keep", "queue"), (1, "drop_newest", "drop_newest")]
)
def test_bad_argument_is_named(depth, overflow, words):
    with pytest.raises(ValueError, match=words):
        Worker("test", print, Supervisor(), depth, overflow)
