# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for gr-uhd that records every call and runs in a real flowgraph."""

import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

gr = pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
pmt = pytest.importorskip("pmt")
# Tests import modules beside them; importlib mode keeps their folder off the path.
sys.path.insert(0, str(Path(__file__).parent))


SETTINGS = {
    *("subdev_spec", "clock_source", "time_source", "time_now", "time_unknown_pps", "samp_rate"),
    *("center_freq", "bandwidth", "antenna", "gain"),
}


class FakeRange:
    def __init__(self, start, stop):
        self._limits = start, stop

    def start(self):
        return self._limits[0]

    def stop(self):
        return self._limits[1]


class FakeUsrp(gr.sync_block):
    """What source and sink share; `radio.calls` gets (side, method, arguments) of every setter, and
    of `stop`."""

    def __init__(self, radio, side, inputs, outputs):
        gr.sync_block.__init__(self, f"fake_usrp_{side}", inputs, outputs)
        self._radio, self._side = radio, side
        self._frequencies, self._rate = {}, None

    def __getattr__(self, method):
        if method.startswith("set_") and method[4:] in SETTINGS:
            return lambda *arguments: self._set(method, arguments)
        if method.startswith("get_") and (answer := self._answers().get(method[4:])):
            return answer
        return super().__getattr__(method)

    def stop(self):
        self._radio.calls.append((self._side, "stop", ()))
        return super().stop()

    def _answers(self):
        radio = self._radio
        sensor = SimpleNamespace(to_bool=lambda: radio.locked)
        return {
            "antennas": lambda channel: radio.antennas[self._side],
            "clock_sources": lambda board: ("internal", "external", "gpsdo"),
            "time_sources": lambda board: ("internal", "external"),
            "num_mboards": lambda: radio.boards,
            "clock_rate": lambda board: radio.clock_hz,
            "samp_rate": lambda: radio.nearest(self._rate),
            "center_freq": lambda channel: self._frequencies[channel],
            "gain_range": lambda channel: FakeRange(0.0, 76.0),
            "sensor_names": lambda channel: ("lo_locked",),
            "sensor": lambda name, channel: sensor,
            "mboard_sensor_names": lambda board: ("ref_locked",),
            "mboard_sensor": lambda name, board: sensor,
            "time_now": lambda: SimpleNamespace(get_real_secs=lambda: radio.now_s),
        }

    def _set(self, method, arguments):
        self._radio.calls.append((self._side, method, arguments))
        if method == "set_samp_rate":
            self._rate = arguments[0]
        if method == "set_center_freq":
            request, channel = arguments
            low, high = self._radio.frequency_range
            self._frequencies[channel] = min(max(request.target_freq, low), high)


class FakeSource(FakeUsrp):
    """Gives the scripted parts, each with an rx_time tag in front as after an overflow."""

    def __init__(self, radio):
        super().__init__(radio, "source", None, [np.complex64] * 2)
        self._part = self._offset = 0

    def work(self, input_items, output_items):
        parts = self._radio.received
        if self._part == len(parts):
            threading.Event().wait(0.01)
            return 0
        time_s, samples = parts[self._part]
        if self._offset == 0:
            whole = int(time_s)
            value = pmt.make_tuple(pmt.from_uint64(whole), pmt.from_double(time_s - whole))
            for output in (0, 1):
                start = self.nitems_written(output)
                self.add_item_tag(output, start, pmt.intern("rx_time"), value)
                rate = pmt.from_double(self._radio.rate_hz)
                self.add_item_tag(output, start, pmt.intern("rx_rate"), rate)
        n = min(len(output_items[0]), samples.shape[1] - self._offset)
        for output, row in zip(output_items, samples):
            output[:n] = row[self._offset : self._offset + n]
        self._offset += n
        if self._offset == samples.shape[1]:
            self._part, self._offset = self._part + 1, 0
        return n


class FakeSink(FakeUsrp):
    """Keeps samples and tags of both inputs; the test sends its messages."""

    def __init__(self, radio):
        super().__init__(radio, "sink", [np.complex64] * 2, None)
        self.message_port_register_out(pmt.intern("async_msgs"))

    def work(self, input_items, output_items):
        n = len(input_items[0])
        with self._radio.changed:
            for channel in (0, 1):
                first = self.nitems_read(channel)
                for tag in self.get_tags_in_window(channel, 0, n):
                    key = pmt.symbol_to_string(tag.key)
                    self._radio.tags.append((channel, tag.offset, key, tag.value))
                self._radio.sent[channel].append(np.array(input_items[channel]))
                assert first == sum(map(len, self._radio.sent[channel])) - n
            self._radio.changed.notify_all()
        return n

    def tell(self, *codes, time_s=None, channel=0):
        """Publish a message as gr-uhd does."""
        events = pmt.PMT_NIL
        for code in codes:
            events = pmt.list_add(events, pmt.intern(code))
        content = pmt.dict_add(pmt.make_dict(), pmt.intern("event_code"), events)
        if time_s is not None:
            moment = pmt.cons(pmt.from_long(int(time_s)), pmt.from_double(time_s % 1))
            content = pmt.dict_add(content, pmt.intern("time_spec"), moment)
        content = pmt.dict_add(content, pmt.intern("channel"), pmt.from_long(channel))
        message = pmt.cons(pmt.intern("uhd_async_msg"), content)
        self.message_port_pub(pmt.intern("async_msgs"), message)


class FakeUhd:
    """Stands for the module gnuradio.uhd and for the radio behind it."""

    def __init__(self):
        self.calls, self.found = [], ["type=b200,serial=1"]
        self.antennas = {"source": ("TX/RX", "RX2"), "sink": ("TX/RX",)}
        self.boards, self.clock_hz, self.rate_hz = 1, 20e6, 1e6
        self.frequency_range = (70e6, 6e9)
        self.locked, self.channels, self.now_s = True, 2, 5.0
        self.received = []
        self.tags, self.sent = [], ([], [])
        self.changed = threading.Condition()
        self.sink = None

    def nearest(self, rate_hz):
        """The rate that the clock allows: whole decimations, even ones or 1."""
        decimation = max(1, round(self.clock_hz / rate_hz / 2) * 2 or 1)
        return self.clock_hz / decimation

    def get_version_string(self):
        return "4.3.0.0"

    def device_addr(self, args):
        if ",," in args:
            raise RuntimeError(f"ValueError: invalid args string: {args}")
        return args

    def find(self, args):
        self.calls.append(("module", "find", (args,)))
        return [SimpleNamespace(to_string=lambda text=text: text) for text in self.found]

    def stream_args(self, **values):
        return values

    def time_spec(self, seconds):
        return ("time_spec", seconds)

    def tune_request(self, frequency, lo_offset):
        return SimpleNamespace(target_freq=frequency, lo_offset=lo_offset)

    def usrp_source(self, args, stream):
        self.calls.append(("source", "make", (args, stream)))
        if self.channels < 2:
            raise RuntimeError("IndexError: channel 1 out of range")
        return FakeSource(self)

    def usrp_sink(self, args, stream, length_tag):
        self.calls.append(("sink", "make", (args, stream, length_tag)))
        self.sink = FakeSink(self)
        return self.sink

    def named(self, side, method):
        """Arguments of all calls of a method."""
        return [call[2] for call in self.calls if call[:2] == (side, method)]

    def wait_for_sent(self, n, timeout_s=10.0):
        """Samples complex64 [2, m], m >= n, that reached the sink."""

        def arrived():
            return min(sum(map(len, rows)) for rows in self.sent) >= n

        with self.changed:
            assert self.changed.wait_for(arrived, timeout_s), "the sink got too few samples"
            return np.stack([np.concatenate(rows) for rows in self.sent])


@pytest.fixture
def radio():
    """A radio that answers to everything, without hardware."""
    return FakeUhd()


@pytest.fixture
def tcp_address():
    """An address of this host whose port is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def ends():
    """Closes what is entered, whatever happens."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def addresses(tmp_path):
    """Addresses between transmitter and channel, and between channel and receiver."""
    return f"ipc://{tmp_path}/tx", f"ipc://{tmp_path}/rx"
