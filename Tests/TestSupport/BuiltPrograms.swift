internal import Glibc
internal import Model
internal import Syscalls

/// The programs that were built with the tests.
package enum BuiltPrograms {
    package static var varved: String { path(of: "varved") }
    package static var varve: String { path(of: "varve") }

    /// Beside the test bundle, or in the directory `VARVE_BIN` names.
    package static func path(of program: String) -> String {
        // SAFETY: the tests do not change their environment; the string is copied at once.
        if let directory = unsafe getenv("VARVE_BIN") {
            return unsafe String(cString: directory) + "/" + program
        }
        let bundle = (try? Files.readLink(RawPath("/proc/self/exe"))) ?? RawPath(CommandLine.arguments[0])
        return (bundle.parent?.lossyText ?? ".") + "/" + program
    }
}
