# SPDX-License-Identifier: GPL-3.0-or-later
import json
import re

import numpy as np
import pytest

from scsc_core.radio import open_front_end
from scsc_core.radio.sigmf_file import RecordingError, SigmfReader, SigmfWriter, recording_paths


def _samples(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))
    return x.astype(np.complex64)


@pytest.fixture
def recording(tmp_path):
    """A finalised recording of 1000 samples."""
    with SigmfWriter(tmp_path / "air", 1e6, 2.45e9, "test") as writer:
        writer.write(_samples(1000))
        writer.annotate(100, 50, "burst", snr_db=np.float32(12.5), header={"frame": 3})
    return tmp_path / "air"


def _change(recording, **changes):
    """Change entries of the global object; None removes one."""
    path = recording_paths(recording)[0]
    content = json.loads(path.read_text())
    for key, value in changes.items():
        content["global"][key.replace("__", ":")] = value
        if value is None:
            del content["global"][key.replace("__", ":")]
    path.write_text(json.dumps(content))


def test_samples_and_description_come_back(recording):
    with SigmfReader(recording) as reader:
        np.testing.assert_array_equal(reader.read(10_000), _samples(1000))
        assert reader.read(10).shape == (2, 0)
        assert (reader.rate_hz, reader.frequency_hz, reader.n_samples) == (1e6, 2.45e9, 1000)
        assert reader.complete and reader.cut_bytes == 0
        assert reader.annotations == [
            {
                "core:sample_start": 100,
                "core:sample_count": 50,
                "core:label": "burst",
                "scsc:snr_db": 12.5,
                "scsc:header": {"frame": 3},
            }
        ]


def test_data_are_interleaved_by_antenna(recording):
    data = np.fromfile(recording_paths(recording)[1], "<c8")

    np.testing.assert_array_equal(data[0::2], _samples(1000)[0])
    np.testing.assert_array_equal(data[1::2], _samples(1000)[1])


def test_metadata_follow_the_standard(recording):
    sigmf = pytest.importorskip("sigmf", reason="package sigmf is not installed")

    signal = sigmf.sigmffile.fromfile(str(recording_paths(recording)[0]))

    signal.validate()
    assert (
        signal.get_global_field("core:num_channels") == 2
        and signal.get_global_field("core:datatype") == "cf32_le"
    )


@pytest.mark.parametrize("suffix", ["", ".sigmf-meta", ".sigmf-data", ".sigmf"])
def test_any_name_of_the_recording_will_do(recording, suffix):
    with SigmfReader(f"{recording}{suffix}") as reader:
        assert reader.n_samples == 1000


def test_dots_in_a_name_stay(tmp_path):
    assert recording_paths(tmp_path / "2.4GHz")[0].name == "2.4GHz.sigmf-meta"


def test_seek_goes_to_a_sample(recording):
    with SigmfReader(recording) as reader:
        reader.seek(990)
        np.testing.assert_array_equal(reader.read(100), _samples(1000)[:, 990:])
        with pytest.raises(ValueError, match="sample must be in 0..1000, got 1001"):
            reader.seek(1001)


def test_existing_recording_is_kept_unless_told_otherwise(recording):
    with pytest.raises(RecordingError, match="air.sigmf-meta exists already; choose another name"):
        SigmfWriter(recording, 1e6, 1e9)

    SigmfWriter(recording, 1e6, 1e9, overwrite=True).close()
    with pytest.raises(RecordingError, match="holds no samples"):
        SigmfReader(recording)


def test_recording_survives_a_crash_of_its_program(tmp_path):
    writer = SigmfWriter(tmp_path / "air", 1e6, 2e9)
    writer.write(_samples(500))
    data_path = recording_paths(tmp_path / "air")[1]
    with open(data_path, "ab") as data:  # the crash came within a sample
        data.write(b"12345")

    with SigmfReader(tmp_path / "air") as reader:
        np.testing.assert_array_equal(reader.read(1000), _samples(500))
        assert not reader.complete and reader.cut_bytes == 5


def test_metadata_are_never_half_written(tmp_path, monkeypatch):
    writer = SigmfWriter(tmp_path / "air", 1e6, 2e9)
    writer.annotate(0, 1, "burst")
    before = writer.meta_path.read_text()

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full_disk)
    with pytest.raises(RecordingError, match="No space left on device; free some space"):
        writer.close()

    assert writer.meta_path.read_text() == before and json.loads(before)


def test_lost_samples_begin_a_new_capture(tmp_path):
    with SigmfWriter(tmp_path / "air", 1e6, 2e9) as writer:
        writer.write(_samples(100))
        writer.start_capture(5000, unix_time_s=0.5)
        writer.write(_samples(100))

    captures = SigmfReader(tmp_path / "air").captures
    assert [capture["core:sample_start"] for capture in captures] == [0, 100]
    assert captures[1]["core:global_index"] == 5000
    assert captures[1]["core:datetime"] == "1970-01-01T00:00:00.500000Z"


def test_annotation_of_what_json_cannot_say(tmp_path):
    with SigmfWriter(tmp_path / "air", 1e6, 2e9) as writer:
        writer.write(_samples(10))
        writer.annotate(0, 1, "burst", snr_db=float("nan"), h=np.arange(2), ok=np.True_, x=object)

    entry = SigmfReader(tmp_path / "air").annotations[0]
    assert entry["scsc:snr_db"] is None and entry["scsc:h"] == [0, 1] and entry["scsc:ok"] is True


def test_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RecordingError, match="cannot be written: No such file"):
        SigmfWriter(tmp_path / "nowhere" / "air", 1e6, 2e9)
    with pytest.raises(ValueError, match=r"samples must be complex \[2, n\], got \[3, 2\]"):
        SigmfWriter(tmp_path / "air", 1e6, 2e9).write(np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"core__datatype": "ci16_le"}, "core:datatype must be cf32_le, got 'ci16_le'"),
        ({"core__datatype": None}, "core:datatype must be cf32_le, got None"),
        ({"core__num_channels": 1}, "core:num_channels must be 2, got 1"),
        ({"core__num_channels": None}, "core:num_channels must be 2, got 1"),
        ({"core__num_channels": True}, "core:num_channels must be 2"),
        ({"core__sample_rate": None}, "core:sample_rate must be a number in 1..1e+12, got None"),
        ({"core__sample_rate": 0}, "core:sample_rate must be a number in 1..1e+12, got 0"),
        ({"core__sample_rate": "1e6"}, "core:sample_rate must be a number"),
        ({"core__sample_rate": float("nan")}, "core:sample_rate must be a number"),
        ({"core__sample_rate": 10**400}, "core:sample_rate must be a number"),
        ({"core__sample_rate": 1e-300}, "core:sample_rate must be a number"),
        ({"scsc__sample_count": 10**400}, "is truncated: 16000 bytes"),
        ({"scsc__sample_count": 1001}, "is truncated: 16000 bytes"),
        ({"scsc__sample_count": "many"}, "scsc:sample_count must be an integer"),
    ],
)
def test_wrong_description_is_told(recording, changes, words):
    _change(recording, **changes)

    with pytest.raises(RecordingError) as caught:
        SigmfReader(recording)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "has no object 'global'"),
        ('{"global": 3}', "has no object 'global'"),
        ('{"global": {}, "captures": {}}', "captures must be a list of objects"),
        ('{"global": {}, "captures": [3]}', "captures must be a list of objects"),
        ('{"global": {}, "annotations": [{"core:sample_start": -1}]}', "annotations must be a"),
        ('{"global": {}, "captures": [{"core:sample_start": true}]}', "captures must be a list"),
    ],
)
def test_garbage_in_the_metadata_is_told(recording, text, words):
    recording_paths(recording)[0].write_text(text)

    with pytest.raises(RecordingError) as caught:
        SigmfReader(recording)

    assert words in str(caught.value)


@pytest.mark.parametrize("frequency", [10**400, "Infinity", "NaN", -1, '"high"', "true"])
def test_absurd_carrier_is_told(recording, frequency):
    meta_path = recording_paths(recording)[0]
    text = re.sub(
        '"core:frequency": [^,]*', f'"core:frequency": {frequency}', meta_path.read_text()
    )
    meta_path.write_text(text)

    with pytest.raises(RecordingError, match="core:frequency must be a number in 0"):
        SigmfReader(recording)


def test_captures_and_annotations_beyond_the_data_do_no_harm(recording):
    meta_path = recording_paths(recording)[0]
    content = json.loads(meta_path.read_text())
    content["captures"].append({"core:sample_start": 10**30})
    content["annotations"] = [{"core:sample_start": 10**30, "core:sample_count": -(10**30)}] * 1000
    meta_path.write_text(json.dumps(content))

    front_end = open_front_end("file", {"sigmf": str(recording)})
    count, chunk = 0, None
    while chunk is None or not chunk.end:
        chunk = front_end.read(300, 0.0)
        count += chunk.samples.shape[1]
    front_end.close()

    assert count == 1000


def test_binary_garbage_in_the_metadata_is_told(recording):
    recording_paths(recording)[0].write_bytes(b"\xff\xfe\x00" * 100)

    with pytest.raises(RecordingError, match="is not JSON"):
        SigmfReader(recording)


def test_missing_files_are_told(recording):
    with pytest.raises(RecordingError, match="nothing.sigmf-meta cannot be read: No such file"):
        SigmfReader("nothing")
    recording_paths(recording)[1].unlink()
    with pytest.raises(RecordingError, match="must lie in the same folder"):
        SigmfReader(recording)


def test_truncated_data_are_told(recording):
    data_path = recording_paths(recording)[1]
    data_path.write_bytes(data_path.read_bytes()[:-20])

    with pytest.raises(RecordingError, match="is truncated: 15980 bytes.*; copy it again"):
        SigmfReader(recording)


def test_file_that_shrinks_while_it_is_read_ends_early(recording):
    reader = SigmfReader(recording)
    reader.read(100)
    with open(recording_paths(recording)[1], "r+b") as data:
        data.truncate(200 * 16 + 3)

    assert reader.read(500).shape == (2, 100)
    assert reader.read(500).shape == (2, 0)
