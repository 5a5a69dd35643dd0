// metadata ROOT COUNT FILES DIRECTORIES SEED TRUTH | metadata ROOT FILES DIRECTORIES prepare
//
// A storm of metadata: COUNT seeded operations over FILES files in DIRECTORIES directories, each a change of a file's
// mode to one that it does not have, but every 64th the renaming of a directory to a name that was never used. A recorder
// that keeps names of directories in its head has to follow; one that asks for them later may be told the new one.

#define _GNU_SOURCE
#include <unistd.h>

#include "truth.h"

enum { rename_every = 64, directory_limit = 256, path_length = 512 };

static unsigned generations[directory_limit];

static void directory_name(char *path, const char *root, unsigned long directory, unsigned generation) {
    snprintf(path, path_length, "%s/d%02lu-%05u", root, directory, generation);
}

static void file_name(char *path, const char *root, unsigned long directories, unsigned long file) {
    unsigned long directory = file % directories;
    snprintf(path, path_length, "%s/d%02lu-%05u/file-%05lu", root, directory, generations[directory], file);
}

static void prepare(const char *root, unsigned long files, unsigned long directories) {
    char path[path_length];
    make_directory(root);
    for (unsigned long i = 0; i < directories; i++) {
        directory_name(path, root, i, 0);
        make_directory(path);
    }
    for (unsigned long i = 0; i < files; i++) {
        file_name(path, root, directories, i);
        if (mknod(path, S_IFREG | 0644, 0) < 0) fail(path);
    }
}

int main(int argc, char **argv) {
    unsigned long directories = argc > 4 ? strtoul(argv[argc == 5 ? 3 : 4], NULL, 10) : 0;
    if (argc < 5 || directories == 0 || directories > directory_limit) {
        fputs("usage: metadata ROOT COUNT FILES DIRECTORIES SEED TRUTH | metadata ROOT FILES DIRECTORIES prepare\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    if (argc == 5) {
        prepare(root, strtoul(argv[2], NULL, 10), directories);
        return 0;
    }
    if (argc < 7) return 2;
    unsigned long count = strtoul(argv[2], NULL, 10), files = strtoul(argv[3], NULL, 10);
    uint64_t state = seeded(strtoull(argv[5], NULL, 10));
    if (files == 0) return 2;
    mode_t *modes = calloc(files, sizeof *modes);
    if (!modes) fail("calloc");
    char path[path_length], renamed[path_length], object[32];
    struct truth truth = truth_of(count);

    double start = seconds_now();
    for (unsigned long i = 0; i < count; i++) {
        uint64_t random = next_random(&state) >> 16;
        if (i % rename_every == rename_every - 1) {
            unsigned long directory = random % directories;
            directory_name(path, root, directory, generations[directory]);
            directory_name(renamed, root, directory, ++generations[directory]);
            snprintf(object, sizeof object, "d%02lu", directory);
            truth_add_dated(&truth, "rename", path, object);
            if (rename(path, renamed) < 0) fail(path);
            continue;
        }
        unsigned long file = random % files;
        file_name(path, root, directories, file);
        modes[file] = modes[file] == 0600 ? 0640 : 0600;
        snprintf(object, sizeof object, "file-%05lu", file);
        truth_add_dated(&truth, "attrib", path, object);
        if (chmod(path, modes[file]) < 0) fail(path);
    }
    double seconds = seconds_now() - start;
    truth_write(&truth, argv[6]);
    report("metadata", count, seconds);
    return 0;
}
