package import Model

/// The names in an archive's directory.
package struct ArchiveLayout: Sendable {
    package let directory: RawPath

    package init(directory: RawPath) {
        self.directory = directory
    }

    package var mark: RawPath { directory.appending("archive".utf8) }

    package func generation(_ number: UInt64) -> RawPath {
        directory.appending(SegmentFiles.digits(number).utf8)
    }

    package func start(of number: UInt64) -> RawPath { generation(number).appending("start".utf8) }
    package func until(of number: UInt64) -> RawPath { generation(number).appending("until".utf8) }

    /// The segments and the base image of the store, and the files of captured databases.
    package func files(of number: UInt64) -> SegmentFiles { SegmentFiles(directory: generation(number)) }
}
