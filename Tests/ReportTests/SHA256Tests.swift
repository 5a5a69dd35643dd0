import Testing

@testable import Report

@Suite struct SHA256Tests {
    /// Source: the examples of FIPS 180-2 B.1 to B.3, and the empty message.
    @Test(arguments: [
        ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func hashesAreThoseOfTheStandard(text: String, repetitions: Int, expected: String) {
        let message = Array(repeatElement(Array(text.utf8), count: repetitions).joined())
        let digits = Array("0123456789abcdef")
        let hash = SHA256.hash(message).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        #expect(String(hash) == expected)
    }
}
