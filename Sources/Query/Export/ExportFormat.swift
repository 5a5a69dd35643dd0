/// The forms in which events and gaps leave for other programs. Who reads which: docs/export.md.
package enum ExportFormat: String, CaseIterable, Sendable {
    case jsonl
    case csv
    case bodyfile
    case timesketch
    case ocsf
    case sqlite
    case parquet

    /// True for a form that is no stream of text.
    package var needsFile: Bool {
        switch self {
        case .sqlite, .parquet: true
        case .jsonl, .csv, .bodyfile, .timesketch, .ocsf: false
        }
    }
}
