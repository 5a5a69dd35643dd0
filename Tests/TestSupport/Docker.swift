internal import Glibc
internal import Model
internal import Syscalls

/// A container engine of its own: Debian's dockerd on private directories below a recorded filesystem, stopped by its pid.
///
/// However the test ends, `stop()` in a `defer` removes the containers, ends the engine and unmounts what it mounted; an
/// engine that a killed test process left is ended by the next one. Needs `Privilege.required`.
package final class Docker {
    /// What the engine is started on and its images are made of.
    package let dataRoot: String
    private let place: TemporaryDirectory
    private let engine: BackgroundProgram
    private let socket: String
    private var containers: [String] = []

    /// Parameter directory: where the engine keeps its data, on a filesystem that overlayfs can lie on.
    package init(dataRoot directory: String) throws {
        place = try TemporaryDirectory()
        dataRoot = directory
        socket = "unix://" + place.appending("sock")
        try runSuccessfully("mkdir", ["-p", directory])
        engine = try BackgroundProgram(
            [
                "dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                "--storage-driver=overlay2", "--data-root", directory, "--exec-root", place.appending("exec"), "-H",
                socket, "-p", place.appending(Leftovers.enginePIDFile),
            ], in: place.path)
        let deadline = Clock.monotonic() + 60_000_000_000
        while try run("docker", ["-H", socket, "version"]).status != 0 {
            guard try engine.isRunning, Clock.monotonic() < deadline else {
                throw BackgroundProgram.Late(description: "dockerd does not answer: \(engine.errorText.suffix(2_000))")
            }
            Clock.sleep(nanoseconds: 50_000_000)
        }
    }

    package func stop() {
        for container in containers { _ = try? docker(["rm", "-f", container]) }
        if (try? engine.stop(signal: SIGTERM)) == nil { engine.end() }
        // The network namespaces of containers, and the data directory that the engine mounts on itself.
        for directory in [place.path, dataRoot] { _ = try? run("sh", ["-c", Self.unmountScript, "sh", directory]) }
    }

    /// Unmounts everything at or below a directory, the last mounted first.
    private static let unmountScript =
        "awk -v d=\"$1\" '$5 == d || index($5, d \"/\") == 1 { print $5 }' /proc/self/mountinfo | tac "
        + "| while read -r m; do umount -l \"$m\"; done"

    /// Asks the engine something.
    @discardableResult
    package func docker(_ arguments: [String]) throws -> CommandResult {
        try run("docker", ["-H", socket] + arguments, timeoutSeconds: 120)
    }

    /// The same, which must succeed; gives the first line of the answer.
    @discardableResult
    package func dockerLine(_ arguments: [String]) throws -> String {
        let result = try docker(arguments)
        guard result.status == 0 else { throw CommandFailure(command: ["docker"] + arguments, result: result) }
        return result.lines.first.map(String.init) ?? ""
    }

    /// Runs a container to its end.
    ///
    /// Parameters: `options` for `docker run`; `script` for a shell in it.
    package func runContainer(
        _ image: String, options: [String] = [], script: String
    ) throws -> CommandResult {
        try docker(["run", "--rm", "--network=none"] + options + [image, "/bin/sh", "-c", script])
    }

    /// Starts a container and gives its id.
    package func startContainer(_ image: String, options: [String] = [], command: [String]) throws -> String {
        let id = try dockerLine(["run", "-d", "--network=none"] + options + [image] + command)
        containers.append(id)
        return id
    }

    /// Waits for a container's end and gives its exit code.
    package func wait(for container: String) throws -> Int32 {
        Int32(try dockerLine(["wait", container])) ?? -1
    }

    package func logs(of container: String) throws -> String {
        let result = try docker(["logs", container])
        return result.outputText + result.errorText
    }

    /// Ends a container and removes it.
    package func remove(_ container: String) throws {
        try dockerLine(["rm", "-f", container])
        containers.removeAll { $0 == container }
    }

    // MARK: Images

    /// Imports an image of a shell with the usual tools and some files to work on; further programs come with the
    /// libraries they link.
    ///
    /// Parameters: `programs` by their paths here, put into /usr/bin; `capabilities` are given to those of the last.
    package func importImage(_ name: String, programs: [String] = [], capabilities: String? = nil) throws {
        let root = place.appending("root-" + name)
        var script = """
            set -e; umask 022
            mkdir -p "$1"/bin "$1"/usr/bin "$1"/etc "$1"/srv/deep "$1"/tmp "$1"/dev "$1"/proc "$1"/sys "$1"/data
            cp "$(command -v busybox)" "$1"/bin/busybox; chmod 1777 "$1"/tmp
            for t in sh ls touch cat echo rm mv cp mkdir chmod sleep ln rmdir sync stat id true seq; do
                ln -s busybox "$1"/bin/$t; done
            echo hello > "$1"/etc/conf; echo two > "$1"/etc/two; echo three > "$1"/srv/deep/three
            ln -s conf "$1"/etc/link

            """
        for program in programs {
            script += """
                cp -L '\(program)' "$1"/usr/bin/; chmod 755 "$1"/usr/bin/*
                ldd '\(program)' 2>/dev/null | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\\//) print $i }' \
                | while read -r l; do mkdir -p "$1/$(dirname "$l")"; cp -nL "$l" "$1/$l"; done || true

                """
        }
        if let capabilities, let last = programs.last?.split(separator: "/").last {
            script += "/usr/sbin/setcap \(capabilities) \"$1\"/usr/bin/\(last)\n"
        }
        script += "tar -C \"$1\" --xattrs --xattrs-include='security.*' -cf \"$1.tar\" .\n"
        try runSuccessfully("sh", ["-c", script, "sh", root])
        try dockerLine(["import", root + ".tar", name])
        try runSuccessfully("rm", ["-rf", root, root + ".tar"])
    }
}
