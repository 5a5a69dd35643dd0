package import Model

/// Where a container sees a directory or file of the host.
package struct ContainerMount: Hashable, Sendable {
    /// The container's id, as `ActorProcess.container`.
    package var container: RawPath
    package var hostPath: RawPath
    package var containerPath: RawPath
    /// Only this container is seen through `hostPath`: its writable layer.
    package var isOwn: Bool
    /// When it was learned.
    package var seen: Instant

    package init(container: RawPath, hostPath: RawPath, containerPath: RawPath, isOwn: Bool, seen: Instant) {
        self.container = container
        self.hostPath = hostPath
        self.containerPath = containerPath
        self.isOwn = isOwn
        self.seen = seen
    }
}

extension ContainerMount {
    static let columns = "container, host_path, container_path, is_own, seen"

    /// From a row of `columns`.
    init(_ row: borrowing Statement) {
        self.init(
            container: RawPath(row.bytes(0)), hostPath: RawPath(row.bytes(1)), containerPath: RawPath(row.bytes(2)),
            isOwn: row.integer(3) != 0, seen: Instant(nanosecondsSinceEpoch: row.integer(4)))
    }

    func insert(run: UInt32, _ connection: borrowing Connection) throws(StoreError) {
        try connection.prepare(
            "insert container mount",
            """
            INSERT INTO container_mount(run, container, host_path, container_path, is_own, seen)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        ).run([
            .count(run), .bytes(container.bytes), .bytes(hostPath.bytes), .bytes(containerPath.bytes),
            .integer(isOwn ? 1 : 0), .integer(seen.nanosecondsSinceEpoch),
        ])
    }
}

extension StoreReader {
    /// Where containers see what, in the order it was learned; none in a store of schema version 1.
    package func containerMounts() throws(StoreError) -> [ContainerMount] {
        try read { (connection) throws(StoreError) in
            guard try connection.integer("PRAGMA user_version") >= 2 else { return [] }
            var mounts: [ContainerMount] = []
            try connection.prepare(
                "container mounts", "SELECT \(ContainerMount.columns) FROM container_mount ORDER BY id"
            ).forEachRow { (row) throws(StoreError) in mounts.append(ContainerMount(row)) }
            return mounts
        }
    }
}
