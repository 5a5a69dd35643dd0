internal import Block
internal import Glibc
package import Model
internal import Syscalls

/// The file `alive`: who writes to the store, and until when a dead recorder surely missed nothing.
///
/// Shape: 4096 bytes, little-endian; two records, each with its own checksum, so that taking the lock does not touch
/// the last heartbeat. What is not named is zero.
///
///     offset  bytes  holder: written when the lock is taken
///     0       8      magic "VARVEPID"
///     8       4      version, 1
///     12      4      pid
///     16      8      FNV-1a 64 of bytes 0..<16
///
///     offset  bytes  heartbeat: written every few seconds, never synced
///     512     8      magic "VARVEALV"
///     520     4      version, 1
///     524     4      pid
///     528     4      run
///     532     4      1 when "quiet at" is known, else 0
///     536     16     boot id
///     552     8      written at, ns since the epoch, CLOCK_REALTIME
///     560     8      the same, CLOCK_MONOTONIC
///     568     8      next seq
///     576     8      quiet at, ns since the epoch
///     584     8      FNV-1a 64 of bytes 512..<584
///     592     300    a gap that has no row yet: see `encode(pendingLoss:)`
package enum AliveFile {
    package static let byteCount = 4_096
    package static let heartbeatOffset = 512
    private static let version: UInt32 = 1
    private static let holderMagic = Array("VARVEPID".utf8)
    private static let heartbeatMagic = Array("VARVEALV".utf8)

    /// What the file says; each part is nil where it is torn, foreign or was never written.
    package struct Content: Hashable, Sendable {
        package var holderPID: Int32?
        package var heartbeat: Heartbeat?

        package init(holderPID: Int32? = nil, heartbeat: Heartbeat? = nil) {
            self.holderPID = holderPID
            self.heartbeat = heartbeat
        }
    }

    /// Reads the file of a store's directory. A missing, unreadable or foreign file says nothing.
    package static func read(directory: RawPath) -> Content {
        do throws(SyscallError) {
            // No open of a file that SQLite has open: closing this descriptor drops no lock of ours.
            let file = try OwnedDescriptor.open(StoreLayout(directory: directory).alive, flags: O_RDONLY | O_NONBLOCK)
            var bytes = [UInt8]()
            try file.read(upTo: byteCount, at: 0, appendingTo: &bytes)
            return decode(bytes)
        } catch {
            return Content()
        }
    }

    /// What 4096 bytes say.
    package static func decode(_ bytes: [UInt8]) -> Content {
        Content(holderPID: decodeHolder(bytes), heartbeat: decodeHeartbeat(bytes))
    }

    /// The 512 bytes of the holder's record.
    package static func encodeHolder(pid: Int32) -> [UInt8] {
        var bytes = holderMagic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: UInt32(bitPattern: pid))
        bytes.append(littleEndian: checksum(bytes[...]))
        bytes.append(contentsOf: repeatElement(0, count: heartbeatOffset - bytes.count))
        return bytes
    }

    /// The rest of the file: the heartbeat's record, filled up with zeros.
    package static func encode(_ heartbeat: Heartbeat) -> [UInt8] {
        var bytes = heartbeatMagic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: UInt32(bitPattern: heartbeat.pid))
        bytes.append(littleEndian: heartbeat.run)
        bytes.append(littleEndian: heartbeat.quietAt == nil ? UInt32(0) : 1)
        bytes.append(contentsOf: heartbeat.bootID.bytes)
        bytes.append(littleEndian: UInt64(bitPattern: heartbeat.writtenAt.nanosecondsSinceEpoch))
        bytes.append(littleEndian: UInt64(bitPattern: heartbeat.monotonicNanoseconds))
        bytes.append(littleEndian: heartbeat.nextSequence)
        bytes.append(littleEndian: UInt64(bitPattern: heartbeat.quietAt?.nanosecondsSinceEpoch ?? 0))
        bytes.append(littleEndian: checksum(bytes[...]))
        if let pendingLoss = heartbeat.pendingLoss { bytes += encode(pendingLoss: pendingLoss) }
        bytes.append(contentsOf: repeatElement(0, count: byteCount - heartbeatOffset - bytes.count))
        return bytes
    }

    private static func decodeHolder(_ bytes: [UInt8]) -> Int32? {
        guard bytes.count >= 24, bytes[0..<8].elementsEqual(holderMagic),
            bytes.littleEndian(at: 8, UInt32.self) == version,
            bytes.littleEndian(at: 16, UInt64.self) == checksum(bytes[0..<16])
        else { return nil }
        return Int32(bitPattern: bytes.littleEndian(at: 12, UInt32.self))
    }

    private static func decodeHeartbeat(_ bytes: [UInt8]) -> Heartbeat? {
        let start = heartbeatOffset
        guard bytes.count >= start + 80, bytes[start..<start + 8].elementsEqual(heartbeatMagic),
            bytes.littleEndian(at: start + 8, UInt32.self) == version,
            bytes.littleEndian(at: start + 72, UInt64.self) == checksum(bytes[start..<start + 72])
        else { return nil }
        func instant(_ offset: Int) -> Instant {
            Instant(nanosecondsSinceEpoch: Int64(bitPattern: bytes.littleEndian(at: offset, UInt64.self)))
        }
        return Heartbeat(
            run: bytes.littleEndian(at: start + 16, UInt32.self),
            bootID: UUIDBytes(Array(bytes[start + 24..<start + 40])),
            pid: Int32(bitPattern: bytes.littleEndian(at: start + 12, UInt32.self)),
            writtenAt: instant(start + 40),
            monotonicNanoseconds: Int64(bitPattern: bytes.littleEndian(at: start + 48, UInt64.self)),
            nextSequence: bytes.littleEndian(at: start + 56, UInt64.self),
            quietAt: bytes.littleEndian(at: start + 20, UInt32.self) == 1 ? instant(start + 64) : nil,
            pendingLoss: decodePendingLoss(bytes))
    }

    /// FNV-1a, 64 bits: enough to tell a torn or foreign record; nobody is kept from forging one.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension [UInt8] {
    mutating func append<Number: FixedWidthInteger & UnsignedInteger>(littleEndian number: Number) {
        for byte in 0..<Number.bitWidth / 8 { append(UInt8(truncatingIfNeeded: number >> Number(8 * byte))) }
    }

    /// The number at `offset`; the caller has checked that it lies within.
    func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int, _: Number.Type) -> Number {
        (0..<Number.bitWidth / 8).reduce(0) { $0 | Number(self[offset + $1]) << Number(8 * $1) }
    }
}
