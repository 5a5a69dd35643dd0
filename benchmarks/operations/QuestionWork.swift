internal import Model
internal import Query

final class Filtering: Work {
    private let filter: BlockFilter
    let unit = "event"
    let unitCount: Int

    init() throws {
        let block = try StormBatches.block(seed: 3, readingCount: 32)
        unitCount = block.eventCount
        var selection = Selection()
        selection.paths = [try Glob(Array("*.log".utf8))]
        selection.operations = [.delete, .modify]
        selection.since = Instant(nanosecondsSinceEpoch: 1_760_000_000_010_000_000)
        filter = try BlockFilter(block.bytes, selection)
    }

    func run() throws -> Int {
        try filter.count()
    }
}

/// A question as `varve` answers it, from opening the store to the last byte of the answer, which goes into memory.
final class Asking: Work {
    private let name: MeasuredOperation.Name
    private let store: String
    private let selection: Selection
    let unit = "question"
    let unitCount = 1

    init(_ name: MeasuredOperation.Name, store: String) throws {
        self.name = name
        self.store = store
        var selection = Selection()
        switch name {
        case .count:
            selection.operations = .delete
            selection.directories = [Glob(under: RawPath("/\(FileStorm.knownDirectory)"))]
        case .events: selection.paths = [try Glob(Array("/**/parser-77*.log".utf8))]
        case .lookUp: selection.paths = [try Glob(Array(StoredStorm.knownPath.utf8))]
        default: break
        }
        self.selection = selection
    }

    func run() throws -> Int {
        let output = AnswerOutput(memoryAsTerminal: false)
        let context = QueryContext(
            storeDirectory: RawPath(store), format: .jsonl, acceptsGaps: true, output: output,
            messages: Messages(collecting: true), zone: .utc)
        let status =
            switch name {
            case .count: try CountAnswer(context, selection).run()
            case .top: try TopAnswer(context, selection, by: .dir).run()
            default: try EventsAnswer(context, selection).run()
            }
        guard status == .found else {
            throw UnexpectedAnswer(description: "\(name.rawValue): \(status), \(context.messages.collected)")
        }
        return output.collected.count
    }
}

/// The store does not hold what the question is about.
struct UnexpectedAnswer: Error, CustomStringConvertible {
    var description: String
}
