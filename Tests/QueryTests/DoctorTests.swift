import Model
import Syscalls
import Testing

@testable import Query

@Suite struct DoctorTests {
    static let all = Set(Capability.needed)

    static func facts(_ change: (inout DoctorFacts) -> Void = { _ in }) -> DoctorFacts {
        var facts = DoctorFacts(
            kernelRelease: "6.1.0", groupError: 0,
            program: .init(path: RawPath("/usr/sbin/varved"), capabilities: nil, isOnNoSUIDMount: false), userID: 0,
            permitted: all, boundingSet: all, hasNoNewPrivileges: false, memoryLimit: .unlimited,
            places: [
                .init(path: RawPath("/"), filesystemType: "ext4", mountPoint: RawPath("/"), support: .expected)
            ], liveRecorder: nil)
        change(&facts)
        return facts
    }

    static func unprivileged(_ change: (inout DoctorFacts) -> Void) -> DoctorVerdict {
        DoctorVerdict(
            facts {
                $0.permitted = []
                $0.userID = 1_000
                change(&$0)
            })
    }

    /// `struct vfs_cap_data` of revision 2 with capabilities 2, 19 and 21.
    static let shipped = FileCapabilities([0, 0, 0, 2, 4, 0, 0x28, 0] + [UInt8](repeating: 0, count: 12))

    @Test func rootWithEverythingWorks() {
        let verdict = DoctorVerdict(Self.facts())
        #expect(verdict.outcome == .works)
        #expect(verdict.command == nil)
    }

    @Test func missingFileCapabilitiesNameTheSetcapLine() {
        let verdict = Self.unprivileged { _ in }
        #expect(verdict.outcome == .fails)
        #expect(
            verdict.command == "sudo setcap cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p '/usr/sbin/varved'")
    }

    @Test func fileCapabilitiesAreReadFromTheirAttribute() throws {
        let shipped = try #require(Self.shipped)
        #expect(!shipped.isEffective)
        for capability in Capability.needed { #expect(shipped.contains(capability)) }
        #expect(FileCapabilities([1, 0, 0, 2, 4, 0, 0x28, 0] + [UInt8](repeating: 0, count: 12))?.isEffective == true)
        #expect(FileCapabilities([]) == nil)
        #expect(FileCapabilities([0, 0, 0, 9] + [UInt8](repeating: 0, count: 20)) == nil)
        #expect(FileCapabilities([0, 0, 0, 2, 4, 0, 0x28, 0, 0, 0, 0, 0]) == nil)
    }

    @Test func fileCapabilitiesThatTakeEffectWork() {
        let verdict = Self.unprivileged { $0.program?.capabilities = Self.shipped }
        #expect(verdict.outcome == .works)
    }

    @Test func hindrancesOfFileCapabilitiesAreNamed() {
        let noSUID = Self.unprivileged {
            $0.program?.capabilities = Self.shipped
            $0.program?.isOnNoSUIDMount = true
        }
        #expect(noSUID.reason.contains("nosuid"))
        let noNew = Self.unprivileged {
            $0.program?.capabilities = Self.shipped
            $0.hasNoNewPrivileges = true
        }
        #expect(noNew.reason.contains("no_new_privs"))
        let bounded = Self.unprivileged {
            $0.program?.capabilities = Self.shipped
            $0.boundingSet = [.sysPtrace]
        }
        #expect(bounded.reason.contains("CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH"))
        for verdict in [noSUID, noNew, bounded] {
            #expect(verdict.outcome == .fails)
            #expect(verdict.command != nil)
        }
    }

    @Test func capabilitiesThatKeepTheProgramFromStartingAreTold() {
        let effective = FileCapabilities([1, 0, 0, 2, 4, 0, 0x28, 0] + [UInt8](repeating: 0, count: 12))
        let verdict = Self.unprivileged {
            $0.program?.capabilities = effective
            $0.boundingSet = [.sysAdmin, .dacReadSearch]
        }
        #expect(verdict.outcome == .fails)
        #expect(verdict.reason.contains("+ep"))
        #expect(verdict.command?.contains("+p '/usr/sbin/varved'") == true)
        // With all of them in the bounding set it starts.
        #expect(Self.unprivileged { $0.program?.capabilities = effective }.outcome == .works)
    }

    @Test func aProgramThatEverybodyMayRunIsWarnedOf() {
        let open = Self.unprivileged {
            $0.program?.capabilities = Self.shipped
            $0.program?.permissions = 0o755
        }
        #expect(open.outcome == .works)
        #expect(open.reason.contains("whoever is on this machine"))
        #expect(open.command?.contains("chmod 750") == true)
        let closed = Self.unprivileged { $0.program?.capabilities = Self.shipped }
        #expect(closed.command == nil)
        // Without capabilities nothing is lent.
        #expect(DoctorVerdict(Self.facts { $0.program?.permissions = 0o755 }).command == nil)
    }

    @Test func aUserNamespaceIsTold() {
        let verdict = DoctorVerdict(Self.facts { $0.isInUserNamespace = true })
        #expect(verdict.outcome == .fails)
        #expect(verdict.reason.contains("user namespace"))
    }

    @Test func kernelsThatCannotAreTold() {
        for number in [SyscallNumber.invalid, SyscallNumber.notImplemented, SyscallNumber.notPermitted, 24] {
            #expect(DoctorVerdict(Self.facts { $0.groupError = number }).outcome == .fails)
        }
    }

    @Test func withoutAProgramNothingWorks() {
        #expect(DoctorVerdict(Self.facts { $0.program = nil }).outcome == .fails)
    }

    @Test func aRefusedPlaceLimitsAndAllRefusedFail() {
        let overlay = DoctorFacts.Place(
            path: RawPath("/ovl"), filesystemType: "overlay", mountPoint: RawPath("/ovl"),
            support: .refused(reason: "r", instead: "i"))
        let some = DoctorVerdict(Self.facts { $0.places.append(overlay) })
        #expect(some.outcome == .limited)
        #expect(some.reason.contains("/ovl"))
        #expect(DoctorVerdict(Self.facts { $0.places = [overlay] }).outcome == .fails)
    }

    @Test func marksOnDirectoriesAreAPartOfWhatIsWanted() throws {
        let support = MarkSupport(Self.mount("overlay"), hasFilesystemID: true, tried: 95).byDirectories
        guard case .directories(_, let instead) = support else {
            Issue.record("\(support)")
            return
        }
        #expect(instead == "record on the host, where its upper directory lies")
        let place = DoctorFacts.Place(
            path: RawPath("/ovl"), filesystemType: "overlay", mountPoint: RawPath("/ovl"), support: support)
        let root = DoctorVerdict(Self.facts { $0.places = [place] })
        #expect(root.outcome == .limited)
        #expect(root.reason.contains("/ovl") && root.reason.contains("record on the host"))
        // Without capabilities it is recorded without processes, unless they were given and have no effect.
        let user = Self.unprivileged { $0.places = [place] }
        #expect(user.outcome == .limited)
        #expect(user.reason.contains("not who did it"))
        #expect(user.command?.contains("setcap") == true)
        let contained = Self.unprivileged {
            $0.places = [place]
            $0.boundingSet = []
        }
        #expect(contained.outcome == .limited)
        #expect(contained.command?.contains("docker run") == true)
        let locked = Self.unprivileged {
            $0.places = [place]
            $0.program?.capabilities = Self.shipped
            $0.hasNoNewPrivileges = true
        }
        #expect(locked.outcome == .fails)
        let scene = try StoreScene()
        let facts = Self.facts { $0.places = [place] }
        let text = try scene.ask(.table) { try DoctorAnswer($0, facts).run() }
        #expect(text.status == .incomplete)
        #expect(text.text.contains("its directories would be marked one by one"), "\(text.text)")
        #expect(text.text.contains("better: record on the host"), "\(text.text)")
        let json = try scene.ask(.json) { try DoctorAnswer($0, facts).run() }
        #expect(json.text.contains("\"scope\":\"directories\""), "\(json.text)")
        #expect(json.text.contains("\"not_seen\":"), "\(json.text)")
    }

    @Test(arguments: [("overlay", true, "6.6"), ("fuse", false, "6.8"), ("btrfs", true, "6.8")])
    func aKernelThatMarksNoDirectoriesEitherIsNotSaidToDoSo(type: String, hasID: Bool, since: String) {
        let support = MarkSupport(
            Self.mount(type), hasFilesystemID: hasID, tried: 95, takesDirectoryMarks: false)
        guard case .refused(let reason, let instead) = support else {
            Issue.record("\(support)")
            return
        }
        #expect(reason.hasSuffix("nor does this kernel mark its directories (Linux \(since) does)"), "\(reason)")
        #expect(!instead.isEmpty && !instead.contains("one by one"), "\(instead)")
    }

    static func mount(_ type: String, options: String = "rw") -> MountEntry {
        MountTable.parse(Array("36 35 8:1 / /m rw,relatime - \(type) /dev/x \(options)\n".utf8))[0]
    }

    @Test(
        arguments: [
            // type, options of the filesystem, has a filesystem id, what the kernel said, is marked
            ("ext4", "rw", true, nil, true),
            ("xfs", "rw", true, nil, true),
            ("tmpfs", "rw", true, 0, true),
            ("btrfs", "rw,subvolid=5,subvol=/", true, nil, true),
            ("btrfs", "rw,subvolid=256,subvol=/@", true, nil, false),
            ("overlay", "rw,lowerdir=/l", true, nil, false),
            ("overlay", "rw,index=on,nfs_export=on", true, nil, true),
            ("fuse", "rw", false, nil, false),
            ("nfs4", "rw", true, nil, false),
            ("proc", "rw", true, nil, false),
            // EOPNOTSUPP is the kernel's word; EPERM says only that it would not tell.
            ("ext4", "rw", true, 95, false),
            ("ext4", "rw", true, 1, true),
        ] as [(String, String, Bool, Int32?, Bool)])
    func supportByTable(type: String, options: String, hasID: Bool, error: Int32?, expected: Bool) {
        let support = MarkSupport(Self.mount(type, options: options), hasFilesystemID: hasID, tried: error)
        #expect(support.isMarked == expected)
        if case .refused(let reason, let instead) = support {
            #expect(!reason.isEmpty)
            #expect(!instead.isEmpty)
        }
    }

    @Test func theAnswerEndsInTheVerdictAndItsCommand() throws {
        let output = AnswerOutput(memoryAsTerminal: true)
        let context = QueryContext(
            storeDirectory: RawPath("/none"), output: output, messages: Messages(collecting: true), zone: .utc)
        let facts = Self.facts {
            $0.permitted = []
            $0.userID = 1_000
        }
        #expect(try DoctorAnswer(context, facts).run() == .nothingFound)
        let lines = String(decoding: output.collected, as: UTF8.self).split(separator: "\n")
        #expect(lines.dropLast().last?.hasPrefix("verdict") == true)
        #expect(lines.last?.contains("setcap") == true)
    }
}
