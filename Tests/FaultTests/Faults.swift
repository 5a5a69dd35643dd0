import Testing

/// Bad luck, brought about for real: full disks, killed and stopped recorders, floods, filesystems that go away, and a
/// machine that is cut off. One at a time, and each bounded in time.
@Suite(.serialized) enum Faults {}
