import Block
import Model
import Store

/// The end of a batch, and of doubts about its events.
extension Resolver {
    /// Settles what is open and exchanges the batch for the empty one in `box`. Returns the rows that go with it.
    mutating func finishBatch(into box: BatchBox) -> Additions {
        finishScans()
        useAskedPlaces()
        settleEvents(isFinal: true)
        if batch.keptCount > 0 { processes.addFacts(to: &batch) }
        swap(&batch, &box.batch)
        let finished = additions
        additions = Additions()
        recycleBatch()
        return finished
    }

    /// Starts the batch over: what it gathered is gone, and every process is checked again before it names an event.
    ///
    /// Also called now and then while nothing is recorded: what goes on outside leaves its processes, directories and
    /// windows in the batch too.
    mutating func recycleBatch() {
        batch.removeAll(keepingCapacity: true)
        stamp &+= 1
        unplaced.removeAll(keepingCapacity: true)
        unsettled.removeAll(keepingCapacity: true)
        eventDirectories.removeAll(keepingCapacity: true)
        joined.removeAll(keepingCapacity: true)
        joinedBeyond = nil
        renames.beginBatch()
        overlays.beginBatch()
        scan?.beginBatch()
        excludedPaths.removeAll(keepingCapacity: true)
        folding.removeAll()
        spans.removeAll(keepingCapacity: true)
        firstEventOfReading = 0
        processes.beginBatch()
        // What waits to be marked is known by its index.
        if tree.isFull, scan?.isIdle ?? true {
            missUnannounced()
            if scan == nil { tree.removeAll() } else { tree.keepWatched() }
            overlays = OverlayFolding()
            scan?.found.removeAll()
            renames.removeAll()
            provisional.removeAll()
            believedOutside.removeAll()
            lastHandle = nil
            asked.removeAll()
            plantRoots()
        }
    }

    /// Events below directories that could not be named at first: by now a later record or the kernel may have told.
    ///
    /// Parameter isFinal: the batch ends, so what is still open stays without a path and is counted in a gap.
    mutating func settleEvents(isFinal: Bool) {
        guard !unsettled.isEmpty else { return }
        if isFinal { bufferSerial &+= 1 }
        var lost = UnresolvedCount()
        var open: [UnsettledEvent] = []
        for entry in unsettled {
            let place = placement(of: entry.directory)
            let targetPlace = entry.target.map { placement(of: $0) }
            let isPending = place.isPending || targetPlace?.isPending == true
            if isPending, isFinal {
                lost.add(batch.windows[Int(batch[entry.event].window)])
                if place.isPending { batch.insertFlags(.nameOnly, at: entry.event) }
                if targetPlace?.isPending == true { batch.insertFlags(.targetNameOnly, at: entry.event) }
            } else if isPending {
                open.append(entry)
            } else if !(place.isKept || targetPlace?.isKept == true) || isExcluded(batch[entry.event].path) {
                if believedOutside.contains(entry.directory) {
                    leftOut.add(batch.windows[Int(batch[entry.event].window)])
                }
                batch.drop(at: entry.event)
            } else if place.isDoubtful || targetPlace?.isDoubtful == true
                || tree.wasMoved(entry.directory, after: entry.renameCount)
                || entry.target.map({ tree.wasMoved($0, after: entry.renameCount) }) == true
            {
                // Its place became known only after a directory above was renamed: it may have had another path.
                batch.insertFlags(.uncertainPath, at: entry.event)
            }
        }
        unsettled = open
        directories.release()
        guard let gap = lost.gap else { return }
        counters.unresolved.add(lost.count)
        additions.gaps.append(gap)
    }

    /// The place of an event's directory may be pending; then it is settled when the batch ends.
    mutating func noteUnsettled(_ event: Int, _ directory: DirectoryTree.Index, _ place: DirectoryPlacement) {
        guard place.isPending else { return }
        unsettled.append(
            UnsettledEvent(event: event, directory: directory, target: nil, renameCount: renameCount))
    }

    /// True when the batch waits for the place of some directory.
    var hasUnsettledEvents: Bool { !unsettled.isEmpty }
}
