import Block
import Fanotify
import Model

/// What overlayfs does on the filesystem below.
extension Resolver {
    /// Which of a record's names its event has.
    enum EventShape: Equatable {
        case asReported
        case onlySource
        case onlyTarget
        case nothing
        /// Another name than the record's.
        case at(OverlayFolding.Entry)
    }

    /// What an overlay did for itself becomes what was done through it.
    mutating func foldOverlay(
        _ seen: OverlayFolding.Observation, object: FileHandle?, mask: inout EventMask,
        eventObject: inout FileIdentity?
    ) -> (OverlayFolding.Verdict, EventShape) {
        let (verdict, folded) = overlays.judge(seen) { object.map { directories.isWhiteout($0) ?? true } ?? true }
        if let folded {
            batch.drop(at: folded)
            counts.kept &-= 1
            counts.folded &+= 1
        }
        switch verdict {
        case .keep: return (verdict, .asReported)
        case .fold: return (verdict, .nothing)
        case .keepOnly(let rest):
            mask = rest
            return (verdict, .asReported)
        case .createTarget:
            mask = .create
            return (verdict, scope.operations.contains(.create) ? .onlyTarget : .nothing)
        case .deleteTarget:
            mask = .delete
            // The whiteout is not the file that was deleted.
            eventObject = nil
            return (verdict, scope.operations.contains(.delete) ? .onlyTarget : .nothing)
        case .createSource(let made):
            mask = [.create, .onDirectory]
            eventObject = made
            return (verdict, scope.operations.contains(.create) ? .onlySource : .nothing)
        case .keepAt(let entry): return (verdict, .at(entry))
        case .completeDelete(let event, let deleted):
            batch.amend(mask: [.delete, .onDirectory], object: deleted, at: event)
            return (verdict, .nothing)
        }
    }
}
