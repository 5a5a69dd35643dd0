package import Model

/// What a recorder that follows mounts has to write down, in one transaction.
package struct CoverageChange: Sendable {
    /// A coverage that ends before its run.
    package struct End: Hashable, Sendable {
        package var path: RawPath
        package var filesystem: FilesystemID
        package var at: Instant

        package init(path: RawPath, filesystem: FilesystemID, at: Instant) {
            self.path = path
            self.filesystem = filesystem
            self.at = at
        }
    }

    /// An open `not_covered` gap of this run that ends: what it was about is gone.
    package struct GapEnd: Hashable, Sendable {
        package var scope: RawPath
        package var at: Instant

        package init(scope: RawPath, at: Instant) {
            self.scope = scope
            self.at = at
        }
    }

    package var ended: [End] = []
    package var endedGaps: [GapEnd] = []
    package var started: [Coverage] = []
    package var gaps: [Gap] = []
    package var containerMounts: [ContainerMount] = []

    package init() {}

    package var isEmpty: Bool {
        ended.isEmpty && endedGaps.isEmpty && started.isEmpty && gaps.isEmpty && containerMounts.isEmpty
    }
}
