/// A directory of a dictionary: dense, 0-based; 0 is the root "/".
package typealias DirectoryIndex = UInt32

/// A path of a dictionary: dense, 0-based.
package typealias PathIndex = UInt32

/// A process of a batch or block: the index into its `processes`.
package typealias ProcessIndex = UInt32

extension UInt32 {
    /// The index that names nothing: no path, no target, no process, no directory.
    @inlinable package static var absent: UInt32 { .max }
}
