// The small files of an archive. Shape: schema/README.md, "The archive".

package import Block
package import Model

/// Whose archive a directory is: the file `archive`.
package struct ArchiveMark: Hashable, Sendable {
    static let byteCount = 64
    private static let magic = Array("VARVARC1".utf8)

    package var store: UUIDBytes
    package var made: Instant

    package init(store: UUIDBytes, made: Instant) {
        self.store = store
        self.made = made
    }

    package var bytes: [UInt8] {
        var bytes = Self.magic + [1, 0, UInt8(Self.byteCount), 0, 0, 0, 0, 0]
        bytes.append(store)
        bytes.append(made)
        bytes += [UInt8](repeating: 0, count: 16)
        bytes.appendLittleEndian(XXH3.hash64(bytes))
        return bytes
    }

    /// Throws: `notAStore`, `newerSchema`, `corrupt`.
    package init(_ bytes: [UInt8]) throws(StoreError) {
        try ArchiveBytes.check(bytes, magic: Self.magic, headByteCount: Self.byteCount)
        guard bytes.count == Self.byteCount,
            ArchiveBytes.isHashed(bytes[..<56], bytes.littleEndian(at: 56, UInt64.self))
        else { throw StoreError(.corrupt, "the archive's mark is damaged") }
        store = UUIDBytes(Array(bytes[16..<32]))
        made = bytes.instant(at: 32)
    }
}

/// How a generation of an archive began: the file `start`.
package struct ArchiveStart: Hashable, Sendable {
    static let byteCount = 80
    static let maximumByteCount = byteCount + causeByteLimit
    private static let magic = Array("VARVGEN1".utf8)
    private static let causeByteLimit = 1_024

    package var store: UUIDBytes
    package var number: UInt64
    /// Its base image is the state after the last commit of the generation before.
    package var isContinued: Bool
    package var finished: Instant
    /// The last moment known from the generation before; nil where there is none.
    package var previousEnd: Instant?
    /// Why it began, for people.
    package var cause: String

    package init(
        store: UUIDBytes, number: UInt64, isContinued: Bool, finished: Instant, previousEnd: Instant?, cause: String
    ) {
        self.store = store
        self.number = number
        self.isContinued = isContinued
        self.finished = finished
        self.previousEnd = previousEnd
        self.cause = cause
    }

    package var bytes: [UInt8] {
        let cause = Array(cause.utf8.prefix(Self.causeByteLimit))
        var bytes = Self.magic + [1, 0, UInt8(Self.byteCount), 0]
        bytes.appendLittleEndian32(isContinued ? 1 : 0)
        bytes.append(store)
        bytes.appendLittleEndian(number)
        bytes.append(finished)
        bytes.append(previousEnd ?? .distantPast)
        bytes.appendLittleEndian32(UInt32(cause.count))
        bytes += [UInt8](repeating: 0, count: 12)
        bytes.appendLittleEndian(XXH3.hash64(bytes + cause))
        return bytes + cause
    }

    /// Throws: `notAStore`, `newerSchema`, `corrupt`.
    package init(_ bytes: [UInt8]) throws(StoreError) {
        try ArchiveBytes.check(bytes, magic: Self.magic, headByteCount: Self.byteCount)
        let cause = bytes[Self.byteCount...]
        guard Int(bytes.littleEndian(at: 56, UInt32.self)) == cause.count,
            ArchiveBytes.isHashed(bytes[..<72] + cause, bytes.littleEndian(at: 72, UInt64.self))
        else { throw StoreError(.corrupt, "the generation's start is damaged") }
        isContinued = bytes.littleEndian(at: 12, UInt32.self) & 1 == 1
        store = UUIDBytes(Array(bytes[16..<32]))
        number = bytes.littleEndian(at: 32, UInt64.self)
        finished = bytes.instant(at: 40)
        let end = bytes.instant(at: 48)
        previousEnd = end == .distantPast ? nil : end
        self.cause = String(decoding: cause, as: UTF8.self)
    }
}

/// Up to when nothing more was committed: the file `until`.
package struct ArchiveUntil: Hashable, Sendable {
    static let byteCount = 32
    private static let magic = Array("VARVUNT1".utf8)

    package var commit: UInt64
    package var moment: Instant

    package init(commit: UInt64, moment: Instant) {
        self.commit = commit
        self.moment = moment
    }

    package var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.appendLittleEndian(commit)
        bytes.append(moment)
        bytes.appendLittleEndian(XXH3.hash64(bytes))
        return bytes
    }

    /// Throws: `corrupt`.
    package init(_ bytes: [UInt8]) throws(StoreError) {
        guard bytes.count == Self.byteCount, bytes.starts(with: Self.magic),
            ArchiveBytes.isHashed(bytes[..<24], bytes.littleEndian(at: 24, UInt64.self))
        else { throw StoreError(.corrupt, "it is damaged") }
        commit = bytes.littleEndian(at: 8, UInt64.self)
        moment = bytes.instant(at: 16)
    }
}

/// What the small files have in common.
private enum ArchiveBytes {
    static func check(_ bytes: [UInt8], magic: [UInt8], headByteCount: Int) throws(StoreError) {
        guard bytes.count >= 16, bytes.starts(with: magic) else {
            throw StoreError(.notAStore, "no file of an archive")
        }
        let version = bytes.littleEndian(at: 8, UInt16.self)
        guard version == 1 else {
            throw StoreError(
                .newerSchema(Int64(version)),
                "an archive of version \(version), this program knows 1; use a newer Varve")
        }
        guard bytes.count >= headByteCount, Int(bytes.littleEndian(at: 10, UInt16.self)) == headByteCount else {
            throw StoreError(.corrupt, "a file of the archive is damaged")
        }
    }

    static func isHashed(_ bytes: ArraySlice<UInt8>, _ hash: UInt64) -> Bool {
        XXH3.hash64(Array(bytes)) == hash
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ instant: Instant) {
        appendLittleEndian(UInt64(bitPattern: instant.nanosecondsSinceEpoch))
    }

    fileprivate func instant(at offset: Int) -> Instant {
        Instant(nanosecondsSinceEpoch: Int64(bitPattern: littleEndian(at: offset, UInt64.self)))
    }
}
