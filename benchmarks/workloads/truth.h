// The ground truth of a workload: every operation it did and on which path, kept in memory while it works and written
// when its clock has stopped, one line each: KIND, a tab, the path. Kinds are the names of `varve events`; a rename
// carries the old path. Paths of the workloads hold no tab and no newline.
//
// Where an object is met under several paths because a directory above it gets another name, two more columns say which
// object it is and when the operation began, in nanoseconds since the epoch: the kernel joins operations of one object that
// wait in its queue, whatever the directory is called meanwhile.
//
// Where few paths are met very often, a workload counts for itself, and one more column says how often it was.

#ifndef VARVE_BENCHMARK_TRUTH_H
#define VARVE_BENCHMARK_TRUTH_H

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "workload.h"

struct truth {
    char *bytes;
    size_t used, size;
};

// Reserves and touches what `line_count` lines need, so that no page is faulted in while the workload is timed.
static inline struct truth truth_of(size_t line_count) {
    struct truth truth = {.size = line_count * 128 + 4096};
    truth.bytes = malloc(truth.size);
    if (!truth.bytes) fail("malloc");
    memset(truth.bytes, 0, truth.size);
    return truth;
}

static inline void truth_add(struct truth *truth, const char *kind, const char *path) {
    size_t kind_length = strlen(kind), path_length = strlen(path), needed = kind_length + path_length + 2;
    if (truth->used + needed > truth->size) {
        truth->size = truth->size * 2 + needed;
        truth->bytes = realloc(truth->bytes, truth->size);
        if (!truth->bytes) fail("realloc");
    }
    char *at = truth->bytes + truth->used;
    memcpy(at, kind, kind_length);
    at[kind_length] = '\t';
    memcpy(at + kind_length + 1, path, path_length);
    at[needed - 1] = '\n';
    truth->used += needed;
}

// Before the operation; it was over when the next one of the same process begins.
static inline void truth_add_dated(struct truth *truth, const char *kind, const char *path, const char *object) {
    char line[1024];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(line, sizeof line, "%s\t%s\t%lld", path, object, now.tv_sec * 1000000000LL + now.tv_nsec);
    truth_add(truth, kind, line);
}

static inline void truth_add_times(struct truth *truth, const char *kind, const char *path, unsigned long long times) {
    char line[1024];
    snprintf(line, sizeof line, "%s\t%llu", path, times);
    if (times > 0) truth_add(truth, kind, line);
}

// Appends to `path`, which lies outside of what is recorded: writers of one workload share it, one after the other.
static inline void truth_write(const struct truth *truth, const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0 || flock(file, LOCK_EX) < 0) fail(path);
    for (size_t written = 0; written < truth->used;) {
        ssize_t count = write(file, truth->bytes + written, truth->used - written);
        if (count < 0) fail(path);
        written += (size_t)count;
    }
    close(file);
}

#endif
