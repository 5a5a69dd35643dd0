import Syscalls

/// The thread that archives. A disk that never answers must not keep the recorder from ending.
final class ArchiveThread: Sendable {
    private let ended: Waker
    private static let niceness: Int32 = 15
    private static let patienceNanoseconds: Int64 = 10_000_000_000

    init(_ request: ArchiveRequest) throws(SyscallError) {
        let ended = try Waker()
        self.ended = ended
        // Not joined: it ends with the process where its disk holds it up.
        _ = try OSThread(name: "archive", stackByteCount: 2 << 20) {
            ThreadPriority.lower(by: Self.niceness)
            // The archive is the user's, who is not to find in it what a link in the store leads to.
            if RecorderPrivileges.giveBackWhatIsLent() {
                var loop = ArchiveLoop(request)
                loop.run()
            }
            ended.wake()
        }
    }

    /// Waits until what the store's writer handed over is written, for some seconds.
    func finish() {
        ended.wait(timeoutNanoseconds: Self.patienceNanoseconds)
    }
}
