import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// Messages about processes, from given bytes and from the real kernel.
@Suite struct ProcessConnectorTests {
    /// A message as the kernel lays it out: netlink header, connector header, event.
    private static func message(_ what: UInt32, _ data: [UInt32], moment: UInt64 = 77) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 36)
        func append(_ value: some FixedWidthInteger) {
            for shift in stride(from: 0, to: value.bitWidth, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        append(what)
        append(UInt32(0))
        append(moment)
        for value in data { append(value) }
        return bytes
    }

    private static func notice(_ bytes: [UInt8]) -> ProcessNotice? {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        ProcessNotice(unsafe bytes.span.bytes)
    }

    @Test(arguments: [
        (message(1, [10, 10, 20, 20, 0, 0]), ProcessNotice(pid: 20, kind: .fork(parentPID: 10), moment: 77)),
        // Forked by a thread that is not its process's first: the parent is the process.
        (message(1, [11, 10, 20, 20, 0, 0]), ProcessNotice(pid: 20, kind: .fork(parentPID: 10), moment: 77)),
        (message(2, [20, 20, 0, 0, 0, 0]), ProcessNotice(pid: 20, kind: .exec, moment: 77)),
        (message(4, [20, 20, 1, 2, 0, 0]), ProcessNotice(pid: 20, kind: .userIDs(real: 1, effective: 2), moment: 77)),
        (
            message(0x40, [20, 20, 3, 4, 0, 0]),
            ProcessNotice(pid: 20, kind: .groupIDs(real: 3, effective: 4), moment: 77)
        ),
        (
            message(0x8000_0000, [20, 20, 1792, 17, 10, 10]),
            ProcessNotice(pid: 20, kind: .exit(status: 1792), moment: 77)
        ),
    ])
    func eachKindOfMessageIsRead(bytes: [UInt8], notice: ProcessNotice) {
        #expect(Self.notice(bytes) == notice)
    }

    @Test func messagesThatAreTooShortAreNone() {
        let whole = Self.message(1, [10, 10, 20, 20, 0, 0])
        for count in 0..<68 { #expect(Self.notice(Array(whole[..<count])) == nil) }
        #expect(Self.notice(Self.message(0x100, [1, 1, 2, 2, 0, 0])) == nil)
    }

    @Test(Privilege.required) func theLifeOfAChildIsToldInOrder() throws {
        var connector = try ProcessConnector.open()
        let before = Clock.monotonic()
        let child = try ChildProcess([RawPath("/bin/sh"), RawPath("-c"), RawPath("exit 7")])
        _ = try child.wait()
        let after = Clock.monotonic()
        var notices: [ProcessNotice] = []
        while try connector.receive({ if $0.pid == child.pid { notices.append($0) } }) == .received {}
        #expect(
            notices.map(\.kind) == [.fork(parentPID: getpid()), .exec, .exit(status: 7 << 8)])
        let moments = [before] + notices.map(\.moment) + [after]
        #expect(moments == moments.sorted())
    }

    @Test(Privilege.required) func threadsAreNotTold() throws {
        var connector = try ProcessConnector.open()
        let thread = try OSThread(name: "quiet") {}
        thread.join()
        var notices: [ProcessNotice] = []
        while try connector.receive({ if $0.pid == getpid() { notices.append($0) } }) == .received {}
        #expect(notices == [])
    }

    @Test(Privilege.required) func aFullBufferIsSaidToHaveLostMessages() throws {
        var connector = try ProcessConnector.open()
        // More messages than the buffer holds, whatever net.core.rmem_max is: each takes some 800 bytes of it.
        try runSuccessfully("/bin/sh", ["-c", "i=0; while [ $i -lt 14000 ]; do (:); i=$((i+1)); done"])
        // With CAP_NET_ADMIN twice the 8 MiB that were asked for, else twice what net.core.rmem_max allows.
        #expect(64 << 10...16 << 20 ~= connector.bufferByteCount)
        var outcomes: Set<ProcessConnector.Outcome> = []
        while true {
            let outcome = try connector.receive { _ in }
            outcomes.insert(outcome)
            if outcome == .empty { break }
        }
        #expect(outcomes.contains(.overflow))
        // It goes on afterwards.
        try runSuccessfully("/bin/true", [])
        var count = 0
        while try connector.receive({ _ in count += 1 }) == .received {}
        #expect(count > 0)
    }
}
