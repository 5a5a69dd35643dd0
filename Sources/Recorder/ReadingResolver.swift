package import Block
package import Fanotify
internal import Model

/// Turns readings into batches as *resolve* does, without a notification group, threads or a store.
///
/// The recorder has `ResolveLoop`; this is the same resolver for whoever measures what a record costs. As long as the
/// readings tell of each directory before anything happens in it, nobody is asked anything but `/proc`, once a batch, for
/// the processes that the records name.
/// Thread: one.
package struct ReadingResolver: ~Copyable {
    private var resolver: Resolver<ProcDirectory, KernelDirectories>
    private let box = BatchBox()

    /// Keeps what happens at and below the directory with handle `top`, whose path is `/`, of the default operations.
    package init(top: FileHandle) {
        let root = RecordingScope.Root(handle: top, path: RawPath("/"), isKept: true)
        resolver = Resolver(
            scope: RecordingScope(
                roots: [root], isRestricted: false, operations: Operation.recordedByDefault, ownPID: -1),
            counters: RecorderCounters(), directories: KernelDirectories(mountPoints: [:]),
            executables: ExecutableSource(mountPoints: [:]), processes: ProcDirectory(), nextInstance: 1, exclusions: []
        )
    }

    /// Takes in the records of one reading.
    package mutating func resolve(_ records: RawSpan, window: TimeWindow) {
        resolver.resolve(records, window: window)
    }

    /// Ends the batch; it is the `lastBatch` then. Returns how many events it has.
    package mutating func finishBatch() -> Int {
        _ = resolver.finishBatch(into: box)
        return box.batch.keptCount
    }

    /// A copy of the batch that was finished last.
    package var lastBatch: Batch { box.batch }
}
