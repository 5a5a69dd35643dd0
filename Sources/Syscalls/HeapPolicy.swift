internal import CLinux

/// How the C library's allocator deals with the kernel.
package enum HeapPolicy {
    /// Keeps freed memory for the next request instead of giving it back, and asks for more in large steps.
    ///
    /// For programs that live for one answer: by default each large array is mapped, touched page by page and unmapped
    /// again, and those page faults cost about a fifth of a look-up. mallopt(3). Call it before other threads run.
    package static func keepFreedMemory() {
        // The largest threshold that the allocator accepts on 64-bit systems; a refusal only costs time.
        _ = mallopt(Int32(M_MMAP_THRESHOLD), 32 << 20)
        _ = mallopt(Int32(M_TRIM_THRESHOLD), 256 << 20)
        _ = mallopt(Int32(M_TOP_PAD), 1 << 20)
    }
}
