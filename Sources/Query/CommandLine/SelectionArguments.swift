package import Model
internal import Store
internal import Syscalls

/// A selection as it is typed.
package struct SelectionArguments: Sendable {
    package var since: String?
    package var until: String?
    package var paths: [RawPath]
    package var directories: [RawPath]
    package var operations: [String]
    package var pids: [String]
    package var comms: [RawPath]
    package var exes: [RawPath]
    package var users: [String]
    package var loginUsers: [String]
    package var units: [RawPath]
    package var containers: [RawPath]
    package var limit: Int?
    package var isReversed: Bool
    package var includesOverlapping: Bool

    package init(
        since: String? = nil, until: String? = nil, paths: [RawPath] = [], directories: [RawPath] = [],
        operations: [String] = [], pids: [String] = [], comms: [RawPath] = [], exes: [RawPath] = [],
        users: [String] = [], loginUsers: [String] = [], units: [RawPath] = [],
        containers: [RawPath] = [],
        limit: Int? = nil, isReversed: Bool = false,
        includesOverlapping: Bool = false
    ) {
        self.since = since
        self.until = until
        self.paths = paths
        self.directories = directories
        self.operations = operations
        self.pids = pids
        self.comms = comms
        self.exes = exes
        self.users = users
        self.loginUsers = loginUsers
        self.units = units
        self.containers = containers
        self.limit = limit
        self.isReversed = isReversed
        self.includesOverlapping = includesOverlapping
    }

    /// Reads all of them; times are relative to `context`. Throws: `TimeError`, `GlobError`, `UnknownOperation`, `UsageError`.
    package func selection(in context: TimeContext = .current()) throws -> Selection {
        var selection = Selection()
        selection.since = try since.map { try TimeExpression.parse($0, context: context) }
        selection.until = try until.map { try TimeExpression.parse($0, context: context) }
        if let since = selection.since, let until = selection.until, since >= until {
            throw UsageError("--since must be before --until")
        }
        if let limit, limit < 0 { throw UsageError("--limit must not be negative") }
        let workingDirectory = Self.workingDirectory()
        selection.paths = try paths.map {
            try PathArgument.glob($0.bytes, workingDirectory: workingDirectory)
        }
        selection.directories = try directories.map { text in
            guard !text.bytes.isEmpty else { throw UsageError("--under needs a directory") }
            return Glob(under: PathArgument.absolute(text.bytes, workingDirectory: workingDirectory))
        }
        for list in operations { selection.operations.formUnion(try Operation.parseList(list)) }
        for word in words(pids) {
            guard let pid = Int32(word), pid >= 0 else { throw UsageError("'\(word)' is no process number") }
            selection.pids.insert(pid)
        }
        selection.comms = try comms.map { try Glob($0.bytes, subject: .word) }
        selection.exes = try exes.map { try PathArgument.glob($0.bytes, workingDirectory: workingDirectory) }
        let database = users.isEmpty && loginUsers.isEmpty ? nil : UserDatabase.system()
        selection.userIDs = try Self.numbers(of: words(users), database)
        selection.loginUserIDs = try Self.numbers(of: words(loginUsers), database)
        selection.units = try units.map { try Glob(Self.unitPattern($0.bytes), subject: .word) }
        // The beginning of a container's number names it, as in the tools that run containers.
        selection.containers = try containers.map { try Glob($0.bytes + [UInt8(ascii: "*")], subject: .word) }
        selection.limit = limit
        selection.isReversed = isReversed
        selection.includesOverlapping = includesOverlapping
        return selection
    }

    private static func numbers(of users: [Substring], _ database: UserDatabase?) throws -> Set<UInt32> {
        var numbers: Set<UInt32> = []
        for user in users {
            guard let number = database?.number(of: Array(user.utf8)) else { throw UsageError("no user '\(user)'") }
            numbers.insert(number)
        }
        return numbers
    }

    /// As systemctl(1) does it, a name without a type is a service.
    private static func unitPattern(_ name: [UInt8]) -> [UInt8] {
        name.contains(UInt8(ascii: ".")) || name.last == UInt8(ascii: "*") ? name : name + ".service".utf8
    }

    /// A path as it is typed, from the working directory.
    package func absolute(_ path: RawPath) -> RawPath {
        PathArgument.absolute(path.bytes, workingDirectory: Self.workingDirectory())
    }

    private func words(_ lists: [String]) -> [Substring] {
        lists.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
    }

    private static func workingDirectory() -> RawPath {
        (try? Files.readLink(RawPath("/proc/self/cwd"))) ?? RawPath("/")
    }
}

extension TimeContext {
    /// Now, on this machine, in its zone.
    package static func current() -> TimeContext {
        let now = Clock.realtime()
        return TimeContext(now: now, boot: now.advanced(byNanoseconds: -Clock.boottime()), zone: .local)
    }
}

extension UpkeepAnswer.Task {
    /// Reads the options of `varve prune`, of which exactly one must be given.
    ///
    /// Throws: `UsageError`, `TimeError`, `TimeSpanError`.
    package init(prunedBefore before: String?, maxSize: String?, maxAge: String?) throws {
        guard [before, maxSize, maxAge].count(where: { $0 != nil }) == 1 else {
            throw UsageError("give one of --before, --max-size and --max-age")
        }
        if let before {
            self = .prune(before: try TimeExpression.parse(before, context: .current()))
        } else if let maxAge {
            self = .prune(
                before: Clock.realtime().advanced(byNanoseconds: -(try TimeSpan.parse(maxAge, needsUnit: true))))
        } else {
            guard let size = maxSize.flatMap(ByteSize.parse) else {
                throw UsageError("a size is a number with K, M, G or T, such as 500M")
            }
            let least = RetentionLimits.leastMaxByteCount
            guard size >= least else {
                throw UsageError(
                    "--max-size \(ByteSize.text(size)) is less than a store takes with its newest events: give "
                        + "\(ByteSize.text(Int64(least))) or more")
            }
            self = .enforce(maxByteCount: UInt64(size))
        }
    }
}
