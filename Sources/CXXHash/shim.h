/* XXH3 compiled into the caller. Inlining instead of linking libxxhash: names are some ten bytes long, where the call
   through the library costs as much as the hash; and one shared library fewer stands beside the recorder's privileges.
   XXH_INLINE_ALL renames everything by macros, which Swift does not import, hence these two functions. */
#define XXH_INLINE_ALL
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
