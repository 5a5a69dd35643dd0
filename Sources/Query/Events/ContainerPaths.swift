package import Model
package import Store

/// Where containers see the paths of the host.
package struct ContainerPaths: Sendable {
    /// A path as a container sees it.
    package struct Place: Equatable {
        package var container: RawPath
        package var path: [UInt8]
    }

    private let byContainer: [RawPath: [ContainerMount]]
    private let own: [RawPath: ContainerMount]

    package var isEmpty: Bool { byContainer.isEmpty }

    /// Of rows that repeat, the newest counts.
    package init(_ mounts: [ContainerMount]) {
        var byContainer: [RawPath: [ContainerMount]] = [:]
        var own: [RawPath: ContainerMount] = [:]
        for mount in mounts {
            byContainer[mount.container, default: []].append(mount)
            if mount.isOwn { own[mount.hostPath] = mount }
        }
        self.byContainer = byContainer.mapValues { mounts in
            mounts.sorted { ($0.hostPath.bytes.count, $0.seen) > ($1.hostPath.bytes.count, $1.seen) }
        }
        self.own = own
    }

    /// Where a path is seen: in the container of the process, else in the one whose layer holds it.
    package func place(of path: [UInt8], container: RawPath?) -> Place? {
        let whole = RawPath(path)
        if let container, let mount = byContainer[container]?.first(where: { whole.isAtOrUnder($0.hostPath) }) {
            return Self.place(of: path, mount)
        }
        guard !own.isEmpty else { return nil }
        var end = path.count
        while end > 1 {
            if let mount = own[RawPath(Array(path[..<end]))] { return Self.place(of: path, mount) }
            guard let slash = path[..<end].lastIndex(of: UInt8(ascii: "/")) else { return nil }
            end = slash
        }
        return nil
    }

    private static func place(of path: [UInt8], _ mount: ContainerMount) -> Place {
        let rest = path.dropFirst(mount.hostPath.bytes.count == 1 ? 0 : mount.hostPath.bytes.count)
        var inside = mount.containerPath.bytes.count == 1 ? [] : mount.containerPath.bytes
        inside += rest
        return Place(container: mount.container, path: inside.isEmpty ? mount.containerPath.bytes : inside)
    }
}
