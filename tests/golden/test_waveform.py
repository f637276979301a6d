# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording of frames and messages of format version 1: what was sent once must be received for ever.

GENERATE_EXPECTED=1 makes the files anew; that is right only together with another format version.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from scsc_core import framing
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.cli.air_program import run_program
from scsc_core.codecs import bpg
from scsc_core.evaluation.transmission import bursts_of, received_samples, write_recording
from scsc_core.radio.sigmf_file import SigmfReader
from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.csi_feedback import (
    CsiReport,
    SoundRef,
    quantise_csi,
    table_crc,
    tables_of_report,
)
from scsc_core.waveform.feedback_message import (
    HarqStatus,
    ReceiverState,
    pack_message,
    unpack_message,
)
from scsc_core.waveform.header import VERSION, FrameHeader
from scsc_core.waveform.numerology import numerology
from scsc_core.waveform.picture_transmitter import Burst
from scsc_core.waveform.receiver import OfdmReceiver
from scsc_core.waveform.session import WaveformReceiver, WaveformTransmitter

FOLDER = Path(__file__).parent / "waveform"
RECORDING = FOLDER / "version1"
EXPECTED = FOLDER / "version1.json"
PICTURE = Path(__file__).parent / "bpg" / "x265_420_q44.bpg"
PRECODERS = ("svd_equal", "svd_wf", "mercury")
OTHER_PAYLOAD = bytes(range(100, 140))
RATE_HZ = 1e6
LINK = {"precoder": "none", "nsym": 14, "slices": 1, "harq": True}
OPEN_LOOP = {
    "precoder": "svd_wf",
    "open_loop": "alamouti",
    "csi_wait_s": 0,
    "modulation": "16qam",
    "fec": "polar",
    "code_rate": "1/3",
    "nsym": 6,
}


# making them -----------------------------------------------------------------------------------------
def picture_payload():
    """The framed BPG file."""
    data = PICTURE.read_bytes()
    header = bpg.parse(data)
    return framing.pack(data, framing.PayloadHeader(200, header.height, header.width, "bpg", 44))


def picture_bursts():
    """A BPG file in QPSK frames with LDPC; one is 26 dB too weak and comes again as version 2."""
    transmitter = WaveformTransmitter(WaveformConfig(**LINK), lambda: 0.0, first_image_id=200)
    bursts = bursts_of(transmitter, [picture_payload()])
    decoded = np.arange(len(bursts)) != 1
    reference = SoundRef.of_header(bursts[-1].header)
    status = HarqStatus(200, reference, decoded, np.ones(len(bursts), np.uint8))
    transmitter.receive(pack_message(status))
    again = transmitter.next_burst()
    weak = Burst(bursts[1].header, np.float32(0.05) * bursts[1].samples)
    return [bursts[0], weak, *bursts[2:], again]


def open_loop_bursts():
    """A sounding frame, forty bytes by Alamouti in 16QAM with a polar code, one end frame."""
    now = [0.0]
    transmitter = WaveformTransmitter(WaveformConfig(**OPEN_LOOP), lambda: now[0], first_image_id=7)
    bursts = [transmitter.next_burst()]
    now[0] = 0.001
    transmitter.offer_payload(OTHER_PAYLOAD)
    transmitter.end()
    while bursts[-1].header.type != "end":
        bursts.append(transmitter.next_burst())
    return bursts


def messages():
    """One feedback message of each kind."""
    rng, n = np.random.default_rng(5), numerology()
    h = rng.normal(size=(n.n_used, 2, 2)) + 1j * rng.normal(size=(n.n_used, 2, 2))
    reference = SoundRef("data", 200, 3, 17, 2)
    decoded, heard = np.array([True, False, True]), np.array([1, 5, 2], np.uint8)
    return {
        "csi": quantise_csi(h, 0.25, 9, reference, n.used, group=4),
        "harq": HarqStatus(33, reference, decoded, heard, closed=True),
        "state": ReceiverState(12.5, "gr-scsc", *range(1, 10)),
    }


def table_crcs(report):
    n = numerology()
    return {
        name: table_crc(tables_of_report(report, n.used, n.data, name, "qpsk"))
        for name in PRECODERS
    }


def generate():
    """Write the recording and what is expected of it."""
    air = StreamChannelConfig(
        model="tdl", delay_spread_ns=1000, snr_db=25, cfo_hz=4000, delay_samples="300",
        block="samples:1000000", quant_bits=12, sample_rate_hz=RATE_HZ, seed=4,
    )  # fmt: skip
    bursts = [*picture_bursts(), *open_loop_bursts()]
    samples = received_samples(bursts, air, tail_samples=400)
    write_recording(RECORDING, samples, RATE_HZ, "gr-scsc frames, format version 1")
    sent = {200: picture_payload(), 7: OTHER_PAYLOAD}
    content = {
        "headers": [plain_header(burst.header) for burst in bursts],
        "payloads": {str(key): [len(data), sha256(data)] for key, data in sent.items()},
        "messages": {name: pack_message(message).hex() for name, message in messages().items()},
        "table_crcs": table_crcs(messages()["csi"]),
    }
    EXPECTED.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


# reading them ----------------------------------------------------------------------------------------
def plain_header(header):
    return json.loads(json.dumps(asdict(header)))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def recorded_samples():
    with SigmfReader(RECORDING) as reader:
        return reader.read(reader.n_samples)


def receive_frames():
    receiver = OfdmReceiver()
    return receiver.push(recorded_samples()) + receiver.flush()


def receive_payloads():
    receiver = WaveformReceiver(WaveformConfig(**LINK), lambda: 0.0)
    pictures = receiver.push(recorded_samples()) + receiver.flush()
    return [picture.payload for picture in pictures]


@pytest.fixture(scope="module")
def expected():
    if os.environ.get("GENERATE_EXPECTED"):
        generate()
    return json.loads(EXPECTED.read_text(encoding="utf-8"))


def test_recording_is_small_and_of_this_version(expected):
    size = sum(path.stat().st_size for path in FOLDER.iterdir())

    assert size < 300_000
    assert VERSION == 1, "another version needs another recording; keep this one while it is read"


def test_headers_are_those_that_were_sent(expected):
    headers = [plain_header(frame.header) for frame in receive_frames()]

    assert headers == expected["headers"]
    assert {header["type"] for header in headers} == {"data", "sounding", "end"}
    assert {header["rv"] for header in headers} == {0, 2}
    assert FrameHeader(**headers[0]).modulation == "qpsk"


def test_payloads_are_those_that_were_sent(expected):
    payloads = receive_payloads()

    assert all(payload.complete for payload in payloads)
    found = {str(payload.image_id): payload.data for payload in payloads}
    assert found.keys() == expected["payloads"].keys()
    for key, (length, digest) in expected["payloads"].items():
        assert sha256(found[key][:length]) == digest and not any(found[key][length:])
    whole = framing.unpack(payloads[0].data)
    assert whole.ok and whole.data == PICTURE.read_bytes()


@pytest.mark.skipif(not bpg.have_bpg(), reason="built without x265 and libde265")
def test_program_shows_the_picture(expected, tmp_path, capsys):
    words = ["--file", str(RECORDING), "--precoder", "none", "--harq", "--json"]
    words += ["--output", str(tmp_path)]

    assert run_program("rx", "Receive.", words) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shown = [line for line in lines if line["type"] == "picture"]
    assert [line["image_id"] for line in shown if line["delivered"]] == [200]


@pytest.mark.parametrize("name", ["csi", "harq", "state"])
def test_messages_keep_their_bytes_and_their_content(expected, name):
    message = bytes.fromhex(expected["messages"][name])

    unpacked = unpack_message(message)

    assert unpacked.problem is None and isinstance(unpacked.content, type(messages()[name]))
    assert pack_message(unpacked.content) == message == pack_message(messages()[name])


def test_tables_of_a_report_are_what_they_were(expected):
    report = unpack_message(bytes.fromhex(expected["messages"]["csi"])).content

    assert isinstance(report, CsiReport)
    assert table_crcs(report) == expected["table_crcs"]
