internal import Glibc
internal import Model
internal import Syscalls

/// A new directory that is removed with all below it when the owner's life ends.
///
/// Its name carries the process id, so what a killed test run left behind is found and removed by a later one.
package struct TemporaryDirectory: ~Copyable, Sendable {
    package let path: String

    /// Makes the directory (0755) in `$TMPDIR`, else in /tmp.
    package init() throws {
        Leftovers.remove()
        var generator = SystemRandomNumberGenerator()
        let number = String(generator.next(), radix: 36)
        path = "\(Leftovers.base)/\(Leftovers.prefix)\(getpid())-\(number)"
        try Files.makeDirectory(RawPath(path), mode: 0o755)
    }

    deinit {
        try? Files.removeTree(RawPath(path))
    }

    /// A path below the directory.
    package func appending(_ name: String) -> String {
        "\(path)/\(name)"
    }
}

/// What earlier test processes could not remove because they were killed.
enum Leftovers {
    static let prefix = "varve-test-"
    /// In a directory: the pid of a container engine that works in it.
    static let enginePIDFile = "engine.pid"

    static var base: String {
        // SAFETY: the tests do not change their environment; the string is copied at once.
        if let directory = unsafe getenv("TMPDIR") { return unsafe String(cString: directory) }
        return "/tmp"
    }

    /// Done once a process.
    static func remove() {
        _ = removed
    }

    private static let removed: Void = {
        let mounts = ((try? Files.contents(of: RawPath("/proc/self/mounts"), limit: 1 << 22)) ?? [])
            .split(separator: UInt8(ascii: "\n"))
            .compactMap { $0.split(separator: UInt8(ascii: " ")).dropFirst().first.map { RawPath(Array($0)) } }
        for name in (try? Files.names(in: RawPath(base))) ?? [] {
            let words = name.lossyText.split(separator: "-")
            guard name.lossyText.hasPrefix(prefix), words.count == 4, let pid = Int32(words[2]) else { continue }
            // Signal 0 only asks whether the process exists.
            guard kill(pid, 0) != 0, Glibc.errno == ESRCH else { continue }
            let directory = RawPath(base).appending(name.bytes)
            endEngine(in: directory)
            for mount in mounts.reversed() where mount.isAtOrUnder(directory) {
                _ = try? run("umount", ["-l", mount.lossyText])
            }
            try? Files.removeTree(directory)
        }
    }()

    /// Ends the engine that works in a directory, if it is that one indeed, and waits for it.
    private static func endEngine(in directory: RawPath) {
        let text = (try? Files.contents(of: directory.appending(enginePIDFile.utf8))) ?? []
        guard let pid = Int32(String(decoding: text.filter { $0 > 0x20 }, as: UTF8.self)),
            let command = try? Files.contents(of: RawPath("/proc/\(pid)/cmdline")),
            String(decoding: command, as: UTF8.self).contains(directory.lossyText)
        else { return }
        kill(pid, SIGTERM)
        for _ in 0..<100 where kill(pid, 0) == 0 { Clock.sleep(nanoseconds: 100_000_000) }
    }
}
