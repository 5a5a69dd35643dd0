/// Walks the frames of a WAL that is in memory, from its header or from the middle of a generation.
///
/// Allocates nothing; the bytes of a frame are read once and are those that were proved.
package struct WALScanner: ~Copyable, ~Escapable {
    private let bytes: RawSpan
    /// Where `bytes` begin in the file.
    private let fileOffset: Int64
    /// Behind the last frame that was given.
    package private(set) var chain: FrameChain

    /// A frame, or the end of what can be proved.
    package enum Step: Hashable, Sendable {
        /// Parameter range: of its page, in the bytes that are scanned.
        case frame(WALFrameHeader, page: Range<Int>)
        case end(ScanEnd)
    }

    /// Goes on behind `chain`.
    ///
    /// Parameter fileOffset: where `bytes` begin in the file, at most the offset of the next frame.
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, at fileOffset: Int64 = 0, from chain: FrameChain) {
        self.bytes = bytes
        self.fileOffset = fileOffset
        self.chain = chain
    }

    @_lifetime(self: copy self)
    package mutating func next() -> Step {
        let start = chain.pageSize.offset(ofFrame: chain.frame + 1) - fileOffset
        guard start >= 0, start <= Int64(bytes.byteCount) else { return .end(.endOfFile) }
        let begin = Int(start)
        let end = min(bytes.byteCount, begin + chain.pageSize.frameByteCount)
        switch chain.take(bytes.extracting(begin..<end)) {
        case .success(let header): return .frame(header, page: begin + WALFrameHeader.byteCount..<end)
        case .failure(let broken): return .end(broken.end)
        }
    }
}
