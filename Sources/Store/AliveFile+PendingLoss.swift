import Model

extension AliveFile {
    static let pendingLossOffset = 592
    private static let pendingLossMagic = Array("VARVELOS".utf8)
    private static let maximumCauseByteCount = 256
    private static let pendingLossByteCount = 300

    /// The record behind the heartbeat that tells of a gap which has no row yet, because the disk takes none: the file is
    /// overwritten in place, which most filesystems can do when they are full.
    ///
    ///     offset  bytes  pending loss
    ///     592     8      magic "VARVELOS"
    ///     600     8      from, ns since the epoch
    ///     608     8      to
    ///     616     8      how many events
    ///     624     4      bytes of the cause, at most 256
    ///     628     256    cause, UTF-8
    ///     884     8      FNV-1a 64 of bytes 592..<884
    static func encode(pendingLoss gap: Gap) -> [UInt8] {
        let cause = Array(gap.cause.utf8.prefix(maximumCauseByteCount))
        var bytes = pendingLossMagic
        bytes.append(littleEndian: UInt64(bitPattern: gap.from.nanosecondsSinceEpoch))
        bytes.append(littleEndian: UInt64(bitPattern: gap.to.nanosecondsSinceEpoch))
        bytes.append(littleEndian: gap.count ?? 0)
        bytes.append(littleEndian: UInt32(cause.count))
        bytes.append(contentsOf: cause)
        bytes.append(contentsOf: repeatElement(0, count: maximumCauseByteCount - cause.count))
        bytes.append(littleEndian: checksum(bytes[...]))
        return bytes
    }

    static func decodePendingLoss(_ bytes: [UInt8]) -> Gap? {
        let start = pendingLossOffset
        let end = start + pendingLossByteCount - 8
        guard bytes.count >= start + pendingLossByteCount, bytes[start..<start + 8].elementsEqual(pendingLossMagic),
            bytes.littleEndian(at: end, UInt64.self) == checksum(bytes[start..<end])
        else { return nil }
        func instant(_ offset: Int) -> Instant {
            Instant(nanosecondsSinceEpoch: Int64(bitPattern: bytes.littleEndian(at: offset, UInt64.self)))
        }
        let causeByteCount = min(Int(bytes.littleEndian(at: start + 32, UInt32.self)), maximumCauseByteCount)
        return Gap(
            kind: .batchDropped, from: instant(start + 8), to: instant(start + 16),
            count: bytes.littleEndian(at: start + 24, UInt64.self), scope: nil,
            cause: String(decoding: bytes[start + 36..<start + 36 + causeByteCount], as: UTF8.self))
    }
}
