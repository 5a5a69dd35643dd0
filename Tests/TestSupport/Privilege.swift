internal import CLinux
internal import Glibc
package import Testing

/// What the process that runs the tests may do.
package enum Privilege {
    /// Root in the initial user namespace with CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH: it may mark filesystems, resolve
    /// handles, attach loop devices and mount. Probed by a call that needs it, never guessed from the user id.
    package static let hasSysAdmin: Bool = {
        guard geteuid() == 0 else { return false }
        // Unlimited queues are refused in other user namespaces, where uid 0 means little.
        let group = fanotify_init(
            UInt32(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_UNLIMITED_QUEUE), UInt32(O_RDONLY | O_CLOEXEC))
        if group < 0 { return false }
        close(group)
        return true
    }()

    /// For a test or suite that needs the privilege: skipped without it, and counted where it ran.
    ///
    /// `.ci/run` counts the lines `privileged test ran: NAME` and `privileged test skipped: NAME` on standard output.
    package static var required: PrivilegeTrait { PrivilegeTrait() }
}

/// The trait behind `Privilege.required`.
package struct PrivilegeTrait: TestTrait, SuiteTrait, TestScoping {
    private let condition = ConditionTrait.enabled(
        if: Privilege.hasSysAdmin, "needs root with CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH")

    package var isRecursive: Bool { true }

    package func prepare(for test: Test) async throws {
        if !test.isSuite && !Privilege.hasSysAdmin { print("privileged test skipped: \(test.name)") }
        try await condition.prepare(for: test)
    }

    /// Once for a test function, not for each of its arguments.
    package func scopeProvider(for test: Test, testCase: Test.Case?) -> PrivilegeTrait? {
        testCase == nil && !test.isSuite ? self : nil
    }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        print("privileged test ran: \(test.name)")
        try await function()
    }
}
