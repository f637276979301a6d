// SPDX-License-Identifier: GPL-3.0-or-later
#include "arrays.h"
#include "bindings.h"

#include <scsc/soft_detector.h>

#include <complex>
#include <string>
#include <vector>

namespace py = pybind11;

namespace {

using Complex = std::complex<float>;

using arrays::refuse;
using arrays::text;

/// Block index of every use, from block lengths (int64 [b]) or given per use (int32 [n]).
struct BlockMap {
    std::vector<int32_t> expanded;
    const int32_t* block = nullptr;

    BlockMap(const py::array& blocks, py::ssize_t n_blocks, py::ssize_t n_uses)
    {
        if (n_blocks < 1 || n_blocks > INT32_MAX)
            refuse("there must be 1 to 2^31 - 1 blocks, got " + text(n_blocks));
        if (arrays::holds<int32_t>(blocks))
            read_map(
                arrays::data<int32_t>(blocks, "blocks", 1), blocks, n_blocks, n_uses);
        else
            expand(arrays::data<int64_t>(
                       blocks,
                       "blocks",
                       1,
                       "int64 (uses per block) or int32 (block of each use)"),
                   blocks,
                   n_blocks,
                   n_uses);
    }

private:
    void read_map(const int32_t* map,
                  const py::array& blocks,
                  py::ssize_t n_blocks,
                  py::ssize_t n)
    {
        if (blocks.size() != n)
            refuse("the block map must have one entry per use, " + text(n) + ", got " +
                   text(blocks.size()));
        for (py::ssize_t t = 0; t < n; ++t)
            if (map[t] < 0 || map[t] >= n_blocks)
                refuse("block map entries must be in 0.." + text(n_blocks - 1) +
                       ", got " + text(map[t]));
        block = map;
    }

    void expand(const int64_t* uses,
                const py::array& blocks,
                py::ssize_t n_blocks,
                py::ssize_t n)
    {
        if (blocks.size() != n_blocks)
            refuse("block lengths must be given for all " + text(n_blocks) +
                   " blocks, got " + text(blocks.size()));
        int64_t left = n;
        for (py::ssize_t b = 0; b < n_blocks; ++b) {
            if (uses[b] < 0 || uses[b] > left)
                refuse("block lengths must be >= 0 and sum to the " + text(n) +
                       " channel uses; length " + text(b) + " is " + text(uses[b]) +
                       " with " + text(left) + " left");
            left -= uses[b];
        }
        if (left != 0)
            refuse("block lengths must sum to the " + text(n) + " channel uses, got " +
                   text(n - left));
        expanded.reserve(static_cast<size_t>(n));
        for (py::ssize_t b = 0; b < n_blocks; ++b)
            expanded.insert(
                expanded.end(), static_cast<size_t>(uses[b]), static_cast<int32_t>(b));
        block = expanded.data();
    }
};

scsc::ReceivedUses received(const py::array& y)
{
    const Complex* data = arrays::data<Complex>(y, "y", 2);
    if (y.shape(0) < 1 || y.shape(0) > scsc::kMaxReceive)
        refuse("y must have 1 to " + text(scsc::kMaxReceive) + " rows, got " +
               text(y.shape(0)));
    return {reinterpret_cast<const float*>(data),
            static_cast<int>(y.shape(0)),
            y.shape(1),
            nullptr};
}

/// [blocks, rows, n_rx] complex64 that fits y.
const float*
constants(const py::array& array, const char* name, const scsc::ReceivedUses& uses)
{
    const Complex* data = arrays::data<Complex>(array, name, 3);
    if (array.shape(2) != uses.n_rx)
        refuse(std::string(name) + " must have last axis " + text(uses.n_rx) +
               " as y has rows, got " + text(array.shape(2)));
    return reinterpret_cast<const float*>(data);
}

py::array_t<float> soft_ml(const py::array& y,
                           const py::array& centroids,
                           const py::array& blocks,
                           const py::array& inv_n0,
                           bool exact)
{
    scsc::JointDetection job = {};
    job.uses = received(y);
    job.centroids = constants(centroids, "centroids", job.uses);
    const py::ssize_t n_points = centroids.shape(1);
    if (n_points < 2 || n_points > scsc::kMaxCentroids || (n_points & (n_points - 1)))
        refuse("centroids must have a power of two of rows, 2 to " +
               text(scsc::kMaxCentroids) + ", got " + text(n_points));
    job.n_centroids = static_cast<int>(n_points);
    job.inv_n0 = arrays::data<float>(inv_n0, "inv_n0", 1);
    if (inv_n0.size() != centroids.shape(0))
        refuse("inv_n0 must have one entry per block, " + text(centroids.shape(0)) +
               ", got " + text(inv_n0.size()));
    const BlockMap map(blocks, centroids.shape(0), job.uses.n_uses);
    job.uses.block_of_use = map.block;
    job.exact = exact;
    py::ssize_t n_bits = 0;
    while (py::ssize_t(1) << n_bits < n_points)
        ++n_bits;
    py::array_t<float> llr({static_cast<py::ssize_t>(job.uses.n_uses), n_bits});
    job.llr = llr.mutable_data();
    py::gil_scoped_release release;
    scsc::soft_ml(job);
    return llr;
}

py::array_t<float> soft_linear(const py::array& y,
                               const py::array& filters,
                               const py::array& inv_noise,
                               const py::array& blocks,
                               int bits_per_symbol,
                               bool exact)
{
    scsc::LinearDetection job = {};
    job.uses = received(y);
    job.filters = constants(filters, "filters", job.uses);
    const py::ssize_t n_streams = filters.shape(1);
    if (n_streams < 1 || n_streams > scsc::kMaxStreams)
        refuse("filters must have 1 to " + text(scsc::kMaxStreams) + " streams, got " +
               text(n_streams));
    job.n_streams = static_cast<int>(n_streams);
    job.inv_noise = arrays::data<float>(inv_noise, "inv_noise", 2);
    if (inv_noise.shape(0) != filters.shape(0) || inv_noise.shape(1) != n_streams)
        refuse("inv_noise must have shape [" + text(filters.shape(0)) + ", " +
               text(n_streams) + "], got [" + text(inv_noise.shape(0)) + ", " +
               text(inv_noise.shape(1)) + "]");
    if (bits_per_symbol != 1 &&
        (bits_per_symbol < 2 || bits_per_symbol > 8 || bits_per_symbol % 2 != 0))
        refuse("bits_per_symbol must be 1, 2, 4, 6 or 8, got " + text(bits_per_symbol));
    job.bits_per_symbol = bits_per_symbol;
    const BlockMap map(blocks, filters.shape(0), job.uses.n_uses);
    job.uses.block_of_use = map.block;
    job.exact = exact;
    py::array_t<float> llr(
        {static_cast<py::ssize_t>(job.uses.n_uses), n_streams * bits_per_symbol});
    job.llr = llr.mutable_data();
    py::gil_scoped_release release;
    scsc::soft_linear(job);
    return llr;
}

py::array_t<Complex>
block_product(const py::array& y, const py::array& matrices, const py::array& blocks)
{
    scsc::BlockProduct job = {};
    job.uses = received(y);
    job.matrices = constants(matrices, "matrices", job.uses);
    const py::ssize_t n_out = matrices.shape(1);
    if (n_out < 1 || n_out > scsc::kMaxReceive)
        refuse("matrices must have 1 to " + text(scsc::kMaxReceive) + " rows, got " +
               text(n_out));
    job.n_out = static_cast<int>(n_out);
    const BlockMap map(blocks, matrices.shape(0), job.uses.n_uses);
    job.uses.block_of_use = map.block;
    py::array_t<Complex> out({n_out, static_cast<py::ssize_t>(job.uses.n_uses)});
    job.out = reinterpret_cast<float*>(out.mutable_data());
    py::gil_scoped_release release;
    scsc::block_product(job);
    return out;
}

} // namespace

void bind_soft_detector(py::module_& m)
{
    m.def("soft_ml",
          &soft_ml,
          py::arg("y"),
          py::arg("centroids"),
          py::arg("blocks"),
          py::arg("inv_n0"),
          py::arg("exact") = true,
          "Joint ML LLRs float32 [n, log2 K]: y complex64 [n_rx, n], centroids complex64 "
          "[b, K, n_rx], blocks int64 [b] uses per block or int32 [n] block of each use, "
          "inv_n0 "
          "float32 [b]. Positive means 0; non-finite samples give 0.");
    m.def("soft_linear",
          &soft_linear,
          py::arg("y"),
          py::arg("filters"),
          py::arg("inv_noise"),
          py::arg("blocks"),
          py::arg("bits_per_symbol"),
          py::arg("exact") = true,
          "LLRs float32 [n, n_s m] of Gray QAM after linear filters complex64 [b, n_s, "
          "n_rx] that "
          "give unbiased estimates with noise variance 1/inv_noise, float32 [b, n_s].");
    m.def("block_product",
          &block_product,
          py::arg("y"),
          py::arg("matrices"),
          py::arg("blocks"),
          "M_b y for every use: complex64 [n_out, n] of matrices complex64 [b, n_out, "
          "n_rx].");
}
