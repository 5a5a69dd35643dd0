import Block
import Fanotify
import Model

/// The programs that processes become.
extension Resolver {
    /// Tells the process table of an exec.
    ///
    /// Returns: who did it, where it is kept, and whether it is the interpreter of the exec before, which nobody did.
    mutating func takeExec(
        _ record: EventRecord, of bytes: RawSpan, in directory: DirectoryTree.Index,
        identity: FileIdentity?, object: FileHandle?, window: TimeWindow, isKept: Bool
    ) -> (actor: (index: ProcessIndex, isUncertain: Bool)?, isInterpreter: Bool) {
        let path = path(of: bytes.extracting(record.name.indices), in: directory)
        var actor: (index: ProcessIndex, isUncertain: Bool)?
        // The exec itself is done by the image before it. A script before its interpreter is no image: named in the batch it
        // would be a program that the process never ran.
        if isKept,
            !processes.awaitsInterpreter(record.pid, object: identity, at: path, window: window, in: &batch)
        {
            actor = self.actor(of: record.pid, at: window, isChange: false)
        }
        guard processes.meet(record.pid, at: window, in: &batch) else { return (actor, false) }
        let imageBefore = processes.indexInBatch(of: record.pid)
        let outcome = processes.noteExec(
            pid: record.pid, at: window, path: path, object: identity, in: &batch
        ) { [executables] _ in
            guard let object else { return .program(interpreter: nil) }
            switch executables.kind(of: object, at: path) {
            case .noProgram: return .noProgram
            case .unread: return .program(interpreter: .unread)
            case .program(let found):
                return .program(
                    interpreter: found.map {
                        .init(identity: $0.identity, isForScript: $0.isForScript, name: $0.name)
                    })
            }
        }
        if outcome == .newImage, let imageBefore {
            for event in firstEventOfReading..<batch.count
            where batch[event].process == imageBefore && batch[event].mask.isMerged && !batch[event].isDropped {
                spans.append((event, record.pid))
            }
        }
        return (actor, outcome == .interpreter)
    }

    /// Nil where the directory is not known.
    private mutating func path(of name: RawSpan, in directory: DirectoryTree.Index) -> RawPath? {
        guard var path = pathBytes(of: directory) else { return nil }
        if path.last != UInt8(ascii: "/") { path.append(UInt8(ascii: "/")) }
        // SAFETY: the buffer is lent for the call and only read.
        unsafe name.withUnsafeBytes { unsafe path.append(contentsOf: $0) }
        return RawPath(path)
    }
}
