# SPDX-License-Identifier: GPL-3.0-or-later
import threading
import time

import numpy as np
import pytest
from gnuradio import blocks, gr
from gnuradio.scsc.supervisor import Supervisor, current, supervised
from gnuradio.scsc.testing import collector, feeder
from gnuradio.scsc.worker import Worker

LIMIT_S = 5.0  # an error ends a run in tens of milliseconds; a hung one would run into the timeout


class failing_work(gr.sync_block):
    def __init__(self):
        gr.sync_block.__init__(self, "failing_work", [np.uint8], None)
        self.supervisor = current()

    @supervised
    def work(self, input_items, output_items):
        raise RuntimeError("in work")


class failing_handler(collector):
    def __init__(self):
        super().__init__("image")
        self.on_image = self.fail

    def fail(self, image, meta):
        raise RuntimeError("in handler")


IMAGE = np.zeros((1, 1, 3), np.uint8), {"height": 1, "width": 1, "channels": 3, "frame": 0}


def test_error_in_work_ends_the_run_with_it():
    supervisor, top = Supervisor(), gr.top_block()
    source, sink = blocks.null_source(1), failing_work()
    top.connect(source, sink)
    begin = time.monotonic()

    with pytest.raises(RuntimeError, match="in work"):
        supervisor.run(top, 20)

    assert time.monotonic() - begin < LIMIT_S


def test_error_in_handler_ends_the_run_with_it():
    supervisor, top = Supervisor(), gr.top_block()
    source, sink = feeder("image", [IMAGE]), failing_handler()
    top.msg_connect((source, "image"), (sink, "image"))

    with pytest.raises(RuntimeError, match="in handler"):
        supervisor.run(top, 20)


def test_error_in_worker_ends_the_run_with_it():
    supervisor, top = Supervisor(), gr.top_block()
    sink = collector("image")  # never gets anything: only the error can end this
    source = feeder("image", [])
    top.msg_connect((source, "image"), (sink, "image"))
    worker = Worker("test", lambda item: 1 // item, supervisor)
    worker.put(0)
    worker.start()

    with pytest.raises(ZeroDivisionError):
        supervisor.run(top, 20)


def test_first_of_two_errors_wins():
    supervisor = Supervisor()

    supervisor.fail(RuntimeError("first"))
    supervisor.fail(RuntimeError("second"))

    assert str(supervisor.error) == "first" and supervisor.stopping


def test_timeout_says_so():
    supervisor, top = Supervisor(), gr.top_block()
    source, sink = feeder("image", []), collector("image")
    top.msg_connect((source, "image"), (sink, "image"))

    with pytest.raises(TimeoutError, match="0.2 s"):
        supervisor.run(top, 0.2)


def test_run_wants_the_main_thread():
    errors = []

    def call():
        try:
            Supervisor().run(gr.top_block())
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()

    assert "main thread" in str(errors[0])


def test_current_is_the_one_made_last():
    first, second = Supervisor(), Supervisor()

    assert current() is second is not first


def test_blocks_made_after_a_run_do_not_inherit_its_end():
    supervisor = Supervisor()
    supervisor.finish()

    assert current() is not supervisor and not current().stopping
