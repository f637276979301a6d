// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/generic_decoder.h>

#include "kernels/generic_kernels.h"
#include "kernels/isa_choice.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace scsc {
namespace {

struct Kernel {
    int lanes;
    void (*decode)(const GenericJob&);
};

Kernel selected_kernel()
{
    return {SCSC_KERNEL(generic_lanes)(), SCSC_KERNEL(generic_decode)};
}

[[noreturn]] void refuse(const std::string& rule, long long got)
{
    throw std::invalid_argument(rule + ", got " + std::to_string(got));
}

/// Workspace that starts on a cache line.
int8_t* aligned(std::vector<int8_t>& memory, size_t size)
{
    memory.resize(size + 63);
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    return memory.data() + ((64 - address % 64) % 64);
}

} // namespace

GenericDecoder::GenericDecoder(int columns,
                               std::vector<int32_t> row_start,
                               std::vector<int32_t> column_index)
    : d_columns(columns), d_row_start(std::move(row_start)),
      d_column_index(std::move(column_index))
{
    if (columns < kGenericMinDegree || columns > kMaxColumns)
        refuse("columns must be 2.." + std::to_string(kMaxColumns), columns);
    if (d_column_index.size() > static_cast<size_t>(kMaxEdges))
        refuse("indices must have at most " + std::to_string(kMaxEdges) + " entries",
               static_cast<long long>(d_column_index.size()));
    if (d_row_start.size() < 2)
        refuse("indptr must have at least 2 entries",
               static_cast<long long>(d_row_start.size()));
    if (d_row_start.front() != 0)
        refuse("indptr must start with 0", d_row_start.front());
    if (d_row_start.back() != static_cast<int64_t>(d_column_index.size()))
        refuse("indptr must end with the number of indices, " +
                   std::to_string(d_column_index.size()),
               d_row_start.back());
    for (size_t row = 0; row + 1 < d_row_start.size(); ++row) {
        const std::string name = "row " + std::to_string(row) + " of the matrix ";
        const int64_t start = d_row_start[row], end = d_row_start[row + 1];
        if (end - start < kGenericMinDegree || end - start > kGenericMaxDegree)
            refuse(name + "must have 2..256 ones", end - start);
        if (end > static_cast<int64_t>(d_column_index.size()))
            refuse("indptr must not exceed the number of indices", end);
        for (int64_t e = start; e < end; ++e) {
            const int32_t column = d_column_index[e];
            if (column < 0 || column >= columns)
                refuse(name + "must have indices 0.." + std::to_string(columns - 1),
                       column);
            if (e > start && column <= d_column_index[e - 1])
                refuse(name + "must have strictly ascending indices", column);
        }
    }
}

void GenericDecoder::quantise(const float* llr, size_t count, int8_t* out)
{
    for (size_t i = 0; i < count; ++i) {
        const float scaled = std::isnan(llr[i]) ? 0.0f : 4.0f * llr[i];
        out[i] =
            static_cast<int8_t>(std::lrintf(std::max(-127.0f, std::min(127.0f, scaled))));
    }
}

void GenericDecoder::decode(const int8_t* llr,
                            size_t n,
                            int max_iterations,
                            uint8_t* bits,
                            bool* ok,
                            int32_t* iterations) const
{
    if (max_iterations < 1 || max_iterations > 1000)
        refuse("max_iter must be 1..1000", max_iterations);
    const Kernel kernel = selected_kernel();
    const auto lanes = static_cast<size_t>(kernel.lanes);
    const auto width = static_cast<size_t>(d_columns);
    std::vector<int8_t> posterior, messages;
    GenericJob job{};
    job.rows = rows();
    job.columns = d_columns;
    job.row_start = d_row_start.data();
    job.column_index = d_column_index.data();
    job.max_iterations = max_iterations;
    job.posterior = aligned(posterior, width * lanes);
    job.messages = aligned(messages, d_column_index.size() * lanes);
    for (size_t first = 0; first < n; first += lanes) {
        job.words = static_cast<int>(std::min(lanes, n - first));
        job.llr = llr + first * width;
        job.bits = bits + first * width;
        job.ok = ok + first;
        job.iterations = iterations + first;
        kernel.decode(job);
    }
}

} // namespace scsc
