# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scsc_core import _native, mimo
from scsc_core.mimo import detection

GOLDEN = Path(__file__).parents[2] / "golden" / "detection" / "vectors.npz"
# float32 kernels against float64: link.md section 10, item 14.
TOLERANCE = 1e-4
SATURATED = 600  # the golden ML LLRs stop near 690


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


def _complex(rng, *shape):
    return rng.standard_normal((*shape, 2)).view(complex)[..., 0] * np.sqrt(0.5)


def _case(rng, n_uses=64, snr_db=8, bits=2, n_rx=2):
    """y, h, table, noise_var of a random linear precoder."""
    h, noise_var = _complex(rng, n_rx, 2), 10 ** (-snr_db / 10)
    symbols = mimo.product_alphabet(bits, 2)[0]
    table = symbols @ _complex(rng, 2, 2).T
    clean = h @ table[rng.integers(0, len(table), n_uses)].T
    y = clean + np.sqrt(noise_var) * _complex(rng, n_rx, n_uses)
    return y.astype(np.complex64), h, table, noise_var


def _joint_reference(y, h, table, noise_var, maxlog=False):
    """LLRs in float64 by the definition, every side of a bit with its own maximum."""
    q = -(np.abs(y.T[:, None, :] - table @ h.T) ** 2).sum(-1) / noise_var
    n_bits = table.shape[0].bit_length() - 1
    label = np.arange(table.shape[0])[:, None] >> np.arange(n_bits - 1, -1, -1) & 1
    sides = []
    for bit in (0, 1):
        chosen = np.where(label.T[None] == bit, q[:, None, :], -np.inf)
        sides.append(chosen.max(-1) if maxlog else np.logaddexp.reduce(chosen, axis=-1))
    return sides[0] - sides[1]


def _assert_close(actual, expected, tolerance=TOLERANCE):
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def _golden_bits(golden, observation, table, **options):
    y = golden[observation].transpose(2, 0, 1)
    n_blocks, n_uses = y.shape[1:]
    llr = mimo.soft_bits(
        y.reshape(2, -1),
        golden["H"],
        golden[table],
        golden["N0"],
        block_uses=np.full(n_blocks, n_uses),
        **options,
    )
    return llr.reshape(n_blocks, n_uses, -1)


@pytest.mark.parametrize("cen", [True, False])
@pytest.mark.parametrize("name", ["net", "wf", "had"])
def test_ml_agrees_with_golden_vectors(golden, name, cen):
    actual = _golden_bits(golden, f"y_{name}", f"Z_{name}", cen=cen)

    expected = golden[f"llr_{name}_ml"]
    inside = np.abs(expected) < SATURATED
    _assert_close(actual[inside], expected[inside])
    assert (np.abs(actual[~inside]) > SATURATED).all()
    assert (np.sign(actual[~inside]) == np.sign(expected[~inside])).all()


@pytest.mark.parametrize("cen", [True, False])
@pytest.mark.parametrize("detector", ["mmse", "zf", "mf"])
def test_linear_detectors_agree_with_golden_vectors(golden, detector, cen):
    actual = _golden_bits(golden, "y_had", "Z_had", detector=detector, cen=cen, bits_per_symbol=2)

    _assert_close(actual, golden[f"llr_had_{detector}"])


def test_unequal_streams_of_pcen_lite_demap_per_stream_exactly(golden):
    linear = _golden_bits(golden, "y_lite", "Z_lite4", detector="mmse", bits_per_symbol=2)

    # V1 decouples the streams, so per-stream demapping is the ML detector.
    _assert_close(linear, _golden_bits(golden, "y_lite", "Z_lite4"), 1e-3)


@pytest.mark.parametrize("bits, n_rx", [(1, 2), (2, 1), (2, 2), (2, 3), (4, 2), (6, 2)])
@pytest.mark.parametrize("llr", ["exact", "maxlog"])
def test_ml_agrees_with_float64_for_every_size(bits, n_rx, llr):
    y, h, table, noise_var = _case(np.random.default_rng(bits), 37, 10, bits, n_rx)

    actual = mimo.soft_bits(y, h, table, noise_var, cen=False, llr=llr)

    _assert_close(actual, _joint_reference(y, h, table, noise_var, llr == "maxlog"))


@pytest.mark.parametrize("snr_db", [-20, 20, 40, 60])
def test_ml_stays_exact_at_extreme_snr(snr_db):
    y, h, table, noise_var = _case(np.random.default_rng(3), 200, snr_db)

    actual = mimo.soft_bits(y, h, table, noise_var, cen=False)

    # y is rounded to float32 before both, the reference uses it as it is.
    _assert_close(actual, _joint_reference(y, h, table, noise_var))


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("n_rx", [1, 2, 3])
def test_combiner_changes_no_llr(rank, n_rx):
    rng = np.random.default_rng(rank)
    y, h, table, noise_var = _case(rng, 64, 8, n_rx=n_rx)
    if rank == 1:  # all power on one direction: U2 is singular
        direction = _complex(rng, 2)
        table = np.outer(table @ direction, direction.conj()) / np.linalg.norm(direction)

    with_cen, without = (mimo.soft_bits(y, h, table, noise_var, cen=cen) for cen in (True, False))

    # 1e-5 of the largest metric is what float32 keeps of a difference of metrics.
    np.testing.assert_allclose(with_cen, without, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("n_rx", [1, 2, 3])
@pytest.mark.parametrize("snr_db", [0, 20])
def test_combiner_changes_no_llr_with_one_channel_per_use(n_rx, snr_db):
    # ill-conditioned channels, second direction from full power to nothing
    rng, n = np.random.default_rng(n_rx), 400
    h = _complex(rng, n, n_rx, 2)
    h[::5, :, 1] = h[::5, :, 0] * (1 + 1e-3j)
    weak = 10.0 ** -np.linspace(0, 9, n)
    weak[::7] = 0
    mixing = np.linalg.qr(_complex(rng, n, 2, 2))[0] * np.stack([np.ones(n), weak], 1)[:, None]
    table = mimo.product_alphabet(2, 2)[0] @ mixing.swapaxes(1, 2)
    sent = table[np.arange(n), rng.integers(0, 16, n)]
    noise_var = 10 ** (-snr_db / 10)
    y = np.einsum("bij,bj->ib", h, sent) + np.sqrt(noise_var) * _complex(rng, n_rx, n)

    with_cen, without = (mimo.soft_bits(y, h, table, noise_var, cen=cen) for cen in (True, False))

    # 1e-6 of the largest metric is what float32 keeps of a difference of metrics; a direction
    # dropped by the rank test carries less than that
    largest = (np.abs(y) ** 2).sum(0).max() / noise_var
    np.testing.assert_allclose(with_cen, without, rtol=1e-5, atol=1e-6 * largest)


def test_row_basis_is_orthonormal_and_stops_at_the_rank():
    rng = np.random.default_rng(4)
    matrix = _complex(rng, 3, 4, 3)
    matrix[1] = np.outer(_complex(rng, 4), _complex(rng, 3))
    matrix[2] = 0

    basis = detection._row_basis(matrix)

    gram = basis @ basis.conj().swapaxes(1, 2)
    for index, rank in enumerate((3, 1, 0)):
        np.testing.assert_allclose(gram[index], np.diag(np.arange(3) < rank), atol=1e-14)
    projector = basis.conj().swapaxes(1, 2) @ basis
    np.testing.assert_allclose(matrix @ projector, matrix, atol=1e-13)


def test_combiner_output_is_u2_y(golden):
    y = golden["y_net"].transpose(2, 0, 1).reshape(2, -1)

    r = mimo.combine(y, golden["H"], golden["Z_net"], golden["N0"], np.full(36, 8))

    expected = np.einsum("bij,bnj->ibn", golden["U2_net"], golden["y_net"]).reshape(2, -1)
    np.testing.assert_allclose(r, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("detector", ["ml", "mmse", "zf", "mf"])
def test_batches_equal_single_blocks(detector):
    rng = np.random.default_rng(5)
    cases = [_case(rng, n) for n in (1, 17, 0, 40, 16, 3)]
    noise_var = cases[0][3]
    h, table = (np.stack([case[i] for case in cases]) for i in (1, 2))
    y = np.concatenate([case[0] for case in cases], 1)

    together = mimo.soft_bits(
        y, h, table, noise_var, detector=detector, block_uses=[1, 17, 0, 40, 16, 3]
    )

    apart = [mimo.soft_bits(*case, detector=detector) for case in cases]
    np.testing.assert_allclose(together, np.concatenate(apart), rtol=1e-5, atol=1e-5)


def test_one_channel_per_use_and_a_carrier_map_give_the_same():
    rng = np.random.default_rng(6)
    centroids = _complex(rng, 5, 16, 2).astype(np.complex64)
    y = _complex(rng, 2, 43).astype(np.complex64)
    carrier = rng.integers(0, 5, 43).astype(np.int32)
    inv_n0 = np.linspace(1, 9, 5).astype(np.float32)

    mapped = _native.soft_ml(y, centroids, carrier, inv_n0)

    ones = np.ones(43, np.int64)
    per_use = _native.soft_ml(y, centroids[carrier], ones, inv_n0[carrier])
    np.testing.assert_array_equal(mapped, per_use)


def test_all_instruction_sets_agree(tmp_path):
    program = (
        "import sys, numpy as np\n"
        "from scsc_core import _native\n"
        "f = np.load(sys.argv[1])\n"
        "one = np.array([f['y'].shape[1]])\n"
        "np.savez(sys.argv[2], ml=_native.soft_ml(f['y'], f['s'], one, f['inv_n0']),\n"
        "    lin=_native.soft_linear(f['y'], f['s'][:, :2], np.full((1, 2), 9, 'f4'), one, 4))\n"
    )
    rng = np.random.default_rng(7)
    y, s = _complex(rng, 2, 999).astype(np.complex64), _complex(rng, 1, 16, 2).astype(np.complex64)
    np.savez(tmp_path / "in.npz", y=y, s=s, inv_n0=np.array([30], np.float32))
    results = []
    for isa in _native.available_isas():
        command = [sys.executable, "-c", program, tmp_path / "in.npz", tmp_path / f"{isa}.npz"]
        path = os.pathsep.join(p for p in sys.path if p)
        subprocess.run(command, check=True, env=os.environ | {"SCSC_ISA": isa, "PYTHONPATH": path})
        results.append(dict(np.load(tmp_path / f"{isa}.npz")))

    for result in results[1:]:
        for name, value in result.items():
            # Fused multiply-adds round differently.
            np.testing.assert_allclose(value, results[0][name], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("detector", ["ml", "mmse", "zf", "mf"])
@pytest.mark.parametrize("llr", ["exact", "maxlog"])
def test_stream_without_power_gets_zero(detector, llr):
    y, h, table, noise_var = _case(np.random.default_rng(8))
    table = mimo.product_alphabet(2, 2)[0] * [1, 0]

    bits = mimo.soft_bits(y, h, table, noise_var, detector=detector, llr=llr)

    assert np.abs(bits[:, :2]).min() > 0
    assert (bits[:, 2:] == 0).all()


@pytest.mark.parametrize("detector", ["ml", "mmse", "zf", "mf"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, complex(0, np.nan)])
def test_bad_sample_erases_only_its_use(detector, bad):
    y, h, table, noise_var = _case(np.random.default_rng(9), 33)
    clean = mimo.soft_bits(y, h, table, noise_var, detector=detector)
    y[1, 20] = bad

    bits = mimo.soft_bits(y, h, table, noise_var, detector=detector)

    assert (bits[20] == 0).all()
    np.testing.assert_array_equal(np.delete(bits, 20, 0), np.delete(clean, 20, 0))


@pytest.mark.parametrize("detector", ["ml", "mmse", "zf", "mf"])
def test_extreme_values_stay_finite(detector):
    y, h, table, _ = _case(np.random.default_rng(10), 40)
    for scale, noise_var in ((1e38, 1.0), (1e18, 1e-12), (0, 1e-30), (1, 1e30)):
        received = (np.clip(np.abs(y), 0, 1) * scale).astype(np.complex64)

        assert np.isfinite(
            mimo.soft_bits(received, h, table, noise_var, detector=detector)
        ).all(), (scale, noise_var)


def test_linear_detector_refuses_a_nonlinear_table(golden):
    y, h, table, noise_var = _case(np.random.default_rng(11))

    with pytest.raises(ValueError, match="pcen.*detector ml.*pcen_lite"):
        mimo.soft_bits(y, h, table[np.r_[1, 0, 2:16]], noise_var, detector="mmse")


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(detector="mld"), "detector must be one of ml, mmse, zf, mf, got 'mld'"),
        (dict(llr="soft"), "llr must be one of exact, maxlog"),
        (dict(noise_var=0), "noise_var must be finite and > 0"),
        (dict(noise_var=np.nan), "noise_var must be finite and > 0"),
        (dict(y=np.zeros((3, 8))), "disagree"),
        (dict(y=np.zeros(8)), r"y must be \[n_rx, k\]"),
        (dict(h=np.full((2, 2), np.nan)), "must be finite"),
        (dict(table=np.ones((12, 2))), "power of two of rows, at least 2, got 12"),
        (dict(table=np.ones((8192, 2))), "at most 4096 table rows, got 8192"),
        (dict(h=np.ones((3, 2, 2))), "64 channel uses cannot be split equally over 3"),
        (dict(block_uses=[60]), "sum to the 64 channel uses, got sum 60"),
        (dict(block_uses=[65, -1]), "must be >= 0"),
        (dict(block_uses=[64.0]), "must be a list of integers"),
        (dict(h=np.ones((2, 2, 2)), block_uses=[64]), "number of blocks differs"),
        (dict(detector="mmse", bits_per_symbol=3), "bits_per_symbol must be 1, 2, 4, 6 or 8"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    y, h, table, noise_var = _case(np.random.default_rng(12))
    arguments = dict(y=y, h=h, table=table, noise_var=noise_var) | change

    with pytest.raises(ValueError, match=message):
        mimo.soft_bits(**arguments)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("y", np.zeros((2, 9), complex), "y must be complex64, got complex128"),
        ("y", np.zeros((2, 18), np.complex64)[:, ::2], "C-contiguous"),
        ("y", np.zeros((17, 9), np.complex64), "1 to 16 rows, got 17"),
        ("centroids", np.zeros((1, 12, 2), np.complex64), "power of two of rows.*got 12"),
        ("centroids", np.zeros((1, 16, 3), np.complex64), "last axis 2"),
        ("blocks", np.array([8]), "sum to the 9 channel uses"),
        ("blocks", np.array([-1]), "must be >= 0"),
        ("blocks", np.array([4, 5]), "for all 1 blocks, got 2"),
        ("blocks", np.zeros(8, np.int32), "one entry per use, 9, got 8"),
        ("blocks", np.full(9, 1, np.int32), r"in 0..0, got 1"),
        ("blocks", np.array([9.0]), "blocks must be int64"),
        ("inv_n0", np.ones(2, np.float32), "one entry per block, 1, got 2"),
    ],
)
def test_native_detector_checks_every_array(name, value, message):
    arguments = dict(
        y=np.zeros((2, 9), np.complex64),
        centroids=np.zeros((1, 16, 2), np.complex64),
        blocks=np.array([9]),
        inv_n0=np.ones(1, np.float32),
    )

    with pytest.raises(ValueError, match=message):
        _native.soft_ml(**arguments | {name: value})
