// mixed ROOT WORKERS OPERATIONS SEED
//
// A busy machine in small: WORKERS short-lived programs, one after the other on each of two cores, each running under
// one of 40 program names (copies of this binary under ROOT/bin, so that every one is a real exec) and doing OPERATIONS
// seeded operations over a tree of some ten thousand files: append, rewrite, write a temporary file and rename it over
// the old one, change the mode, make, remove, read. It fills a store with many millions of events in minutes.

#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

enum { program_count = 40, top_count = 12, middle_count = 24, file_count = 48, path_length = 512 };

static const char *const stems[] = {
    "index", "cache", "module", "session", "config", "report", "journal", "object", "table", "thumbnail", "draft", "trace",
};
static const char *const suffixes[] = {".o", ".d", ".log", ".json", ".txt", ".py", ".swift", ".db", ".tmp", ".xml"};

static void file_path(char *path, const char *root, uint64_t random) {
    unsigned top = random % top_count, middle = (random >> 8) % middle_count;
    // Squared, so that some files are used far more often than others.
    unsigned r = (random >> 16) % file_count, file = r * r / file_count;
    snprintf(path, path_length, "%s/%s-%02u/%s.%03u/%s-%04u%s", root, stems[top % 12], top, stems[middle % 12], middle,
             stems[(top + middle + file) % 12], top * 1000 + file, suffixes[file % 10]);
}

static void prepare(const char *root) {
    char path[path_length];
    make_directory(root);
    for (unsigned top = 0; top < top_count; top++) {
        snprintf(path, sizeof path, "%s/%s-%02u", root, stems[top % 12], top);
        make_directory(path);
        for (unsigned middle = 0; middle < middle_count; middle++) {
            snprintf(path, sizeof path, "%s/%s-%02u/%s.%03u", root, stems[top % 12], top, stems[middle % 12], middle);
            make_directory(path);
        }
    }
    snprintf(path, sizeof path, "%s/bin", root);
    make_directory(path);
}

static void put(const char *path, int flags, size_t byte_count) {
    static const char bytes[4096] = "a page of text";
    int file = open(path, O_WRONLY | O_CREAT | flags, 0644);
    if (file < 0) fail(path);
    if (write(file, bytes, byte_count) < 0) fail("write");
    close(file);
}

static void work(const char *root, unsigned long operations, uint64_t state) {
    char path[path_length], temporary[path_length + 8];
    for (unsigned long i = 0; i < operations; i++) {
        uint64_t random = next_random(&state);
        file_path(path, root, random >> 20);
        switch (random % 16) {
        case 0: case 1: case 2: case 3: case 4: put(path, O_APPEND, 64); break;
        case 5: case 6: case 7: put(path, O_TRUNC, 256); break;
        case 8: case 9: case 10: {
            snprintf(temporary, sizeof temporary, "%s.%06x", path, (unsigned)(random >> 40));
            put(temporary, 0, 256);
            if (rename(temporary, path) < 0) fail(temporary);
            break;
        }
        case 11: (void)!chmod(path, random & (1 << 18) ? 0644 : 0640); break;
        case 12: unlink(path); break;
        default: {
            char bytes[256];
            int file = open(path, O_RDONLY);
            if (file < 0) break;
            (void)!read(file, bytes, sizeof bytes);
            close(file);
        }
        }
    }
}

static void copy_program(const char *to) {
    char bytes[65536];
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (in < 0 || out < 0) fail(to);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;)
        if (write(out, bytes, (size_t)n) != n) fail("write");
    close(in);
    close(out);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fputs("usage: mixed ROOT WORKERS OPERATIONS SEED\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    unsigned long workers = strtoul(argv[2], NULL, 10), operations = strtoul(argv[3], NULL, 10);
    uint64_t seed = strtoull(argv[4], NULL, 10);
    // A worker is this program run with no workers of its own.
    if (workers == 0) {
        work(root, operations, seeded(seed));
        return 0;
    }
    prepare(root);
    char program[path_length];
    for (unsigned i = 0; i < program_count; i++) {
        snprintf(program, sizeof program, "%s/bin/%s-%02u", root, stems[i % 12], i);
        copy_program(program);
    }
    double start = seconds_now();
    unsigned long running = 0;
    for (unsigned long i = 0; i < workers; i++) {
        if (running == 2) {
            if (wait(NULL) < 0) fail("wait");
            running--;
        }
        pid_t child = fork();
        if (child < 0) fail("fork");
        if (child == 0) {
            char count[32], own_seed[32];
            snprintf(program, sizeof program, "%s/bin/%s-%02lu", root, stems[(i * 7 % program_count) % 12], i * 7 % program_count);
            snprintf(count, sizeof count, "%lu", operations);
            snprintf(own_seed, sizeof own_seed, "%llu", (unsigned long long)(seed * 1000003 + i));
            execl(program, program, root, "0", count, own_seed, (char *)NULL);
            fail(program);
        }
        running++;
    }
    while (wait(NULL) > 0) {}
    report("mixed", (unsigned long long)workers * operations, seconds_now() - start);
    return 0;
}
