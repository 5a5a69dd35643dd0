/* The checksum of SQLite's write-ahead log as a plain C loop, to compare ours with. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

void checksum(const unsigned char *bytes, size_t count, uint32_t sum[2])
{
    uint32_t s0 = sum[0], s1 = sum[1];
    for (size_t i = 0; i + 8 <= count; i += 8) {
        uint32_t x[2];
        memcpy(x, bytes + i, 8);
        s0 += x[0] + s1;
        s1 += x[1] + s0;
    }
    sum[0] = s0;
    sum[1] = s1;
}

double measure(const unsigned char *bytes, size_t count, int rounds, uint32_t sum[2])
{
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (int i = 0; i < rounds; i++)
        checksum(bytes, count, sum);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / rounds;
}
