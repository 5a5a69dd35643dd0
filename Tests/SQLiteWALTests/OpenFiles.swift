import Model
import SQLiteWAL
import Syscalls
import TestSupport

/// The files of a database under test, held open as the recorder holds them.
struct OpenFiles: ~Copyable, WALReading {
    let log: OwnedDescriptor
    let index: OwnedDescriptor?

    init(_ database: String) throws {
        log = try OwnedDescriptor.open(RawPath(database + "-wal"), flags: 0)
        index = try? OwnedDescriptor.open(RawPath(database + "-shm"), flags: 0)
    }

    mutating func readLog(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
        bytes.removeAll(keepingCapacity: true)
        do throws(SyscallError) {
            try log.read(upTo: count, at: offset, appendingTo: &bytes)
        } catch {
            throw WALReadError(error.description)
        }
    }

    mutating func readIndex(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
        bytes.removeAll(keepingCapacity: true)
        do throws(SyscallError) {
            _ = try index?.read(upTo: count, at: offset, appendingTo: &bytes)
        } catch {
            throw WALReadError(error.description)
        }
    }

    mutating func logByteCount() throws(WALReadError) -> Int64 {
        do throws(SyscallError) {
            return try log.status().byteCount
        } catch {
            throw WALReadError(error.description)
        }
    }

    mutating func isWriting() throws(WALReadError) -> Bool? {
        guard index != nil else { return nil }
        return (try? index?.lockHolder(of: 120..<121)) != nil
    }
}

/// A database that is captured by looks at chosen moments, and what SQLite says of every commit that was found.
final class CapturedDatabase {
    let path: String
    var machine: CaptureMachine
    var files: OpenFiles
    /// The clock of the machine, in steps.
    var now: Int64 = 0
    private(set) var commits: [WALCommit] = []
    private(set) var proofs: [CommitProof] = []
    private(set) var missed: [CaptureFinding] = []
    private(set) var retracted: [UInt32] = []
    private(set) var orphans: [UInt32] = []
    private(set) var state = CaptureState.level
    private(set) var rest = CaptureRest.none

    init(_ path: String, isFresh: Bool, limits: CaptureMachine.Limits = CaptureMachine.Limits()) throws {
        self.path = path
        machine = CaptureMachine(isFresh: isFresh, limits: limits)
        files = try OpenFiles(path)
    }

    var hasIndex: Bool { files.index != nil }

    var missedCount: Int? {
        missed.reduce(0) { sum, finding in
            guard let sum, case .missed(let count?, _) = finding else { return nil }
            return sum + Int(count)
        }
    }

    /// Looks until there is nothing left to look for; each look is 1 ms after the one before.
    func look(for milliseconds: Int = 1) throws {
        for _ in 0..<milliseconds {
            repeat {
                now += 1_000_000
                take(try machine.step(&files, now: now))
            } while state == .behind || state == .racing
        }
    }

    /// One look, whatever it finds.
    func lookOnce() throws {
        now += 1_000_000
        take(try machine.step(&files, now: now))
    }

    private func take(_ step: CaptureStep) {
        state = step.state
        rest = step.rest
        for finding in step.findings {
            switch finding {
            case .commit(let commit, let proof):
                commits.append(commit)
                proofs.append(proof)
            case .missed: missed.append(finding)
            case .retracted(let count):
                retracted.append(count)
                commits.removeLast(Int(count))
                proofs.removeLast(Int(count))
            case .orphan(let frame): orphans.append(frame)
            }
        }
    }
}
