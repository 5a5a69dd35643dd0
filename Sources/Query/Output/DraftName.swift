private import Glibc
internal import Model
internal import Syscalls

/// The name beside a target under which it is made until it is whole: `TARGET.varve-PID`.
enum DraftName {
    private static let infix = Array(".varve-".utf8)

    /// This process's, which nothing has: what killed ones left beside the target is removed, a file or a directory.
    ///
    /// Cost: a listing of the directory. What cannot be removed stays.
    static func claim(_ target: RawPath) -> RawPath {
        removeLeftovers(beside: target)
        return RawPath(target.bytes + infix + Array("\(getpid())".utf8))
    }

    private static func removeLeftovers(beside target: RawPath) {
        let directory = target.parent ?? RawPath(".")
        guard let name = target.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last,
            !name.isEmpty, let names = try? Files.names(in: directory)
        else { return }
        for other in names where other.bytes.starts(with: name + infix) {
            let path = directory.appending(other.bytes)
            // Others may give what is theirs any name.
            guard isOfEnded(other.bytes.dropFirst(name.count + infix.count)),
                let status = try? path.status(followingLinks: false), status.uid == geteuid()
            else { continue }
            try? Files.removeTree(path)
        }
    }

    /// The number is of no process, or of this one, which has made nothing yet. One that runs in another namespace of
    /// processes may be taken for ended: it then fails when it is to give what it made its name.
    private static func isOfEnded(_ digits: ArraySlice<UInt8>) -> Bool {
        guard let pid = Int32(String(decoding: digits, as: UTF8.self)), pid > 0, digits.elementsEqual("\(pid)".utf8)
        else { return false }
        return pid == getpid() || kill(pid, 0) != 0 && errno == ESRCH
    }
}
