// appends ROOT WRITERS COUNT FILES SEED TRUTH | appends ROOT FILES prepare
//
// An append storm on few files, as logs are written: WRITERS processes at once, each with every one of FILES files open
// for appending, each COUNT writes of 80 bytes in seeded order; then they close. WRITERS x COUNT writes, of which the
// kernel may merge those of one process to one file that wait in a queue together.

#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "truth.h"

enum { file_limit = 64, line_length = 80, path_length = 512 };

static void name(char *path, const char *root, unsigned long file) {
    snprintf(path, path_length, "%s/log-%02lu.txt", root, file);
}

static int open_file(const char *root, unsigned long number) {
    char path[path_length];
    name(path, root, number);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0) fail(path);
    return file;
}

// Returns when it ended: writing the truth down is not part of the workload.
static double append(const char *root, unsigned long count, unsigned long files, uint64_t state, const char *truth_path) {
    char line[line_length], path[path_length];
    int descriptors[file_limit];
    unsigned long long appended[file_limit] = {0};
    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = '\n';
    for (unsigned long i = 0; i < files; i++) descriptors[i] = open_file(root, i);
    for (unsigned long i = 0; i < count; i++) {
        unsigned long file = next_random(&state) % files;
        if (write(descriptors[file], line, sizeof line) != (ssize_t)sizeof line) fail("write");
        appended[file]++;
    }
    for (unsigned long i = 0; i < files; i++) close(descriptors[i]);
    double ended = seconds_now();
    struct truth truth = truth_of(2 * files);
    for (unsigned long i = 0; i < files; i++) {
        name(path, root, i);
        truth_add_times(&truth, "modify", path, appended[i]);
        truth_add(&truth, "close_write", path);
    }
    truth_write(&truth, truth_path);
    return ended;
}

// What the writers appended must be in the files, whoever watched.
static void check_lengths(const char *root, unsigned long files, unsigned long long expected) {
    unsigned long long found = 0;
    for (unsigned long i = 0; i < files; i++) {
        char path[path_length];
        struct stat status;
        name(path, root, i);
        if (stat(path, &status) < 0) fail(path);
        found += (unsigned long long)status.st_size;
    }
    if (found == expected) return;
    fprintf(stderr, "workload: %llu bytes in the files instead of %llu\n", found, expected);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[3], "prepare") == 0) {
        make_directory(argv[1]);
        for (unsigned long i = 0; i < strtoul(argv[2], NULL, 10); i++) close(open_file(argv[1], i));
        return 0;
    }
    if (argc < 7) {
        fputs("usage: appends ROOT WRITERS COUNT FILES SEED TRUTH | appends ROOT FILES prepare\n", stderr);
        return 2;
    }
    unsigned long writers = strtoul(argv[2], NULL, 10), count = strtoul(argv[3], NULL, 10);
    unsigned long files = strtoul(argv[4], NULL, 10);
    if (files == 0 || files > file_limit) return 2;
    int ends[2];
    if (pipe(ends) < 0) fail("pipe");
    double start = seconds_now(), last = start;
    for (unsigned long i = 0; i < writers; i++) {
        pid_t child = fork();
        if (child < 0) fail("fork");
        if (child > 0) continue;
        double ended = append(argv[1], count, files, seeded(strtoull(argv[5], NULL, 10) * 64 + i), argv[6]);
        _exit(write(ends[1], &ended, sizeof ended) != sizeof ended);
    }
    for (unsigned long i = 0; i < writers; i++) {
        int status;
        double ended;
        if (wait(&status) < 0 || status != 0) fail("a writer");
        if (read(ends[0], &ended, sizeof ended) != sizeof ended) fail("pipe");
        if (ended > last) last = ended;
    }
    check_lengths(argv[1], files, (unsigned long long)writers * count * line_length);
    report("appends", (unsigned long long)writers * count, last - start);
    return 0;
}
