import Syscalls

/// Whether the kernel's event queue is bounded.
///
/// The queue is charged to the recorder's memory cgroup, about 136 bytes a record. An unlimited queue in a small cgroup
/// would end the recorder where a limited one only loses events, and says so.
struct QueueChoice {
    var isUnlimited: Bool
    /// For the start line.
    var reason: String

    /// An unlimited queue takes CAP_SYS_ADMIN.
    static let withoutPrivilege = QueueChoice(isUnlimited: false, reason: "without CAP_SYS_ADMIN")

    static let smallestLimitForUnlimited: UInt64 = 1 << 30

    init(_ choice: RecorderOptions.Queue, limit: MemoryLimit = .current()) {
        switch choice {
        case .unlimited: self.init(isUnlimited: true, reason: "as asked")
        case .limited: self.init(isUnlimited: false, reason: "as asked")
        case .auto:
            switch limit {
            case .limited(let bytes) where bytes < Self.smallestLimitForUnlimited:
                self.init(isUnlimited: false, reason: "the memory cgroup allows \(bytes >> 20) MiB")
            case .limited: self.init(isUnlimited: true, reason: "the memory cgroup allows 1 GiB or more")
            case .unlimited: self.init(isUnlimited: true, reason: "no memory limit")
            case .unknown: self.init(isUnlimited: false, reason: "the memory limit cannot be told")
            }
        }
    }

    private init(isUnlimited: Bool, reason: String) {
        self.isUnlimited = isUnlimited
        self.reason = reason
    }
}
