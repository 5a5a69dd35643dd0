import SQLiteWAL
import Segment

/// What is stored of what was found in a log.
extension CapturedCommit.Status {
    init(_ proof: CommitProof) {
        switch proof {
        case .published: self = .published
        case .unchained: self = .unchained
        case .logged: self = .logged
        }
    }
}

extension CaptureGap.Cause {
    init(_ cause: MissedCause) {
        switch cause {
        case .wrapped: self = .wrapped
        case .truncated: self = .truncated
        case .removed: self = .deleted
        case .changed: self = .diverged
        case .tooLarge, .notLogged, .unsupported: self = .unsupported
        case .unreadable: self = .unreadable
        }
    }
}
