package import Model
package import Store

/// The forms an answer can have.
package enum OutputFormat: String, CaseIterable, Sendable {
    case table
    case json
    case jsonl
    case csv
}

/// How `varve` ends.
package enum AnswerStatus: Int32, Sendable {
    case found = 0
    case nothingFound = 1
    case usage = 2
    case incomplete = 3
    case unreadable = 4
}

/// A wish that cannot be met as it was put.
package struct UsageError: Error, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// What every question is asked with: the store, the form of the answer, and where it goes.
///
/// Thread: one.
package final class QueryContext {
    package let storeDirectory: RawPath
    /// Nil: a table on a terminal, JSON lines elsewhere.
    package let format: OutputFormat?
    package let acceptsGaps: Bool
    package let output: AnswerOutput
    package let messages: Messages
    package let zone: TimeZoneRule

    package init(
        storeDirectory: RawPath, format: OutputFormat? = nil, acceptsGaps: Bool = false,
        output: AnswerOutput = AnswerOutput(), messages: Messages = Messages(), zone: TimeZoneRule = .local
    ) {
        self.storeDirectory = storeDirectory
        self.format = format
        self.acceptsGaps = acceptsGaps
        self.output = output
        self.messages = messages
        self.zone = zone
    }

    /// A context as the command line puts it, with the standard streams.
    ///
    /// Throws: `UsageError` where no store is named and none can be guessed.
    package convenience init(store named: RawPath?, format: OutputFormat?, acceptsGaps: Bool) throws(UsageError) {
        guard let directory = named ?? QueryProcess.standardStore(), !directory.bytes.isEmpty else {
            throw UsageError("which store? give --store DIR")
        }
        self.init(storeDirectory: directory, format: format, acceptsGaps: acceptsGaps)
    }

    /// The form of an answer that consists of rows.
    package var rowFormat: OutputFormat {
        format ?? (output.isTerminal ? .table : .jsonl)
    }

    /// The form of an answer that is one text.
    package var textFormat: OutputFormat {
        format ?? .table
    }

    /// Opens the store for reading.
    package func openStore() throws(StoreError) -> StoreReader {
        try StoreReader(directory: storeDirectory)
    }

    /// Says why the answer may be incomplete, and what that makes of the exit status.
    ///
    /// Parameter found: whether the answer names anything.
    package func conclude(found: Bool, reasons: [Completeness.Reason], damages: [Scan.Damage] = []) -> AnswerStatus {
        for damage in damages { messages.warn(damage.text) }
        let shown = 5
        for reason in reasons.prefix(shown) { messages.warn("incomplete: \(reason.text)") }
        if reasons.count > shown {
            messages.warn("incomplete: \(reasons.count - shown) more reasons; see 'varve gaps'")
        }
        if !damages.isEmpty { return .unreadable }
        if !reasons.isEmpty, !acceptsGaps { return .incomplete }
        return found ? .found : .nothingFound
    }
}
