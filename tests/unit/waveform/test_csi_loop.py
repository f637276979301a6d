# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel state at both ends: every row of the table of faults, over a clock set by hand."""

import dataclasses

import numpy as np
import pytest
from carrier_link import CarrierChannel, Clock

from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.csi_book import LOG_INTERVAL_S, MAX_SOUNDING_INTERVAL_S, CsiBook
from scsc_core.waveform.csi_feedback import SoundRef
from scsc_core.waveform.csi_reporter import HISTORY, CsiReporter
from scsc_core.waveform.header import FrameHeader
from scsc_core.waveform.sent_log import MAX_ENTRIES, SentLog

CONFIG = WaveformConfig(precoder="svd_wf")
N = CONFIG.carriers


class Loop:
    """Both ends on one clock, a channel between them, no transport."""

    def __init__(self, clock: Clock, config: WaveformConfig = CONFIG):
        self.clock = clock
        self.sent = SentLog(clock)
        self.book = CsiBook(config, N, clock, self.sent)
        self.reporter = CsiReporter(config, N, clock)
        self.channel = CarrierChannel(N, 10.0)
        self.count = 0

    def sound(self):
        """The report of a sounding frame, on its way."""
        header = FrameHeader(type="sounding", nsym=0, frame=self.count, n_frames=1023)
        self.count += 1
        self.sent.add(SoundRef.of_header(header))
        return self.reporter.observe(header, self.channel.h, self.channel.noise_var)

    def data_header(self, choice):
        return FrameHeader(
            precoder=choice.precoder, csi_id=choice.csi_id, table_crc=choice.table_crc
        )


@pytest.fixture
def loop(clock):
    return Loop(clock)


def test_transmitter_waits_for_the_first_report_then_sends_in_open_loop(loop, clock):
    states = [loop.book.state]
    clock.advance(CONFIG.csi_wait_s * 1.01)
    states.append(loop.book.state)

    assert states == ["waiting", "open"]
    assert loop.book.choose().precoder == "none" and loop.book.choose().csi_id == 0


def test_report_closes_the_loop_and_both_ends_have_the_same_table(loop):
    assert loop.book.receive(loop.sound())

    choice = loop.book.choose()
    tables = loop.reporter.tables(loop.data_header(choice))

    assert loop.book.state == "closed" and choice.precoder == "svd_wf"
    np.testing.assert_array_equal(choice.tables, tables)


def test_report_grows_old_from_the_transmission_of_its_frame(loop, clock):
    report = loop.sound()
    clock.advance(0.9 * CONFIG.csi_max_age_s)  # a late message

    loop.book.receive(report)
    first = loop.book.state
    clock.advance(0.2 * CONFIG.csi_max_age_s)

    assert (first, loop.book.state) == ("closed", "open")
    assert loop.book.choose().precoder == "none"
    assert loop.book.counters["csi_stale"] == 1


def test_loss_of_feedback_is_warned_of_once_per_change(loop, clock, caplog):
    caplog.set_level("INFO")
    for _ in range(2):
        loop.book.receive(loop.sound())
        assert loop.book.state == "closed"
        clock.advance(1.1 * LOG_INTERVAL_S)
        for _ in range(5):
            assert loop.book.state == "open"
            clock.advance(1.1 * LOG_INTERVAL_S)

    levels = [record.levelname for record in caplog.records]
    assert levels == ["INFO", "WARNING", "INFO", "WARNING"]
    assert loop.book.counters["csi_stale"] == 2


def test_loop_that_opens_and_closes_all_the_time_is_one_warning_and_a_counter(loop, clock, caplog):
    caplog.set_level("INFO")
    for _ in range(200):
        loop.book.receive(loop.sound())
        assert loop.book.state == "closed"
        clock.advance(1.1 * CONFIG.csi_max_age_s)
        assert loop.book.state == "open"

    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert loop.book.counters["csi_stale"] == 200


def test_report_of_a_frame_that_was_never_sent_is_ignored(loop):
    report = loop.sound()
    stranger = dataclasses.replace(report, sound_ref=SoundRef("data", 77, 3, 0, 0))

    assert not loop.book.receive(stranger)
    assert loop.book.counters["csi_unknown_frame"] == 1 and loop.book.state == "waiting"


def test_report_of_another_numerology_is_ignored(loop):
    report = dataclasses.replace(loop.sound(), n_carriers=4, h=np.ones((4, 2, 2, 2), np.int8))

    assert not loop.book.receive(report)
    assert loop.book.counters["csi_shape"] == 1


def test_reordered_and_repeated_reports_do_not_replace_newer_ones(loop, clock):
    first = loop.sound()
    clock.advance(0.006)
    second = loop.sound()

    assert loop.book.receive(second)
    assert not loop.book.receive(first)
    assert not loop.book.receive(second)
    assert loop.book.choose().csi_id == second.csi_id
    assert (loop.book.counters["csi_late"], loop.book.counters["csi_duplicate"]) == (1, 1)


def test_clock_that_is_set_back_opens_the_loop_until_the_next_report(loop, clock):
    loop.book.receive(loop.sound())
    clock.advance(-50.0)

    assert loop.book.state == "open"
    assert loop.book.sounding_due()
    clock.advance(0.001)
    loop.reporter._last_report_s = None
    assert loop.book.receive(loop.sound())
    assert loop.book.state == "closed"


def test_clock_that_jumps_ahead_opens_the_loop(loop, clock):
    report = loop.sound()
    clock.advance(3600.0)

    assert not loop.book.receive(report)
    assert loop.book.state == "open"


def test_reports_come_no_faster_than_their_interval(loop, clock):
    reports = []
    for _ in range(21):
        reports.append(loop.sound())
        clock.advance(0.001)

    assert sum(report is not None for report in reports) == 5  # at 0, 5, 10, 15, 20 ms


def test_unknown_report_is_counted_and_answered_at_once(loop, clock):
    loop.sound()

    tables = loop.reporter.tables(FrameHeader(precoder="svd_wf", csi_id=99, table_crc=1))
    report = loop.sound()

    assert tables is None and loop.reporter.counters["csi_unknown"] == 1
    assert report is not None  # although the last one was sent at the same time


def test_wrong_table_crc_is_counted_answered_and_warned_of_after_three(loop, caplog):
    loop.book.receive(loop.sound())
    header = loop.data_header(loop.book.choose())
    wrong = dataclasses.replace(header, table_crc=header.table_crc ^ 1)

    outcomes = []
    for _ in range(3):
        outcomes.append(loop.reporter.tables(wrong))
        assert loop.sound() is not None
    assert outcomes == [None] * 3
    assert loop.reporter.counters["table_mismatch"] == 3
    assert loop.reporter.ends_differ and "compare the software" in caplog.text


def test_a_right_table_in_between_resets_the_suspicion(loop):
    loop.book.receive(loop.sound())
    header = loop.data_header(loop.book.choose())
    wrong = dataclasses.replace(header, table_crc=header.table_crc ^ 1)

    for header_ in (wrong, wrong, header, wrong, wrong):
        loop.reporter.tables(header_)

    assert not loop.reporter.ends_differ


def test_ends_that_differ_are_warned_of_once(loop, caplog):
    loop.book.receive(loop.sound())
    header = loop.data_header(loop.book.choose())
    wrong = dataclasses.replace(header, table_crc=header.table_crc ^ 1)

    for header_ in (wrong, wrong, wrong, header) * 5:
        loop.reporter.tables(header_)

    assert len(caplog.records) == 1 and loop.reporter.counters["table_mismatch"] == 15


def test_receiver_remembers_the_last_16_reports(loop, clock):
    reports = []
    for _ in range(HISTORY + 1):
        reports.append(loop.sound())
        clock.advance(0.006)

    def known(report):
        header = FrameHeader(precoder="svd_wf", csi_id=report.csi_id, table_crc=0)
        loop.reporter.tables(header)
        return report.csi_id in loop.reporter._reports

    assert not known(reports[0]) and all(known(report) for report in reports[1:])


def test_ids_wrap_and_the_loop_stays_closed(clock):
    loop = Loop(clock)

    for _ in range(260):
        report = loop.sound()
        assert loop.book.receive(report)
        choice = loop.book.choose()
        tables = loop.reporter.tables(loop.data_header(choice))
        np.testing.assert_array_equal(choice.tables, tables)
        clock.advance(0.006)

    assert not loop.reporter.counters["table_mismatch"]
    assert len(loop.reporter._tables) <= HISTORY


def test_restarted_receiver_with_the_same_ids_is_noticed_by_the_crc(loop, clock):
    loop.book.receive(loop.sound())
    header = loop.data_header(loop.book.choose())
    loop.reporter = CsiReporter(CONFIG, N, clock)
    loop.channel.new_channel()
    loop.sound()

    assert loop.reporter.tables(header) is None
    assert loop.reporter.counters["table_mismatch"] == 1


def test_channel_that_moved_keeps_its_table_until_the_age_limit(loop, clock):
    loop.book.receive(loop.sound())
    loop.channel.new_channel()
    clock.advance(0.5 * CONFIG.csi_max_age_s)

    choice = loop.book.choose()

    assert choice.precoder == "svd_wf"
    assert loop.reporter.tables(loop.data_header(choice)) is not None


def test_estimates_that_are_not_finite_are_counted(loop):
    header = FrameHeader(type="sounding", nsym=0)

    assert loop.reporter.observe(header, np.full((52, 2, 2), np.nan), 0.1) is None
    assert loop.reporter.counters["csi_unusable"] == 1


def test_sounding_is_due_at_the_start_and_after_half_the_maximum_age(loop, clock):
    assert loop.book.sounding_due()
    loop.book.receive(loop.sound())
    assert not loop.book.sounding_due()
    clock.advance(0.51 * CONFIG.csi_max_age_s)
    assert loop.book.sounding_due()


def test_soundings_that_nobody_answers_become_rare(loop, clock):
    times = []
    end = clock() + 10.0
    while clock() < end:
        if loop.book.sounding_due():
            loop.book.sounded()
            loop.sound()
            times.append(clock())
        clock.advance(0.002)

    assert len(times) < 40
    assert max(np.diff(times)) == pytest.approx(MAX_SOUNDING_INTERVAL_S, abs=0.005)


def test_precoder_without_csi_needs_no_soundings(clock):
    loop = Loop(clock, WaveformConfig(precoder="none"))

    assert loop.book.state == "open" and not loop.book.sounding_due()


def test_log_of_transmissions_takes_the_older_of_two_equal_frames(clock):
    log = SentLog(clock)
    ref = SoundRef("data", 1, 2, 3, 0)

    first = log.add(ref)
    clock.advance(0.5)
    log.add(ref)

    assert log.find(ref) == first
    clock.advance(0.6)
    assert log.find(ref) is None or log.find(ref).time_s > first.time_s


def test_log_of_transmissions_is_bounded(clock):
    log = SentLog(clock, horizon_s=1e9)

    for number in range(2 * MAX_ENTRIES):
        log.add(SoundRef("data", number % 256, number // 256, 0, 0))

    assert len(log._sent) <= MAX_ENTRIES
