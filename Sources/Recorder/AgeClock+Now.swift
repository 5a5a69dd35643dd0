import Model
import Store
import Syscalls

/// Ages by this machine's clocks.
extension AgeClock {
    init(anchor: Anchor?) {
        self.init(anchor: anchor, wall: Clock.realtime(), steady: Clock.boottime())
    }

    /// Goes on from the last moment that an archive has; nil where there is none.
    init(endOf archive: ArchiveReader?) {
        let steady = Clock.boottime()
        self.init(anchor: archive?.ends.last.map { Anchor(moment: $0.end, steady: steady) })
    }

    mutating func moment() -> Instant {
        moment(wall: Clock.realtime(), steady: Clock.boottime())
    }
}
