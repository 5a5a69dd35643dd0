// trickle ROOT RATE SECONDS FILES
//
// RATE writes a second for SECONDS, evenly spaced, over FILES files that stay open: RATE modify events a second, each
// its own record when the recorder reads at each wake-up.

#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char **argv) {
    if (argc < 5) {
        fputs("usage: trickle ROOT RATE SECONDS FILES\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    double rate = strtod(argv[2], NULL), duration = strtod(argv[3], NULL);
    unsigned long files = strtoul(argv[4], NULL, 10);
    if (rate <= 0 || files == 0 || files > 512) return 2;
    int descriptors[512];
    char path[4096];
    make_directory(root);
    for (unsigned long i = 0; i < files; i++) {
        snprintf(path, sizeof path, "%s/log-%03lu.txt", root, i);
        descriptors[i] = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (descriptors[i] < 0) fail(path);
    }
    double start = seconds_now();
    unsigned long long operations = 0, total = (unsigned long long)(rate * duration);
    while (operations < total) {
        double wait = start + (double)(operations + 1) / rate - seconds_now();
        if (wait > 0) {
            struct timespec pause = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
            nanosleep(&pause, NULL);
        }
        if (write(descriptors[operations % files], "one line of a log file\n", 23) != 23) fail("write");
        operations++;
    }
    report("trickle", operations, seconds_now() - start);
    return 0;
}
