internal import ReportAssets

/// The files that every page carries.
enum PageAssets {
    /// The chart library, D3.
    static var library: [UInt8] { bytes(ReportAssetLibrary) }
    static var libraryLicence: [UInt8] { bytes(ReportAssetLibraryLicence) }
    /// The page's own script.
    static var script: [UInt8] {
        bytes(ReportAssetModel) + bytes(ReportAssetTimeline) + bytes(ReportAssetPanels)
    }
    static var style: [UInt8] { bytes(ReportAssetStyle) }

    private static func bytes(_ asset: ReportAsset) -> [UInt8] {
        var count = 0
        // SAFETY: it gives `count` bytes, which live as long as the program.
        let start = unsafe ReportAssets_bytes(asset, &count)
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }
}
