/// What identifies a store's database file and which versions of its schema this program knows.
package enum StoreSchema {
    /// `PRAGMA application_id`: "Varv". A database with another number is not ours.
    package static let applicationID: Int64 = 0x5661_7276

    /// `PRAGMA user_version` of the newest schema this program reads and writes.
    package static let currentVersion: Int64 = 7

    /// The statements that lead from each version to the next; the first from an empty file to version 1.
    package static let migrations: [String] = [v001, v002, v003, v004, v005, v006, v007]
}
