import Model
import Testing

@testable import Query

@Suite struct OutputFormTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_795_435_200_123_456_789, "2026-11-23T12:00:00.123456789Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
        (Int64.max, "2262-04-11T23:47:16.854775807Z"),
        (Int64.min, "1677-09-21T00:12:43.145224192Z"),
    ])
    func timestampsByTable(nanoseconds: Int64, expected: String) {
        #expect(TimestampWriter.text(Instant(nanosecondsSinceEpoch: nanoseconds)) == expected)
    }

    @Test func timestampsInOtherZonesNameTheOffset() {
        let instant = Instant(nanosecondsSinceEpoch: 1_795_435_200_000_000_000)
        #expect(TimestampWriter.text(instant, zone: .fixed(5_400)) == "2026-11-23T13:30:00.000000000+01:30")
        #expect(TimestampWriter.text(instant, zone: .fixed(-5_400)) == "2026-11-23T10:30:00.000000000-01:30")
    }

    @Test(arguments: [
        // bytes, as shown on a terminal
        (Array("plain é".utf8), "plain é"),
        (Array("a\u{1B}[2Jb".utf8), "a\\x1b[2Jb"),
        (Array("new\nline\ttab\u{7F}".utf8), "new\\x0aline\\x09tab\\x7f"),
        (Array("back\\slash".utf8), "back\\\\slash"),
        ([0x61, 0xFF, 0x62], "a\\xffb"),
        // C1 control, right-to-left override, zero width space, byte order mark.
        (Array("\u{9B}2J".utf8), "\\xc2\\x9b2J"),
        (Array("a\u{202E}b".utf8), "a\\xe2\\x80\\xaeb"),
        (Array("\u{2066}x".utf8), "\\xe2\\x81\\xa6x"),
        (Array("\u{200B}".utf8), "\\xe2\\x80\\x8b"),
        (Array("\u{FEFF}".utf8), "\\xef\\xbb\\xbf"),
        // Overlong, surrogate, cut off.
        ([0xC0, 0x80], "\\xc0\\x80"),
        ([0xED, 0xA0, 0x80], "\\xed\\xa0\\x80"),
        ([0xE2, 0x82], "\\xe2\\x82"),
        ([0xF4, 0x90, 0x80, 0x80], "\\xf4\\x90\\x80\\x80"),
    ])
    func terminalTextByTable(bytes: [UInt8], expected: String) {
        #expect(TerminalText.escaped(bytes) == expected)
    }

    @Test func jsonPassesTextAndKeepsRawBytes() {
        var json = JSONWriter()
        json.beginObject()
        json.path("path", raw: "path_raw", Array("/é\"\\\n\u{1B}\u{202E}\u{E0001}".utf8))
        json.path("target", raw: "target_raw", [0x2F, 0xFF])
        json.key("n")
        json.integer(Int64.min)
        json.key("u")
        json.integer(UInt64.max)
        json.key("a")
        json.beginArray()
        json.null()
        json.boolean(false)
        json.endArray()
        json.endObject()
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(
            text
                == "{\"path\":\"/é\\\"\\\\\\n\\u001b\\u202e\\udb40\\udc01\",\"target\":\"/\u{FFFD}\",\"target_raw\":\"L/8=\","
                + "\"n\":-9223372036854775808,\"u\":18446744073709551615,\"a\":[null,false]}")
        let value = JSONValue(json.bytes)
        #expect(value?["path"]?.text == "/é\"\\\n\u{1B}\u{202E}\u{E0001}")
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64ByTheVectorsOfItsStandard(text: String, expected: String) {
        var bytes: [UInt8] = []
        bytes.append(base64: Array(text.utf8))
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func csvQuotesWhatNeedsIt() {
        var csv = CSVWriter(isForTerminal: false)
        csv.field("a,b")
        csv.field("say \"x\"")
        csv.field("two\nlines")
        csv.empty()
        csv.field(integer: -5)
        csv.endRow()
        #expect(String(decoding: csv.bytes, as: UTF8.self) == "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",,-5\n")
        var shown = CSVWriter(isForTerminal: true)
        shown.field("two\nlines")
        #expect(String(decoding: shown.bytes, as: UTF8.self) == "two\\x0alines")
    }

    @Test func tablesAlignAndEscape() {
        var table = TextTable([("N", .right), ("NAME", .left), ("X", .left)])
        table.append(["1", "é", "x"])
        table.append(["100", "a\u{1B}", "y"])
        var bytes: [UInt8] = []
        table.write(to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self) == "  N  NAME   X\n  1  é      x\n100  a\\x1b  y\n")
    }

    @Test func barsShowAnythingAboveZero() {
        func bar(_ value: UInt64, _ maximum: UInt64) -> String {
            var bytes: [UInt8] = []
            Bar.append(value, of: maximum, columnCount: 4, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(bar(0, 10) == "")
        #expect(bar(1, 1_000_000) == "▏")
        #expect(bar(10, 10) == "████")
        #expect(bar(5, 10) == "██")
        #expect(bar(0, 0) == "")
    }

    @Test(arguments: [
        ("0", 0), ("4096", 4_096), ("1K", 1_024), ("1.5G", 1_610_612_736), ("2MiB", 2_097_152),
        ("3tb", 3_298_534_883_328),
    ])
    func sizesByTable(text: String, expected: Int64) {
        #expect(ByteSize.parse(text) == expected)
    }

    @Test(arguments: ["", "G", "1X", "-1", "1e9", "99999999999999T", "1.2.3"])
    func refusesSizes(text: String) {
        #expect(ByteSize.parse(text) == nil)
    }

    @Test func jsonThatIsNoneIsRefused() {
        for text in ["", "{", "{\"a\"}", "[1,]", "tru", "\"\\ud800", "{} x", String(repeating: "[", count: 100)] {
            #expect(JSONValue(Array(text.utf8)) == nil, "\(text)")
        }
        #expect(JSONValue(Array(" {\"a\":[1,\"\\u00e9\\n\",null,true]} ".utf8))?["a"] != nil)
    }

    /// An argument is echoed in the message about it.
    @Test func messagesCannotSteerTheTerminal() {
        #expect("a\u{1B}[31mb\u{9B}c\n".withoutControls == "a\\x1b[31mb\\x9bc\n")
    }
}
