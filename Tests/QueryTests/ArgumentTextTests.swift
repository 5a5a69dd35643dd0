import Model
import Testing

@testable import Query

@Suite struct ArgumentTextTests {
    @Test(
        arguments: [
            [], Array("--path=/a b".utf8), Array("ünïcödé 日本語".utf8), [0x2F, 0x61, 0xFF], [0x2F, 0x61, 0xFE],
            // The beginning of a sequence, alone and before others.
            [0xE2, 0x28], [0xF0, 0x9F, 0x92], [0xC0, 0x80], [0xED, 0xA0, 0x80],
            // The scalars that stand for bytes, and their neighbours.
            Array("\u{10FF7F}\u{10FF80}\u{10FFFF}".utf8), Array("\u{FFFD}".utf8),
            // What canonical equivalence takes for the same.
            Array("e\u{301}".utf8), Array("é".utf8), Array(0x80...0xFF),
        ] as [[UInt8]])
    func bytesComeBack(_ bytes: [UInt8]) {
        #expect(RawPath(typed: ArgumentText.standing(for: bytes)).bytes == bytes)
        if let text = RawPath(bytes).text, !text.contains("\u{10FF80}") {
            #expect(ArgumentText.standing(for: bytes).utf8.elementsEqual(bytes))
        }
    }

    @Test func peopleSeeWhichByteItWas() {
        #expect(ArgumentText.shown(ArgumentText.standing(for: Array("no user 'a".utf8) + [0xFF])) == "no user 'a\\xff")
        #expect(ArgumentText.shown("ünï") == "ünï")
    }
}
