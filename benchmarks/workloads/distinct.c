// distinct ROOT COUNT DIRECTORIES [prepare]
//
// Makes COUNT empty files (mknod) with COUNT different names, as fast as one core can: COUNT create events that the
// kernel cannot merge, because no two concern the same object and name. So a recorder that loses nothing holds exactly
// COUNT records, whatever its latency. With `prepare` it only makes the directories.

#define _GNU_SOURCE
#include <unistd.h>

#include "workload.h"

int main(int argc, char **argv) {
    if (argc < 4) {
        fputs("usage: distinct ROOT COUNT DIRECTORIES [prepare]\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    unsigned long count = strtoul(argv[2], NULL, 10), directories = strtoul(argv[3], NULL, 10);
    if (directories == 0) return 2;
    char path[4096];
    if (argc > 4 && strcmp(argv[4], "prepare") == 0) {
        make_directory(root);
        for (unsigned long i = 0; i < directories; i++) {
            snprintf(path, sizeof path, "%s/d%02lu", root, i);
            make_directory(path);
        }
        return 0;
    }
    double start = seconds_now();
    for (unsigned long i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/d%02lu/object-%06lu", root, i % directories, i);
        if (mknod(path, S_IFREG | 0644, 0) < 0) fail(path);
    }
    report("distinct", count, seconds_now() - start);
    return 0;
}
