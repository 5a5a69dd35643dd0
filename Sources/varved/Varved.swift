import ArgumentParser
import Glibc
import Model
import Recorder

/// The recorder's command line.
@main
struct Varved: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "varved",
        abstract: "Record who does what to which file, with fanotify.",
        usage: "varved [<options>] [<paths> ...] [-- <command> ...]",
        discussion: """
            Records what happens at PATH… (default: every real local filesystem) into a store, until SIGTERM or SIGINT; \
            with COMMAND until it ends, exiting with its status. Ask the store with 'varve'.

            Exit status: 0, 2 usage, 69 nothing of PATH can be recorded, 73 the store cannot be made, 75 another \
            recorder holds the store, 77 no privilege, 127 COMMAND cannot be started.

            Examples:
              varved --store ~/history /srv/data
              varved --store /tmp/build-history . -- make -j2
            """,
        version: RecorderVersion.text)

    @Option(help: "The store's directory (default: /var/lib/varve for root, else $XDG_STATE_HOME/varve).")
    var store: String?

    @Option(
        help: ArgumentHelp(
            "How far recording reaches: auto, filesystem, tree or directories.",
            discussion: """
                auto: below PATH, by a mark on its filesystem where it takes one and CAP_SYS_ADMIN is there, else by marks on \
                each of its directories; filesystem: the whole filesystems of PATH; tree: only below PATH; directories: by \
                marks on each directory in any case. Without CAP_SYS_ADMIN the kernel does not tell who did it.
                """))
    var scope = ScopeArgument(.auto)

    @Option(help: "Operations to record, separated by commas, or 'all'.")
    var ops: OperationsArgument?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Also record what is mounted while recording.",
            discussion: "One thread keeps CAP_SYS_ADMIN for it. Default: for root only; others get a gap."))
    var followMounts: Bool?

    @Option(help: ArgumentHelp("Do not record paths that match, nor anything below them.", valueName: "glob"))
    var exclude: [String] = []

    @Option(
        help: ArgumentHelp(
            "Capture every commit of SQLite databases whose path matches; '**' for all.",
            discussion:
                "Their -wal is read while it is written, or their file between transactions with a rollback journal, without "
                + "a lock. See 'varve db'.", valueName: "glob"))
    var captureWal: [String] = []

    @Option(help: "The time between commits; up to 2s while few events wait and nobody follows or syncs.")
    var commitInterval = DurationArgument(nanoseconds: 250_000_000)

    @Option(help: "The time after which commits are on the disk.")
    var syncInterval = DurationArgument(nanoseconds: 1_000_000_000)

    @Option(help: "The kernel's event queue: auto, limited or unlimited.")
    var queue = QueueArgument(.auto)

    @Option(help: "Keep the store below this size (as du says), dropping the oldest: 500M, 20G.")
    var maxSize: SizeArgument?

    @Option(help: "How much of --max-size captured commits may take, in percent.")
    var walShare = PercentArgument(percent: 50)

    @Option(help: "Drop what is older: 12h, 30d.")
    var maxAge: DurationArgument?

    @Option(help: "Leave this much of the store's filesystem free, dropping the oldest (default: 1.0 GiB).")
    var minFree: SizeArgument?

    @Option(
        help: ArgumentHelp(
            "Also keep the store's history in this directory, so that it can be had as it was.",
            discussion: "On another disk, if possible. See 'varve archive'.", valueName: "dir"))
    var archive: String?

    @Option(help: "Keep the archive below this size, dropping the oldest; its newest generation stays.")
    var archiveMaxSize: SizeArgument?

    @Option(help: "Drop what is older from the archive, in whole generations.")
    var archiveMaxAge = DurationArgument(nanoseconds: 7 * 86_400_000_000_000)

    @Argument(help: "Directories to record, with all below them.")
    var paths: [String] = []

    func options(command: [RawPath]) throws -> RecorderOptions {
        var raw = RawArguments(Self.rawArguments())
        var options = RecorderOptions(store: try storeDirectory(&raw))
        options.scope = scope.value
        if let ops { options.operations = ops.mask }
        options.followsMounts = followMounts
        options.exclusions = exclude.map { raw.take($0) }
        options.capturePatterns = captureWal.map { raw.take($0) }
        options.commitIntervalNanoseconds = commitInterval.nanoseconds
        options.syncIntervalNanoseconds = syncInterval.nanoseconds
        options.queue = queue.value
        options.maximumByteCount = maxSize?.byteCount
        options.segmentSharePercent = walShare.percent
        options.maximumAgeNanoseconds = maxAge?.nanoseconds
        options.askedFreeByteCount = minFree?.byteCount
        options.archiveMaximumByteCount = archiveMaxSize?.byteCount
        options.archiveMaximumAgeNanoseconds = archiveMaxAge.nanoseconds
        options.archive = archive.map { raw.take($0) }
        options.paths = paths.map { raw.take($0) }
        options.command = command
        options.version = RecorderVersion.text
        options.commandLine = CommandLine.arguments.dropFirst().joined(separator: " ")
        return options
    }

    private func storeDirectory(_ raw: inout RawArguments) throws -> RawPath {
        if let store { return raw.take(store) }
        let standard = StoreLocation.standard(userID: getuid()) { name in
            // SAFETY: nothing in this program changes the environment while the C string is read.
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        guard let standard else { throw RecorderError(.usage, "no store: give --store DIR, or set HOME") }
        return standard
    }

    /// The arguments as the kernel passed them, the program's name first.
    private static func rawArguments() -> [RawPath] {
        (0..<Int(CommandLine.argc)).compactMap { index in
            // SAFETY: the C strings of the arguments stay in place as long as the process lives.
            guard let argument = unsafe CommandLine.unsafeArgv[index] else { return nil }
            return unsafe RawPath(bytes(of: argument))
        }
    }

    private static func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
        // SAFETY: the argument is a C string; its bytes up to the NUL are copied.
        unsafe UnsafeBufferPointer(start: text, count: strlen(text)).map { UInt8(bitPattern: $0) }
    }

    static func main() {
        let status: Int32
        do {
            // Everything after '--' is the command and its arguments, whatever they look like.
            let arguments = CommandLine.arguments.dropFirst()
            let own = arguments.prefix { $0 != "--" }
            let command = Array(rawArguments().dropFirst(own.count + 2))
            if own.count < arguments.count, command.isEmpty {
                throw RecorderError(.usage, "after '--' comes the command to run, and there is none")
            }
            status = try RecordingSession.run(try parse(Array(own)).options(command: command))
        } catch let error as RecorderError {
            StandardError.write("varved: \(error.message.withoutControls)\n")
            status = error.code.rawValue
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error).withoutControls + "\n"
            // Help and version are answers; everything else that the parser throws is bad usage.
            if code.isSuccess { StandardOutput.write(text) } else { StandardError.write(text) }
            status = code.isSuccess ? 0 : RecorderError.Code.usage.rawValue
        }
        Glibc.exit(status)
    }
}
