import Block
import Fanotify
import Model

/// The programs that processes become.
extension Resolver {
    /// Tells the process table of an exec. True when it is the interpreter of the exec before.
    mutating func takeExec(
        _ record: EventRecord, of bytes: RawSpan, in directory: DirectoryTree.Index,
        identity: FileIdentity?, object: FileHandle?, window: TimeWindow
    ) -> Bool {
        guard processes.meet(record.pid, at: window, in: &batch) else { return false }
        let imageBefore = processes.indexInBatch(of: record.pid)
        var path = pathBytes(of: directory)
        if path != nil {
            if path?.last != UInt8(ascii: "/") { path?.append(UInt8(ascii: "/")) }
            let name = bytes.extracting(record.name.indices)
            // SAFETY: the buffer is lent for the call and only read.
            unsafe name.withUnsafeBytes { unsafe path?.append(contentsOf: $0) }
        }
        let outcome = processes.noteExec(
            pid: record.pid, at: window, path: path.map { RawPath($0) }, object: identity, in: &batch
        ) { [executables] _ in
            guard let object else { return .program(interpreter: nil) }
            switch executables.kind(of: object, at: path.map { RawPath($0) }) {
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
        return outcome == .interpreter
    }
}
