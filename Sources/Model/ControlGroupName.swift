/// What systemd names the parts of a control group's path.
///
/// Source: systemd.unit(5), systemd.slice(5): slices come first, then the unit; below `user@UID.service` the user's own
/// manager goes on with slices and units of its own.
package enum ControlGroupName {
    /// The unit a process belongs to: the first part of the path that is a unit and no slice; nil where there is none.
    package static func unit(of path: RawPath) -> RawPath? {
        units(of: path).first
    }

    /// All units of the path, the system's before the user's.
    package static func units(of path: RawPath) -> [RawPath] {
        path.bytes.split(separator: UInt8(ascii: "/")).filter { part in
            suffixes.contains { part.count > $0.count && part.suffix($0.count).elementsEqual($0) }
        }.map { RawPath(Array($0)) }
    }

    private static let suffixes = [".service", ".scope", ".socket", ".mount", ".swap"].map { Array($0.utf8) }
}
