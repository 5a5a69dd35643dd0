package import Model
internal import Store

/// What the command line asked of the recorder.
package struct RecorderOptions: Sendable {
    /// How far recording reaches.
    package enum Scope: String, Sendable, CaseIterable {
        /// Trees where PATH arguments are given, else every real local filesystem.
        case auto
        /// The whole filesystems that hold the PATH arguments.
        case filesystem
        /// Only what lies at or under the PATH arguments.
        case tree
        /// The same by a mark on each of its directories: needs no capability, and sees less.
        case directories
    }

    package enum Queue: String, Sendable, CaseIterable {
        case auto
        case limited
        case unlimited
    }

    package var store: RawPath
    package var scope = Scope.auto
    package var operations = Operation.recordedByDefault
    /// Whether filesystems that are mounted while recording are marked; nil: where that needs no further privilege,
    /// which is for root.
    package var followsMounts: Bool?
    package var exclusions: [RawPath] = []
    /// `--capture-wal`: globs over the paths of databases whose commits are captured; none without it.
    package var capturePatterns: [RawPath] = []
    package var commitIntervalNanoseconds: Int64 = 250_000_000
    package var syncIntervalNanoseconds: Int64 = 1_000_000_000
    package var queue = Queue.auto
    /// `--max-size`: what du(1) says of the store directory, in bytes.
    package var maximumByteCount: UInt64?
    /// `--wal-share`: how much of it captured commits may take, in percent.
    package var segmentSharePercent: UInt64 = RetentionLimits.standardSegmentSharePercent
    package var maximumAgeNanoseconds: Int64?
    /// `--min-free`: bytes to leave free on the store's filesystem, and on the archive's.
    package var minimumFreeByteCount: UInt64 { askedFreeByteCount ?? Self.standardFreeByteCount }
    /// The same where it was given.
    package var askedFreeByteCount: UInt64?
    package static let standardFreeByteCount: UInt64 = 1 << 30
    /// `--archive`: where the store's history is kept besides; nowhere without it.
    package var archive: RawPath?
    /// `--archive-max-size`: what du(1) says of it, in bytes.
    package var archiveMaximumByteCount: UInt64?
    package var archiveMaximumAgeNanoseconds: Int64 = ArchiveLimits.standardMaxAgeNanoseconds
    package var paths: [RawPath] = []
    /// The command to run while recording, with its arguments; empty for none.
    package var command: [RawPath] = []
    package var version = ""
    /// The arguments as given, for the run's row.
    package var commandLine = ""

    /// What marks ask for: writes to logs have to be heard of even where they are not recorded.
    var markedOperations: EventMask {
        capturePatterns.isEmpty ? operations : operations.union([.create, .modify, .delete])
    }

    package init(store: RawPath) {
        self.store = store
    }
}
