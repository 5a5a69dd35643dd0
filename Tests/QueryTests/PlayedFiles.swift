import Block
import Glibc
import Model
import TestSupport

/// A file system in which random things happen: the truth that answers about names are held against.
///
/// Names are a flat dictionary of whole paths, and a rename of a directory rewrites every path below it: as unlike the
/// query's own way as can be. A *name* keeps its number through renames; two hard links are two names of one file.
struct PlayedFiles {
    struct Name: Hashable {
        var number: Int
        var file: UInt64
        var isDirectory = false
    }

    /// A name in a directory: what an event can bear witness to.
    struct Link: Hashable {
        var directory: Int
        var last: String
        var name: Int
    }

    struct Step {
        var events: [RecordedEvent]
        /// All paths after it.
        var names: [String: Name]
        /// The links that its events need or make.
        var witnessed: Set<Link>
        /// What happened to which name.
        var deeds: [(name: Int, mask: EventMask)]
        /// The name that lost its path to a rename.
        var displaced: Int?
    }

    /// What there is before anything is recorded.
    let initial: [String: Name]
    private(set) var steps: [Step] = []
    private var names: [String: Name] = [:]
    private var nextNumber = 1
    private var nextFile: UInt64 = 100
    private let movesFilesAcross: Bool

    /// `movesFilesAcross` false: no rename takes a file from one directory to another, only directories move.
    init(seed: UInt64, stepCount: Int, movesFilesAcross: Bool = true) {
        self.movesFilesAcross = movesFilesAcross
        var generator = SeededGenerator(seed: seed)
        for directory in ["/d", "/e", "/d/old", "/e/old", "/d/old/deep"] {
            names[directory] = Name(number: nextNumber, file: nextFile, isDirectory: true)
            nextNumber += 1
            nextFile += 1
        }
        for file in ["/d/a", "/d/old/b", "/d/old/deep/c", "/e/old/x", "/e/y"] {
            names[file] = Name(number: nextNumber, file: nextFile)
            nextNumber += 1
            nextFile += 1
        }
        initial = names
        while steps.count < stepCount { step(&generator) }
    }

    /// Some seeds that are always played, and random ones: `VARVE_PLAYED_SEEDS=2000` plays as many of those.
    static func seeds(with known: [UInt64] = []) -> [UInt64] {
        // SAFETY: the tests do not change their environment; the string is copied at once.
        let count = unsafe getenv("VARVE_PLAYED_SEEDS").flatMap { unsafe Int(String(cString: $0)) } ?? 12
        return known + (0..<max(0, count)).map { _ in UInt64.random(in: 0...UInt64.max) }
    }

    /// A store that holds it, in several blocks or in one that they were merged into.
    func recorded(isCompacted: Bool) throws -> StoreScene {
        let scene = try StoreScene()
        for start in stride(from: 0, to: steps.count, by: 40) {
            try scene.append(steps[start..<min(start + 40, steps.count)].flatMap(\.events))
        }
        if isCompacted { try scene.compact() }
        try scene.stop(at: 1_000)
        return scene
    }

    /// The paths and names after `count` steps.
    func names(after count: Int) -> [String: Name] {
        count == 0 ? initial : steps[count - 1].names
    }

    /// The link by which a path is reached.
    static func link(_ path: String, in names: [String: Name]) -> Link? {
        guard let slash = path.lastIndex(of: "/"), let name = names[path] else { return nil }
        return Link(
            directory: names[String(path[..<slash])]?.number ?? 0, last: String(path[slash...]), name: name.number)
    }

    private static func links(_ path: String, in names: [String: Name]) -> [Link] {
        var links: [Link] = []
        var path = path[...]
        while let slash = path.lastIndex(of: "/") {
            if let link = link(String(path), in: names) { links.append(link) }
            path = path[..<slash]
        }
        return links
    }

    // MARK: What happens

    private mutating func step(_ generator: inout SeededGenerator) {
        let files = names.filter { !$0.value.isDirectory }.keys.sorted()
        let directories = names.filter { $0.value.isDirectory }.keys.sorted()
        // The two roots stay, so that there is always something to ask about.
        let movable = directories.filter { $0 != "/d" && $0 != "/e" }
        guard let directory = directories.randomElement(using: &generator) else { return }
        let fresh = "\(directory)/n\(Int.random(in: 0..<12, using: &generator))"
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<4 where names[fresh] == nil: make(fresh, isDirectory: false)
        case 4..<6 where names[fresh] == nil: make(fresh, isDirectory: true)
        case 6..<9:
            if let path = files.randomElement(using: &generator) { touch(path, [.modify]) }
        case 9:
            if let path = files.randomElement(using: &generator) { touch(path, [.modify, .closeWrite]) }
        case 10:
            if let path = (files + movable).randomElement(using: &generator) { touch(path, [.attrib]) }
        case 11..<13:
            if let path = files.randomElement(using: &generator) { delete(path) }
        case 13:
            let empty = movable.filter { directory in !names.keys.contains { $0.hasPrefix(directory + "/") } }
            if let path = empty.randomElement(using: &generator) { delete(path) }
        case 14..<17:
            guard let file = files.randomElement(using: &generator) else { return }
            let target = Bool.random(using: &generator) ? files.randomElement(using: &generator) ?? fresh : fresh
            guard target != file, mayMove(file, to: target), names[target]?.isDirectory != true,
                names[target]?.file != names[file]?.file
            else {
                return
            }
            rename(file, to: target)
        case 17:
            guard let moved = movable.randomElement(using: &generator), names[fresh] == nil,
                !"\(fresh)/".hasPrefix(moved + "/")
            else { return }
            rename(moved, to: fresh)
        case 18 where names[fresh] == nil:
            guard let file = files.randomElement(using: &generator), let name = names[file] else { return }
            make(fresh, isDirectory: false, file: name.file)
        case 19:
            guard let one = files.randomElement(using: &generator), let other = files.randomElement(using: &generator),
                mayMove(one, to: other), names[one]?.file != names[other]?.file
            else { return }
            exchange(one, other)
        default: return
        }
    }

    private func mayMove(_ file: String, to target: String) -> Bool {
        func directory(_ path: String) -> Substring { path[..<(path.lastIndex(of: "/") ?? path.startIndex)] }
        return movesFilesAcross || directory(file) == directory(target)
    }

    private mutating func make(_ path: String, isDirectory: Bool, file: UInt64? = nil) {
        let before = names
        let name = Name(number: nextNumber, file: file ?? nextFile, isDirectory: isDirectory)
        nextNumber += 1
        nextFile += 1
        names[path] = name
        finish([event(.create, path, name)], before, [(name.number, .create)])
    }

    private mutating func touch(_ path: String, _ mask: EventMask) {
        guard let name = names[path] else { return }
        finish([event(mask, path, name)], names, [(name.number, mask)])
    }

    private mutating func delete(_ path: String) {
        let before = names
        guard let name = names.removeValue(forKey: path) else { return }
        finish([event(.delete, path, name)], before, [(name.number, .delete)])
    }

    private mutating func rename(_ path: String, to target: String) {
        let before = names
        guard let name = names[path] else { return }
        let displaced = names[target]
        move(path, target, before)
        finish([event(.rename, path, name, target)], before, [(name.number, .rename)], displaced: displaced?.number)
    }

    private mutating func exchange(_ one: String, _ other: String) {
        let before = names
        guard let first = names[one], let second = names[other] else { return }
        names[one] = second
        names[other] = first
        finish(
            [event(.rename, one, first, other), event(.rename, other, second, one)], before,
            [(first.number, .rename), (second.number, .rename)])
    }

    private mutating func move(_ path: String, _ target: String, _ before: [String: Name]) {
        names[path] = nil
        names[target] = before[path]
        for (below, name) in before where below.hasPrefix(path + "/") {
            names[below] = nil
            names[target + below.dropFirst(path.count)] = name
        }
    }

    private func event(_ mask: EventMask, _ path: String, _ name: Name, _ target: String? = nil) -> RecordedEvent {
        let process = ActorProcess.named("p", pid: 7, instance: 7)
        var event = RecordedEvent(
            Double(steps.count + 1), name.isDirectory ? mask.union(.onDirectory) : mask, path, target: target,
            process: process)
        event.object = FileIdentity(filesystem: FilesystemID(rawValue: 7), inode: name.file, generation: 1)
        return event
    }

    private mutating func finish(
        _ events: [RecordedEvent], _ before: [String: Name], _ deeds: [(name: Int, mask: EventMask)],
        displaced: Int? = nil
    ) {
        var witnessed: Set<Link> = []
        for event in events {
            let path = String(decoding: event.path ?? [], as: UTF8.self)
            witnessed.formUnion(Self.links(path, in: event.mask.contains(.create) ? names : before))
            if let target = event.target {
                witnessed.formUnion(Self.links(String(decoding: target, as: UTF8.self), in: names))
            }
        }
        steps.append(
            Step(events: events, names: names, witnessed: witnessed, deeds: deeds, displaced: displaced))
    }
}
