import Segment
import Testing

@Suite struct NameTests {
    @Test func everyCauseAndConditionHasANameOfItsOwn() {
        #expect(Set(CaptureGap.Cause.allCases.map(\.name)).count == CaptureGap.Cause.allCases.count)
        #expect(Set(DatabaseStream.Condition.allCases.map(\.name)).count == DatabaseStream.Condition.allCases.count)
    }
}
