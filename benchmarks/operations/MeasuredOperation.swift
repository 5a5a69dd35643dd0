/// An operation whose cost is watched, with its input made: the same work on the same input at each run.
///
/// Shared by the program whose instructions are counted and by the micro-benchmarks, so that both are about the same.
/// Thread: one.
public final class MeasuredOperation {
    /// The operations by the names under which their figures are kept.
    public enum Name: String, CaseIterable, Sendable {
        /// Event records of a full queue, read field by field.
        case parse
        /// The same records made into a batch: paths, processes, folding.
        case resolve
        /// That batch made into a fresh block.
        case encode
        /// All of that block decoded.
        case decode
        /// The checksum of a write-ahead log.
        case checksum
        /// A selection by path, operation and time over a block that is decoded.
        case filter
        /// `varve count --op delete --under DIR`.
        case count
        /// `varve top --by dir`.
        case top
        /// `varve events --path GLOB -o jsonl`, where a ten-thousandth is found.
        case events
        /// `varve events --path PATH -o jsonl`.
        case lookUp = "look-up"

        /// Needs what `StoredStorm.write` makes.
        public var asksStore: Bool {
            switch self {
            case .parse, .resolve, .encode, .decode, .checksum, .filter: false
            case .count, .top, .events, .lookUp: true
            }
        }
    }

    public let name: Name
    /// What `unitCount` counts.
    public let unit: String
    /// How many things one run works on.
    public let unitCount: Int
    private let work: any Work

    /// Makes the input. Parameter store: a directory with what `StoredStorm.write` left there; the questions are asked of it.
    public init(_ name: Name, store: String) throws {
        self.name = name
        work =
            switch name {
            case .parse: Parsing()
            case .resolve: try Resolving()
            case .encode: try Encoding()
            case .decode: try Decoding()
            case .checksum: Checksumming()
            case .filter: try Filtering()
            case .count, .top, .events, .lookUp: try Asking(name, store: store)
            }
        unit = work.unit
        unitCount = work.unitCount
        // What is set up once, in the runtime and in the work itself, is no part of a run.
        _ = try work.run()
    }

    /// Works once. Returns a number that follows from all of the work, so that none of it can be left out.
    public func run() throws -> Int {
        try work.run()
    }
}

/// What an operation does.
protocol Work: AnyObject {
    var unit: String { get }
    var unitCount: Int { get }
    func run() throws -> Int
}
