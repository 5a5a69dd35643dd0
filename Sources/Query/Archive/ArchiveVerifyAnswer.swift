package import Model
internal import Store

/// `varve archive verify`: which moments an archive has, and whether every file in it is what it was when it was written.
package struct ArchiveVerifyAnswer {
    private let context: QueryContext
    private let archive: RawPath

    package init(_ context: QueryContext, archive: RawPath) {
        self.context = context
        self.archive = archive
    }

    /// A time in which nothing was archived.
    private struct ArchiveGap {
        var from: Instant
        var to: Instant
        var cause: String
    }

    /// Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let reader = try ArchiveReader(directory: archive)
        let (fileCount, damages) = reader.verify()
        let gaps = gaps(reader.generations)
        switch context.rowFormat {
        case .table: writeTable(reader, gaps, damages, fileCount)
        case .csv: writeCSV(reader, gaps, damages)
        case .json, .jsonl: writeJSON(reader, gaps, damages)
        }
        try context.output.flush()
        if !damages.isEmpty { return .unreadable }
        for gap in gaps {
            context.messages.say(
                "incomplete: nothing was archived between \(TimestampWriter.text(gap.from)) and "
                    + "\(TimestampWriter.text(gap.to)): \(TerminalText.escaped(Array(gap.cause.utf8)))")
        }
        if !gaps.isEmpty, !context.acceptsGaps { return .incomplete }
        return reader.generations.isEmpty ? .nothingFound : .found
    }

    private func gaps(_ generations: [ArchiveGeneration]) -> [ArchiveGap] {
        zip(generations, generations.dropFirst()).compactMap { one, next in
            if next.start.isContinued, next.base.state == one.state { return nil }
            return ArchiveGap(from: one.end, to: next.base.high, cause: next.start.cause)
        }
    }

    private static let titles = ["generation", "from", "to", "commits", "bytes"]

    private func fields(_ generation: ArchiveGeneration) -> [String] {
        [
            "\(generation.number)", TimestampWriter.text(generation.base.high), TimestampWriter.text(generation.end),
            "\(generation.lastCommit)", "\(generation.byteCount)",
        ]
    }

    private func writeTable(
        _ reader: ArchiveReader, _ gaps: [ArchiveGap], _ damages: [ArchiveDamage], _ fileCount: Int
    ) {
        var table = TextTable(Self.titles.map { ($0.uppercased(), .left) })
        for generation in reader.generations { table.append(fields(generation).map { Array($0.utf8) }) }
        if !reader.generations.isEmpty { table.write(to: context.output) }
        var text = ""
        for damage in damages { text += "damaged: \(damage.text)\n" }
        text += damages.isEmpty ? "ok" : "damaged"
        text += ": \(reader.generations.count) generations, \(fileCount) files, \(gaps.count) gaps, "
        text += "\(damages.count) findings\n"
        context.output.bytes.append(string: text)
    }

    private func writeCSV(_ reader: ArchiveReader, _ gaps: [ArchiveGap], _ damages: [ArchiveDamage]) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in ["type"] + Self.titles + ["problem"] { csv.field(title) }
        csv.endRow()
        for generation in reader.generations {
            for text in ["generation"] + fields(generation) + [""] { csv.field(text) }
            csv.endRow()
        }
        for gap in gaps {
            for text in ["gap", "", TimestampWriter.text(gap.from), TimestampWriter.text(gap.to), "", "", gap.cause] {
                csv.field(text)
            }
            csv.endRow()
        }
        for damage in damages {
            for text in ["damage", "", "", "", "", "", damage.text] { csv.field(text) }
            csv.endRow()
        }
        context.output.bytes += csv.bytes
    }

    private func writeJSON(_ reader: ArchiveReader, _ gaps: [ArchiveGap], _ damages: [ArchiveDamage]) {
        var rows = JSONRows(isArray: context.rowFormat == .json)
        var clock = TimestampWriter(zone: .utc)
        func row(_ type: String, _ body: (inout JSONWriter) -> Void) {
            rows.begin()
            rows.json.key("type")
            rows.json.string(type)
            body(&rows.json)
            rows.end()
        }
        func span(_ from: Instant, _ to: Instant, _ json: inout JSONWriter) {
            json.key("from")
            json.time(from, &clock)
            json.key("to")
            json.time(to, &clock)
        }
        for generation in reader.generations {
            row("generation") { json in
                json.key("generation")
                json.integer(generation.number)
                span(generation.base.high, generation.end, &json)
                json.key("commits")
                json.integer(generation.lastCommit)
                json.key("bytes")
                json.integer(generation.byteCount)
                json.key("continued")
                json.boolean(generation.start.isContinued)
            }
        }
        for gap in gaps {
            row("gap") { json in
                span(gap.from, gap.to, &json)
                json.key("cause")
                json.string(gap.cause)
            }
        }
        for damage in damages {
            row("damage") { json in
                json.path("file", raw: "file_raw", damage.path.bytes)
                json.key("problem")
                json.string(damage.problem)
            }
        }
        context.output.bytes += rows.finish()
    }
}
