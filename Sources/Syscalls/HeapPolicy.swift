internal import CLinux
internal import Glibc

/// How the C library's allocator deals with the kernel.
package enum HeapPolicy {
    /// Keeps freed memory for the next request instead of giving it back, and takes what is touched in large pages.
    ///
    /// For programs that live for one answer: by default each large array is mapped, touched page by page and unmapped
    /// again, and those page faults cost about a third of a look-up. mallopt(3), madvise(2) MADV_HUGEPAGE. Memory that is
    /// not touched is not used. Call it before other threads run.
    package static func keepFreedMemory() {
        // The largest threshold that the allocator accepts on 64-bit systems; a refusal only costs time.
        _ = mallopt(Int32(M_MMAP_THRESHOLD), 32 << 20)
        _ = mallopt(Int32(M_TRIM_THRESHOLD), 256 << 20)
        _ = mallopt(Int32(M_TOP_PAD), 1 << 20)
        // What one thread freed is there for the others too.
        _ = mallopt(Int32(M_ARENA_MAX), 1)
        growHeap()
    }

    /// Large arrays are mapped on their own, whatever was freed before, so that freeing them gives them back.
    ///
    /// For programs that run for months: by default the first large array that is freed raises the size from which the next
    /// are mapped, up to 32 MiB, and twice as much freed memory is kept in each thread's heap. mallopt(3). Smaller ones than
    /// this are reused all the time. Call it before other threads run.
    package static func giveLargeMemoryBack() {
        // A refusal only costs memory.
        _ = mallopt(Int32(M_MMAP_THRESHOLD), 2 << 20)
        _ = mallopt(Int32(M_TRIM_THRESHOLD), 4 << 20)
    }

    /// Gives back the whole pages of freed memory that lie in the heaps between what is still used.
    ///
    /// Cost: some milliseconds, and the page faults when they are used again. malloc_trim(3).
    package static func giveFreedMemoryBack() {
        _ = malloc_trim(0)
    }

    /// What one allocation may take from the heap; more would be mapped on its own.
    private static let stepByteCount = 30 << 20
    private static let largePageByteCount = 2 << 20

    /// The heap grows once, and the kernel is told that large pages suit it.
    private static func growHeap() {
        // SAFETY: the block is not touched and freed at once; the trim threshold keeps its pages in the heap, so the range
        // that is advised lies within it. Advice changes no content, and a refusal only costs time.
        guard let block = unsafe malloc(stepByteCount) else { return }
        let start = UInt(bitPattern: block)
        unsafe free(block)
        let first = (start + UInt(largePageByteCount) - 1) & ~UInt(largePageByteCount - 1)
        let end = (start + UInt(stepByteCount)) & ~UInt(largePageByteCount - 1)
        guard first < end, let address = unsafe UnsafeMutableRawPointer(bitPattern: first)
        else { return }
        _ = unsafe madvise(address, Int(end - first), MADV_HUGEPAGE)
    }
}
