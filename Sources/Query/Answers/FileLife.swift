internal import Block
internal import Model

/// The life stories of the files that had a name: an ordered list of events, told apart by the files' identities.
///
/// Pure: events in, rows out. A file is known by filesystem, inode and generation, so it stays itself through renames; the
/// number of an inode is used again, so a create after its death begins another life.
struct FileLife {
    /// What happened to a file.
    enum Deed: String {
        /// It was made under a first name.
        case born
        /// It was given a further name.
        case linked
        case renamed
        case written
        case attributes
        case executed
        case opened
        /// One of its names was removed, others are known.
        case unlinked
        /// Its last known name was removed.
        case died
        /// Another file took its last known name.
        case replaced
    }

    /// One event, with what the story needs of it.
    struct Event {
        var sequence: UInt64
        var window: TimeWindow
        var mask: EventMask
        var isUncertain: Bool
        var path: RawPath
        var target: RawPath?
        var object: FileIdentity?
        var process: ActorProcess?
    }

    /// One line of a story; writes of one process under one name that follow each other are one line.
    struct Row {
        /// From 1, in the order in which the lives are first heard of.
        var life: Int
        var deed: Deed
        var event: Event
        /// How many events it stands for.
        var count = 1
        var last: TimeWindow
    }

    private struct Life {
        var number: Int
        var names: Set<RawPath> = []
        var isOver = false
        /// The row that further writes are counted in.
        var lastRow: Int?
    }

    private(set) var rows: [Row] = []
    private var lives: [FileIdentity: Life] = [:]
    private var lifeCount = 0

    /// Takes in the next event of one of the files, in `seq` order. `isOfOne` says whether a file is one of them.
    mutating func take(_ event: Event, isOfOne: (FileIdentity) -> Bool) {
        if event.mask.contains(.rename), let target = event.target {
            endWhatWasReplaced(at: target, by: event)
            if event.mask.contains(.onDirectory) { move(from: event.path, to: target) }
        }
        guard let object = event.object ?? holder(of: event.path), isOfOne(object) else { return }
        for deed in Self.deeds(of: event.mask) { add(deed, of: object, event) }
    }

    /// The deeds that a record joins, in the order in which a file lives.
    private static func deeds(of mask: EventMask) -> [Deed] {
        var deeds: [Deed] = []
        if mask.contains(.create) { deeds.append(.born) }
        if mask.contains(.rename) { deeds.append(.renamed) }
        if !mask.isDisjoint(with: [.open, .access, .closeNoWrite]) { deeds.append(.opened) }
        if mask.contains(.openExec) { deeds.append(.executed) }
        if !mask.isDisjoint(with: [.modify, .closeWrite]) { deeds.append(.written) }
        if mask.contains(.attrib) { deeds.append(.attributes) }
        if mask.contains(.delete) { deeds.append(.died) }
        return deeds
    }

    /// Of an event that carries no identity, the file that has the name.
    private func holder(of path: RawPath) -> FileIdentity? {
        lives.first { !$0.value.isOver && $0.value.names.contains(path) }?.key
    }

    private mutating func add(_ deed: Deed, of object: FileIdentity, _ event: Event) {
        var life = lives[object] ?? begin()
        var deed = deed
        switch deed {
        case .born:
            if life.isOver { life = begin() }
            if !life.names.isEmpty, !life.names.contains(event.path) { deed = .linked }
            life.names.insert(event.path)
        case .renamed:
            life.names.remove(event.path)
            if let target = event.target { life.names.insert(target) }
        case .died:
            life.names.remove(event.path)
            if life.names.isEmpty { life.isOver = true } else { deed = .unlinked }
        case .written, .attributes, .executed, .opened:
            if !life.isOver { life.names.insert(event.path) }
        case .linked, .unlinked, .replaced: break
        }
        append(deed, event, &life)
        lives[object] = life
    }

    private mutating func begin() -> Life {
        lifeCount += 1
        return Life(number: lifeCount)
    }

    private mutating func append(_ deed: Deed, _ event: Event, _ life: inout Life) {
        if let last = life.lastRow, rows[last].deed == deed, deed == .written || deed == .opened,
            rows[last].event.path == event.path, rows[last].event.process?.instance == event.process?.instance
        {
            rows[last].count += 1
            rows[last].last = event.window
            return
        }
        life.lastRow = rows.count
        rows.append(Row(life: life.number, deed: deed, event: event, last: event.window))
    }

    /// What lies below a directory has other names after its rename.
    private mutating func move(from directory: RawPath, to target: RawPath) {
        for (object, life) in lives where life.names.contains(where: { $0 != directory && $0.isAtOrUnder(directory) }) {
            lives[object]?.names = Set(
                life.names.map { name in
                    guard name != directory, name.isAtOrUnder(directory) else { return name }
                    return RawPath(target.bytes + name.bytes.dropFirst(directory.bytes.count))
                })
        }
    }

    /// A rename onto a name takes it from the file that had it.
    private mutating func endWhatWasReplaced(at target: RawPath, by event: Event) {
        for (object, life) in lives where !life.isOver && object != event.object && life.names.contains(target) {
            // An exchange is two renames: the other one follows, and its file was not replaced.
            var life = life
            life.names.remove(target)
            if life.names.isEmpty {
                life.isOver = true
                append(.replaced, event, &life)
            } else {
                append(.unlinked, event, &life)
            }
            lives[object] = life
        }
    }
}
