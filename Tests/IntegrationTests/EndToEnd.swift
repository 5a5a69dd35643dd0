import Testing

/// Tests of the two built programs on the real kernel.
///
/// One at a time: they share the machine's two cores, its loop devices and its notification queues, and a test that
/// floods one of them would distort what another measures.
@Suite(.serialized) enum EndToEnd {}
