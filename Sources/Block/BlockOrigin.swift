package import Model

/// Whose record a block is: in every block's header, so that a block can be shipped as it is.
package struct BlockOrigin: Hashable, Sendable {
    /// The store's uuid.
    package var store: UUIDBytes
    /// `/etc/machine-id`, zero when there is none.
    package var machineID: UUIDBytes
    /// The host's name when the store was made; at most 255 bytes.
    package var hostName: RawPath

    package init(store: UUIDBytes, machineID: UUIDBytes, hostName: RawPath) {
        self.store = store
        self.machineID = machineID
        self.hostName = hostName
    }
}

/// One run of a recorder: from its start to its end within one boot.
package struct RunIdentity: Hashable, Sendable {
    /// The number of the run in its store.
    package var run: UInt32
    /// `/proc/sys/kernel/random/boot_id`.
    package var bootID: UUIDBytes

    package init(run: UInt32, bootID: UUIDBytes) {
        self.run = run
        self.bootID = bootID
    }
}
