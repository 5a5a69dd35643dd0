import Glibc
import Model
import Synchronization
import Syscalls

/// Answers on `varved.sock`: one line asks, one line of JSON answers; `follow` goes on answering at each commit.
///
/// Bounded: 64 connections, 4 KiB a request. Thread: its own, *control*.
final class ControlServer: Sendable {
    private let path: RawPath
    private let listener: OwnedDescriptor
    private let shared: WriteShared
    private let facts: RecorderFacts
    private let isStopping = Atomic<Bool>(false)

    static let maximumConnectionCount = 64
    static let maximumRequestByteCount = 4_096

    init(store: RawPath, shared: WriteShared, facts: RecorderFacts) throws(SyscallError) {
        path = store.appending("varved.sock".utf8)
        listener = try UnixSocket.listen(at: path, mode: 0o660)
        self.shared = shared
        self.facts = facts
    }

    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        shared.controlWaker.wake()
    }

    func run() {
        var connections: [ControlConnection] = []
        var acceptsAgainAt: Int64 = 0
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            // While all places are taken nobody is let in; who only sits there loses its place after a while.
            let isFull = connections.count >= Self.maximumConnectionCount
            let isAnyReading = connections.contains { $0.state == .reading }
            let pause = max(0, acceptsAgainAt &- Clock.monotonic())
            let isListening = !isFull && pause == 0
            var set = PollSet(
                reading: [isListening ? listener.fileDescriptor : -1, shared.controlWaker.descriptor.fileDescriptor]
                    + connections.map(\.descriptorNumber))
            _ = try? set.wait(timeoutNanoseconds: pause > 0 ? pause : isAnyReading ? 5_000_000_000 : nil)
            shared.controlWaker.clear()
            for (index, connection) in connections.enumerated() where set.isReady(at: index + 2) {
                readRequest(of: connection)
            }
            for connection in connections { advance(connection) }
            let isReadyToAccept = isListening && set.isReady(at: 0)
            connections.removeAll { $0.isClosed || $0.isOverdue }
            if isReadyToAccept, !acceptOne(&connections) {
                acceptsAgainAt = Clock.monotonic() &+ Self.refusedPauseNanoseconds
            }
            let followers = connections.count { $0.state == .following }
            shared.progress.followers.store(followers, ordering: .relaxed)
        }
        // A request that is under way when the recorder ends was answered by its end or never will be.
        for connection in connections { advance(connection) }
        try? Files.unlink(path)
    }

    /// False where there is no descriptor for it: whoever waits then goes on waiting, and the socket stays ready.
    private func acceptOne(_ connections: inout [ControlConnection]) -> Bool {
        do throws(SyscallError) {
            guard let descriptor = try UnixSocket.accept(on: listener) else { return true }
            let peer = try UnixSocket.peerCredentials(of: descriptor)
            connections.append(ControlConnection(descriptor, peer: peer))
            return true
        } catch {
            return false
        }
    }

    private static let refusedPauseNanoseconds: Int64 = 100_000_000

    private func readRequest(of connection: ControlConnection) {
        guard let line = connection.readLine(limit: Self.maximumRequestByteCount) else { return }
        let verb = line.prefix { $0 != UInt8(ascii: " ") }
        let argument = Array(line.dropFirst(verb.count + 1))
        switch String(decoding: verb, as: UTF8.self) {
        case "sync":
            // With the word *databases* commits of watched databases as well, and up to when each is known.
            let wantsCaptured = argument == Array("databases".utf8)
            connection.state = .waitingForBarrier(
                shared.barriers.request(), captured: wantsCaptured ? shared.captured.request() : nil)
            shared.drain.waker.wake()
        case "follow":
            connection.state = .following
            connection.lastSequence = shared.snapshot.nextSequence
            connection.send(JSONLine(ok: true).text)
        case "status":
            connection.finish(facts.statusLine(shared: shared))
        case "compact":
            ask(.compact, for: connection)
        case "prune":
            // The group may read; only the owner may erase.
            guard connection.peer.uid == 0 || connection.peer.uid == OwnProcess.effectiveUID else {
                connection.finish(JSONLine(error: "only root and the recorder's own user may prune").text)
                return
            }
            guard let before = Int64(String(decoding: argument, as: UTF8.self)) else {
                connection.finish(JSONLine(error: "prune wants nanoseconds since 1970").text)
                return
            }
            ask(.prune(before: Instant(nanosecondsSinceEpoch: before)), for: connection)
        case "note":
            let text = String(decoding: argument, as: UTF8.self)
            guard !text.isEmpty else {
                connection.finish(JSONLine(error: "a note needs a text").text)
                return
            }
            ask(.note(text: text, uid: connection.peer.uid), for: connection)
        default:
            connection.finish(JSONLine(error: "unknown request").text)
        }
    }

    private func ask(_ request: UpkeepRequest, for connection: ControlConnection) {
        connection.state = .waitingForUpkeep(shared.ask(request))
    }

    /// Sends what has become known since.
    private func advance(_ connection: ControlConnection) {
        switch connection.state {
        case .reading, .closed:
            break
        case .following:
            let next = shared.snapshot.nextSequence
            if next != connection.lastSequence {
                connection.lastSequence = next
                connection.send("{\"seq\":\(next &- 1)}\n")
            }
        case .waitingForBarrier(let barrier, let captured):
            guard let result = shared.barriers.result(of: barrier) else { return }
            var capturedResult = Barriers.Result.committed
            if let captured {
                guard let known = shared.captured.result(of: captured) else { return }
                capturedResult = known
            }
            switch (result, capturedResult) {
            case (.committed, .committed):
                var line = JSONLine(ok: true)
                line.add("seq", number: shared.snapshot.nextSequence &- 1)
                connection.finish(line.text)
            case (.failed(let reason), _), (_, .failed(let reason)):
                connection.finish(JSONLine(error: reason).text)
            }
        case .waitingForUpkeep(let request):
            guard let answer = shared.takeAnswer(request) else { return }
            switch answer {
            case .done(let eventCount):
                var line = JSONLine(ok: true)
                if let eventCount { line.add("events", number: eventCount) }
                connection.finish(line.text)
            case .failed(let reason): connection.finish(JSONLine(error: reason).text)
            }
        }
    }
}
