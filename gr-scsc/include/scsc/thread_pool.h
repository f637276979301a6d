// SPDX-License-Identifier: GPL-3.0-or-later
/// @file
/// One pool of threads for all native calls. Source: ours.
#pragma once

#include <cstdint>
#include <functional>

namespace scsc {

/// Threads that one call of parallel_for may use, the caller included: environment
/// variable SCSC_THREADS when the process starts, default 1. Throws std::invalid_argument
/// on a bad value.
int thread_count();

/// Runs body(0) .. body(count - 1) in any order and returns when all are done.
///
/// The caller works too, so the call ends even when every helper is busy with other
/// calls; any number of threads may call at once. The first exception of a body is thrown
/// again in the caller.
void parallel_for(int count, const std::function<void(int)>& body);

/// Runs body(first, last) on ranges that together are 0 .. count - 1, with so many threads,
/// the caller included, whatever SCSC_THREADS says. Ends, and throws, as parallel_for does.
void parallel_ranges(int64_t count,
                     int threads,
                     const std::function<void(int64_t, int64_t)>& body);

} // namespace scsc
