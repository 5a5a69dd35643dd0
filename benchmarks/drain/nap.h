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
    nap_shortest_microseconds = 125,
    nap_longest_microseconds = 1000,
    // A cycle (a wait and the readings until the queue was empty) that finds this many records doubles the nap.
    nap_storm_record_count = 8,
    // One that finds at most this many halves it.
    nap_calm_record_count = 1,
};

struct nap_policy {
    uint32_t fixed_microseconds;
    int is_adaptive;
};

static const struct nap_policy nap_adaptive = {.is_adaptive = 1};
static const struct nap_policy nap_none = {0};
static const struct nap_policy nap_fixed_1ms = {.fixed_microseconds = nap_longest_microseconds};

// The length in microseconds of the nap after a cycle that found `record_count` records; `current` is the last nap.
static inline uint32_t next_nap(const struct nap_policy *policy, uint32_t current, uint64_t record_count) {
    if (!policy->is_adaptive) return policy->fixed_microseconds;
    if (record_count >= nap_storm_record_count) {
        uint32_t doubled = current ? current * 2 : nap_shortest_microseconds;
        return doubled < nap_longest_microseconds ? doubled : nap_longest_microseconds;
    }
    if (record_count > nap_calm_record_count) return current;
    return current / 2 < nap_shortest_microseconds ? 0 : current / 2;
}

#endif
