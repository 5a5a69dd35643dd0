// lz4pages LOG ROUNDS
//
// Compresses each page of a write-ahead log by itself with LZ4, as LTX files hold them, and reports how many pages there
// were, the bytes of the blocks alone, and how fast that went, in the fastest round. Only the library's runtime is needed,
// so its two functions are declared here.

#include "workload.h"

extern int LZ4_compress_default(const char *source, char *target, int size, int capacity);
extern int LZ4_decompress_safe(const char *source, char *target, int size, int capacity);

enum { HEADER = 32, FRAME_HEADER = 24 };

static uint32_t big_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void refuse(const char *what) {
    fprintf(stderr, "lz4pages: %s\n", what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: lz4pages LOG ROUNDS\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[1], "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) fail(argv[1]);
    long size = ftell(file);
    rewind(file);
    unsigned char *log = malloc(size > 0 ? (size_t)size : 1);
    if (!log || size < HEADER || fread(log, 1, (size_t)size, file) != (size_t)size) fail(argv[1]);
    fclose(file);
    long page = (long)big_endian(log + 8);
    if (page < 512 || page > 65536) refuse("this is no log");
    // The frames of the log's generation: what lies behind them is of an older one.
    long count = 0;
    while (HEADER + (count + 1) * (FRAME_HEADER + page) <= size &&
           memcmp(log + HEADER + count * (FRAME_HEADER + page) + 8, log + 16, 8) == 0)
        count++;
    int capacity = (int)page * 2;
    char *block = malloc((size_t)capacity), *again = malloc((size_t)page);
    if (!block || !again) fail("memory");
    unsigned long long bytes = 0;
    double best = 0;
    for (int round = 0; round < atoi(argv[2]); round++) {
        bytes = 0;
        double start = seconds_now();
        for (long i = 0; i < count; i++) {
            const char *source = (const char *)log + HEADER + i * (FRAME_HEADER + page) + FRAME_HEADER;
            bytes += (unsigned long long)LZ4_compress_default(source, block, (int)page, capacity);
        }
        double elapsed = seconds_now() - start;
        if (best == 0 || elapsed < best) best = elapsed;
    }
    for (long i = 0; i < count; i++) {
        const char *source = (const char *)log + HEADER + i * (FRAME_HEADER + page) + FRAME_HEADER;
        int length = LZ4_compress_default(source, block, (int)page, capacity);
        if (LZ4_decompress_safe(block, again, length, (int)page) != page || memcmp(source, again, (size_t)page) != 0)
            refuse("a page came back otherwise");
    }
    printf("{\"pages\":%ld,\"page_size\":%ld,\"bytes\":%llu,\"encode_mb_s\":%.0f}\n", count, page, bytes,
           best > 0 ? (double)count * (double)page / 1e6 / best : 0);
    return 0;
}
