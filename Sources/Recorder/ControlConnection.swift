import Syscalls

/// One peer of the control socket. Thread: *control*.
final class ControlConnection {
    enum State: Equatable {
        case reading
        case following
        /// Parameter captured: a barrier of captured commits that is waited for as well.
        case waitingForBarrier(UInt64, captured: UInt64?)
        case waitingForUpkeep(UInt64)
        case closed
    }

    let peer: PeerCredentials
    var state = State.reading
    var lastSequence: UInt64 = 0
    private let descriptor: OwnedDescriptor
    private var received: [UInt8] = []

    init(_ descriptor: consuming OwnedDescriptor, peer: PeerCredentials) {
        self.descriptor = descriptor
        self.peer = peer
    }

    /// The peer sends nothing more; polling it would not wait.
    private var hasEnded = false
    private let began = Clock.monotonic()

    /// A peer that has connected and asks nothing only takes a place.
    var isOverdue: Bool { state == .reading && Clock.monotonic() &- began > 5_000_000_000 }

    var descriptorNumber: Int32 { state == .closed || hasEnded ? -1 : descriptor.fileDescriptor }
    var isClosed: Bool { state == .closed }

    /// The request, once its line is complete; nil while it is not. A peer that hangs up or sends more than the limit
    /// without an end of line is closed.
    func readLine(limit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        guard let count = try? descriptor.read(upTo: limit, appendingTo: &bytes) else { return nil }
        guard count > 0 else {
            // Who has asked may close its side and still wait for the answer.
            hasEnded = true
            if state == .reading || state == .following { state = .closed }
            return nil
        }
        guard state == .reading else { return nil }
        received.append(contentsOf: bytes)
        guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else {
            if received.count >= limit { finish(JSONLine(error: "the request is too long").text) }
            return nil
        }
        return Array(received[..<end])
    }

    /// A peer that does not read what it asked for is closed; nobody waits for it.
    func send(_ text: String) {
        do throws(SyscallError) {
            try descriptor.write(Array(text.utf8))
        } catch {
            state = .closed
        }
    }

    /// Sends the last line.
    func finish(_ text: String) {
        send(text)
        state = .closed
    }
}
