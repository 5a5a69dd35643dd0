package import Model

/// The names in a store's directory.
package struct StoreLayout: Sendable {
    package let directory: RawPath

    package init(directory: RawPath) {
        self.directory = directory
    }

    package var database: RawPath { name("varve.db") }
    package var wal: RawPath { name("varve.db-wal") }
    package var sharedMemory: RawPath { name("varve.db-shm") }
    /// The writer's lock and heartbeat.
    package var alive: RawPath { name("alive") }
    /// Where a running recorder listens.
    package var socket: RawPath { name("varved.sock") }

    /// Commits and base images of watched databases.
    package var segments: RawPath { name("segments") }

    package static let directoryPermissions: UInt32 = 0o750
    package static let filePermissions: UInt32 = 0o640

    private func name(_ name: String) -> RawPath { directory.appending(Array(name.utf8)) }
}
