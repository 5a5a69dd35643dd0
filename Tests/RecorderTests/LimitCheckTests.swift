import Model
import Store
import Syscalls
import TestSupport
import Testing

@testable import Recorder

/// Limits that cannot be met are refused, with the option and the remedy.
@Suite struct LimitCheckTests {
    private static func refusal(_ change: (inout RecorderOptions) -> Void) -> String? {
        var options = RecorderOptions(store: RawPath("/nowhere/yet/store"))
        change(&options)
        do throws(RecorderError) {
            try LimitCheck.expectMeetable(options)
            return nil
        } catch {
            return error.code == .usage ? error.message : "\(error.code)"
        }
    }

    @Test func aSizeBelowWhatAStoreTakesIsRefused() {
        let least = RetentionLimits.leastMaxByteCount
        let text = Self.refusal { $0.maximumByteCount = least - 1 }
        #expect(
            text?.hasPrefix("--max-size") == true && text?.contains("give 1.0 MiB or more") == true, "\(text ?? "")")
        #expect(Self.refusal { $0.maximumByteCount = least } == nil)
        #expect(Self.refusal { _ in } == nil)
    }

    @Test(Privilege.required) func moreFreeSpaceThanTheDiskHasIsRefused() throws {
        let small = try LoopFilesystem(.tmpfs, mebibytes: 16)
        let place = small.path
        for store in [place + "/store", place + "/not/yet/there", place] {
            // What was not asked for is a wish.
            #expect(Self.refusal { $0.store = RawPath(store) } == nil)
            let text = Self.refusal {
                $0.store = RawPath(store)
                $0.askedFreeByteCount = 16 << 20
            }
            #expect(
                text?.hasPrefix("--min-free 16.0 MiB") == true && text?.contains("the store \(store)") == true,
                "\(text ?? "")")
            let met = Self.refusal {
                $0.store = RawPath(store)
                $0.askedFreeByteCount = 8 << 20
            }
            #expect(met == nil)
        }
        let archive = Self.refusal {
            $0.archive = RawPath(place + "/archive")
            $0.askedFreeByteCount = 1 << 30
        }
        #expect(archive?.contains("the archive") == true, "\(archive ?? "")")
    }
}
