internal import Model
internal import Query

/// The operations of an event as a text: their names, separated by spaces, in the order of `Operation`.
enum OperationText {
    static func text(_ mask: EventMask) -> [UInt8] {
        Array(mask.operationNames.joined(separator: " ").utf8)
    }

    /// The operations that a text names; what is no operation is left out, for no event has it.
    static func mask(_ text: [UInt8]) -> EventMask {
        text.split(separator: UInt8(ascii: " ")).reduce(into: []) { mask, word in
            if let operation = Operation(rawValue: String(decoding: word, as: UTF8.self)) {
                mask.formUnion(operation.mask)
            }
        }
    }

    /// The operations that MATCH asks for: a list such as `create,modify`.
    ///
    /// Throws: `SQLTableError` that lists those that are known.
    static func asked(_ value: SQLValue) throws(SQLTableError) -> EventMask {
        guard case .text(let bytes) = value else {
            throw SQLTableError("op MATCH needs a text such as 'create,modify'")
        }
        let words = String(decoding: bytes, as: UTF8.self).replacing(" ", with: "")
        do throws(UnknownOperation) {
            return try Operation.parseList(words)
        } catch {
            throw SQLTableError(error.description)
        }
    }

    /// What `operations MATCH asked` is.
    static func matches(_ operations: SQLValue, _ asked: SQLValue) throws(SQLTableError) -> SQLValue {
        guard asked != .null, case .text(let bytes) = operations else { return .null }
        return .boolean(!mask(bytes).isDisjoint(with: try self.asked(asked)))
    }
}
