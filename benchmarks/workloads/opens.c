// opens ROOT COUNT FILES DIRECTORIES SEED [prepare]
//
// COUNT × (open for writing, write 16 bytes, close) over FILES files in DIRECTORIES directories, in seeded random
// order, as fast as one core can: 3 × COUNT events (open, modify, close_write). With `prepare` it only makes the files.

#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char **argv) {
    if (argc < 6) {
        fputs("usage: opens ROOT COUNT FILES DIRECTORIES SEED [prepare]\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    unsigned long count = strtoul(argv[2], NULL, 10), files = strtoul(argv[3], NULL, 10);
    unsigned long directories = strtoul(argv[4], NULL, 10);
    uint64_t state = seeded(strtoull(argv[5], NULL, 10));
    if (files == 0 || directories == 0) return 2;

    char (*paths)[256] = calloc(files, sizeof *paths);
    if (!paths) fail("calloc");
    for (unsigned long i = 0; i < files; i++)
        snprintf(paths[i], sizeof paths[i], "%s/d%02lu/file-%04lu", root, i % directories, i);

    if (argc > 6 && strcmp(argv[6], "prepare") == 0) {
        char directory[256];
        make_directory(root);
        for (unsigned long i = 0; i < directories; i++) {
            snprintf(directory, sizeof directory, "%s/d%02lu", root, i);
            make_directory(directory);
        }
        for (unsigned long i = 0; i < files; i++) {
            int file = open(paths[i], O_WRONLY | O_CREAT, 0644);
            if (file < 0) fail(paths[i]);
            if (write(file, "0123456789abcdef", 16) != 16) fail("write");
            close(file);
        }
        return 0;
    }

    double start = seconds_now();
    for (unsigned long i = 0; i < count; i++) {
        const char *path = paths[next_random(&state) % files];
        int file = open(path, O_WRONLY);
        if (file < 0) fail(path);
        if (write(file, "fedcba9876543210", 16) != 16) fail("write");
        close(file);
    }
    report("opens", 3ULL * count, seconds_now() - start);
    free(paths);
    return 0;
}
