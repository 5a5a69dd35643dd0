import Query
import Testing

@testable import Report

@Suite struct PageTextTests {
    @Test func nothingInHTMLIsMarkup() {
        #expect(
            String(decoding: PageText.html("</title><script>\"'&amp;"), as: UTF8.self)
                == "&lt;/title&gt;&lt;script&gt;&quot;&#39;&amp;amp;")
    }

    @Test func jsonInAScriptElementNeverEndsIt() throws {
        let hostile = "</script><!--<script>&"
        var writer = JSONWriter()
        writer.string(hostile)
        let bytes = PageText.script(writer.bytes)
        #expect(bytes.allSatisfy { !"<>&".utf8.contains($0) })
        #expect(JSONValue(bytes) == .string(hostile))
    }

    /// One row for each kind of byte that steers what is shown.
    @Test(
        arguments: [
            ([0x1B, 0x5B], "\\x1b["),  // a terminal's escape
            ([0x0A, 0x00], "\\x0a\\x00"),  // a line feed and NUL
            ([0xE2, 0x80, 0xAE], "\\xe2\\x80\\xae"),  // right-to-left override
            ([0xFF, 0x61], "\\xffa"),  // no UTF-8
            ([0x5C], "\\\\"),  // the sign of escapes itself
            ([0xC3, 0xA9], "é"),
        ] as [([UInt8], String)])
    func whatSteersIsShownAsItsBytes(bytes: [UInt8], expected: String) {
        #expect(PageText.shown(bytes) == expected)
    }

    @Test func longTextsAreCutInTheMiddle() {
        let limit = PageText.maximumScalarCount
        let whole = String(repeating: "é", count: limit)
        #expect(PageText.shortened(whole) == whole)
        let long = Array("begin".utf8) + [UInt8](repeating: 0xF0, count: 1 << 20) + Array("end".utf8)
        let shown = PageText.shown(long)
        #expect(shown.unicodeScalars.count == limit + 3)
        #expect(shown.hasPrefix("begin\\xf0") && shown.hasSuffix("\\xf0end") && shown.contains(" … "))
    }
}

@Suite struct PageAssetsTests {
    /// What a browser hashes is what stands between the tags only where neither the end of the element nor a line end that
    /// HTML rewrites is in it.
    @Test func assetsCanStandInTheirElements() {
        for asset in [PageAssets.library, PageAssets.script, PageAssets.style] {
            let text = String(decoding: asset, as: UTF8.self)
            #expect(text.utf8.count == asset.count, "it is UTF-8")
            #expect(text.count > 1_000)
            for part in ["</script", "</style", "<!--", "<script"] { #expect(!text.contains(part)) }
            #expect(!asset.contains(0) && !asset.contains(0x0D))
        }
    }

    /// Names come into the page as text alone: by none of the ways in which a script can make markup or code of text.
    @Test func thePageScriptMakesNoMarkupOfText() {
        let script = String(decoding: PageAssets.script, as: UTF8.self)
        let ways = [
            ".html(", "innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "href",
        ]
        for way in ways { #expect(!script.contains(way)) }
    }

    @Test func theLibrarysLicenceIsInThePage() {
        let licence = String(decoding: PageAssets.libraryLicence, as: UTF8.self)
        #expect(licence.contains("Mike Bostock") && licence.contains("Redistributions in binary form"))
    }
}
