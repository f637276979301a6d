# SPDX-License-Identifier: GPL-3.0-or-later
"""Image in, image out over the simulated channel, without GNU Radio."""

import math

import numpy as np
import pytest

from scsc_core import codecs, mimo
from scsc_core.config import ConfigError, LinkConfig
from scsc_core.link import SymbolLink
from scsc_core.link_parameters import bits_per_use, coded_bits


def smooth_picture(height=72, width=104, seed=0):
    """A picture with structure that codecs like: low-pass noise in colour."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (height // 8, width // 8, 3))
    picture = np.kron(coarse, np.ones((8, 8, 1)))
    for axis in (0, 1):
        for _ in range(3):
            picture = (np.roll(picture, 1, axis) + picture + np.roll(picture, -1, axis)) / 3
    return np.round(picture).astype(np.uint8)


@pytest.fixture(scope="module")
def picture():
    return smooth_picture()


@pytest.mark.parametrize("precoder", mimo.PRECODERS)
def test_every_precoder_delivers_the_codec_picture_at_high_snr(picture, precoder):
    link = SymbolLink(LinkConfig(precoder=precoder, snr_db=30, seed=3))
    expected = codecs.get("bpg").decode(codecs.get("bpg").encode(picture, qp=37))

    result = link.transmit(picture)

    assert result.delivered
    assert result.block_errors == 0
    assert np.array_equal(result.image, expected)


@pytest.mark.parametrize("codec", ["bpg", "jpeg", "jpeg2000"])
@pytest.mark.parametrize("fec", ["nr_ldpc", "polar"])
def test_every_codec_and_channel_code_delivers(picture, codec, fec):
    link = SymbolLink(LinkConfig(codec=codec, fec=fec, snr_db=25, seed=1))

    assert link.transmit(picture).delivered


@pytest.mark.parametrize("code_rate", ["1/10", "1/6", "1/3", "2/3", "3/4", "5/6", "0.95"])
def test_every_code_rate_delivers_without_noise_to_speak_of(picture, code_rate):
    link = SymbolLink(LinkConfig(code_rate=code_rate, channel="awgn", precoder="none", snr_db=40))

    assert link.transmit(picture).delivered


@pytest.mark.parametrize(
    ("modulation", "precoder"),
    [
        ("bpsk", "none"),
        ("bpsk", "svd_equal"),
        ("16qam", "none"),
        ("16qam", "pcen_lite"),
        ("64qam", "svd_equal"),
        ("64qam", "pcen_lite"),
        ("256qam", "svd_equal"),
    ],
)
def test_other_alphabets_deliver(picture, modulation, precoder):
    detector = "mmse" if modulation in ("64qam", "256qam") and precoder != "pcen_lite" else "ml"
    link = SymbolLink(
        LinkConfig(modulation=modulation, precoder=precoder, detector=detector, snr_db=45, seed=5)
    )

    assert link.transmit(picture).delivered


@pytest.mark.parametrize("detector", ["mmse", "zf", "mf"])
def test_linear_detectors_deliver_over_decoupled_streams(picture, detector):
    link = SymbolLink(LinkConfig(precoder="svd_equal", detector=detector, snr_db=30, seed=3))

    assert link.transmit(picture).delivered


@pytest.mark.parametrize("fading", ["per_image", "per_codeword", "per_uses"])
def test_fading_modes_deliver_at_high_snr(picture, fading):
    link = SymbolLink(LinkConfig(fading=fading, fading_uses=97, snr_db=30, seed=2))

    assert link.transmit(picture).delivered


def test_rates_follow_their_definitions(picture):
    config = LinkConfig(snr_db=30)

    result = SymbolLink(config).transmit(picture)

    payload_bits = result.bits + 8 * 19  # header and CRCs of the framing
    k = coded_bits(config, payload_bits) // bits_per_use(config)
    assert result.channel_uses == k
    assert result.cbr_k == k / picture.size
    assert result.cbr_l == 2 * result.cbr_k
    assert result.cbr_k_net < result.cbr_k
    # link.md section 2: bpp = 12 Rc R_k for 2x2 QPSK without overhead
    assert result.bpp == pytest.approx(12 * 0.5 * result.cbr_k_net)


def test_same_seed_gives_the_same_transmission(picture):
    config = LinkConfig(snr_db=4, seed=11, fading="per_codeword")

    first, second = (SymbolLink(config).transmit(picture) for _ in range(2))

    assert first.coded_bit_error_rate == second.coded_bit_error_rate > 0
    assert np.array_equal(first.image, second.image)


def test_schemes_with_one_seed_see_the_same_fading(picture):
    carried = [
        SymbolLink(LinkConfig(precoder=name, seed=9)).carry(picture) for name in ("none", "pcen")
    ]

    assert np.array_equal(carried[0].h, carried[1].h)


def test_lost_picture_is_mean_colour_and_not_delivered(picture):
    link = SymbolLink(LinkConfig(snr_db=-20, mean_colour=(10, 20, 30)))

    result = link.transmit(picture)

    assert not result.delivered
    assert result.image.shape == picture.shape
    assert (result.image == (10, 20, 30)).all()
    assert result.problem


def test_damaged_policy_shows_what_arrived_in_front_of_the_loss(picture):
    """A block of the end is erased: the header's picture comes back in part, and reproducibly."""
    big = smooth_picture(512, 768, seed=4)
    link = SymbolLink(LinkConfig(codec="jpeg", qp=95, lost_picture="damaged", snr_db=30, seed=3))
    carried = link.carry(big)
    llr = carried.llr.copy()
    llr[-len(llr) // 6 :] = 0

    payload = link.receiver.decode(llr, carried.coded.payload_bits)
    picture = link.receiver.reconstruct(payload)

    assert payload.block_errors > 0
    assert not picture.delivered
    assert payload.valid_bytes > 0
    top = big.shape[0] // 3
    error = np.abs(picture.image[:top].astype(int) - big[:top]).mean()
    assert error < 5  # JPEG at quality 95 in the intact part


def test_rate_matched_mode_stays_under_its_target(picture):
    link = SymbolLink(LinkConfig(mode="rate_matched", cbr_target=0.1, snr_db=25))

    result = link.transmit(picture)

    assert result.delivered
    assert not result.over_budget
    assert 0.05 < result.cbr_k <= 0.1


def test_rate_matched_mode_flags_a_target_that_cannot_be_met(picture):
    link = SymbolLink(LinkConfig(mode="rate_matched", cbr_target=0.0005, snr_db=25))

    result = link.transmit(picture)

    assert result.over_budget
    assert result.cbr_k > 0.0005


def test_adaptive_mode_raises_efficiency_with_snr():
    low, high = (
        SymbolLink(LinkConfig(mode="adaptive", cbr_target=0.1, snr_db=snr)).config
        for snr in (0, 18)
    )

    assert float(low.rate) * bits_per_use(low) < float(high.rate) * bits_per_use(high)


def test_csi_error_aware_receiver_beats_the_naive_one(picture):
    rates = {}
    for handling in ("aware", "naive"):
        link = SymbolLink(
            LinkConfig(
                precoder="none",
                snr_db=12,
                csi_error=0.1,
                csi_handling=handling,
                fading="per_uses",
                fading_uses=50,
                seed=6,
            )
        )
        carried = link.carry(picture)
        sign = 1 - 2.0 * carried.coded.codeword_bits
        rates[handling] = float(np.mean(np.logaddexp(0, -sign * carried.llr)))

    assert rates["aware"] < rates["naive"]


def test_wrong_picture_type_is_refused():
    with pytest.raises(ValueError, match="uint8"):
        SymbolLink(LinkConfig()).transmit(np.zeros((8, 8, 3), np.float32))


def test_impossible_qp_names_the_range():
    with pytest.raises(ValueError, match=r"qp must be in 1\.\.51 .* got 99"):
        SymbolLink(LinkConfig(qp=99))


def test_changes_are_validated():
    with pytest.raises(ConfigError, match="precoder must be one of"):
        LinkConfig().with_changes(precoder="zero_forcing")


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 255)])
def test_tiny_pictures_pass(size):
    picture = smooth_picture(64, 256)[: size[0], : size[1]]

    result = SymbolLink(LinkConfig(snr_db=30, seed=3)).transmit(np.ascontiguousarray(picture))

    assert result.delivered
    assert math.isfinite(result.cbr_k)


@pytest.mark.parametrize("precoder", ["pcen", "pcen_unfolded", "pcen_paper"])
def test_linear_detector_for_a_table_that_is_not_linear_is_refused(precoder):
    with pytest.raises(
        ConfigError, match=f"detector must be ml with precoder {precoder}, got mmse"
    ):
        SymbolLink(LinkConfig(precoder=precoder, detector="mmse"))


@pytest.mark.parametrize("precoder", ["rank_adaptive", "pcen_lite", "mercury", "svd_codebook"])
def test_linear_detector_delivers_with_every_linear_precoder(picture, precoder):
    link = SymbolLink(LinkConfig(precoder=precoder, detector="mmse", snr_db=30, seed=3))

    assert link.transmit(picture).delivered
