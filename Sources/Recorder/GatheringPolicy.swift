/// How soon *resolve* looks at what *drain* has read.
///
/// Each look costs a wake-up and cold caches, as much as some fifty records, so what is not urgent gathers.
struct GatheringPolicy: Sendable, Equatable {
    /// From the first buffer that waits to the look at all that wait. Units: nanoseconds.
    var calmNanoseconds: Int64
    /// The same where a program was started: its exec is done, and it is not gone yet.
    var urgentNanoseconds: Int64
    /// A look does not come sooner after the one before.
    var restNanoseconds: Int64

    /// Where what is read can wait: who did it follows from forks and execs that are told, not from a look in time.
    static let patient = GatheringPolicy(
        calmNanoseconds: 30_000_000, urgentNanoseconds: 500_000, restNanoseconds: 0)
    /// Where processes have to be looked up before they are gone, new directories marked, or logs of databases followed.
    static let prompt = GatheringPolicy(calmNanoseconds: 0, urgentNanoseconds: 0, restNanoseconds: 4_000_000)
}
