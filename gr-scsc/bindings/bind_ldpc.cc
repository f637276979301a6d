// SPDX-License-Identifier: GPL-3.0-or-later
#include "bindings.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <scsc/crc.h>
#include <scsc/ldpc_decoder.h>
#include <scsc/ldpc_encoder.h>
#include <scsc/ldpc_rate_match.h>
#include <scsc/thread_pool.h>
#include <scsc/transport_block.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace {

template <typename T>
const char* dtype_name();
template <>
const char* dtype_name<uint8_t>()
{
    return "uint8";
}
template <>
const char* dtype_name<int8_t>()
{
    return "int8";
}

/// The array's data if it is a C-contiguous T array of n_columns columns and at least one
/// row.
template <typename T>
T* checked(const py::array& array, const char* name, py::ssize_t n_columns)
{
    if (!py::isinstance<py::array_t<T>>(array))
        throw py::value_error(std::string(name) + " must be " + dtype_name<T>() +
                              ", got " + py::str(array.dtype()).cast<std::string>());
    if (array.ndim() != 2 || array.shape(0) < 1 || array.shape(1) != n_columns)
        throw py::value_error(std::string(name) + " must have the shape [n, " +
                              std::to_string(n_columns) + "] with n >= 1, got " +
                              py::str(array.attr("shape")).cast<std::string>());
    if ((array.flags() & py::array::c_style) == 0)
        throw py::value_error(std::string(name) + " must be C-contiguous");
    return static_cast<T*>(const_cast<void*>(array.data()));
}

void check_range(const char* name, int value, int low, int high)
{
    if (value < low || value > high)
        throw py::value_error(std::string(name) + " must be in " + std::to_string(low) +
                              ".." + std::to_string(high) + ", got " +
                              std::to_string(value));
}

/// Both called without the GIL.
void require_bits(const char* name, const uint8_t* bits, size_t n)
{
    uint64_t any = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        std::memcpy(&word, bits + i, sizeof word);
        any |= word;
    }
    for (; i < n; ++i)
        any |= bits[i];
    if ((any & ~uint64_t{0x0101010101010101}) != 0)
        throw py::value_error(std::string(name) + " must hold 0 and 1 only");
}

int frames_of(const py::array& array, int blocks_per_frame)
{
    if (array.shape(0) > (1 << 24) / blocks_per_frame)
        throw py::value_error("at most 2^24 code blocks per call, got " +
                              std::to_string(array.shape(0)) + " frames");
    return static_cast<int>(array.shape(0));
}

py::array_t<uint8_t> crc_bits(const std::string& name, const py::array& bits)
{
    const scsc::Crc kind = scsc::crc_by_name(name);
    if (!py::isinstance<py::array_t<uint8_t>>(bits) || bits.ndim() != 1 ||
        (bits.flags() & py::array::c_style) == 0)
        throw py::value_error("bits must be a C-contiguous uint8 array of one dimension");
    py::array_t<uint8_t> out(scsc::crc_length(kind));
    const auto* in = static_cast<const uint8_t*>(bits.data());
    uint8_t* result = out.mutable_data();
    const size_t n = bits.size();
    {
        py::gil_scoped_release release;
        require_bits("bits", in, n);
        scsc::crc_to_bits(kind, scsc::crc_of_bits(kind, in, n), result);
    }
    return out;
}

py::array_t<uint8_t> encode_words(int bg, int z, const py::array& information)
{
    const scsc::LdpcGraph graph = scsc::make_ldpc_graph(bg, z);
    const auto* in = checked<uint8_t>(information, "c", graph.information_bits());
    const int n = frames_of(information, 1);
    py::array_t<uint8_t> out(
        {static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(graph.buffer_bits())});
    uint8_t* result = out.mutable_data();
    {
        py::gil_scoped_release release;
        const size_t k = graph.information_bits();
        require_bits("c", in, n * k);
        const scsc::LdpcEncoder encoder(graph);
        scsc::parallel_for(n, [&](int i) {
            thread_local std::vector<uint8_t> columns, codeword;
            codeword.resize(std::max(codeword.size(), encoder.codeword_room()));
            encoder.encode(in + i * k, graph.n_rows, codeword.data(), columns);
            std::copy_n(codeword.data(),
                        graph.buffer_bits(),
                        result + static_cast<size_t>(i) * graph.buffer_bits());
        });
    }
    return out;
}

py::tuple decode_words(int bg, int z, const py::array& llr, int n_rows, int max_iter)
{
    const scsc::LdpcGraph graph = scsc::make_ldpc_graph(bg, z);
    const auto* in = checked<int8_t>(llr, "llr", graph.buffer_bits());
    if (n_rows != 0)
        check_range("n_rows", n_rows, 4, graph.n_rows);
    check_range("max_iter", max_iter, 1, 1000);
    const int n = frames_of(llr, 1);
    py::array_t<uint8_t> bits({static_cast<py::ssize_t>(n),
                               static_cast<py::ssize_t>(graph.information_bits())});
    py::array_t<bool> ok(n);
    py::array_t<int32_t> iterations(n);
    uint8_t* bits_out = bits.mutable_data();
    bool* ok_out = ok.mutable_data();
    int32_t* iterations_out = iterations.mutable_data();
    {
        py::gil_scoped_release release;
        const scsc::LdpcDecoder decoder(graph);
        const int pass = decoder.blocks_per_pass();
        const scsc::LdpcDecoding how{
            graph.information_bits(), max_iter, n_rows == 0 ? graph.n_rows : n_rows, {}};
        scsc::parallel_for((n + pass - 1) / pass, [&](int group) {
            thread_local scsc::LdpcWorkspace workspace;
            scsc::LdpcBlock blocks[64];
            const int first = group * pass;
            const int count = std::min(pass, n - first);
            for (int b = 0; b < count; ++b)
                blocks[b] = {in + static_cast<size_t>(first + b) * graph.buffer_bits(),
                             bits_out + static_cast<size_t>(first + b) *
                                            graph.information_bits(),
                             false,
                             0};
            decoder.decode(blocks, count, how, workspace);
            for (int b = 0; b < count; ++b) {
                ok_out[first + b] = blocks[b].ok;
                iterations_out[first + b] = blocks[b].iterations;
            }
        });
    }
    return py::make_tuple(bits, ok, iterations);
}

std::vector<std::tuple<int, int, int>> graph_edges(int bg, int z)
{
    std::vector<std::tuple<int, int, int>> edges;
    for (const auto& edge : scsc::make_ldpc_graph(bg, z).edges)
        edges.emplace_back(edge.row, edge.column, edge.shift);
    return edges;
}

std::vector<std::pair<int, int>>
rate_match_runs(int bg, int z, int used_bits, int sent_bits, int rv, int nref)
{
    const scsc::LdpcGraph graph = scsc::make_ldpc_graph(bg, z);
    check_range("Kp", used_bits, 2 * z + 1, graph.information_bits());
    check_range("E", sent_bits, 0, 1 << 28);
    check_range("rv", rv, 0, 3);
    check_range("nref", nref, 0, 1 << 28);
    std::vector<std::pair<int, int>> runs;
    for (const auto& run :
         scsc::ldpc_rate_match_runs(graph, used_bits, sent_bits, rv, nref))
        runs.emplace_back(run.start, run.length);
    return runs;
}

py::array_t<uint8_t>
encode_frames(const scsc::TransportBlock& tb, const py::array& bits, int rv)
{
    const auto* in = checked<uint8_t>(bits, "bits", tb.config().payload_bits);
    check_range("rv", rv, 0, 3);
    const int frames = frames_of(bits, tb.n_blocks());
    py::array_t<uint8_t> out({static_cast<py::ssize_t>(frames),
                              static_cast<py::ssize_t>(tb.config().coded_bits)});
    uint8_t* result = out.mutable_data();
    {
        py::gil_scoped_release release;
        require_bits("bits", in, static_cast<size_t>(frames) * tb.config().payload_bits);
        tb.encode(in, frames, rv, result);
    }
    return out;
}

/// The soft buffer's data if it has the right shape; null for None.
void* checked_soft(const scsc::TransportBlock& tb, const py::object& soft, int frames)
{
    if (soft.is_none())
        return nullptr;
    const std::string shape = "[" + std::to_string(frames) + ", " +
                              std::to_string(tb.n_blocks()) + ", " +
                              std::to_string(tb.graph().buffer_bits()) + "]";
    if (!py::isinstance<py::array_t<int8_t>>(soft) &&
        !py::isinstance<py::array_t<int16_t>>(soft))
        throw py::value_error("soft must be an int8 or int16 array of shape " + shape +
                              " or None");
    auto array = soft.cast<py::array>();
    if (array.ndim() != 3 || array.shape(0) != frames ||
        array.shape(1) != tb.n_blocks() || array.shape(2) != tb.graph().buffer_bits())
        throw py::value_error("soft must have the shape " + shape + ", got " +
                              py::str(array.attr("shape")).cast<std::string>());
    if ((array.flags() & py::array::c_style) == 0 || !array.writeable())
        throw py::value_error("soft must be C-contiguous and writeable");
    return array.mutable_data();
}

py::tuple decode_frames(const scsc::TransportBlock& tb,
                        const py::array& llr,
                        const py::object& soft,
                        int rv)
{
    const bool is_float = py::isinstance<py::array_t<float>>(llr);
    if (!is_float && !py::isinstance<py::array_t<int8_t>>(llr))
        throw py::value_error("llr must be float32 or int8, got " +
                              py::str(llr.dtype()).cast<std::string>());
    const int g = tb.config().coded_bits;
    if (llr.ndim() != 2 || llr.shape(0) < 1 || llr.shape(1) != g)
        throw py::value_error("llr must have the shape [n, " + std::to_string(g) +
                              "] with n >= 1, got " +
                              py::str(llr.attr("shape")).cast<std::string>());
    if ((llr.flags() & py::array::c_style) == 0)
        throw py::value_error("llr must be C-contiguous");
    check_range("rv", rv, 0, 3);
    const int frames = frames_of(llr, tb.n_blocks());
    void* soft_data = checked_soft(tb, soft, frames);
    const bool is_wide = py::isinstance<py::array_t<int16_t>>(soft);

    py::array_t<uint8_t> bits({static_cast<py::ssize_t>(frames),
                               static_cast<py::ssize_t>(tb.config().payload_bits)});
    py::array_t<bool> block_ok(
        {static_cast<py::ssize_t>(frames), static_cast<py::ssize_t>(tb.n_blocks())});
    py::array_t<bool> ok(frames);
    py::array_t<float> iterations(frames);
    uint8_t* bits_out = bits.mutable_data();
    bool* block_ok_out = block_ok.mutable_data();
    bool* ok_out = ok.mutable_data();
    float* iterations_out = iterations.mutable_data();
    const void* data = llr.data();
    {
        py::gil_scoped_release release;
        std::vector<scsc::FrameStatus> status(frames);
        const auto decode = [&](const auto* in, auto* buffer) {
            tb.decode(in, frames, rv, buffer, bits_out, block_ok_out, status.data());
        };
        const auto decode_into = [&](auto* buffer) {
            if (is_float)
                decode(static_cast<const float*>(data), buffer);
            else
                decode(static_cast<const int8_t*>(data), buffer);
        };
        if (is_wide)
            decode_into(static_cast<int16_t*>(soft_data));
        else
            decode_into(static_cast<int8_t*>(soft_data));
        for (int f = 0; f < frames; ++f) {
            ok_out[f] = status[f].ok;
            iterations_out[f] = status[f].iterations;
        }
    }
    return py::make_tuple(bits, block_ok, ok, iterations);
}

} // namespace

void bind_ldpc(py::module_& m)
{
    using scsc::TransportBlock;
    using scsc::TransportBlockConfig;
    m.def("crc",
          &crc_bits,
          py::arg("kind"),
          py::arg("bits"),
          "Check bits of TS 38.212 section 5.1 (kind 24a, 24b, 16 or 11) of a word of "
          "uint8 0/1.");
    m.def(
        "thread_count",
        &scsc::thread_count,
        "Threads that one call may use (environment variable SCSC_THREADS, default 1).");
    m.def("ldpc_encode",
          &encode_words,
          py::arg("bg"),
          py::arg("Z"),
          py::arg("c"),
          "Information words [n, K] -> codewords without their first 2 Z bits [n, N].");
    m.def("ldpc_decode",
          &decode_words,
          py::arg("bg"),
          py::arg("Z"),
          py::arg("llr"),
          py::arg("n_rows") = 0,
          py::arg("max_iter") = 12,
          "int8 LLRs [n, N] -> bits [n, K], ok [n], iterations [n]; n_rows 0 uses the "
          "whole graph. Without a CRC ok needs every row in use: a parity bit of one row "
          "that arrives wrong by more than the largest message (31) keeps it false "
          "though the bits are right.");
    m.def("ldpc_rate_match_runs",
          &rate_match_runs,
          py::arg("bg"),
          py::arg("Z"),
          py::arg("Kp"),
          py::arg("E"),
          py::arg("rv"),
          py::arg("nref") = 0,
          "(start, length) of the parts of the circular buffer sent in order.");
    m.def("ldpc_edges",
          &graph_edges,
          py::arg("bg"),
          py::arg("Z"),
          "(row, column, shift): check i of a row contains bit (i + shift) mod Z of a "
          "column.");
    py::class_<TransportBlock>(
        m, "LdpcTb", "One NR transport block size: encoder and decoder.")
        .def(py::init([](int a,
                         int g,
                         int qm,
                         int nl,
                         double rate,
                         int bg,
                         int nref,
                         int max_iter) {
                 return TransportBlock(
                     TransportBlockConfig{a, g, qm, nl, rate, bg, nref, max_iter});
             }),
             py::arg("A"),
             py::arg("G"),
             py::arg("qm"),
             py::arg("nl") = 1,
             py::arg("rate") = 0.0,
             py::arg("bg") = 0,
             py::arg("nref") = 0,
             py::arg("max_iter") = 12)
        .def("encode",
             &encode_frames,
             py::arg("bits"),
             py::arg("rv") = 0,
             "uint8 [F, A] -> uint8 [F, G].")
        .def("decode",
             &decode_frames,
             py::arg("llr"),
             py::arg("soft") = py::none(),
             py::arg("rv") = 0,
             "float32 or int8 [F, G], int8 or int16 [F, C, N] or None -> bits, cb_ok, "
             "tb_ok, "
             "iterations.")
        .def_property_readonly(
            "bg", [](const TransportBlock& t) { return t.graph().base_graph; })
        .def_property_readonly(
            "Z", [](const TransportBlock& t) { return t.graph().lifting_size; })
        .def_property_readonly("C", &TransportBlock::n_blocks)
        .def_property_readonly(
            "K", [](const TransportBlock& t) { return t.graph().information_bits(); })
        .def_property_readonly("Kp", &TransportBlock::used_bits)
        .def_property_readonly("F",
                               [](const TransportBlock& t) {
                                   return t.graph().information_bits() - t.used_bits();
                               })
        .def_property_readonly(
            "L_tb", [](const TransportBlock& t) { return scsc::crc_length(t.crc()); })
        .def_property_readonly(
            "N", [](const TransportBlock& t) { return t.graph().buffer_bits(); })
        .def_property_readonly("E",
                               [](const TransportBlock& t) { return t.sent_bits(); });
}
