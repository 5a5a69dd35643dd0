import Model
import Store
import Testing

@testable import Query

@Suite struct ContainerPathsTests {
    private static func mount(_ container: String, _ host: String, _ inside: String, isOwn: Bool = false)
        -> ContainerMount
    {
        ContainerMount(
            container: RawPath(container), hostPath: RawPath(host), containerPath: RawPath(inside), isOwn: isOwn,
            seen: .distantPast)
    }

    private let paths = ContainerPaths([
        mount("a", "/d/1/diff", "/", isOwn: true), mount("b", "/d/2/diff", "/", isOwn: true),
        mount("a", "/d/base/diff", "/"), mount("b", "/d/base/diff", "/"),
        mount("a", "/d/vol", "/data"), mount("b", "/d/vol", "/srv/shared"), mount("a", "/d/vol/inner", "/in"),
        mount("a", "/d/hosts", "/etc/hosts"),
    ])

    @Test(
        arguments: [
            // path, container of the process, container that sees it, how
            ("/d/1/diff/etc/conf", "a", "a", "/etc/conf"),
            ("/d/1/diff/etc/conf", nil, "a", "/etc/conf"),
            ("/d/1/diff", nil, "a", "/"),
            ("/d/base/diff/bin/sh", "b", "b", "/bin/sh"),
            // A layer that several share tells nothing without the process.
            ("/d/base/diff/bin/sh", nil, nil, nil),
            ("/d/vol/f", "a", "a", "/data/f"),
            ("/d/vol/f", "b", "b", "/srv/shared/f"),
            ("/d/vol/f", nil, nil, nil),
            ("/d/vol/inner/f", "a", "a", "/in/f"),
            ("/d/hosts", "a", "a", "/etc/hosts"),
            ("/d/1/different", "a", nil, nil),
            ("/elsewhere", "a", nil, nil),
            // Somebody else's layer is still that container's.
            ("/d/2/diff/x", "a", "b", "/x"),
        ] as [(String, String?, String?, String?)])
    func aPathIsSeenByTheLongestMountThatHoldsIt(path: String, process: String?, container: String?, inside: String?) {
        let place = paths.place(of: Array(path.utf8), container: process.map { RawPath($0) })
        #expect(place?.container == container.map { RawPath($0) })
        #expect(place?.path == inside.map { Array($0.utf8) })
    }
}
