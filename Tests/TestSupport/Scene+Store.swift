internal import Model
internal import Syscalls

/// What tests do to a store from outside.
extension Scene {
    /// A copy of a program that everybody may run.
    package func publicCopy(of program: String) throws -> String {
        let copy = "\(place)/public-" + (program.split(separator: "/").last ?? "")
        try runSuccessfully("cp", [program, copy])
        try Files.setPermissions(RawPath(copy), mode: 0o755)
        return copy
    }

    /// Runs a program as somebody who may do nothing.
    package func runUnprivileged(_ program: String, _ arguments: [String]) throws -> CommandResult {
        return try run(
            Unprivileged.launcher[0], Unprivileged.launcher.dropFirst() + [program] + arguments)
    }

    /// Puts the store where an unprivileged recorder may make it.
    package func letAnybodyMakeTheStore() throws -> String {
        let parent = place + "/anybody"
        try Files.makeDirectory(RawPath(parent), mode: 0o755)
        try Files.setOwner(RawPath(parent), uid: Unprivileged.id, gid: Unprivileged.id)
        return parent + "/store"
    }

    /// Makes the store readable for the unprivileged group, and only readable.
    package func giveStoreToUnprivilegedGroup() throws {
        try runSuccessfully("chgrp", ["-R", String(Unprivileged.id), store])
        try runSuccessfully("chmod", ["-R", "g-w", store])
    }

    /// A copy of the store's files; gives its directory.
    package func copyStore(leavingOut names: Set<String>) throws -> String {
        let copy = place + "/copy"
        try copyFiles(to: copy, leavingOut: names)
        return copy
    }

    /// The store on a filesystem that is mounted read-only; gives its directory.
    package func storeOnReadOnlyMedia() throws -> String {
        let image = place + "/media.img"
        try runSuccessfully("truncate", ["-s", "64M", image])
        try runSuccessfully("mkfs.ext4", ["-q", "-F", image])
        let point = try mount(at: "media", ["-o", "loop", image])
        try copyFiles(to: point + "/store", leavingOut: ["varved.sock"])
        try runSuccessfully("mount", ["-o", "remount,ro", point])
        return point + "/store"
    }

    private func copyFiles(to copy: String, leavingOut names: Set<String>) throws {
        try Files.makeDirectory(RawPath(copy), mode: 0o755)
        for name in try Files.names(in: RawPath(store)) where !names.contains(name.lossyText) {
            try runSuccessfully("cp", ["-a", "\(store)/\(name.lossyText)", copy])
        }
    }

    /// Asks the store's database itself, as somebody with the sqlite3 program would.
    package func sql(_ statement: String, readOnly: Bool = true, store other: String? = nil) throws -> String {
        let options = readOnly ? ["-readonly"] : []
        return try runSuccessfully("/usr/bin/sqlite3", options + ["\(other ?? store)/varve.db", statement]).outputText
    }

    package func blockCount() throws -> Int {
        Int(try sql("select count(*) from block").filter(\.isNumber)) ?? 0
    }

    /// Makes the store one of a schema that no program knows yet.
    package func raiseSchemaVersion(to version: Int) throws {
        _ = try sql("pragma user_version = \(version)", readOnly: false)
    }

    /// Gives the store's runs another boot's identity, as they have after the machine was started again.
    package func forgetBoot(inStoreAt path: String) throws {
        _ = try sql("update run set boot_id = randomblob(16)", readOnly: false, store: path)
    }

    /// What changes when anything is written to the database: sizes and times of its files.
    package func storeDigest() throws -> [String] {
        try ["varve.db", "varve.db-wal"].map { name in
            let status = try RawPath("\(store)/\(name)").status()
            return "\(name) \(status.byteCount) \(status.modified.nanosecondsSinceEpoch)"
        }
    }

    /// What `du` says of the store, in bytes.
    package func storeByteCountOnDisk() throws -> Int {
        let text = try runSuccessfully("du", ["-s", "--block-size=1", store]).outputText
        return Int(text.prefix { $0.isNumber }) ?? .max
    }

    package func writeAheadLogByteCount() throws -> Int64 {
        try RawPath("\(store)/varve.db-wal").status().byteCount
    }
}
