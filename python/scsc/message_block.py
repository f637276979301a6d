# SPDX-License-Identifier: GPL-3.0-or-later
"""What all blocks share: ports, guarded handlers, commands, status, end of input."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from scsc_core.radio import keys

from . import supervisor
from .frame_meta import COMMON, BadFrame, is_empty, is_last, meta_of
from .pdu import BadPdu, from_dict, from_pdu, to_dict, to_pdu

STATUS_INTERVAL_S = 0.2
WARNING_INTERVAL_S = 1.0
_SYSTEM = "system"
_CLOSE = pmt.intern("scsc_close")


class message_block(gr.basic_block):
    """Base of all blocks: message ports with guarded handlers, and streams where a block has them.

    A subclass names its ports and has a method `on_<port>` for each input: `(array, meta)` for a
    port of PDUs, `(meta)` for one of dicts. Handlers are guarded by the Supervisor. Bad messages
    are counted in `dropped` and logged at most once a second.

    The end: `last` on the main input closes the block as soon as `idle()` holds, after everything
    went out. A block does not end because one of its neighbours did, as blocks of GNU
    Radio do; several inputs and answers on the way back would otherwise lose the last picture. A
    frame that is dropped is passed on as an empty PDU, so that those behind count it and end too.
    An empty PDU with `last` and without a frame says no more than that nothing follows.

    Args:
        name: block name without the prefix scsc_.
        pdus: input ports that carry PDUs.
        dicts: input ports that carry plain dicts.
        outputs: output ports; the first one passes the end on.
        main: input ports that decide about the end, by default the first of `pdus`.
        settable: parameters with a setter `set_<parameter>`, reachable through port `cmd`.
        streams_in, streams_out: dtypes of the streams of samples; none by default.
    """

    def __init__(
        self,
        name,
        pdus=(),
        dicts=(),
        outputs=(),
        settable=(),
        main=None,
        streams_in=(),
        streams_out=(),
    ):
        gr.basic_block.__init__(self, f"scsc_{name}", streams_in, streams_out)
        self.supervisor = supervisor.current()
        self._main = frozenset(main or pdus[:1])
        self._carrier = pdus[0] if pdus else None  # the port whose losses are passed on
        self._outputs = tuple(outputs)
        self._settable = tuple(settable)
        self._starts = 0
        self._forget_end()
        self._end_lock = threading.Lock()
        self._next_status = self._next_warning = 0.0
        self.counters: dict[str, Any] = {"frames": 0, "dropped": 0}
        for port in pdus:
            self._register(port, self._receive_pdu)
        for port in dicts:
            self._register(port, self._receive_dict)
        if settable:
            self._register(keys.COMMAND, self._receive_dict)
        for port in (*self._outputs, keys.STATUS):
            self.message_port_register_out(pmt.intern(port))
        self._attach(_SYSTEM, self._on_system)

    # ports ---------------------------------------------------------------------------------------
    def _register(self, port, receive):
        self.message_port_register_in(pmt.intern(port))

        def handle(message):
            if self.supervisor.stopping:
                return
            try:
                receive(port, message)
                self._end_when_idle()
            except BaseException as error:
                self.supervisor.fail(error)

        self._attach(port, handle)

    def _attach(self, port, handle):
        def call(message):
            handle(message)

        call.__name__ = f"_handle_{port}"  # GNU Radio looks handlers up by name
        setattr(self, call.__name__, call)
        self.set_msg_handler(pmt.intern(port), call)

    def _receive_pdu(self, port, message):
        meta: dict[str, Any] = {}
        try:
            meta = meta_of(message)
            if is_empty(message):
                self._pass_on(meta, port)
                return
            array, meta = from_pdu(message, keys.DTYPES[port], keys.SHAPES[port])
            if port in self._main:
                self.counters["frames"] += 1
            getattr(self, f"on_{port}")(array, meta)
        except (BadFrame, BadPdu) as error:
            self.drop(f"{port}: {error}", meta, port)
        else:
            self._last_seen = self._last_seen or (port in self._main and is_last(meta))
        self.publish_status(final=is_last(meta))

    def _receive_dict(self, port, message):
        try:
            meta = from_dict(message)
        except BadPdu as error:
            self.drop(f"{port}: {error}", {}, port)
            return
        try:
            getattr(self, f"on_{port}")(meta)
        except BadFrame as error:
            self.drop(f"{port}: {error}", meta, port)
        self._last_seen = self._last_seen or (port in self._main and is_last(meta))

    def on_cmd(self, command):
        """Set parameters by a dict `{name: value}`; what is unknown or impossible is a warning."""
        for name, value in command.items():
            if name not in self._settable:
                known = ", ".join(self._settable)
                self.warn(f"cmd: unknown parameter {name!r}; known are {known}")
                continue
            try:
                getattr(self, f"set_{name}")(value)
            except ValueError as error:
                self.warn(f"cmd: {error}")

    # output --------------------------------------------------------------------------------------
    def publish(self, port: str, array: np.ndarray, meta: dict[str, Any]) -> None:
        """Send one PDU."""
        self.message_port_pub(pmt.intern(port), to_pdu(array, meta))

    def publish_dict(self, port: str, meta: dict[str, Any]) -> None:
        """Send one plain dict."""
        self.message_port_pub(pmt.intern(port), to_dict(meta))

    def wanted(self, port: str) -> bool:
        """True when somebody listens to an output port."""
        return not pmt.is_null(self.message_subscribers(pmt.intern(port)))

    def publish_status(self, final: bool = False) -> None:
        """Send the counters on port `status`, at most five times a second and at the end."""
        now = time.monotonic()
        if final or now >= self._next_status:
            self._next_status = now + STATUS_INTERVAL_S
            self.publish_dict(keys.STATUS, {"block": self.name(), **self.counters})

    @contextmanager
    def timed(self, meta: dict[str, Any], stage: str):
        """Adds the wall time of the body to `meta` under the stage's key."""
        begin = time.perf_counter()
        yield
        key = keys.time_key(stage)
        meta[key] = meta.get(key, 0.0) + 1e3 * (time.perf_counter() - begin)

    def warn(self, text: str) -> None:
        """Log a warning, at most once a second."""
        now = time.monotonic()
        if now >= self._next_warning:
            self._next_warning = now + WARNING_INTERVAL_S
            self.logger.warn(text)

    def drop(self, reason: str, meta: dict[str, Any], port: str) -> None:
        """Count and log a message that cannot be used; those behind get an empty one instead."""
        self.counters["dropped"] += 1
        self.warn(f"dropped ({self.counters['dropped']} so far): {reason}")
        self._pass_on(meta, port)

    # begin and end -------------------------------------------------------------------------------
    def start(self):
        """Begin a run; a subclass with a start of its own calls this one first."""
        self._starts += 1
        self._forget_end()
        return True

    def _forget_end(self):
        self._last_seen = False
        self._end_untold = False  # no frame passes `last` on
        self._finished = False

    def idle(self) -> bool:
        """True when nothing received is still to be sent; a subclass that waits overrides it."""
        return True

    def _pass_on(self, meta, port):
        if port in self._main and is_last(meta):
            self._last_seen = True
            self._end_untold = keys.FRAME not in meta
        if port == self._carrier and keys.FRAME in meta:
            self.on_lost_frame(meta)

    def on_lost_frame(self, meta: dict[str, Any]) -> None:
        """A frame was dropped here or before: send an empty PDU in its place."""
        if self._outputs:
            self.publish_lost(self._outputs[0], meta)

    def publish_lost(self, port: str, meta: dict[str, Any]) -> None:
        """Send the empty PDU that stands for a lost frame."""
        common = {key: meta[key] for key in COMMON if key in meta}
        self.publish(port, np.empty(0, np.uint8), common)

    def on_end(self) -> None:
        """Everything was sent: tell those behind, unless the last frame has."""
        if self._end_untold:
            self.publish_end(*self._outputs[:1])

    def publish_end(self, *ports: str) -> None:
        """Send the empty PDU that says that nothing follows, on those ports that carry PDUs."""
        for port in ports:
            if port in keys.SHAPES:
                self.publish(port, np.empty(0, np.uint8), {keys.LAST: True})

    def _end_when_idle(self):
        with self._end_lock:
            ends = self._last_seen and not self._finished and self.idle()
            self._finished = self._finished or ends
        if ends:
            self.on_end()
            self.close()

    def close(self) -> None:
        """Tell the scheduler that this block is done; any thread, also before the first pass."""
        self.to_basic_block()._post(pmt.intern(_SYSTEM), self._close_message())

    def _close_message(self):
        # With the number of the run: one that a stopped run left behind must not end the next.
        return pmt.cons(_CLOSE, pmt.from_long(max(1, self._starts)))

    def _on_system(self, message):
        # Neighbours that end post "done" here, which is no reason to end; only close() is.
        if pmt.equal(message, self._close_message()):
            self.gateway.system_handler(pmt.cons(pmt.intern("done"), pmt.from_long(1)))
