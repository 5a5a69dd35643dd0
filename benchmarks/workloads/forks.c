// forks ROOT RATE SECONDS DIRECTORIES EXEC_EVERY
//
// RATE processes a second for SECONDS, evenly spaced: each writes one file and ends. Its name says who it is to be:
// ROOT/dNN/NUMBER-PID for one that goes on as the program that it was forked as, with `x` behind it for every
// EXEC_EVERYth (0: none), which executes `forks-child`, a copy of this program that lies in ROOT, and writes as that.

#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

static void write_file(const char *root, unsigned long directory, unsigned long long number, const char *suffix) {
    char path[4096];
    snprintf(path, sizeof path, "%s/d%02lu/%llu-%d%s", root, directory, number, (int)getpid(), suffix);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file < 0 || write(file, "x\n", 2) != 2) _exit(1);
    close(file);
}

// Children that ended; any that failed ends the workload.
static unsigned long long collect(int options) {
    unsigned long long count = 0;
    int status;
    while (waitpid(-1, &status, options) > 0) {
        if (status != 0) {
            fputs("workload: a child failed\n", stderr);
            exit(1);
        }
        count++;
    }
    return count;
}

static void copy_program(const char *target) {
    int from = open("/proc/self/exe", O_RDONLY), to = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    char buffer[65536];
    ssize_t count;
    if (from < 0 || to < 0) fail(target);
    while ((count = read(from, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, (size_t)count) != count) fail(target);
    close(from);
    close(to);
}

int main(int argc, char **argv) {
    if (argc == 4) { // forks-child ROOT DIRECTORY NUMBER
        write_file(argv[1], strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), "x");
        return 0;
    }
    if (argc < 6) {
        fputs("usage: forks ROOT RATE SECONDS DIRECTORIES EXEC_EVERY\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    double rate = strtod(argv[2], NULL), duration = strtod(argv[3], NULL);
    unsigned long directories = strtoul(argv[4], NULL, 10), every = strtoul(argv[5], NULL, 10);
    if (rate <= 0 || directories == 0) return 2;
    char path[4096];
    make_directory(root);
    for (unsigned long i = 0; i < directories; i++) {
        snprintf(path, sizeof path, "%s/d%02lu", root, i);
        make_directory(path);
    }
    snprintf(path, sizeof path, "%s/forks-child", root);
    copy_program(path);

    double start = seconds_now();
    unsigned long long number = 0, ended = 0;
    // What the machine cannot do in time is not made up for: the report says how many there were.
    while (seconds_now() - start < duration) {
        double wait = start + (double)(number + 1) / rate - seconds_now();
        if (wait > 0) {
            struct timespec pause = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
            nanosleep(&pause, NULL);
        }
        unsigned long directory = (unsigned long)(number % directories);
        pid_t child = fork();
        if (child < 0) fail("fork");
        if (child == 0) {
            if (every && number % every == 0) {
                char first[32], second[32];
                snprintf(first, sizeof first, "%lu", directory);
                snprintf(second, sizeof second, "%llu", number);
                execl(path, "forks-child", root, first, second, (char *)NULL);
                _exit(127);
            }
            write_file(root, directory, number, "");
            _exit(0);
        }
        number++;
        ended += collect(WNOHANG);
    }
    double seconds = seconds_now() - start;
    ended += collect(0);
    if (ended != number) fail("wait");
    report("forks", number, seconds);
    return 0;
}
