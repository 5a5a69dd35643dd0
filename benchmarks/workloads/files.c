// files ROOT COUNT DIRECTORIES SEED TRUTH | files ROOT DIRECTORIES prepare
//
// A storm of small files, as editors, mail spools and package managers make them: each is created under a temporary name,
// written (16 to 4,096 seeded bytes), closed and renamed to its own; the one that was made 64 files before is removed. So
// there are COUNT creations, writes, closes, renames and removals, all of different names: nothing that a kernel queue
// could merge away without losing a name.

#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "truth.h"

enum { alive_count = 64, path_length = 512 };

static void name(char *path, const char *root, unsigned long directories, unsigned long number, const char *suffix) {
    snprintf(path, path_length, "%s/d%02lu/file-%06lu%s", root, number % directories, number, suffix);
}

static void prepare(const char *root, unsigned long directories) {
    char path[path_length];
    make_directory(root);
    for (unsigned long i = 0; i < directories; i++) {
        snprintf(path, sizeof path, "%s/d%02lu", root, i);
        make_directory(path);
    }
}

static void remove_file(const char *root, unsigned long directories, unsigned long number, struct truth *truth) {
    char path[path_length];
    name(path, root, directories, number, "");
    if (unlink(path) < 0) fail(path);
    truth_add(truth, "delete", path);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[3], "prepare") == 0) {
        prepare(argv[1], strtoul(argv[2], NULL, 10));
        return 0;
    }
    if (argc < 6) {
        fputs("usage: files ROOT COUNT DIRECTORIES SEED TRUTH | files ROOT DIRECTORIES prepare\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    unsigned long count = strtoul(argv[2], NULL, 10), directories = strtoul(argv[3], NULL, 10);
    uint64_t state = seeded(strtoull(argv[4], NULL, 10));
    if (directories == 0) return 2;
    static const char bytes[4096] = "a small file";
    char temporary[path_length], path[path_length];
    struct truth truth = truth_of(5 * count);

    double start = seconds_now();
    for (unsigned long i = 0; i < count; i++) {
        name(temporary, root, directories, i, ".new");
        name(path, root, directories, i, "");
        size_t byte_count = 16 + next_random(&state) % (sizeof bytes - 15);
        int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (file < 0 || write(file, bytes, byte_count) != (ssize_t)byte_count || close(file) < 0) fail(temporary);
        if (rename(temporary, path) < 0) fail(temporary);
        truth_add(&truth, "create", temporary);
        truth_add(&truth, "modify", temporary);
        truth_add(&truth, "close_write", temporary);
        truth_add(&truth, "rename", temporary);
        if (i >= alive_count) remove_file(root, directories, i - alive_count, &truth);
    }
    for (unsigned long i = count < alive_count ? 0 : count - alive_count; i < count; i++)
        remove_file(root, directories, i, &truth);
    double seconds = seconds_now() - start;
    truth_write(&truth, argv[5]);
    report("files", 5ull * count, seconds);
    return 0;
}
