import Block
import Model
import Store
import Syscalls

/// Learns where containers see what, while one of their processes lives: by its mount table, once a container; for one
/// whose processes were gone each time, by an event of theirs in an overlay's writable layer.
///
/// Nothing here is asked twice, and what was learned is kept in the store, so that it holds for the dead.
/// Thread: *resolve*. Cost: two mount tables a container, some 200 µs.
struct ContainerWatch {
    private let shared: WriteShared
    private var known: Set<RawPath> = []
    /// Containers that could not be looked at, with the number of their events that may still be tried.
    private var waiting: [RawPath: Int] = [:]
    /// Containers whose layers were learned from an event; their volumes may still be.
    private var layered: Set<RawPath> = []
    /// How many processes of the batch were looked at.
    private var lookedAt = 0

    private static let maximumContainerCount = 16_384
    private static let maximumMountCount = 256
    private static let eventTries = 4_096

    init(shared: WriteShared) {
        self.shared = shared
    }

    /// Looks at the processes that are new in the batch.
    mutating func look(at processes: [ActorProcess]) {
        if lookedAt > processes.count { lookedAt = 0 }
        while lookedAt < processes.count {
            meet(processes[lookedAt])
            lookedAt += 1
        }
    }

    /// The batch is complete: what was learned of its processes late, and by its events.
    mutating func finish(_ batch: borrowing Batch) {
        for process in batch.processes { meet(process) }
        lookedAt = 0
        if !waiting.isEmpty { learnFromEvents(batch) }
    }

    private mutating func meet(_ process: ActorProcess) {
        guard let container = process.container, !known.contains(container) else { return }
        if known.count >= Self.maximumContainerCount {
            known.removeAll()
            layered.removeAll()
            waiting.removeAll()
        }
        guard let mounts = Self.mounts(of: container, pid: process.pid) else {
            if waiting[container] == nil, !layered.contains(container) { waiting[container] = Self.eventTries }
            return
        }
        known.insert(container)
        waiting[container] = nil
        record(mounts)
    }

    private func record(_ mounts: [ContainerMount]) {
        guard !mounts.isEmpty else { return }
        var change = CoverageChange()
        change.containerMounts = mounts
        shared.record(change)
    }

    // MARK: By a process

    /// nil where the process is gone, or its number is another's by now.
    private static func mounts(of container: RawPath, pid: Int32) -> [ContainerMount]? {
        guard let inside = try? MountTable.of(pid), !inside.isEmpty, let host = try? MountTable.current(),
            isIn(container, pid: pid), hasRootOfItsOwn(inside, host)
        else { return nil }
        let now = Clock.realtime()
        var mounts: [ContainerMount] = []
        for mount in inside where mounts.count < maximumMountCount {
            mounts += Self.mounts(for: mount, of: container, host: host, now: now)
        }
        return mounts
    }

    /// What one mount of a container shows of the host.
    static func mounts(
        for mount: MountEntry, of container: RawPath, host: [MountEntry], now: Instant
    ) -> [ContainerMount] {
        func made(_ path: RawPath, isOwn: Bool) -> ContainerMount {
            ContainerMount(
                container: container, hostPath: path, containerPath: mount.mountPoint, isOwn: isOwn, seen: now)
        }
        if let layers = mount.overlayDirectories {
            // Layers are often named by short links.
            let lower = mount.overlayLowerDirectories.map { (try? Files.realPath($0)) ?? $0 }
            return [made(layers.upper, isOwn: true)] + lower.map { made($0, isOwn: false) }
        }
        guard FilesystemSupport(mount.filesystemType) == .local else { return [] }
        let same = host.filter {
            $0.device == mount.device && $0.filesystemType == mount.filesystemType && mount.root.isAtOrUnder($0.root)
        }
        let best = same.min {
            ($0.root.bytes.count, $0.mountPoint.bytes.count) < ($1.root.bytes.count, $1.mountPoint.bytes.count)
        }
        guard let best else { return [] }
        let below = mount.root.bytes.dropFirst(best.root.bytes.count == 1 ? 0 : best.root.bytes.count)
        let top = best.mountPoint.bytes.count == 1 ? [] : best.mountPoint.bytes
        let path = below.count <= 1 ? best.mountPoint : RawPath(top + below)
        return [made(path, isOwn: false)]
    }

    /// A container's first process joins its control group before it leaves the host's root directory.
    private static func hasRootOfItsOwn(_ inside: [MountEntry], _ host: [MountEntry]) -> Bool {
        func root(_ mounts: [MountEntry]) -> MountEntry? { mounts.last { $0.mountPoint.bytes.count == 1 } }
        guard let inner = root(inside) else { return false }
        return inner.device != root(host)?.device || inner.root != root(host)?.root
    }

    private static func isIn(_ container: RawPath, pid: Int32) -> Bool {
        var buffer: [UInt8] = []
        guard let directory = try? ProcessDirectory(pid: pid), (try? directory.readControlGroup(into: &buffer)) == true,
            let path = ControlGroup.path(in: buffer)
        else { return false }
        return ContainerID(controlGroup: buffer[path])?.text == container
    }

    // MARK: By an event

    private mutating func learnFromEvents(_ batch: borrowing Batch) {
        let wanted = batch.processes.map { $0.container.flatMap { waiting[$0] != nil ? $0 : nil } }
        guard wanted.contains(where: { $0 != nil }), let host = try? MountTable.current() else { return }
        let overlays = host.filter { $0.overlayDirectories != nil }
        var bytes: [UInt8] = []
        for index in 0..<batch.count where !waiting.isEmpty {
            let event = batch[index]
            guard event.path != .absent, Int(event.process) < wanted.count,
                let container = wanted[Int(event.process)], let tries = waiting[container]
            else { continue }
            waiting[container] = tries > 1 ? tries - 1 : nil
            bytes.removeAll(keepingCapacity: true)
            batch.paths.appendPath(event.path, to: &bytes)
            let path = RawPath(bytes)
            guard
                let overlay = overlays.first(where: {
                    path.isAtOrUnder($0.overlayDirectories?.upper ?? RawPath("/nowhere"))
                })
            else { continue }
            waiting[container] = nil
            layered.insert(container)
            var root = overlay
            root.mountPoint = RawPath("/")
            record(Self.mounts(for: root, of: container, host: host, now: Clock.realtime()))
        }
    }
}
