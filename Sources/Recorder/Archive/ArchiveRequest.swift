import Block
import Model
import Store
import Syscalls

/// What is to be archived and where to, and the ends of the feed.
struct ArchiveRequest: Sendable {
    let directory: RawPath
    let limits: ArchiveLimits
    let store: UUIDBytes
    let storeDirectory: RawPath
    let feed: LogFeed
    let status = ArchiveStatus()
    /// Wakes the thread that archives.
    let waker: Waker
    /// Wakes the thread that writes the store.
    let writerWaker: Waker

    /// Makes the archive of a store where there is none, and has the store's writer hand over its commits.
    ///
    /// A directory that cannot be used now may be later, so that is only said; one that is something else is refused.
    /// Throws: `storeCannotBeMade`, `usage`, `unavailable`.
    static func begin(
        _ given: RawPath, limits: ArchiveLimits, _ store: inout StoreWriter, announce: (String) -> Void
    ) throws(RecorderError) -> ArchiveRequest {
        let directory = try located(given)
        guard !directory.isAtOrUnder(store.directory), !store.directory.isAtOrUnder(directory) else {
            throw RecorderError(
                .usage, "--archive \(directory.escapedText): an archive is kept apart from its store")
        }
        let user = RecorderPrivileges.isLent ? OwnProcess.realUID : OwnProcess.effectiveUID
        if let owner = try? directory.status().uid, owner != user {
            throw RecorderError(
                .storeCannotBeMade,
                "the archive \(directory.escapedText) belongs to user \(owner): it must belong to user \(user), who records"
            )
        }
        do throws(StoreError) {
            _ = try ArchiveWriter(
                directory: directory, store: store.origin.store, storeDirectory: store.directory, limits: limits,
                create: true)
        } catch {
            switch error.code {
            case .notAStore, .newerSchema, .corrupt:
                throw RecorderError(.storeCannotBeMade, "--archive: \(error.description)")
            default:
                announce("varved: NOT ARCHIVING for now, and trying again: \(error.description)\n")
            }
        }
        let request: ArchiveRequest
        do throws(SyscallError) {
            request = try ArchiveRequest(directory, limits, store.origin.store, store.directory)
        } catch {
            throw RecorderError(.unavailable, error.description)
        }
        // Where the last run's commits are not in the archive, this is why.
        if let reason = openReason(in: store.directory) { request.status.update { $0.failure = reason } }
        store.follow(with: request.feed)
        return request
    }

    /// Why the last run archived nothing any more when it ended, as far as the store says so.
    private static func openReason(in store: RawPath) -> String? {
        guard let reader = try? StoreReader(directory: store), let last = try? reader.runs().last,
            let notes = try? reader.notes()
        else { return nil }
        return ArchiveRemark.openReason(in: notes, since: last.started)
    }

    private init(
        _ directory: RawPath, _ limits: ArchiveLimits, _ store: UUIDBytes, _ storeDirectory: RawPath
    ) throws(SyscallError) {
        let waker = try Waker()
        let writerWaker = try Waker()
        feed = LogFeed(wakeReader: { waker.wake() }, wakeWriter: { writerWaker.wake() })
        self.waker = waker
        self.writerWaker = writerWaker
        self.directory = directory
        self.limits = limits
        self.store = store
        self.storeDirectory = storeDirectory
    }

    /// The path without links as far as it exists, so that it can be compared with the store's.
    private static func located(_ given: RawPath) throws(RecorderError) -> RawPath {
        do throws(SyscallError) {
            if let real = try? Files.realPath(given) { return real }
            let isAbsolute = given.bytes.first == UInt8(ascii: "/")
            let absolute = isAbsolute ? given : try Files.realPath(RawPath(".")).appending(given.bytes)
            guard let parent = absolute.parent, let name = absolute.bytes.split(separator: UInt8(ascii: "/")).last,
                let real = try? Files.realPath(parent)
            else { return absolute }
            return real.appending(Array(name))
        } catch {
            throw RecorderError(.usage, "--archive \(given.escapedText): \(error.description)")
        }
    }
}
