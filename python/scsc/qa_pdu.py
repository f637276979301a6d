# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pmt
import pytest
from gnuradio.scsc import pdu

ELEMENTS = {
    "uint8": "u8",
    "int8": "s8",
    "int32": "s32",
    "float32": "f32",
    "float64": "f64",
    "complex64": "c32",
    "complex128": "c64",
}


def random_array(dtype, size=37):
    rng = np.random.default_rng(7)
    values = 50 * rng.standard_normal(size)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(size)
    return values.astype(np.int64).astype(dtype) if dtype == "uint8" else values.astype(dtype)


@pytest.mark.parametrize("dtype", ELEMENTS)
def test_vector_holds_what_pmt_itself_reads(dtype):
    array = random_array(dtype)

    vector = pdu.to_vector(array)

    elements = getattr(pmt, f"{ELEMENTS[dtype]}vector_elements")(vector)
    assert np.array_equal(np.array(elements, dtype), array)


@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("size", [0, 1, 37])
def test_vector_round_trip_is_exact(dtype, size):
    array = random_array(dtype, size)

    back = pdu.from_vector(pdu.to_vector(array))

    assert back.dtype == array.dtype and np.array_equal(back, array) and back.flags.writeable


def test_reads_vectors_that_others_made():
    assert pdu.from_vector(pmt.init_f32vector(3, [1.5, -2.0, 0.0])).tolist() == [1.5, -2.0, 0.0]


def test_metadata_round_trip():
    meta = {"a": True, "b": -3, "c": 2.5, "d": "x", "e": np.arange(4), "f": [1, 2], "g": 2**40}

    back = pdu.from_dict(pdu.to_dict({**meta, "left_out": None}))

    assert set(back) == set(meta) and back["a"] is True and back["g"] == 2**40
    assert back["e"].tolist() == [0, 1, 2, 3] and back["f"].tolist() == [1, 2]


def test_shape_travels_in_the_metadata():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    message = pdu.to_pdu(image, {"height": 2, "width": 4, "channels": 3})

    back, _ = pdu.from_pdu(message, "uint8", ("height", "width", "channels"))

    assert np.array_equal(back, image)


@pytest.mark.parametrize(
    ("meta", "words"),
    [({"height": 2, "width": 4}, "'channels'"), ({"height": 2, "width": 4, "channels": 1}, "24")],
)
def test_missing_or_wrong_shape_is_named(meta, words):
    message = pdu.to_pdu(np.zeros(24, np.uint8), meta)

    with pytest.raises(pdu.BadPdu, match=words):
        pdu.from_pdu(message, "uint8", ("height", "width", "channels"))


def test_other_messages_are_refused():
    for message in (pmt.PMT_NIL, pmt.intern("x"), pmt.cons(pmt.make_dict(), pmt.from_long(1))):
        with pytest.raises(pdu.BadPdu):
            pdu.from_pdu(message, "uint8")
    with pytest.raises(ValueError, match="int64"):
        pdu.to_vector(np.arange(3))
