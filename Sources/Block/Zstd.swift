import CZstd
import Synchronization

/// A reused compression context.
///
/// Source: zstd manual, "Explicit context". Every frame carries its content size; its checksum stands in the header of
/// the block, over the frame's own bytes, so that zstd never sees damaged ones.
@safe package struct Compressor: ~Copyable {
    // Owned by this value alone from creation to deinit; a context may be used from any one thread at a time.
    private let context: OpaquePointer

    package init() throws(BlockError) {
        // SAFETY: a fresh context or nil; this value owns it from here on.
        guard let context = unsafe ZSTD_createCCtx() else { throw BlockError(.compression, "no memory for a context") }
        unsafe self.context = context
    }

    deinit {
        // SAFETY: created in init, freed once.
        unsafe ZSTD_freeCCtx(context)
    }

    /// Appends one frame holding `bytes` at zstd level `level`, or `level(_:byteCount:)` of it.
    package mutating func compress(_ bytes: [UInt8], level: Int32, to output: inout [UInt8]) throws(BlockError) {
        let start = output.count
        let bound = ZSTD_compressBound(bytes.count)
        output.append(contentsOf: repeatElement(0, count: bound))
        // SAFETY: the context is valid; both buffers are valid for the counts given, and the output is written only
        // within `bound` bytes.
        let written = unsafe output.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                _ = unsafe ZSTD_CCtx_setParameter(
                    context, ZSTD_c_compressionLevel, Self.level(level, byteCount: source.count))
                return unsafe ZSTD_compress2(
                    context, target.baseAddress.map { unsafe $0 + start }, bound, source.baseAddress, source.count)
            }
        }
        guard ZSTD_isError(written) == 0 else {
            output.removeSubrange(start...)
            throw Self.error(written)
        }
        output.removeSubrange((start + written)...)
    }
}

extension Compressor {
    /// What a context takes at most, at the levels that blocks are written with: the tables of level 14 for 1 MiB, or the
    /// tables and the window of level 9. Levels up to 3, and 256 KiB at any of them, take less than a third of it. Source:
    /// ZSTD_sizeof_CCtx of zstd 1.5.4 for 64 KiB to 16 MiB of content.
    static func greatestByteCount(level: Int32) -> Int { level > 3 ? 18 << 20 : 5 << 20 }

    /// The level for that much content: above 1 MiB at most 9, since levels above that take 50 MiB and more for their tables
    /// then, and three times as long.
    private static func level(_ level: Int32, byteCount: Int) -> Int32 {
        byteCount > 1 << 20 ? min(level, 9) : level
    }

    /// Begins a frame that `compressPiece` fills with `byteCount` bytes in all; the level as in `compress`.
    mutating func beginFrame(byteCount: Int, level: Int32) throws(BlockError) {
        // SAFETY: the context is valid; plain numbers are passed.
        let failure = unsafe [
            ZSTD_CCtx_reset(context, ZSTD_reset_session_only),
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level(level, byteCount: byteCount)),
            ZSTD_CCtx_setPledgedSrcSize(context, UInt64(byteCount)),
        ].first { ZSTD_isError($0) != 0 }
        if let failure { throw Self.error(failure) }
    }

    /// Appends what the next `range` of the frame's content gives; the last piece ends the frame.
    mutating func compressPiece(
        _ bytes: [UInt8], _ range: Range<Int>, isLast: Bool, to output: inout [UInt8]
    ) throws(BlockError) {
        // The context holds some of the content back, so what comes out now may be more or less than what goes in.
        let room = ZSTD_compressBound(range.count)
        var consumed = 0
        var isDone = false
        while !isDone {
            let start = output.count
            output.append(contentsOf: repeatElement(0, count: room))
            var written = 0
            // SAFETY: the context is valid; the input buffer spans what is left of `range` of `bytes`, the output buffer the
            // `room` bytes just appended, and neither pointer outlives the closures.
            let result = unsafe output.withUnsafeMutableBytes { target in
                unsafe bytes.withUnsafeBytes { source in
                    var input = unsafe ZSTD_inBuffer(
                        src: source.baseAddress.map { unsafe $0 + range.lowerBound }, size: range.count, pos: consumed)
                    var sink = unsafe ZSTD_outBuffer(
                        dst: target.baseAddress.map { unsafe $0 + start }, size: room, pos: 0)
                    let result = unsafe ZSTD_compressStream2(
                        context, &sink, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
                    consumed = unsafe input.pos
                    written = unsafe sink.pos
                    return result
                }
            }
            output.removeSubrange((start + written)...)
            guard ZSTD_isError(result) == 0 else { throw Self.error(result) }
            isDone = isLast ? result == 0 : consumed == range.count
        }
    }

    private static func error(_ code: Int) -> BlockError {
        // SAFETY: zstd returns a static string.
        BlockError(.compression, unsafe String(cString: ZSTD_getErrorName(code)))
    }
}

extension Compressor {
    /// Appends one frame holding `bytes`, which may repeat what stands in `prefix`.
    ///
    /// The window spans both, else what is far back would be out of reach. Source: zstd.h, ZSTD_CCtx_refPrefix, note 2.
    package mutating func compress(
        _ bytes: [UInt8], prefix: [UInt8], level: Int32, to output: inout [UInt8]
    ) throws(BlockError) {
        let start = output.count
        let bound = ZSTD_compressBound(bytes.count)
        let span = bytes.count + prefix.count
        let windowLog = Int32(clamping: max(10, Int.bitWidth - max(1, span - 1).leadingZeroBitCount))
        output.append(contentsOf: [UInt8](repeating: 0, count: bound))
        // SAFETY: the context is valid; all buffers are valid for the counts given and outlive the call that uses the
        // prefix, after which the context forgets it; the output is written only within `bound` bytes.
        let written = unsafe output.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                unsafe prefix.withUnsafeBytes { before in
                    _ = unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
                    _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
                    _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, windowLog)
                    let refused = unsafe ZSTD_CCtx_refPrefix(context, before.baseAddress, before.count)
                    guard ZSTD_isError(refused) == 0 else { return refused }
                    return unsafe ZSTD_compress2(
                        context, target.baseAddress.map { unsafe $0 + start }, bound, source.baseAddress, source.count)
                }
            }
        }
        guard ZSTD_isError(written) == 0 else {
            output.removeSubrange(start...)
            throw Self.error(written)
        }
        output.removeSubrange((start + written)...)
    }
}

/// A reused decompression context.
// Sendable: the context is reached only through its one owner, and zstd ties it to no thread.
@safe package struct Decompressor: ~Copyable, @unchecked Sendable {
    private let context: OpaquePointer

    package init() throws(BlockError) {
        // SAFETY: a fresh context or nil; this value owns it from here on.
        guard let context = unsafe ZSTD_createDCtx() else { throw BlockError(.compression, "no memory for a context") }
        unsafe self.context = context
    }

    deinit {
        // SAFETY: created in init, freed once.
        unsafe ZSTD_freeDCtx(context)
    }

    /// The content of the frame, which must be `byteCount` bytes; nil when it is damaged or of another size.
    package mutating func decompress(_ frame: RawSpan, byteCount: Int) -> [UInt8]? {
        // SAFETY: the context is valid; zstd reads within the frame and writes at most `byteCount` bytes, which are
        // all initialised when it says so.
        unsafe frame.withUnsafeBytes { source in
            guard unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count) == UInt64(byteCount) else {
                return nil
            }
            var isWhole = false
            let content = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
                let written = unsafe ZSTD_decompressDCtx(
                    context, target.baseAddress, byteCount, source.baseAddress, source.count)
                isWhole = ZSTD_isError(written) == 0 && written == byteCount
                count = isWhole ? byteCount : 0
            }
            return isWhole ? content : nil
        }
    }
}

extension Decompressor {
    /// The content of a frame made with `prefix`, which must be `byteCount` bytes; nil when it is damaged or of another
    /// size. Another prefix gives other bytes or nil, never more.
    package mutating func decompress(_ frame: RawSpan, prefix: [UInt8], byteCount: Int) -> [UInt8]? {
        // SAFETY: the context is valid; zstd reads within the frame and the prefix, both alive for the call after which
        // it forgets the prefix, and writes at most `byteCount` bytes, all initialised when it says so.
        unsafe frame.withUnsafeBytes { source in
            unsafe prefix.withUnsafeBytes { before in
                guard unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count) == UInt64(byteCount) else {
                    return nil
                }
                _ = unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
                guard unsafe ZSTD_isError(ZSTD_DCtx_refPrefix(context, before.baseAddress, before.count)) == 0 else {
                    return nil
                }
                var isWhole = false
                let content = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
                    let written = unsafe ZSTD_decompressDCtx(
                        context, target.baseAddress, byteCount, source.baseAddress, source.count)
                    isWhole = ZSTD_isError(written) == 0 && written == byteCount
                    count = isWhole ? byteCount : 0
                }
                // After a failure the prefix may still be referenced; it must not be for the next frame.
                _ = unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters)
                return isWhole ? content : nil
            }
        }
    }
}

/// Keeps one context for the next reader: making one costs more than reading a small block.
enum SpareDecompressor {
    private static let spare = Mutex<Decompressor?>(nil)

    /// The spare context, or a new one.
    static func take() throws(BlockError) -> Decompressor {
        if let context = spare.withLock({ $0.take() }) { return context }
        return try Decompressor()
    }

    /// Keeps a context, or frees it when one is kept already.
    static func keep(_ context: consuming Decompressor) {
        var offered: Decompressor? = consume context
        spare.withLock { if $0 == nil { $0 = offered.take() } }
    }
}
