internal import Block
internal import Model
internal import Store

/// `varve verify`: whether every block is what the store says it is.
///
/// Checked: each block decodes; its commits' hashes, derived anew from the decoded events, are those it lists; its
/// numbers follow the last block's without a hole; its row tells its counts and bounds; its filter knows its paths.
package struct VerifyAnswer {
    private let context: QueryContext

    package init(_ context: QueryContext) {
        self.context = context
    }

    private struct Finding {
        var firstSequence: UInt64
        var count: UInt64
        var text: String
    }

    /// Prints what was found; a damaged block does not keep the others from being checked.
    ///
    /// Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let reader = try context.openStore()
        let walk = BlockWalk(reader, from: nil, to: nil)
        var findings: [Finding] = []
        var blockCount: UInt64 = 0
        var eventCount: UInt64 = 0
        // What was pruned is gone for good; everything behind it has to be there.
        let pruned = try reader.gaps().filter { $0.gap.kind == .pruned }.map(\.afterSequence).max() ?? 0
        var expected: UInt64? = pruned + 1
        let progress = ProgressLine()
        while let row = try walk.next() {
            progress?.update { walk.share }
            if let expected, row.firstSequence != expected {
                findings.append(
                    Finding(
                        firstSequence: row.firstSequence, count: row.count,
                        text: "the numbers do not follow: \(expected) was expected"))
            }
            guard let bytes = try walk.fetch(row) else {
                // Merged or pruned meanwhile; what took its place is checked instead.
                continue
            }
            // A merged block starts where its first source did, so the bytes may be those of a newer row.
            let row = try reader.blocks(afterSequence: row.firstSequence - 1).first ?? row
            let filter = try reader.filter(firstSequence: row.firstSequence)
            do throws(BlockError) {
                let problems = try check(bytes, filter, row, reader.filterKey)
                findings += problems.map {
                    Finding(firstSequence: row.firstSequence, count: row.count, text: $0)
                }
            } catch {
                findings.append(Finding(firstSequence: row.firstSequence, count: row.count, text: "\(error)"))
            }
            blockCount += 1
            eventCount += row.count
            expected = row.endSequence
            walk.finish(first: row.firstSequence, end: row.endSequence)
        }
        if let last = try reader.lastSequence(), let expected, last >= expected {
            findings.append(
                Finding(
                    firstSequence: expected, count: last - expected + 1, text: "the blocks end before the last number"))
        }
        let databases = try DatabaseVerification(reader)
        write(findings, databases, blockCount, eventCount)
        try context.output.flush()
        return findings.isEmpty && databases.findings.isEmpty ? .found : .unreadable
    }

    /// What is wrong with one block; throws where it does not decode or does not match its hashes.
    private func check(
        _ bytes: [UInt8], _ filter: [UInt8]?, _ row: BlockRow, _ key: FilterKey
    ) throws(BlockError) -> [String] {
        let block = try BlockReader(bytes)
        let header = block.header
        var problems: [String] = []
        if header.firstSequence != row.firstSequence || UInt64(header.count) != row.count {
            problems.append(
                "holds \(header.count) events from \(header.firstSequence), its row says \(row.count) from "
                    + "\(row.firstSequence)")
        }
        if header.earliest != row.earliest || header.latest != row.latest {
            problems.append("its row has other time bounds")
        }
        if !row.maskUnion.isSuperset(of: header.maskUnion) { problems.append("its row lacks operations it holds") }
        if row.byteCount != UInt64(bytes.count) { problems.append("its row says \(row.byteCount) bytes") }
        try block.verify()
        if let filter, !filter.isEmpty {
            let paths = try block.pathDictionary()
            let finder = PathFilterReader(filter, key: key)
            var path: [UInt8] = []
            for index in 0..<paths.count {
                path.removeAll(keepingCapacity: true)
                paths.appendPath(PathIndex(index), to: &path)
                switch finder.find(path, pathGroupCount: block.pathGroupCount) {
                case .possible(nil): continue
                case .possible(let group) where group == block.pathGroup(of: PathIndex(index)): continue
                default: problems.append("its filter does not know '\(TerminalText.escaped(path))'")
                }
                break
            }
        }
        return problems
    }

    private func write(
        _ findings: [Finding], _ databases: DatabaseVerification, _ blockCount: UInt64, _ eventCount: UInt64
    ) {
        switch context.textFormat {
        case .table:
            var text = ""
            for finding in findings {
                let last = finding.firstSequence &+ finding.count &- 1
                text += "damaged: events \(finding.firstSequence) to \(last): \(finding.text)\n"
            }
            for finding in databases.findings { text += "damaged: \(finding.place): \(finding.text)\n" }
            let count = findings.count + databases.findings.count
            text += count == 0 ? "ok" : "damaged"
            text += ": \(blockCount) blocks, \(eventCount) events, "
            if databases.fileCount > 0 { text += "\(databases.fileCount) files of databases, " }
            text += "\(count) findings\n"
            context.output.bytes.append(string: text)
        case .csv:
            var csv = CSVWriter(isForTerminal: context.output.isTerminal)
            for title in ["seq", "count", "problem"] { csv.field(title) }
            csv.endRow()
            for finding in findings {
                csv.field(integer: finding.firstSequence)
                csv.field(integer: finding.count)
                csv.field(finding.text)
                csv.endRow()
            }
            for finding in databases.findings {
                csv.field("")
                csv.field("")
                csv.field("\(finding.place): \(finding.text)")
                csv.endRow()
            }
            context.output.bytes += csv.bytes
        case .json, .jsonl:
            var json = JSONWriter()
            json.beginObject()
            json.key("ok")
            json.boolean(findings.isEmpty && databases.findings.isEmpty)
            json.key("blocks")
            json.integer(blockCount)
            json.key("events")
            json.integer(eventCount)
            json.key("damaged")
            json.beginArray()
            for finding in findings {
                json.beginObject()
                json.key("seq")
                json.integer(finding.firstSequence)
                json.key("count")
                json.integer(finding.count)
                json.key("problem")
                json.string(finding.text)
                json.endObject()
            }
            for finding in databases.findings {
                json.beginObject()
                json.key("file")
                json.string(finding.place)
                json.key("problem")
                json.string(finding.text)
                json.endObject()
            }
            json.endArray()
            json.key("database_files")
            json.integer(databases.fileCount)
            json.endObject()
            json.endLine()
            context.output.bytes += json.bytes
        }
    }
}
