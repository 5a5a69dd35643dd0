/// The version both programs report.
enum RecorderVersion {
    static let text = "0.1.0"
}
