internal import CLinux
internal import Glibc

/// What the process connector says of one process.
///
/// Source: `struct proc_event` in linux/cn_proc.h. Messages of threads that are not their process's first are left out
/// by a filter in the kernel.
package struct ProcessNotice: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The process is new; the message is sent before it runs.
        case fork(parentPID: Int32)
        /// It runs another program from here on; an exec that fails sends nothing.
        case exec
        /// Its first thread ended. `status` is as wait(2) gives it.
        case exit(status: Int32)
        case userIDs(real: UInt32, effective: UInt32)
        case groupIDs(real: UInt32, effective: UInt32)
        /// The kernel's answer to the request to listen; not about a process.
        case acknowledged(errno: Int32)
    }

    package var pid: Int32
    package var kind: Kind
    /// Nanoseconds of CLOCK_MONOTONIC at which the message was made.
    package var moment: Int64

    package init(pid: Int32, kind: Kind, moment: Int64) {
        self.pid = pid
        self.kind = kind
        self.moment = moment
    }

    /// Reads one netlink message; nil where it is of another kind, or too short for its own.
    ///
    /// Shape, offsets in bytes: 0 `nlmsghdr`, 16 `cn_msg`, 36 what, 44 time (8), 52 the data of the kind: parent thread,
    /// parent, child thread, child; or thread, process and two numbers.
    package init?(_ message: RawSpan) {
        guard message.byteCount >= 60 else { return nil }
        func number(_ offset: Int) -> UInt32 {
            // SAFETY: every bit pattern is a UInt32, and the load checks its bounds.
            unsafe message.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        }
        // SAFETY: as above.
        moment = unsafe message.unsafeLoadUnaligned(fromByteOffset: 44, as: Int64.self)
        pid = Int32(bitPattern: number(56))
        let hasPair = message.byteCount >= 68
        switch number(36) {
        case 0:
            kind = .acknowledged(errno: Int32(bitPattern: number(52)))
        case 0x1 where hasPair:
            kind = .fork(parentPID: Int32(bitPattern: number(56)))
            pid = Int32(bitPattern: number(64))
        case 0x2:
            kind = .exec
        case 0x4 where hasPair:
            kind = .userIDs(real: number(60), effective: number(64))
        case 0x40 where hasPair:
            kind = .groupIDs(real: number(60), effective: number(64))
        case 0x8000_0000 where hasPair:
            kind = .exit(status: Int32(bitPattern: number(60)))
        default:
            return nil
        }
    }
}

/// The process connector: messages about the start, exec, changed ids and end of every process of the machine.
///
/// It needs no privilege since Linux 6.6, CAP_NET_ADMIN before; it is refused outside the initial network, user and pid
/// namespaces. Thread: one at a time.
package struct ProcessConnector: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor
    private var slots = [UInt8](repeating: 0, count: slotByteCount * Int(CLINUX_RECEIVE_COUNT))
    private var byteCounts = [UInt32](repeating: 0, count: Int(CLINUX_RECEIVE_COUNT))

    /// A message takes 76 bytes.
    private static let slotByteCount = 128
    /// Some 10,000 messages, as the kernel counts their memory; without CAP_NET_ADMIN it gives net.core.rmem_max.
    private static let receiveByteCount: Int32 = 8 << 20

    /// What one look brought.
    package enum Outcome: Hashable, Sendable {
        /// There may be more.
        case received
        /// There are no more, after those that were handed over.
        case empty
        /// Messages were dropped since the last look: the receive buffer was full.
        case overflow
    }

    /// Opens the connector and makes sure that it answers.
    ///
    /// Throws: ECONNREFUSED outside the initial namespaces, EPERM without the privilege that older kernels ask for.
    package static func open() throws(SyscallError) -> ProcessConnector {
        let number = try orThrow("process connector") { clinux_process_connector(Self.receiveByteCount) }
        var connector = ProcessConnector(OwnedDescriptor(takingOver: number))
        try connector.awaitAnswer()
        return connector
    }

    private init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    private mutating func awaitAnswer() throws(SyscallError) {
        // In another pid or user namespace the request is passed over in silence. Where it is heard, the answer is in
        // the buffer by the time send(2) returns; others' messages may stand before it.
        var answer: Int32?
        for _ in 0..<64 where answer == nil {
            let outcome = try receive { notice in
                // Other listeners' answers come here too; theirs are as good as ours.
                if case .acknowledged(let errno) = notice.kind { answer = errno }
            }
            if outcome == .empty { break }
        }
        guard let answer else { throw SyscallError(call: "process connector", errno: ECONNREFUSED) }
        guard answer == 0 else { throw SyscallError(call: "process connector", errno: abs(answer)) }
    }

    package var fileDescriptor: Int32 { descriptor.fileDescriptor }

    /// How much memory messages that wait may take, as the kernel counts it: some 1.5 KiB each. 0 where it does not say.
    package var bufferByteCount: Int { max(0, Int(clinux_receive_buffer_byte_count(descriptor.fileDescriptor))) }

    /// Takes up to 16 messages without waiting, in the order they were sent.
    ///
    /// Cost: one recvmmsg(2), some 0.3 µs a message.
    package mutating func receive(_ body: (ProcessNotice) -> Void) throws(SyscallError) -> Outcome {
        let number = descriptor.fileDescriptor
        let capacity = byteCounts.count
        // SAFETY: both arrays are lent for the call, which writes `capacity` slots of the given size at most.
        let result = unsafe slots.withUnsafeMutableBytes { slots in
            unsafe byteCounts.withUnsafeMutableBufferPointer { byteCounts in
                retryingOnInterrupt {
                    unsafe clinux_receive_from_kernel(
                        number, slots.baseAddress, UInt32(Self.slotByteCount), byteCounts.baseAddress,
                        UInt32(capacity))
                }
            }
        }
        switch result {
        case 1...: break
        case 0, -EAGAIN: return .empty
        case -ENOBUFS: return .overflow
        default: throw SyscallError(call: "recvmmsg", errno: -result)
        }
        for index in 0..<Int(result) {
            let start = index * Self.slotByteCount
            let end = start + min(Int(byteCounts[index]), Self.slotByteCount)
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            if let notice = ProcessNotice(unsafe slots.span.bytes.extracting(start..<end)) { body(notice) }
        }
        // Fewer than were asked for: the last look in the call found none. What overflows after that is told by the next
        // call, and what did before it was told before any message (`sock_error` in net/socket.c, do_recvmmsg).
        return Int(result) < capacity ? .empty : .received
    }
}
