/* XXH3 compiled into the caller. Inlining instead of linking libxxhash: names are some ten bytes long, where the call
   through the library costs as much as the hash; and one shared library fewer stands beside the recorder's privileges.
   XXH_INLINE_ALL renames everything by macros, which Swift does not import, hence these functions. */
#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>

typedef struct {
    unsigned long long low;
    unsigned long long high;
} varve_hash128;

static inline unsigned long long varve_xxh3_64(const void *bytes, size_t count, unsigned long long seed) {
    return XXH3_64bits_withSeed(bytes, count, seed);
}

static inline varve_hash128 varve_xxh3_128(const void *bytes, size_t count) {
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    varve_hash128 result = {hash.low64, hash.high64};
    return result;
}

/* The 128-bit hash of two words, little-endian, followed by some bytes: names are short, so the copy is cheap. */
static inline varve_hash128 varve_xxh3_128_after(
    unsigned long long low, unsigned long long high, const void *bytes, size_t count) {
    unsigned char buffer[16 + 256];
    varve_hash128 result;
    XXH128_hash_t hash;
    XXH_writeLE64(buffer, low);
    XXH_writeLE64(buffer + 8, high);
    if (count <= 256) {
        if (count > 0) memcpy(buffer + 16, bytes, count);
        hash = XXH3_128bits(buffer, 16 + count);
    } else {
        XXH3_state_t state;
        XXH3_128bits_reset(&state);
        XXH3_128bits_update(&state, buffer, 16);
        XXH3_128bits_update(&state, bytes, count);
        hash = XXH3_128bits_digest(&state);
    }
    result.low = hash.low64;
    result.high = hash.high64;
    return result;
}
