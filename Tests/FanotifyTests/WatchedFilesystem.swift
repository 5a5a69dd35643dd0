import CLinux
import Fanotify
import Glibc
import Model
import Syscalls
import TestSupport

/// A filesystem of the test's own with a notification group that is marked on it.
struct WatchedFilesystem: ~Copyable {
    let filesystem: LoopFilesystem
    let group: NotificationGroup
    let root: OwnedDescriptor
    let id: FilesystemID

    static let everything: EventMask = EventMask.operations.union([.onDirectory])

    init(_ kind: FilesystemKind, mask: EventMask = everything, options: NotificationGroup.Options = []) throws {
        let filesystem = try LoopFilesystem(kind)
        let group = try NotificationGroup(options.union(.directoryNamesAndTargets))
        try group.addMark(.filesystem, mask: mask, at: RawPath(filesystem.path))
        // Not O_PATH: a mount descriptor of open_by_handle_at(2) must be really open.
        let root = try OwnedDescriptor.open(RawPath(filesystem.path), flags: O_RDONLY | O_DIRECTORY)
        id = try root.filesystemStatus().id
        self.filesystem = filesystem
        self.group = group
        self.root = root
    }

    func path(_ name: String) -> RawPath {
        RawPath(filesystem.appending(name))
    }

    /// Every record that is queued now.
    func drain() throws -> [Decoded] {
        var buffer = try ReadBuffer(capacity: 65_536)
        var decoded: [Decoded] = []
        while true {
            switch try group.read(into: &buffer) {
            case .wouldBlock: return decoded
            case .bytes, .bufferFull:
                let (records, errors) = Decoded.read(buffer.bytes)
                if let error = errors.first { throw error }
                decoded += records
                buffer.removeAll()
            }
        }
    }

    /// What happened to each name: the kernel merges records of one name, object and process while they wait, so only
    /// the union of their masks is certain.
    func drainedMasks() throws -> [String: EventMask] {
        var masks: [String: EventMask] = [:]
        for record in try drain() {
            let key =
                record.record.mask.contains(.rename) ? record.nameText + ">" + record.targetNameText : record.nameText
            masks[key, default: []].formUnion(record.record.mask)
        }
        return masks
    }
}
