internal import Model
internal import Query

/// Whether what a query asked for was recorded as a whole.
///
/// Thread: one.
final class AnswerCoverage {
    private let context: QueryContext
    private var question: Question?

    init(_ context: QueryContext) {
        self.context = context
    }

    /// To be called before events are read: where their range reaches beyond what is surely stored, a live recorder commits
    /// what it has first. That is done once. Gives the number behind the last event that is known of.
    func prepare(_ selection: Selection) throws -> UInt64 {
        if let question, question.selection.until != nil || selection.until == nil { return question.endSequence }
        let asked = try Question(context, selection)
        question = asked
        return asked.endSequence
    }

    /// Why the answer may miss something; nothing where no events were asked for.
    func reasons(_ asked: AskedRange?) throws -> [Completeness.Reason] {
        guard let asked, let question else { return [] }
        question.askedPlaces = asked.places
        question.neededOperations = asked.operations
        return question.reasons(since: asked.since, until: asked.until, scopes: asked.scopes)
    }
}
