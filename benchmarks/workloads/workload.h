// What the workloads share: a seeded generator, a file tree, a clock and the report they print.

#ifndef VARVE_BENCHMARK_WORKLOAD_H
#define VARVE_BENCHMARK_WORKLOAD_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

// xorshift64*: the same seed gives the same workload on every machine.
static inline uint64_t next_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1DULL;
}

static inline uint64_t seeded(uint64_t seed) {
    uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 0x1234567;
    return state ? state : 1;
}

static inline void fail(const char *what) {
    fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void make_directory(const char *path) {
    if (mkdir(path, 0755) < 0 && errno != EEXIST) fail(path);
}

static inline long long microseconds_of(struct timeval one, struct timeval other) {
    return (one.tv_sec + other.tv_sec) * 1000000LL + one.tv_usec + other.tv_usec;
}

// One JSON object on stdout: operations done (the ground truth), wall seconds of the operations alone, and CPU with that
// of the children that were waited for.
static inline void report(const char *name, unsigned long long operations, double seconds) {
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    printf("{\"workload\":\"%s\",\"operations\":%llu,\"seconds\":%.6f,\"user_us\":%lld,\"system_us\":%lld}\n", name,
           operations, seconds, microseconds_of(own.ru_utime, children.ru_utime),
           microseconds_of(own.ru_stime, children.ru_stime));
}

#endif
