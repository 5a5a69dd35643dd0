// The bare loop that varved is measured against: it reads fanotify records and throws them away.
//
// Same init flags, marks, mask, buffer size and nap policy as the recorder; the harness reads the recorder's real
// flags and mask from /proc/PID/fdinfo and passes them as hexadecimal numbers, so that nothing is assumed here.
// It prints one line on stderr that starts with "drain: ready" once every mark is in place, and at SIGTERM or SIGINT
// reads until the queue is empty and prints one JSON object on stdout. CPU and wake-ups count from the ready line on.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "nap.h"

#ifndef FAN_REPORT_DFID_NAME_TARGET
#define FAN_REPORT_DFID_NAME_TARGET 0x1e00
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif

enum { maximum_mark_count = 64 };

// One filesystem mark.
struct mark {
    uint64_t mask;
    const char *path;
};

struct options {
    unsigned init_flags;
    size_t buffer_byte_count;
    struct nap_policy nap;
    bool reads_nothing;
    double wakes_per_second;
    double seconds;  // 0 = until a signal
    struct mark marks[maximum_mark_count];
    int mark_count;
};

struct counters {
    uint64_t records, reads, bytes, overflows, wakes, naps;
};

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number) {
    (void)signal_number;
    stop_requested = 1;
}

static void fail(const char *what) {
    fprintf(stderr, "drain: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void usage(void) {
    fputs("usage: drain [--flags HEX] [--buffer BYTES] [--nap adaptive|none|1ms|wake-only] [--wakes-per-second R]\n"
          "             [--seconds S | --until-signal] [--mask HEX|NAME,NAME,...] --path PATH [[--mask ...] --path PATH]...\n"
          "A --mask holds for the paths after it.\n",
          stderr);
    exit(2);
}

static uint64_t nanoseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// The names of `varved --ops`, and the flags a mask may carry.
static const struct {
    const char *name;
    uint64_t bits;
} mask_names[] = {
    {"access", FAN_ACCESS},
    {"open", FAN_OPEN},
    {"exec", FAN_OPEN_EXEC},
    {"create", FAN_CREATE},
    {"modify", FAN_MODIFY},
    {"attrib", FAN_ATTRIB},
    {"close", FAN_CLOSE_NOWRITE},
    {"close_write", FAN_CLOSE_WRITE},
    {"delete", FAN_DELETE},
    {"delete_self", FAN_DELETE_SELF},
    {"rename", FAN_RENAME},
    {"move_self", FAN_MOVE_SELF},
    {"fs_error", FAN_FS_ERROR},
    {"ondir", FAN_ONDIR},
};

static uint64_t parse_mask(char *text) {
    char *end;
    uint64_t mask = strtoull(text, &end, 16);
    if (*end == '\0' && strncmp(text, "0x", 2) == 0) return mask;
    mask = 0;
    for (char *name = strtok(text, ","); name; name = strtok(NULL, ",")) {
        size_t i = 0, count = sizeof mask_names / sizeof mask_names[0];
        while (i < count && strcmp(mask_names[i].name, name) != 0) i++;
        if (i == count) usage();
        mask |= mask_names[i].bits;
    }
    return mask;
}

static struct options parse_options(int argc, char **argv) {
    struct options options = {
        .init_flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_REPORT_DFID_NAME_TARGET,
        .buffer_byte_count = 64 * 1024,
        .nap = nap_adaptive,
    };
    static const struct option names[] = {
        {"flags", required_argument, 0, 'f'},    {"mask", required_argument, 0, 'm'},
        {"buffer", required_argument, 0, 'b'},   {"nap", required_argument, 0, 'n'},
        {"path", required_argument, 0, 'p'},     {"wakes-per-second", required_argument, 0, 'w'},
        {"seconds", required_argument, 0, 's'},  {"until-signal", no_argument, 0, 'u'},
        {0, 0, 0, 0},
    };
    uint64_t mask = FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ONDIR;
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'f': options.init_flags = (unsigned)strtoul(optarg, NULL, 16); break;
        case 'm': mask = parse_mask(optarg); break;
        case 'b': options.buffer_byte_count = strtoul(optarg, NULL, 10); break;
        case 'n':
            if (strcmp(optarg, "adaptive") == 0) options.nap = nap_adaptive;
            else if (strcmp(optarg, "none") == 0) options.nap = nap_none;
            else if (strcmp(optarg, "1ms") == 0) options.nap = nap_fixed_1ms;
            else if (strcmp(optarg, "wake-only") == 0) options.reads_nothing = true;
            else usage();
            break;
        case 'p':
            if (options.mark_count == maximum_mark_count) usage();
            options.marks[options.mark_count++] = (struct mark){.mask = mask, .path = optarg};
            break;
        case 'w': options.wakes_per_second = strtod(optarg, NULL); break;
        case 's': options.seconds = strtod(optarg, NULL); break;
        case 'u': options.seconds = 0; break;
        default: usage();
        }
    }
    bool wants_marks = !options.reads_nothing;
    if (wants_marks == (options.mark_count == 0) || options.buffer_byte_count < 4096) usage();
    if (options.reads_nothing && options.wakes_per_second <= 0) usage();
    return options;
}

// Reads until the queue is empty. Walking the records costs 1-2 ns each and is what "records read" needs.
static uint64_t drain_queue(int group, char *buffer, size_t buffer_byte_count, struct counters *counters) {
    uint64_t drained = 0;
    for (;;) {
        ssize_t byte_count = read(group, buffer, buffer_byte_count);
        if (byte_count < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return drained;
            fail("read");
        }
        counters->reads++;
        counters->bytes += (uint64_t)byte_count;
        const struct fanotify_event_metadata *record = (const void *)buffer;
        for (; FAN_EVENT_OK(record, byte_count); record = FAN_EVENT_NEXT(record, byte_count)) {
            drained++;
            if (record->mask & FAN_Q_OVERFLOW) counters->overflows++;
        }
    }
}

static void read_until_stopped(const struct options *options, int group, const sigset_t *waiting_mask,
                               uint64_t deadline, struct counters *counters) {
    char *buffer = malloc(options->buffer_byte_count);
    if (!buffer) fail("malloc");
    memset(buffer, 0, options->buffer_byte_count);
    uint32_t nap_microseconds = 0;
    double rate = 0;
    uint64_t cycle_began = nanoseconds_now();
    struct pollfd readable = {.fd = group, .events = POLLIN};
    while (!stop_requested && !(deadline && nanoseconds_now() >= deadline)) {
        if (nap_microseconds > 0) {
            // Like the recorder's, a nap takes the place of a wait: what comes in the meantime is not asked for.
            struct timespec pause = {.tv_nsec = (long)nap_microseconds * 1000};
            counters->naps++;
            ppoll(NULL, 0, &pause, waiting_mask);
        } else {
            struct timespec timeout = {.tv_sec = 1};
            if (ppoll(&readable, 1, &timeout, waiting_mask) < 0 && errno != EINTR) fail("ppoll");
        }
        counters->wakes++;
        uint64_t drained = drain_queue(group, buffer, options->buffer_byte_count, counters);
        counters->records += drained;
        uint64_t cycle_ended = nanoseconds_now();
        nap_microseconds = next_nap(&options->nap, &rate, drained, cycle_ended - cycle_began);
        cycle_began = cycle_ended;
    }
    counters->records += drain_queue(group, buffer, options->buffer_byte_count, counters);
    free(buffer);
}

// Wakes at an even rate and reads nothing: the price of the wake-ups alone.
static void wake_until_stopped(const struct options *options, uint64_t deadline, struct counters *counters) {
    uint64_t interval = (uint64_t)(1e9 / options->wakes_per_second);
    uint64_t next = nanoseconds_now();
    while (!stop_requested && (!deadline || next < deadline)) {
        next += interval;
        struct timespec until = {.tv_sec = (time_t)(next / 1000000000u), .tv_nsec = (long)(next % 1000000000u)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        counters->wakes++;
    }
}

static int open_group(const struct options *options) {
    int group = fanotify_init(options->init_flags | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE | O_CLOEXEC);
    if (group < 0) fail("fanotify_init");
    for (int i = 0; i < options->mark_count; i++) {
        const struct mark *mark = &options->marks[i];
        if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mark->mask, AT_FDCWD, mark->path) < 0)
            fail(mark->path);
    }
    return group;
}

static long long microseconds(struct timeval later, struct timeval earlier) {
    return (later.tv_sec - earlier.tv_sec) * 1000000LL + (later.tv_usec - earlier.tv_usec);
}

int main(int argc, char **argv) {
    struct options options = parse_options(argc, argv);
    // SIGTERM and SIGINT are delivered only inside ppoll, so that a stop is never missed between test and wait. The
    // loop that reads nothing sleeps in clock_nanosleep, where the signal interrupts the sleep itself.
    struct sigaction action = {.sa_handler = request_stop};
    sigset_t stopping, waiting_mask;
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGTERM);
    sigaddset(&stopping, SIGINT);
    sigprocmask(SIG_SETMASK, NULL, &waiting_mask);
    if (!options.reads_nothing) sigprocmask(SIG_BLOCK, &stopping, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    // Never outlive the harness: a killed harness must leave no listener behind.
    prctl(PR_SET_PDEATHSIG, SIGTERM);

    int group = options.reads_nothing ? -1 : open_group(&options);
    struct counters counters = {0};
    struct rusage before, after;
    fprintf(stderr, "drain: ready, flags 0x%x, %d marks, buffer %zu\n", options.init_flags, options.mark_count,
            options.buffer_byte_count);
    getrusage(RUSAGE_SELF, &before);
    uint64_t start = nanoseconds_now();
    uint64_t deadline = options.seconds > 0 ? start + (uint64_t)(options.seconds * 1e9) : 0;
    if (options.reads_nothing) wake_until_stopped(&options, deadline, &counters);
    else read_until_stopped(&options, group, &waiting_mask, deadline, &counters);
    getrusage(RUSAGE_SELF, &after);

    printf("{\"records\":%llu,\"reads\":%llu,\"bytes\":%llu,\"overflows\":%llu,\"wakes\":%llu,\"naps\":%llu,"
           "\"user_us\":%lld,\"system_us\":%lld,\"wall_us\":%llu,\"voluntary_switches\":%ld,\"involuntary_switches\":%ld}\n",
           (unsigned long long)counters.records, (unsigned long long)counters.reads, (unsigned long long)counters.bytes,
           (unsigned long long)counters.overflows, (unsigned long long)counters.wakes,
           (unsigned long long)counters.naps, microseconds(after.ru_utime, before.ru_utime),
           microseconds(after.ru_stime, before.ru_stime), (unsigned long long)((nanoseconds_now() - start) / 1000),
           after.ru_nvcsw - before.ru_nvcsw, after.ru_nivcsw - before.ru_nivcsw);
    return 0;
}
