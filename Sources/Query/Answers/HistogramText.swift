internal import Model

/// A histogram for people: a line for each stretch of time with a bar; on a terminal, where events are told apart, a line for
/// each group with a sparkline.
struct HistogramText {
    private let context: QueryContext
    private let every: Int64
    private static let greatestBar = 40
    private static let leastSparkline = 16

    /// Parameter every: nanoseconds of a stretch.
    init(_ context: QueryContext, every: Int64) {
        self.context = context
        self.every = every
    }

    /// Writes a line for each stretch, and each group in it.
    func write(_ rows: [HistogramTally.Row], _ keys: GroupKeys?, _ grouping: Grouping?) {
        var time = TimestampWriter(zone: context.zone)
        let terminal = context.output.terminal
        // Without a terminal the remark stands right behind the bar.
        let hasRemarks = terminal != nil && rows.contains(where: \.hasGap)
        var columns: [(title: String, alignment: TextTable.Alignment)] = [(time.title("FROM"), .left)]
        if let grouping { columns.append((grouping.rawValue.uppercased(), .left)) }
        columns += [("COUNT", .right), ("", .left)]
        if hasRemarks { columns.append(("", .left)) }
        var table = TextTable(columns)
        table.style(column: grouping == nil ? 2 : 3, .figure)
        table.style(column: grouping == nil ? 3 : 4, .warning)
        let greatest = rows.map(\.count).max() ?? 0
        let widest = ["COUNT", "\(greatest)", hasRemarks ? "gap" : ""].map { Array($0.utf8) }
        let columnCount = Bar.columnCount(
            atMost: Self.greatestBar,
            beside: [[Array(columns[0].title.utf8), text(.distantPast, &time)], Array(widest.prefix(2))]
                + (hasRemarks ? [[widest[2]]] : []), on: terminal)
        for row in rows {
            var bar: [UInt8] = []
            Bar.append(
                row.count, of: greatest, columnCount: columnCount, isUTF8: terminal?.isUTF8 ?? true, to: &bar)
            var cells = [text(row.from, &time)]
            if let group = row.group, let keys { cells.append(keys.label(group)) }
            cells.append(Array("\(row.count)".utf8))
            if hasRemarks {
                cells += [bar, row.hasGap ? Array("gap".utf8) : []]
            } else {
                cells.append(row.hasGap ? bar + Array("  gap".utf8) : bar)
            }
            table.append(cells)
        }
        table.write(to: context.output)
    }

    /// Writes a line for each group: how many events it has, the most in one column, and a sparkline of all columns in proportion
    /// to that.
    func write(
        _ tally: HistogramTally, _ keys: GroupKeys, _ grouping: Grouping, _ gaps: [Gap], on terminal: Terminal
    ) {
        let labels = tally.shown.map { keys.label($0) }
        let title = grouping.rawValue.uppercased()
        let counts = (["COUNT"] + tally.totals.map { "\($0)" }).map { Array($0.utf8) }
        let columnCount = terminal.columnsLeft(beside: [counts, counts, [Array(title.utf8)] + labels])
        guard
            let profile = HistogramProfile(tally, columnCount: max(Self.leastSparkline, columnCount), gaps: gaps)
        else { return }
        var time = TimestampWriter(zone: context.zone)
        TextStyle.heading.append(to: &context.output.bytes, on: terminal) { bytes in
            bytes += text(profile.from, &time) + Array(" to ".utf8) + text(profile.to, &time)
            let (length, isTooLong) = every.multipliedReportingOverflow(by: Int64(profile.stretchCount))
            bytes.append(string: " (\(context.zone.name)), \(TimeSpan.text(isTooLong ? .max : length)) a column")
        }
        context.output.bytes.append(UInt8(ascii: "\n"))
        var table = TextTable([("COUNT", .right), ("MOST", .right), ("", .left), (title, .left)])
        table.style(column: 2, .figure)
        for (line, label) in zip(profile.lines, labels) {
            let most = line.counts.max() ?? 0
            var figure: [UInt8] = []
            Sparkline.append(line.counts, of: most, isUTF8: terminal.isUTF8, to: &figure)
            table.append([Array("\(line.total)".utf8), Array("\(most)".utf8), figure, label])
        }
        if profile.hasGap.contains(true) {
            table.append([[], [], profile.hasGap.map { UInt8(ascii: $0 ? "!" : " ") }, Array("gap".utf8)])
            table.styleLastRow(.warning)
        }
        table.write(to: context.output)
    }

    /// The moment, with fractions of a second only where stretches are that short.
    private func text(_ moment: Instant, _ time: inout TimestampWriter) -> [UInt8] {
        var text: [UInt8] = []
        time.appendForPeople(moment, to: &text)
        if every % 1_000_000_000 == 0 { text.removeLast(7) }
        return text
    }
}
