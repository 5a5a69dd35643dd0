import Fanotify
import Model
import Synchronization

/// What *resolve* has to know before the events of a filesystem that was just mounted can reach it.
struct ScopeChange: Sendable {
    /// Tops that are recorded, or named, from now on.
    var roots: [RecordingScope.Root] = []
    /// Of overlays that were mounted.
    var workDirectories: [FileHandle] = []
    /// Where filesystems are seen.
    var mountPoints: [FilesystemID: RawPath] = [:]
    /// It was mounted anew: what was known of its directories may be true no longer.
    var remounted: FilesystemID?
}

/// Changes on their way from *mounts* to *resolve*: put here before the mark that lets their events in.
final class ScopeChanges: Sendable {
    private let waiting = Mutex<[ScopeChange]>([])
    private let hasSome = Atomic<Bool>(false)

    func add(_ change: ScopeChange) {
        waiting.withLock { $0.append(change) }
        hasSome.store(true, ordering: .releasing)
    }

    /// What was added since, in order. Cost while there is nothing: one load.
    func take() -> [ScopeChange] {
        guard hasSome.load(ordering: .acquiring) else { return [] }
        return waiting.withLock {
            hasSome.store(false, ordering: .relaxed)
            let changes = $0
            $0.removeAll()
            return changes
        }
    }
}
