import Model
import Testing

@Suite struct EventMaskTests {
    @Test func theOperationsAreAllThatHaveAName() {
        let named = Operation.allCases.reduce(UInt32(0)) { $0 | $1.mask.rawValue }
        #expect(EventMask.operations.rawValue == named)
    }

    @Test func twoOperationsInOneRecordAreMerged() {
        #expect(!EventMask.create.isMerged)
        #expect(EventMask([.create, .modify]).isMerged)
        // That it was a directory is no operation.
        #expect(!EventMask([.create, .onDirectory]).isMerged)
    }

    @Test func listsOfNamesAreRead() throws {
        #expect(try Operation.parseList("create,close_write") == [.create, .closeWrite])
        #expect(try Operation.parseList("all") == .operations)
        for operation in Operation.allCases { #expect(try Operation.parseList(operation.rawValue) == operation.mask) }
    }

    @Test(arguments: ["", "create,", "wrote", "Create"])
    func unknownNamesAreNamed(list: String) {
        #expect { try Operation.parseList(list) } throws: { error in
            (error as? UnknownOperation)?.description.contains("close_write") == true
        }
    }
}
