# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels import FadingChannel, block_lengths, noise_variance, transmit

BLOCKS = 40_000
Z999 = 3.29  # two-sided 99.9 % of a normal variable


def _assert_mean(samples, expected):
    """The mean of independent samples lies in its 99.9 % interval (seeds are fixed)."""
    error = samples.std(ddof=1) / np.sqrt(len(samples))
    assert abs(samples.mean() - expected) < Z999 * error + 1e-12


def test_awgn_is_the_identity():
    assert (FadingChannel("awgn", 2, 2, seed=1).draw(3) == np.eye(2)).all()


@pytest.mark.parametrize(
    "options",
    [
        dict(model="rayleigh"),
        dict(model="rician", rician_k_db=3),
        dict(model="rayleigh", correlation_tx=0.9, correlation_rx=0.5),
    ],
)
def test_every_entry_has_unit_mean_power(options):
    h = FadingChannel(n_tx=2, n_rx=3, seed=4, **options).draw(BLOCKS)

    for q in range(3):
        for p in range(2):
            _assert_mean(np.abs(h[:, q, p]) ** 2, 1)


def test_rayleigh_entries_are_circular_and_independent():
    h = FadingChannel("rayleigh", seed=2).draw(BLOCKS).reshape(-1, 4)

    for i in range(4):
        _assert_mean(h[:, i].real, 0)
        _assert_mean(h[:, i].imag, 0)
        _assert_mean((h[:, i] ** 2).real, 0)  # E h^2 = 0: circular
        _assert_mean(np.abs(h[:, i]) ** 4, 2)  # of an exponential power
        for j in range(i):
            _assert_mean((h[:, i] * h[:, j].conj()).real, 0)
            _assert_mean((h[:, i] * h[:, j].conj()).imag, 0)


def test_rician_line_of_sight_has_k_times_the_scattered_power():
    k_db = 6.0
    h = FadingChannel("rician", rician_k_db=k_db, seed=3).draw(BLOCKS)

    k = 10 ** (k_db / 10)
    _assert_mean(h[:, 0, 1].real, np.sqrt(k / (k + 1)))
    scattered = h - np.sqrt(k / (k + 1))
    _assert_mean(np.abs(scattered[:, 1, 0]) ** 2, 1 / (k + 1))


def test_correlation_is_exponential_at_each_end():
    h = FadingChannel("rayleigh", 3, 2, correlation_tx=0.7, correlation_rx=0.4, seed=5).draw(BLOCKS)

    for (q, p), (r, s) in [((0, 0), (0, 1)), ((0, 0), (0, 2)), ((0, 0), (1, 0)), ((0, 2), (1, 1))]:
        product = h[:, q, p] * h[:, r, s].conj()
        _assert_mean(product.real, 0.7 ** abs(p - s) * 0.4 ** abs(q - r))
        _assert_mean(product.imag, 0)


def test_matrices_do_not_depend_on_the_sizes_of_the_draws():
    whole = FadingChannel(seed=6).draw(10)
    channel = FadingChannel(seed=6)

    parts = np.concatenate([channel.draw(n) for n in (1, 0, 4, 5)])

    np.testing.assert_array_equal(parts, whole)
    assert not np.array_equal(FadingChannel(seed=7).draw(10), whole)


def test_an_int_seed_is_the_run_and_fading_its_first_process():
    fading = np.random.SeedSequence(8).spawn(4)[0]

    np.testing.assert_array_equal(FadingChannel(seed=8).draw(3), FadingChannel(seed=fading).draw(3))


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(model="rice"), "awgn, rayleigh, rician, got 'rice'"),
        (dict(n_tx=0), "n_tx must be an integer >= 1, got 0"),
        (dict(n_rx=1.5), "n_rx must be an integer >= 1"),
        (dict(rician_k_db=np.nan), "rician_k_db must be finite"),
        (dict(correlation_tx=1), r"correlation_tx must be in \[0, 1\), got 1"),
        (dict(correlation_rx=-0.1), "correlation_rx"),
    ],
)
def test_fading_channel_names_the_wrong_argument(options, message):
    with pytest.raises(ValueError, match=message):
        FadingChannel(**options)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((100, "per_image"), [100]),
        ((0, "per_image"), [0]),
        ((100, "per_codeword", [40, 50]), [40, 60]),
        ((100, "per_uses", None, 30), [30, 30, 30, 10]),
        ((90, "per_uses", None, 30), [30, 30, 30]),
        ((5, "per_uses", None, 30), [5]),
    ],
)
def test_block_lengths_of_each_mode(arguments, expected):
    assert block_lengths(*arguments).tolist() == expected


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((9, "per_block"), "per_image, per_codeword, per_uses, got 'per_block'"),
        ((-1, "per_image"), "k must be >= 0"),
        ((9, "per_uses"), "needs uses >= 1, got None"),
        ((9, "per_codeword"), "needs codeword_uses"),
        ((9, "per_codeword", [5, 5]), "sum of at most 9"),
    ],
)
def test_block_lengths_names_the_wrong_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        block_lengths(*arguments)


def test_snr_definitions_differ_by_the_number_of_antennas():
    assert noise_variance(10) == pytest.approx(0.1)
    assert noise_variance(10, "rx_ant", 2) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="pz_n0, rx_ant, got 'es_n0'"):
        noise_variance(10, "es_n0")
    with pytest.raises(ValueError, match="finite"):
        noise_variance(np.inf)


def _vectors(n_tx, k):
    parts = np.random.default_rng(1).standard_normal((n_tx, k, 2))
    return parts.view(complex)[..., 0].astype(np.complex64)


def test_transmit_applies_each_block_to_its_uses():
    z, h = _vectors(3, 50), FadingChannel("rayleigh", 3, 2, seed=1).draw(4)
    uses = np.array([20, 0, 7, 23])

    y = transmit(z, h, uses, 0, np.random.default_rng(0))

    expected = np.einsum("krt,tk->rk", np.repeat(h, uses, 0), z)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)  # float32
    assert y.dtype == np.complex64 and y.flags.c_contiguous


def test_noise_has_the_stated_variance_and_is_circular():
    z = np.zeros((2, 100_000), np.complex64)

    y = transmit(z, np.eye(2), [z.shape[1]], 0.25, np.random.default_rng(2)).astype(complex)

    for row in y:
        _assert_mean(np.abs(row) ** 2, 0.25)
        _assert_mean((row**2).real, 0)
        _assert_mean((row**2).imag, 0)
    _assert_mean((y[0] * y[1].conj()).real, 0)


def test_noise_does_not_depend_on_how_the_uses_are_split():
    z, h = _vectors(2, 40), FadingChannel(seed=1).draw(1)
    whole = transmit(z, h, [40], 0.5, np.random.default_rng(3))
    rng = np.random.default_rng(3)

    parts = [transmit(z[:, a:b], h, [b - a], 0.5, rng) for a, b in ((0, 7), (7, 8), (8, 40))]

    # Vector and remainder lanes may round the product differently.
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(z=np.zeros((3, 9))), "disagree"),
        (dict(h=np.eye(2)[0]), "disagree"),
        (dict(block_uses=[8]), "1 counts with sum 9"),
        (dict(block_uses=[10, -1]), "1 counts with sum 9"),
        (dict(noise_var=-1), "noise_var must be finite and >= 0"),
        (dict(noise_var=np.nan), "noise_var must be finite and >= 0"),
    ],
)
def test_transmit_names_the_wrong_argument(change, message):
    arguments = dict(z=np.zeros((2, 9)), h=np.eye(2), block_uses=[9], noise_var=1.0) | change

    with pytest.raises(ValueError, match=message):
        transmit(**arguments, rng=np.random.default_rng(0))
