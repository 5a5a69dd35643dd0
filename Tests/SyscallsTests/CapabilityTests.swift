import Glibc
import Synchronization
import Syscalls
import TestSupport
import Testing

/// Capabilities of a thread; each test changes those of a thread of its own, which ends with it.
@Suite(Privilege.required) struct CapabilityTests {
    @Test func whatIsNotKeptIsGoneForGood() throws {
        try onItsOwnThread {
            #expect(Capabilities.isEffective(.sysAdmin) && Capabilities.isPermitted(.dacReadSearch))
            try Capabilities.drop(allBut: [.dacReadSearch])
            #expect(Capabilities.isEffective(.dacReadSearch))
            #expect(!Capabilities.isPermitted(.sysAdmin) && !Capabilities.isEffective(.sysAdmin))
            let error = #expect(throws: SyscallError.self) { try Capabilities.raise([.sysAdmin]) }
            #expect(error?.errno == EPERM)
            try Capabilities.drop(allBut: [])
            #expect(!Capabilities.isPermitted(.dacReadSearch))
        }
        #expect(Capabilities.isEffective(.sysAdmin), "other threads keep theirs")
    }

    @Test func noNewPrivilegesStays() throws {
        try onItsOwnThread {
            #expect(!Capabilities.hasNoNewPrivileges)
            try Capabilities.setNoNewPrivileges()
            #expect(Capabilities.hasNoNewPrivileges)
        }
    }

    @Test func namesAreThoseOfTheManual() {
        #expect(Capability.needed.map(\.constantName) == ["CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"])
        #expect(Capability.needed.allSatisfy { Capabilities.isInBoundingSet($0) })
    }

    private func onItsOwnThread(_ body: @escaping @Sendable () throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        let thread = try OSThread(name: "capabilities") {
            do { try body() } catch { failure.withLock { $0 = error } }
        }
        thread.join()
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
