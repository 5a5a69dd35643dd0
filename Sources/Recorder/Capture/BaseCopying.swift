import Block
import Model
import SQLiteWAL
import Segment
import Syscalls

/// The copies of one database that are to become base images: begun, fed with its commits, given up and begun again.
///
/// A small database that is calm enough is copied at one go; a large one, or one whose log began again during each such
/// try, beside its commits, for which nothing has to wait. Thread: *segments*.
final class BaseCopying {
    /// A copy that is the state after the last commit.
    struct Finished {
        var file: CopyFile
        var pageCount: UInt32
        /// Of its pages, where they are known already.
        var hashes: PageHashes?
        /// Only pages that are not the same as in the state that it was compared with are in it.
        var isSparse = false
    }

    private enum Work {
        case idle
        /// Complete; the commit that it is the state after is still to come.
        case guarded(BaseCopy, CopyFile)
        case fuzzy(FuzzyCopy)
    }

    private let place: CapturePlace
    private let isEnding: () -> Bool
    private var work = Work.idle
    /// A base image is wanted.
    private(set) var isWanted = true
    /// Why there is none, for people.
    private(set) var problem = ""
    /// The last guarded copy met with too many beginnings of the log.
    private var isTooBusy = false
    /// A copy begins with the next generation's first commit: those of the present one could not be read in time.
    private var awaitsGeneration = false
    private var nextTry: Int64 = 0
    /// What the copy under way has taken, in nanoseconds.
    private var spent: Int64 = 0
    private var otherGenerationCount = 0

    /// More than this of database and log is not copied at one go; that takes some twenty milliseconds, and meanwhile
    /// commits wait.
    private static let guardedByteCount: Int64 = 16 << 20
    private static let busyPauseNanoseconds: Int64 = 100_000_000
    private static let failurePauseNanoseconds: Int64 = 2_000_000_000
    /// So much of the time goes into copies, which may come to nothing: one part in this many.
    private static let pauseFactor: Int64 = 20
    private static let maximumOtherGenerationCount = 100_000

    /// Parameter isEnding: whether the recorder is to end, which a copy must not hold up.
    init(_ place: CapturePlace, isEnding: @escaping () -> Bool) {
        self.place = place
        self.isEnding = isEnding
    }

    /// A copy is under way, or waits for commits.
    var isBusy: Bool { if case .idle = work { false } else { true } }
    /// A piece of it can be read now.
    var hasPieces: Bool { if case .fuzzy(let copy) = work { copy.hasPieces } else { false } }

    func want() { isWanted = true }

    /// There is a base image of the present state, or will be.
    func satisfy() {
        isWanted = false
        isTooBusy = false
        problem = ""
    }

    /// The last commits are missing: what was copied is no state.
    func giveUp() {
        awaitsGeneration = false
        guard isBusy else { return }
        if case .fuzzy = work { problem = "no base image yet: commits were missed while it was copied" }
        end(pause: 0)
    }

    /// The image that was to be made of a copy could not be.
    func fail() {
        isWanted = true
        end(pause: Self.failurePauseNanoseconds)
    }

    private func end(pause: Int64) {
        work = .idle
        awaitsGeneration = false
        nextTry = max(nextTry, Clock.monotonic() &+ max(pause, Self.pauseFactor &* spent))
        spent = 0
    }

    // MARK: What moves it on

    /// Takes in a commit, after the one that ended at `last`; nil where commits may be missing between them.
    ///
    /// Parameter compared: hashes of a state whose pages need not be copied again.
    func take(
        _ commit: CapturedCommit, after last: LogPlace?, of stream: DatabaseStream, comparedWith compared: PageHashes?
    ) -> Finished? {
        switch work {
        case .guarded(let copy, let file): return settle(copy, file, at: commit.place)
        case .fuzzy(let copy):
            do throws(BaseCopy.Failure) {
                try copy.take(commit)
                return try finish(copy)
            } catch {
                guard error == .busy else {
                    fail(error)
                    return nil
                }
                work = .idle
                awaitsGeneration = true
            }
        case .idle: break
        }
        if awaitsGeneration, let last, last.salts != commit.salts, Clock.monotonic() >= nextTry {
            beginGeneration(commit, stream, compared)
        }
        return nil
    }

    /// Begins a copy where one is wanted and `mayBegin`, or goes on with it.
    ///
    /// Parameters: `last` where the last commit ended; `compared` as of `take`; `isAtRest`: none has come for a while.
    func advance(
        last: LogPlace?, of stream: DatabaseStream, comparedWith compared: PageHashes?, now: Int64, mayBegin: Bool,
        isAtRest: Bool
    ) -> Finished? {
        switch work {
        case .guarded:
            // A copy whose commit has not come by now will not fit any that comes.
            if isAtRest { work = .idle }
            return nil
        case .fuzzy(let copy):
            if isAtRest, !copy.hasPieces {
                end(pause: Self.busyPauseNanoseconds)
                return nil
            }
            return advance(copy)
        case .idle:
            guard isWanted, mayBegin, let last, now >= nextTry else { return nil }
            return begin(after: last, of: stream, compared)
        }
    }

    private func advance(_ copy: FuzzyCopy) -> Finished? {
        let began = Clock.monotonic()
        let piece = Result { () throws(BaseCopy.Failure) in try copy.advance() }
        spent &+= Clock.monotonic() &- began
        do throws(BaseCopy.Failure) {
            try piece.get()
            return try finish(copy)
        } catch {
            fail(error)
            return nil
        }
    }

    private func finish(_ copy: FuzzyCopy) throws(BaseCopy.Failure) -> Finished? {
        guard copy.isComplete else { return nil }
        let hashes = try copy.finish()
        end(pause: 0)
        return Finished(file: copy.file, pageCount: copy.pageCount, hashes: hashes, isSparse: copy.isSparse)
    }

    private func fail(_ error: BaseCopy.Failure) {
        switch error {
        case .busy:
            end(pause: Self.busyPauseNanoseconds)
            awaitsGeneration = true
        case .noIndex:
            // Made after the log and removed before it, so there may be one in a moment.
            problem = error.text
            end(pause: Self.busyPauseNanoseconds)
        case .unsupported, .tooLarge, .ended, .unreadable:
            problem = error.text
            end(pause: Self.failurePauseNanoseconds)
        }
    }

    // MARK: Beginning

    private func begin(after last: LogPlace, of stream: DatabaseStream, _ compared: PageHashes?) -> Finished? {
        let began = Clock.monotonic()
        do throws(BaseCopy.Failure) {
            guard var files = open(stream) else {
                end(pause: Self.busyPauseNanoseconds)
                return nil
            }
            let (file, limits) = try prepare()
            if !isTooBusy, Self.isSmall(files) {
                let copy = try BaseCopy.take(&files, to: file.descriptor, limits)
                spent = Clock.monotonic() &- began
                work = .guarded(copy, file)
                otherGenerationCount = 0
                problem = ""
                return settle(copy, file, at: last)
            }
            let begun = try FuzzyCopy.begin(
                after: last, of: stream.uuid, files, to: file, comparedWith: compared, limits)
            if let copy = begun {
                awaitsGeneration = false
                work = .fuzzy(copy)
            } else {
                nextTry = began &+ Self.busyPauseNanoseconds
                awaitsGeneration = true
            }
        } catch {
            spent = Clock.monotonic() &- began
            if error == .busy { isTooBusy = true }
            fail(error)
        }
        return nil
    }

    private func beginGeneration(_ first: CapturedCommit, _ stream: DatabaseStream, _ compared: PageHashes?) {
        guard let files = open(stream) else { return }
        do throws(BaseCopy.Failure) {
            let (file, limits) = try prepare()
            work = .fuzzy(
                try FuzzyCopy(with: first, of: stream.uuid, files, to: file, comparedWith: compared, limits))
            awaitsGeneration = false
        } catch {
            fail(error)
        }
    }

    /// The files of the stream; a copy of the database under its name, which may have the same salts, is another stream.
    private func open(_ stream: DatabaseStream) -> DatabaseFiles? {
        guard let path = stream.paths.last, let files = place.access.open(path), stream.isFile(files.identity) else {
            return nil
        }
        return files
    }

    private func prepare() throws(BaseCopy.Failure) -> (CopyFile, BaseCopy.Limits) {
        do throws(SyscallError) {
            let available = try place.store.filesystemStatus().availableByteCount
            let limits = BaseCopy.Limits(byteCount: Int64(clamping: available / 4), isEnding: isEnding)
            return (try CopyFile(in: place.store), limits)
        } catch {
            throw .unreadable("no copy can be made where the store is: \(error.description)")
        }
    }

    private static func isSmall(_ files: borrowing DatabaseFiles) -> Bool {
        guard let database = try? files.database.status(), let log = try? files.log.status() else { return false }
        return database.byteCount <= guardedByteCount && log.byteCount <= guardedByteCount - database.byteCount
    }

    // MARK: Guarded copies

    /// The copy, if it is the state after the commit at `last`; it is given up when its own commit will not come.
    private func settle(_ copy: BaseCopy, _ file: CopyFile, at last: LogPlace) -> Finished? {
        guard last == LogPlace(salts: copy.salts.rawValue, frame: copy.frame) else {
            // Its own commit was missed, or lies in a generation that is over.
            let isOver = last.salts == copy.salts.rawValue ? last.frame > copy.frame : isStale()
            if isOver { end(pause: Self.busyPauseNanoseconds) }
            return nil
        }
        end(pause: 0)
        return Finished(file: file, pageCount: copy.pageCount, hashes: nil)
    }

    /// Commits of another generation come in: the copy's was before, or is still to come.
    private func isStale() -> Bool {
        otherGenerationCount += 1
        return otherGenerationCount > Self.maximumOtherGenerationCount
    }
}

extension BaseCopy.Failure {
    /// For people: without a base image nothing can be restored.
    fileprivate var text: String {
        switch self {
        case .busy: "no base image yet: the log began again during each copy"
        case .noIndex: "no base image yet: no -shm said what was committed, as in exclusive locking mode"
        case .unsupported(let reason): "no base image: \(reason)"
        case .tooLarge(let byteCount):
            "no base image: \(byteCount) bytes are more than a quarter of what is free where the store is"
        case .ended: "no base image: the recorder ended first"
        case .unreadable(let reason): "no base image: \(reason)"
        }
    }
}
