internal import Model

/// The names that files lost lately: a file may stay open without a name, and what is done to it then is told under the
/// name that it had.
///
/// Memory: the last `maximumCount` of them.
struct RecentDeaths {
    private struct Death: Hashable {
        var place: NamePlace
        var object: FileIdentity
    }

    private static let maximumCount = 65_536

    private var deaths: Set<Death> = []
    /// A ring in the order they came, `oldest` first once it is full.
    private var order: [Death] = []
    private var oldest = 0

    /// Whether the file lost this name.
    func contains(_ object: FileIdentity, at place: NamePlace) -> Bool {
        deaths.contains(Death(place: place, object: object))
    }

    mutating func insert(_ object: FileIdentity, at place: NamePlace) {
        let death = Death(place: place, object: object)
        guard deaths.insert(death).inserted else { return }
        if order.count < Self.maximumCount {
            order.append(death)
        } else {
            deaths.remove(order[oldest])
            order[oldest] = death
            oldest = (oldest + 1) % Self.maximumCount
        }
    }

    /// The file has the name again.
    mutating func remove(_ object: FileIdentity, at place: NamePlace) {
        deaths.remove(Death(place: place, object: object))
    }
}
