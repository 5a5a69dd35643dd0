import Model

/// What one look from outside says of a database that is written with a rollback journal.
///
/// Its transactions are written into the file itself, under a lock, while the journal holds what was there before. The file
/// is a state between two of them where nobody holds the lock, nothing has to be rolled back, and nobody wrote it since it
/// was first looked at. Sources: lockingv3.html §3, §4.1; fileformat2.html §1.3.
struct JournalSight: Hashable {
    /// What says that the file was written, by the kernel's clock: a transaction that was rolled back leaves its counter as it
    /// was.
    struct Version: Hashable {
        var byteCount: Int64
        var modified: Instant
        var changed: Instant
    }

    /// Of the file's header; with the lock held for long it is raised once only.
    var changeCounter: UInt32
    /// 512 … 65,536.
    var pageSize: UInt32
    var version: Version
    /// PENDING or RESERVED is held, by a writer or for a moment by whoever begins to read.
    var isLocked: Bool
    /// There is a journal whose header is not zeros: a transaction is under way, or was broken off.
    var hasHotJournal: Bool
    /// Whoever opens the database by its name opens this file.
    var isNamed: Bool

    /// No transaction is under way, and none was broken off.
    var isAtRest: Bool { !isLocked && !hasHotJournal && isNamed }

    /// Between an earlier look, before which the file was old enough, and this one nothing was written.
    ///
    /// Both must be made in the right order: the earlier one asks for version, counter, journal and lock, the later one for
    /// lock, counter, journal and version.
    func isSameState(as earlier: JournalSight) -> Bool {
        isAtRest && earlier.isAtRest && version == earlier.version && changeCounter == earlier.changeCounter
            && pageSize == earlier.pageSize
    }

    /// How many transactions made this of an earlier state; nil where the counter does not say.
    func transactionCount(since earlier: UInt32?) -> UInt32? {
        guard let earlier else { return nil }
        let passed = changeCounter &- earlier
        return passed > 0 && passed <= UInt32(Int32.max) ? passed : nil
    }
}

/// Whether the times of a file tell two changes apart that follow closely.
///
/// Before Linux 6.13, and on filesystems that never got them, a change is dated by the last tick, up to 10 ms ago: what is
/// written after a look may have the date of what was written before it. Finer dates give themselves away: they lie ahead of
/// the clock of ticks.
struct FileTimeResolution {
    /// A file was seen whose date lies ahead of the last tick, but not of the kernel's clock.
    private(set) var isFine = false

    /// The longest tick, 10 ms (CONFIG_HZ=100), twice.
    static let settlingNanoseconds: Int64 = 20_000_000

    /// Whether the file, which was last changed then, would get another date by any later change.
    ///
    /// Parameters: of moments just after the file was asked, `tick` is of `Clock.realtimeOfTick`.
    mutating func tellsLaterChanges(from changed: Instant, tick: Instant, now: Instant) -> Bool {
        if changed > tick, changed <= now { isFine = true }
        // Dates of whole seconds, or two, are those of a filesystem that has no others.
        guard changed.nanosecondsSinceEpoch % 1_000_000_000 != 0 else {
            return changed.advanced(byNanoseconds: 3_000_000_000) < now
        }
        return isFine || changed.advanced(byNanoseconds: Self.settlingNanoseconds) < now
    }
}
