# SPDX-License-Identifier: GPL-3.0-or-later
"""OfdmReceiver on streams: frames come once and right, whatever surrounds and interrupts them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_channel import (
    TABLE,
    bits_of,
    data_frame,
    normal,
    received,
    resample,
    taps,
    through,
    with_noise,
)

from scsc_core.waveform import header
from scsc_core.waveform.detection import frame_llr
from scsc_core.waveform.header import FrameHeader
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.numerology import numerology
from scsc_core.waveform.receiver import OfdmReceiver, ReceiverConfig
from scsc_core.waveform.sequences import to_time

N = numerology("64")


def receive(samples, splits=(), n=N, **config):
    """Frames of a whole stream, and the receiver."""
    receiver = OfdmReceiver(ReceiverConfig(numerology=n, **config))
    frames = []
    for part in np.split(samples, splits, axis=1):
        frames += receiver.push(part)
    return frames + receiver.flush(), receiver


def bit_error_rate(frame, index) -> float:
    return np.mean((frame_llr(frame, TABLE[None]) < 0) != bits_of(index))


def stream_of(rng, count, gap, nsym=3, n=N, **options):
    """Frames with gaps of noise, and their row numbers."""
    parts, sent = [], []
    for k in range(count):
        x, index = data_frame(rng, n, nsym, frame=k, n_frames=count)
        parts += [x, np.zeros((2, gap))]
        sent.append(index)
    options = {"gains": np.eye(2)[None], "snr_db": 20.0} | options
    return received(rng, np.concatenate(parts, axis=1), n, **options), sent


# chunking ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def mixed():
    """Two frames, a sounding frame and a cut one, and what one push gives."""
    rng = np.random.default_rng(5)
    parts = [data_frame(rng, N, nsym, frame=k, n_frames=4)[0] for k, nsym in ((0, 2), (1, 5))]
    sounding = Modulator(N).sounding(FrameHeader(type="sounding", nsym=0))
    cut = data_frame(rng, N, 30, frame=3, n_frames=4)[0][:, :1500]
    x = np.concatenate([*parts, np.zeros((2, 333)), sounding, np.zeros((2, 90)), cut], axis=1)
    samples = received(rng, x, N, after=0)
    return samples, *receive(samples)


def check_same(samples, splits, frames, counters):
    found, receiver = receive(samples, splits)
    assert receiver.counters == counters
    assert [f.sample_index for f in found] == [f.sample_index for f in frames]
    for a, b in zip(found, frames, strict=True):
        assert a.header == b.header
        # sums of energy begin elsewhere: the last bit of the metric may differ, nothing else
        np.testing.assert_allclose(a.metric, b.metric, rtol=1e-6)
        for name in ("y", "h", "noise_var", "snr_db", "cfo_hz", "q", "peak", "clip_count"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_mixed_stream_is_understood(mixed):
    _, frames, receiver = mixed

    assert [(f.header.type, f.header.nsym) for f in frames] == [
        ("data", 2),
        ("data", 5),
        ("sounding", 0),
    ]
    assert receiver.counters["truncated"] == 1


@pytest.mark.parametrize("size", [97, 280, 1021, 4096])
def test_equal_chunks_give_the_same_frames(mixed, size):
    samples, frames, receiver = mixed
    splits = range(size, samples.shape[1], size)
    check_same(samples, splits, frames, receiver.counters)


def test_single_samples_give_the_same_frames(mixed):
    """One by one over the first frame and the beginning of the second."""
    samples, frames, receiver = mixed
    check_same(samples, range(1, 2500), frames, receiver.counters)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9000), max_size=6).map(sorted))
def test_any_chunks_give_the_same_frames(mixed, splits):
    samples, frames, receiver = mixed
    check_same(samples, splits, frames, receiver.counters)


# bursts ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("gap", [0, 1, 2, 15, 16, 31, 33, 64, 255, 280, 1023, 5000])
def test_bursts_at_any_gap_are_all_found(gap):
    samples, sent = stream_of(np.random.default_rng(gap), 4, gap)

    frames, receiver = receive(samples)

    assert [f.header.frame for f in frames] == [0, 1, 2, 3]
    assert receiver.counters["triggers"] == 4
    length = N.frame_samples(3) + gap
    assert [f.sample_index for f in frames] == [700 + k * length for k in range(4)]
    for frame, index in zip(frames, sent, strict=True):
        assert bit_error_rate(frame, index) == 0


def test_burst_at_the_first_sample_of_a_stream_is_found():
    samples, _ = stream_of(np.random.default_rng(1), 2, 40, before=0)

    frames, _ = receive(samples)

    assert [f.sample_index for f in frames] == [0, N.frame_samples(3) + 40]


@pytest.mark.parametrize("kept", [100, 500, 700, 1215, 1216 + 120, 1216 + 239])
def test_truncated_burst_costs_itself_alone(kept):
    """A frame that breaks off, at once followed by a whole one."""
    rng = np.random.default_rng(kept)
    first, _ = data_frame(rng, N, 3, frame=0, n_frames=2)
    second, _ = data_frame(rng, N, 3, frame=1, n_frames=2)
    gap = N.frame_samples(3)
    x = np.concatenate([first[:, :kept], np.zeros((2, gap)), second], axis=1)

    frames, _ = receive(received(rng, x, N, gains=np.eye(2)[None]))

    assert [f.header.frame for f in frames][-1] == 1
    assert frames[-1].sample_index == 700 + kept + gap


def test_two_transmitters_at_once_leave_the_receiver_sound():
    """A weaker frame inside a stronger one costs errors; the frames behind are whole."""
    rng = np.random.default_rng(11)
    strong, _ = data_frame(rng, N, 20, frame=0, n_frames=2)
    weak, _ = data_frame(rng, N, 8, frame=1, n_frames=2, image_id=9)
    last, index = data_frame(rng, N, 3, frame=1, n_frames=2)
    y = np.pad(through(strong, taps(rng, 0)), ((0, 0), (500, 4000)))
    y[:, 1900 : 1900 + weak.shape[1]] += 0.4 * through(weak, taps(rng, 0))
    y[:, 5000 : 5000 + last.shape[1]] += through(last, taps(rng, 0))

    frames, _ = receive(with_noise(rng, y, 25, N))

    assert [f.header.image_id for f in frames if f.header.nsym == 3] == [0]
    assert frames[0].header.nsym == 20
    assert bit_error_rate(frames[-1], index) == 0


# headers -----------------------------------------------------------------------------------------
def sent_as(bits, nsym, rng, n=N):
    """Samples of a frame whose header has these 75 bits, right or wrong."""
    bits = np.asarray(bits, np.uint8)
    x, _ = data_frame(rng, n, nsym)
    grid = header.encode_header(bits, n)
    symbols = to_time(grid.transpose(0, 2, 1), n)
    symbols = np.concatenate([symbols[..., -n.n_cp :], symbols], axis=-1)
    x = x.copy()
    x[:, n.preamble_samples : n.overhead_samples] = symbols.transpose(1, 0, 2).reshape(2, -1)
    return x


def test_header_is_replaced_as_intended():
    """The helper of the tests below sends what the modulator sends."""
    bits = header.pack(FrameHeader(nsym=2))

    replaced = sent_as(bits, 2, np.random.default_rng(3))

    plain, _ = data_frame(np.random.default_rng(3), N, 2)
    np.testing.assert_allclose(replaced, plain, atol=1e-6)


def test_random_headers_with_right_checks_are_dropped_or_read():
    rng = np.random.default_rng(12)
    receiver, total = OfdmReceiver(ReceiverConfig(max_nsym=4)), 40
    frames = []
    for _ in range(total):
        x = sent_as(rng.integers(0, 2, header.FIELD_BITS), 1, rng)
        frames += receiver.push(received(rng, x, N, 25.0, gains=np.eye(2)[None]))
    good, _ = data_frame(rng, N, 2)
    frames += receiver.push(received(rng, good, N, 25.0, gains=np.eye(2)[None]))

    assert frames[-1].header == FrameHeader(nsym=2)
    assert receiver.counters["header_fields"] + receiver.counters.get("nsym", 0) >= total - 2
    assert receiver.counters["triggers"] >= total + 1


def test_headers_that_claim_more_symbols_than_allowed_are_dropped():
    rng = np.random.default_rng(13)
    x, _ = data_frame(rng, N, 6)
    samples = received(rng, x, N, gains=np.eye(2)[None])

    frames, receiver = receive(samples, max_nsym=5)

    assert not frames and receiver.counters["nsym"] == 1
    assert len(receive(samples, max_nsym=6)[0]) == 1


# noise and interference --------------------------------------------------------------------------
@pytest.mark.parametrize("tone", [None, 0.0, 0.0123, 0.25, 1 / 16, 1 / 8])
def test_noise_with_a_tone_gives_no_frames(tone):
    """DC or a tone 9 dB above noise: 200 000 samples give two false triggers at most."""
    rng, length = np.random.default_rng(14), 200_000
    y = normal(rng, 2, length)
    if tone is not None:
        y += np.sqrt(8) * np.exp(2j * np.pi * tone * np.arange(length)) * normal(rng, 2, 1)

    frames, receiver = receive(y.astype(np.complex64))

    assert not frames
    # 7e-7 per sample in noise: more than two have a probability of 4e-4
    assert receiver.counters.get("triggers", 0) <= 2


def test_frame_is_found_under_dc():
    rng = np.random.default_rng(15)
    x, index = data_frame(rng, N, 4)
    samples = received(rng, x, N, 15.0, gains=np.eye(2)[None]) + np.complex64(0.7 - 0.5j)

    frames, _ = receive(samples)

    assert len(frames) == 1 and bit_error_rate(frames[0], index) == 0


def test_samples_that_are_not_finite_count_as_zero():
    samples, sent = stream_of(np.random.default_rng(16), 2, 50)
    bad = samples.copy()
    at = np.arange(1300, 1310)
    bad[0, at], bad[1, at[:5]] = np.nan, np.inf * 1j
    zeroed = np.where(np.isfinite(bad), bad, 0)

    frames, receiver = receive(bad)

    assert receiver.counters["bad_samples"] == 15
    expected, _ = receive(zeroed)
    assert len(frames) == len(expected) == 2
    for a, b in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(a.y, b.y)
        assert np.isfinite(a.y).all()


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e6, 1e17, 1e30])
def test_samples_of_any_size_never_raise(scale):
    samples, _ = stream_of(np.random.default_rng(17), 1, 50)

    with np.errstate(over="ignore"):
        frames, _ = receive(samples * np.float32(scale))

    assert len(frames) == (scale <= 1e6)


# interruptions -----------------------------------------------------------------------------------
def test_discontinuity_drops_the_frame_it_cuts_and_keeps_indices():
    samples, _ = stream_of(np.random.default_rng(18), 3, 100)
    length = N.frame_samples(3) + 100
    cut, resume = 700 + length + 1000, 700 + 2 * length - 50
    receiver = OfdmReceiver()

    frames = receiver.push(samples[:, :cut]) + receiver.discontinuity(resume - cut)
    frames += receiver.push(samples[:, resume:]) + receiver.flush()

    assert [f.header.frame for f in frames] == [0, 2]
    assert [f.sample_index for f in frames] == [700, 700 + 2 * length]
    assert receiver.counters["truncated"] == 1


def test_memory_is_bounded():
    """Whatever comes, the buffer keeps what one frame can need at most, and one piece."""
    rng = np.random.default_rng(19)
    x, _ = data_frame(rng, N, 100)
    receiver, largest = OfdmReceiver(), 0
    noise = (0.05 * normal(rng, 2, 150_000)).astype(np.complex64)
    for part in (noise, x[:, :-1], noise[:, :70_000], x[:, :900], noise[:, :50]):
        receiver.push(part)
        largest = max(largest, receiver._buffer.shape[1])

    assert largest <= N.frame_samples(N.max_nsym) + (1 << 16) + 1000


def test_levels_count_clipped_samples():
    samples, _ = stream_of(np.random.default_rng(20), 1, 50)
    begin = 700
    samples[1, begin + 500] = 3.5 - 1j
    samples[0, begin + 501] = -2j

    frame = receive(samples, clip_level=2.9)[0][0]

    levels = np.maximum(np.abs(samples.real), np.abs(samples.imag))
    of_frame = levels[:, begin - 4 : begin + frame.n_samples]
    assert frame.peak == np.float32(of_frame.max())
    assert frame.clip_count == np.count_nonzero(of_frame >= 2.9) >= 1


# channels and offsets ----------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["64", "128", "256", "64-cp32"])
@pytest.mark.parametrize("cfo", [-2.0, -0.3, 1.6, 2.0])
def test_carrier_offsets_of_two_spacings_are_corrected(name, cfo):
    """Spacings of the 64-point transform, in every numerology."""
    n, rng = numerology(name), np.random.default_rng(21)
    x, index = data_frame(rng, n, 10)
    samples = received(rng, x, n, 22.0, cfo * n.n_fft / 64, np.eye(2)[None])

    frames, _ = receive(samples, n=n, rate_hz=64e4)

    assert [f.sample_index for f in frames] == [700]
    # standard deviation of the estimate at 22 dB: below 10 Hz of 10 kHz spacing
    assert frames[0].cfo_hz == pytest.approx(cfo * 1e4, abs=50)
    assert bit_error_rate(frames[0], index) == 0


@pytest.mark.parametrize("name", ["64", "128", "256"])
@pytest.mark.parametrize("ppm", [-40.0, 40.0])
def test_sampling_clock_offsets_are_corrected(name, ppm):
    n, rng = numerology(name), np.random.default_rng(22)
    x, index = data_frame(rng, n, 80 * 64 // n.n_fft)
    padded = np.pad(x, ((0, 0), (700, 700)))
    samples = with_noise(rng, resample(padded, ppm), 25.0, n)

    frames, _ = receive(samples, n=n)

    # sample t is taken at t (1 + ppm): the frame has fewer samples, its clock is "received over sent"
    assert frames[0].sfo_ppm == pytest.approx(-ppm, abs=3)
    assert bit_error_rate(frames[0], index) == 0


@pytest.mark.parametrize("name, rms", [("64", 1.0), ("64", 2.0), ("128", 4.0), ("256", 6.0)])
def test_selective_channels_are_estimated(name, rms):
    n, rng = numerology(name), np.random.default_rng(23)
    gains = taps(rng, rms)
    x, index = data_frame(rng, n, 12)
    samples = received(rng, x, n, 30.0, 0.1, gains)

    frame = receive(samples, n=n)[0][0]

    # mean over taps, behind the first one that was taken for the start
    power = (np.abs(gains) ** 2).sum((1, 2))
    delay = (power * np.arange(len(power))).sum() / power.sum() + 700 - frame.sample_index
    assert frame.sto_samples == pytest.approx(delay, abs=0.5)
    signal = 10 * np.log10(power.sum() / 4)
    assert frame.snr_db == pytest.approx(30.0 + signal, abs=1.0)
    # a bit in 1000 for the deepest fades of two streams at 30 dB
    assert bit_error_rate(frame, index) < 2e-3


def test_soft_bits_at_low_snr_reach_the_true_noise():
    """N0 is that of the noise and the estimate's error, at 5 dB."""
    rng = np.random.default_rng(24)
    x, _ = data_frame(rng, N, 50)
    frame = receive(received(rng, x, N, 5.0, gains=np.eye(2)[None]))[0][0]

    # link units: N0 = 2 x noise of a carrier; 640 differences behind the estimate: 4 % each way
    n0 = 2 * 10 ** (-5 / 10)
    assert n0 * 0.85 < frame.noise_var < n0 * 1.35


# arguments ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "samples", [np.zeros((3, 9), np.complex64), np.zeros(9, np.complex64), np.zeros((2, 9))]
)
def test_other_samples_are_refused(samples):
    with pytest.raises(ValueError, match="samples must be complex"):
        OfdmReceiver().push(samples)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"threshold": 1.0}, "threshold"),
        ({"gate_q": -0.1}, "gate_q"),
        ({"rate_hz": 0.0}, "rate_hz"),
        ({"clip_level": np.nan}, "clip_level"),
        ({"max_nsym": 101}, "max_nsym"),
    ],
)
def test_bad_configurations_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ReceiverConfig(**changes)


def test_lost_samples_are_not_negative():
    with pytest.raises(ValueError, match="lost_samples must be >= 0"):
        OfdmReceiver().discontinuity(-1)
