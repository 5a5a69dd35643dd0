import Model
import Syscalls
import TestSupport

/// Two states of a database that SQLite made, and what SQLite says differs.
struct RowScene: Sendable, CustomStringConvertible {
    var seed: Int
    var pageSize = 4096
    var autoVacuum = 0
    var encoding = "UTF-8"
    var features: [String] = []

    var description: String {
        "seed \(seed), page size \(pageSize), auto_vacuum \(autoVacuum), \(encoding), \(features.joined(separator: " "))"
    }

    /// Every page size, way of vacuuming and encoding, with all that can happen between two states.
    static let all: [RowScene] = {
        let features: [[String]] = [
            [], ["blob"], ["vacuum"], ["drop", "truncate"], ["alter"], ["alter", "vacuum"], ["fts", "blob"],
            ["drop", "truncate", "alter", "blob", "fts"], ["truncate", "vacuum", "drop"],
        ]
        var scenes: [RowScene] = []
        for (index, features) in features.enumerated() {
            for (place, pageSize) in [512, 4096, 65_536].enumerated() {
                scenes.append(
                    RowScene(
                        seed: 1 + 10 * index + place, pageSize: pageSize, autoVacuum: (index + place) % 3,
                        encoding: ["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"][(index + 2 * place) % 4],
                        features: features))
            }
        }
        return scenes
    }()

    /// Lets SQLite make the databases in `directory`.
    func make(in directory: String) throws -> Made {
        let script = BuiltPrograms.rowWorkload
        try runSuccessfully(
            "python3", [script, directory, "\(seed)", "\(pageSize)", "\(autoVacuum)", encoding] + features)
        func lines(_ name: String) throws -> [String] {
            let text = try Files.contents(of: RawPath("\(directory)/\(name)"), limit: 1 << 28)
            return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init).sorted()
        }
        return Made(
            before: try FilePages(path: "\(directory)/before.db"), after: try FilePages(path: "\(directory)/after.db"),
            truth: try lines("truth"), session: try lines("session"), rows: try lines("rows"))
    }

    struct Made {
        var before: FilePages
        var after: FilePages
        var truth: [String]
        var session: [String]
        var rows: [String]
    }
}
