internal import Block
internal import Model

/// What an event says about names.
struct NameEvent {
    var sequence: UInt64
    var window: TimeWindow
    var mask: EventMask
    var isUncertain = false
    /// Nil where only the new name of a rename lies inside what is recorded.
    var path: [UInt8]?
    /// The new name of a rename; nil where it lies outside of what is recorded.
    var target: [UInt8]?
    var object: FileIdentity?
    var actor: NameActor?
}

/// Who did it, as far as a line about a name tells.
struct NameActor: Hashable {
    var instance: UInt64
    var pid: Int32
    var uid: UInt32?
    /// Its script or image.
    var program: RawPath?
    var comm: RawPath?

    init(_ process: ActorProcess) {
        instance = process.instance
        pid = process.pid
        uid = process.uid
        program = process.script ?? process.exe
        comm = process.comm
    }
}

extension Scan {
    /// Calls `visit` for every selected event that has a whole path, in `seq` order. Those of files that have no name yet are
    /// left out.
    func forEachNameEvent(_ visit: (NameEvent) throws -> Void) throws {
        try forEachEvent { event, dictionaries in
            let path = event.flags.contains(.nameOnly) ? nil : dictionaries.path(event.path)
            let target = event.flags.contains(.targetNameOnly) ? nil : dictionaries.path(event.target)
            guard path != nil || target != nil, !event.isNameless(path) else { return }
            try visit(
                NameEvent(
                    sequence: event.sequence, window: event.window, mask: event.mask,
                    isUncertain: !event.flags.isDisjoint(with: [.uncertainPath, .uncertainOrder]), path: path,
                    target: target, object: event.object,
                    actor: dictionaries.process(event.process).map(NameActor.init)))
        }
    }
}

extension EventView {
    /// Whether the path ends in what the kernel calls a file that has no name yet (O_TMPFILE): `#` and its inode number.
    fileprivate func isNameless(_ path: [UInt8]?) -> Bool {
        // Where that is its name indeed, its making or end says so.
        guard flags.contains(.uncertainPath), mask.isDisjoint(with: [.create, .delete, .rename]), let path, let object,
            let slash = path.lastIndex(of: UInt8(ascii: "/"))
        else { return false }
        return path[(slash + 1)...].elementsEqual("#\(object.inode)".utf8)
    }
}
