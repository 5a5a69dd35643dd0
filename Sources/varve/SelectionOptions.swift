import ArgumentParser
import Model
import Query

/// The range of time, the same for every verb.
struct RangeOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: ArgumentHelp("Only events at or after TIME.", valueName: "TIME"))
    var since: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("Only events before TIME.", valueName: "TIME"))
    var until: String?
}

/// Which events, the same for every verb: values of one option are alternatives, different options narrow.
struct SelectionOptions: ParsableArguments {
    @OptionGroup var range: RangeOptions

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Only paths that match GLOB.",
            discussion:
                "* and ? stop at /, ** does not, [a-z] and \\x work as in a shell; a pattern without / matches the last "
                + "name. Either side of a rename may match.", valueName: "GLOB"))
    var path: [RawPath] = []

    @Option(
        parsing: .unconditionalSingleValue, help: ArgumentHelp("Only DIR and what lies below it.", valueName: "DIR"))
    var under: [RawPath] = []

    @Option(
        help: ArgumentHelp(
            "Only these operations: access, open, exec, create, modify, attrib, close, close_write, delete, "
                + "delete_self, rename, move_self, fs_error.", valueName: "LIST"))
    var op: [String] = []

    @Option(
        parsing: .unconditionalSingleValue, help: ArgumentHelp("Only processes with these numbers.", valueName: "LIST"))
    var pid: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Only processes whose name, or where it is not known their program's, matches GLOB.", valueName: "GLOB"))
    var comm: [RawPath] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Only processes whose program or script matches GLOB.", valueName: "GLOB"))
    var exe: [RawPath] = []

    @Option(parsing: .unconditionalSingleValue, help: ArgumentHelp("Only processes of these users.", valueName: "USER"))
    var user: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Only processes of logins of these users, whatever they became since.", valueName: "USER"))
    var loginUser: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Only processes of systemd units that match GLOB; without a type it is a service.", valueName: "GLOB"))
    var unit: [RawPath] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Only processes in containers that match GLOB or start with it.", valueName: "GLOB"))
    var container: [RawPath] = []

    @Option(help: ArgumentHelp("At most this many.", valueName: "COUNT"))
    var limit: Int?

    @Flag(help: "Last first.")
    var reverse = false

    @Flag(help: "Also events that may have happened before --until although they were read after it.")
    var overlapping = false

    /// Throws: `TimeError`, `GlobError`, `UsageError`.
    func selection() throws -> Selection {
        try SelectionArguments(
            since: range.since, until: range.until, paths: path, directories: under, operations: op, pids: pid,
            comms: comm,
            exes: exe, users: user, loginUsers: loginUser, units: unit, containers: container, limit: limit,
            isReversed: reverse,
            includesOverlapping: overlapping
        ).selection()
    }
}
