internal import Store

/// `varve count`: how many events a selection has.
package struct CountAnswer {
    private let context: QueryContext
    private let selection: Selection

    package init(_ context: QueryContext, _ selection: Selection) {
        self.context = context
        self.selection = selection
    }

    /// Prints the number. Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let question = try Question(context, selection)
        let scan = question.scan(selection)
        var count = try scan.count()
        if let limit = selection.limit, count > limit {
            context.messages.say("\(count) events match; --limit cut the number to \(limit)")
            count = UInt64(limit)
        }
        switch context.textFormat {
        case .table:
            context.output.bytes.append(decimal: count)
            context.output.bytes.append(UInt8(ascii: "\n"))
        case .json, .jsonl:
            var json = JSONWriter()
            json.beginObject()
            json.key("count")
            json.integer(count)
            json.endObject()
            json.endLine()
            context.output.bytes += json.bytes
        case .csv:
            context.output.bytes.append(text: "count\n")
            context.output.bytes.append(decimal: count)
            context.output.bytes.append(UInt8(ascii: "\n"))
        }
        try context.output.flush()
        return question.conclude(found: count > 0, scan)
    }
}
