/// Up to where the commits of a database have been found.
struct CapturePosition: Sendable {
    /// The generation; nil before the first was seen.
    var salts: WALSalts?
    /// Behind the last commit in it; nil before its first frame, when its header was not yet written.
    var chain: FrameChain?
    /// The index's counter of commits there; nil where it was not known.
    var changeCounter: UInt32?

    var frame: UInt32 { chain?.frame ?? 0 }
}

/// A commit that was found in the present generation, for when the log is found shorter.
struct CaptureMilestone: Sendable {
    var chain: FrameChain
    var changeCounter: UInt32?
}
