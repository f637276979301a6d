// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/thread_pool.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace scsc {

namespace {

constexpr int kMaxThreads = 256;

/// One call of parallel_for. Helpers may hold it after the caller has left, but then find
/// no index.
struct Batch {
    const std::function<void(int)>* body;
    int count;
    std::atomic<int> next{0};
    std::mutex mutex;
    std::condition_variable finished;
    int done = 0;
    std::exception_ptr error;

    void work()
    {
        for (int i = next++; i < count; i = next++) {
            std::exception_ptr problem;
            try {
                (*body)(i);
            } catch (...) {
                problem = std::current_exception();
            }
            const std::lock_guard<std::mutex> lock(mutex);
            if (problem && !error)
                error = problem;
            if (++done == count)
                finished.notify_all();
        }
    }
};

class Pool
{
public:
    ~Pool()
    {
        {
            const std::lock_guard<std::mutex> lock(d_mutex);
            d_stop = true;
        }
        d_wake.notify_all();
        for (std::thread& thread : d_threads)
            thread.join();
    }

    void run(int count, int threads, const std::function<void(int)>& body)
    {
        const auto batch = std::make_shared<Batch>();
        batch->body = &body;
        batch->count = count;
        const int helpers = std::min(threads, count) - 1;
        {
            const std::lock_guard<std::mutex> lock(d_mutex);
            while (static_cast<int>(d_threads.size()) < helpers)
                d_threads.emplace_back([this] { serve(); });
            d_queue.insert(d_queue.end(), helpers, batch);
        }
        d_wake.notify_all();
        batch->work();
        std::unique_lock<std::mutex> lock(batch->mutex);
        batch->finished.wait(lock, [&] { return batch->done == count; });
        if (batch->error)
            std::rethrow_exception(batch->error);
    }

private:
    void serve()
    {
        for (;;) {
            std::shared_ptr<Batch> batch;
            {
                std::unique_lock<std::mutex> lock(d_mutex);
                d_wake.wait(lock, [this] { return d_stop || !d_queue.empty(); });
                if (d_stop)
                    return;
                batch = std::move(d_queue.front());
                d_queue.pop_front();
            }
            batch->work();
        }
    }

    std::mutex d_mutex;
    std::condition_variable d_wake;
    std::deque<std::shared_ptr<Batch>> d_queue;
    std::vector<std::thread> d_threads;
    bool d_stop = false;
};

int read_thread_count()
{
    const char* text = std::getenv("SCSC_THREADS");
    if (text == nullptr || *text == '\0')
        return 1;
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (*end != '\0' || value < 1 || value > kMaxThreads)
        throw std::invalid_argument("SCSC_THREADS must be an integer in 1.." +
                                    std::to_string(kMaxThreads) + ", got " + text);
    return static_cast<int>(value);
}

} // namespace

int thread_count()
{
    static const int count = read_thread_count();
    return count;
}

static void run(int count, int threads, const std::function<void(int)>& body)
{
    if (count <= 1 || threads == 1) {
        for (int i = 0; i < count; ++i)
            body(i);
        return;
    }
    static Pool pool;
    pool.run(count, threads, body);
}

void parallel_for(int count, const std::function<void(int)>& body)
{
    run(count, thread_count(), body);
}

void parallel_ranges(int64_t count,
                     int threads,
                     const std::function<void(int64_t, int64_t)>& body)
{
    constexpr int kRangesPerThread = 4; // threads that start late find work left
    threads = std::clamp(threads, 1, kMaxThreads);
    const int ranges = threads == 1
                           ? 1
                           : static_cast<int>(std::min<int64_t>(
                                 count, threads * kRangesPerThread));
    run(ranges, threads, [&](int i) {
        body(count * i / ranges, count * (i + 1) / ranges);
    });
}

} // namespace scsc
