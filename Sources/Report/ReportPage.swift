internal import Block
internal import Model
internal import Query

/// The page around a report's content: one file that asks for nothing else.
///
/// Its policy names the scripts and the style by their hashes and allows nothing besides: no other script, no request, no
/// picture, no form, whatever a name that was recorded may look like. What is missing stands in plain HTML at the top.
///
/// Range: at most 5 MiB, of which `maximumDataByteCount` are data; the chart library takes 0.25 MiB, the top 0.5 at most.
struct ReportPage {
    static let maximumDataByteCount = 4 << 20
    private let content: ReportContent
    /// The content as the script reads it.
    private let data: [UInt8]
    /// The rows of each table that fit.
    private let rowLimit: Int

    /// Parameter maximumDataByteCount: rows of the tables are left out until the data take no more. The rest of them is
    /// bounded by what `ContentJSON` lists and takes less than the default.
    init(_ content: ReportContent, maximumDataByteCount: Int = Self.maximumDataByteCount) {
        self.content = content
        var rowLimit = content.tables.map(\.rows.count).max() ?? 0
        var data = PageText.script(ContentJSON(content, rowLimit: rowLimit).bytes)
        while data.count > maximumDataByteCount, rowLimit > 0 {
            rowLimit /= 2
            data = PageText.script(ContentJSON(content, rowLimit: rowLimit).bytes)
        }
        self.rowLimit = rowLimit
        self.data = data
    }

    var bytes: [UInt8] {
        let (library, script, style) = (PageAssets.library, PageAssets.script, PageAssets.style)
        var page = Array(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src \(Self.source(library)) \
            \(Self.source(script)); style-src \(Self.source(style)); base-uri 'none'; form-action 'none'">
            <meta name="referrer" content="no-referrer">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>
            """.utf8)
        page += PageText.html("Varve report of \(host), \(content.axis.rangeText)")
        page.append(text: "</title>\n<style>")
        page += style
        page.append(text: "</style>\n</head>\n<body>\n")
        page += head
        page.append(text: "<noscript><p>The charts and tables need JavaScript, which is off.</p></noscript>\n")
        page.append(text: "<main id=\"report\"></main>\n<footer>Charts: D3.<pre>")
        page += PageText.html(String(decoding: PageAssets.libraryLicence, as: UTF8.self))
        page.append(text: "</pre></footer>\n<script type=\"application/json\" id=\"data\">")
        page += data
        page.append(text: "</script>\n<script>")
        page += library
        page.append(text: "</script>\n<script>")
        page += script
        page.append(text: "</script>\n</body>\n</html>\n")
        return page
    }

    private static func source(_ bytes: [UInt8]) -> String {
        var text = Array("'sha256-".utf8)
        text.append(base64: SHA256.hash(bytes))
        text.append(UInt8(ascii: "'"))
        return String(decoding: text, as: UTF8.self)
    }

    private var host: String { PageText.shown(content.origin.hostName.bytes) }

    /// What is said before any chart: what was asked, and what is not known.
    private var head: [UInt8] {
        var bytes = Array("<header>\n<h1>".utf8)
        bytes += PageText.html("Varve report: \(host)")
        bytes.append(text: "</h1>\n<dl id=\"facts\">")
        for (name, value) in facts {
            bytes += Array("<dt>".utf8) + PageText.html(name) + Array("</dt><dd>".utf8) + PageText.html(value)
            bytes.append(text: "</dd>")
        }
        bytes.append(text: "</dl>\n<section id=\"unknown\"")
        bytes.append(
            string: content.unknowns.isEmpty ? " class=\"whole\">\n" : " class=\"incomplete\">\n")
        bytes.append(text: "<h2>What this report does not know</h2>\n")
        if content.unknowns.isEmpty {
            bytes.append(text: "<p>Nothing is known to be missing from the selected range.</p>\n")
        } else {
            bytes += Self.list(content.unknowns)
        }
        var remarks = content.remarks
        if content.tables.contains(where: { $0.rows.count > rowLimit }) {
            remarks.append("the tables have at most \(rowLimit) rows, so that the page does not get too large")
        }
        if !remarks.isEmpty {
            bytes.append(text: "<h3>To be read with care</h3>\n")
            bytes += Self.list(remarks)
        }
        bytes.append(text: "</section>\n</header>\n")
        return bytes
    }

    private var facts: [(String, String)] {
        var facts = [
            ("Shown", content.axis.rangeText), ("Events", "\(content.eventCount)"),
            ("Made", TimestampWriter.text(content.made)), ("Store", content.origin.store.hexadecimalText),
        ]
        let selection = content.selection
        var asked: [String] = []
        if let since = selection.since { asked.append("since \(TimestampWriter.text(since))") }
        if let until = selection.until { asked.append("until \(TimestampWriter.text(until))") }
        if !selection.wishText.isEmpty { asked.append(selection.wishText) }
        if !asked.isEmpty { facts.insert(("Asked", PageText.shortened(asked.joined(separator: ", "))), at: 0) }
        return facts
    }

    private static func list(_ texts: [String]) -> [UInt8] {
        var bytes = Array("<ul>\n".utf8)
        for text in texts { bytes += Array("<li>".utf8) + PageText.html(text) + Array("</li>\n".utf8) }
        return bytes + Array("</ul>\n".utf8)
    }
}

extension TimeAxis {
    var rangeText: String { "\(TimestampWriter.text(from)) to \(TimestampWriter.text(to))" }
}

extension ReportContent {
    /// So many reasons are listed; their number is said.
    static let maximumReasonCount = 100

    /// Why the report may miss something: what makes its exit status that of an incomplete answer.
    var unknowns: [String] {
        let all = findings.damages.map(\.text) + findings.failures + findings.reasons.map(\.text)
        let shown = all.prefix(Self.maximumReasonCount).map { PageText.shortened($0) }
        return all.count > shown.count ? shown + ["\(all.count - shown.count) more reasons; see 'varve gaps'"] : shown
    }

    /// What of the events that there are is not sure, and which are not told apart.
    var remarks: [String] {
        var remarks: [String] = []
        if let crossing = findings.crossing { remarks.append(crossing) }
        func say(_ count: UInt64, _ text: String) {
            if count > 0 { remarks.append("\(count) \(count == 1 ? "event" : "events"): \(text)") }
        }
        say(doubts.pathCount, "the path is uncertain")
        say(doubts.processCount, "the process is uncertain")
        say(doubts.orderCount, "the order among others of the same window is uncertain")
        say(doubts.nameOnlyCount, "the directory is not known")
        say(doubts.scannedCount, "found by a scan, not reported by the kernel: when and by whom is not known")
        say(doubts.mergedCount, "several operations that the kernel joined in one record; each is counted by operation")
        if !databases.databases.isEmpty, selection.hasProcessCondition || !selection.operations.isEmpty {
            remarks.append("commits of databases are selected by time and path, not by process or operation")
        }
        return remarks
    }
}
