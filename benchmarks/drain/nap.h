// When to nap between two drains of the queue: the one dial between the cost of a record and how finely it is seen.
//
// A loop that reads at every wake-up pays 2-9 us of CPU per record, most of it the wake-up; one that naps 1 ms pays
// 0.6-1.0 us, but what waits unread is merged by the kernel. So the nap follows the rate: none while it is low, growing
// to at most 1 ms in a storm. The constants are those of Sources/Recorder/NapPolicy.swift: two loops with different
// ones read different numbers of records, and no pair of runs would count.

#ifndef VARVE_BENCHMARK_NAP_H
#define VARVE_BENCHMARK_NAP_H

#include <stdint.h>

enum {
    nap_longest_microseconds = 1000,
    // At this rate of records a second the nap is longest; below a quarter of it there is none.
    nap_storm_rate = 8000,
    // How long the rate is remembered.
    nap_memory_nanoseconds = 8000000,
};

struct nap_policy {
    uint32_t fixed_microseconds;
    int is_adaptive;
};

static const struct nap_policy nap_adaptive = {.is_adaptive = 1};
static const struct nap_policy nap_none = {0};
static const struct nap_policy nap_fixed_1ms = {.fixed_microseconds = nap_longest_microseconds};

// The length in microseconds of the nap after a cycle (a wait and the readings until the queue was empty) that found
// `record_count` records in `elapsed_nanoseconds`; `rate` is what is remembered, in records a second. 0: wait for the next
// event.
static inline uint32_t next_nap(const struct nap_policy *policy, double *rate, uint64_t record_count,
                                uint64_t elapsed_nanoseconds) {
    if (!policy->is_adaptive) return policy->fixed_microseconds;
    double elapsed = elapsed_nanoseconds ? (double)elapsed_nanoseconds : 1;
    double weight = elapsed / (elapsed + nap_memory_nanoseconds);
    *rate += weight * ((double)record_count * 1e9 / elapsed - *rate);
    if (record_count == 0 || *rate * 4 < nap_storm_rate) return 0;
    double share = *rate / nap_storm_rate;
    return (uint32_t)((share < 1 ? share : 1) * nap_longest_microseconds);
}

#endif
