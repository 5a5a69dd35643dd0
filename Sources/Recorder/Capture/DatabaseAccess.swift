import Glibc
import Model
import Store
import Syscalls

/// How the files of databases may be opened.
struct DatabaseAccess: Sendable {
    /// The store that is recorded into: its own database is never opened here, whatever name it is given.
    var store: RawPath?
    /// The recorder's rights are lent to an ordinary user, who gets to see only what may be read without them.
    var readsAsUser: Bool

    /// nil where the files cannot be opened, or may not.
    func open(_ path: RawPath) -> DatabaseFiles? {
        asUser { try? DatabaseFiles(path, access: self) }
    }

    /// Only the database; nil where it cannot be opened, or may not.
    func openFile(_ path: RawPath) -> OwnedDescriptor? {
        asUser { try? DatabaseFiles.open(path, except: ownFiles) }
    }

    /// Why what has the name of a database's log cannot be opened as one, for people; nil where there is none, or where
    /// it can.
    func logProblem(of path: RawPath) -> String? {
        let log = DatabaseFiles.logPath(of: path)
        return asUser {
            do throws(SyscallError) {
                let status = try log.status(followingLinks: false)
                guard status.kind == .regular else { return "its log is no regular file" }
                let own = ownFiles
                guard !own.contains(DatabaseFiles.Identity(device: status.device, inode: status.inode)) else {
                    return nil
                }
                _ = try DatabaseFiles.open(log, except: own)
                return nil
            } catch {
                return error.errno == ENOENT ? nil : "its log cannot be opened: \(error.description)"
            }
        }
    }

    /// As the user who lent the rights, where they are lent.
    func asUser<Value: ~Copyable>(_ body: () -> Value?) -> Value? {
        guard readsAsUser, Capabilities.isEffective(.dacReadSearch) else { return body() }
        guard (try? Capabilities.lower([.dacReadSearch])) != nil else { return nil }
        let value = body()
        try? Capabilities.raise([.dacReadSearch])
        return value
    }

    /// The files of the store's own database. Its locks would end with the first descriptor that is closed of them.
    var ownFiles: [DatabaseFiles.Identity] {
        guard let database = store.map({ StoreLayout(directory: $0).database }) else { return [] }
        return [database, DatabaseFiles.logPath(of: database), DatabaseFiles.indexPath(of: database)].compactMap {
            (try? $0.status()).map { DatabaseFiles.Identity(device: $0.device, inode: $0.inode) }
        }
    }
}
