extension TableDefinition {
    /// Reads a CREATE TABLE text; nil for what is none, or is written in a way that this small reader does not know.
    ///
    /// It reads only what the layout of records depends on: names, types, defaults, generated columns, the primary key and
    /// WITHOUT ROWID. Source: lang_createtable.html.
    package init?(createTable sql: [UInt8]) {
        guard let tokens = SQLTokenizer.tokens(of: sql), let open = tokens.firstIndex(where: { $0.isSymbol("(") }),
            tokens.first?.isKeyword("CREATE") == true,
            tokens[..<open].contains(where: { $0.isKeyword("TABLE") }),
            let close = Self.closing(tokens[...], open)
        else { return nil }
        for index in tokens.indices where index > close {
            let next = tokens.index(after: index)
            if tokens[index].isKeyword("WITHOUT"), next < tokens.endIndex, tokens[next].isKeyword("ROWID") {
                isWithoutRowid = true
            }
        }
        var key: [[UInt8]] = []
        for item in Self.items(tokens[(open + 1)..<close]) {
            guard let first = item.first else { return nil }
            if Self.startsTableConstraint(first) {
                guard let columns = Self.primaryKey(in: item) else { return nil }
                if !columns.isEmpty { key = columns }
                if columns.count == 1 { nameRowidColumn(columns[0]) }
            } else if !parseColumn(item, primaryKey: &key) {
                return nil
            }
        }
        guard !columns.isEmpty, columns.count <= Self.greatestColumnCount, takeKey(key) else { return nil }
        if isWithoutRowid {
            guard !primaryKey.isEmpty else { return nil }
            rowidColumn = nil
        }
        layOut()
    }

    /// The largest that SQLITE_MAX_COLUMN can be.
    private static var greatestColumnCount: Int { 32_767 }

    /// Finds the columns of the primary key. False when that cannot be relied on.
    private mutating func takeKey(_ key: [[UInt8]]) -> Bool {
        var positions: [[UInt8]: Int] = [:]
        for (index, column) in columns.enumerated() { positions[SQLName.folded(column.name)] = index }
        var taken: Set<Int> = []
        for name in key {
            // SQLite takes no expressions in a primary key.
            guard let column = positions[SQLName.folded(name)] else { return false }
            // In the key twice with two collations it makes two fields; nobody does that.
            guard taken.insert(column).inserted || !isWithoutRowid else { return false }
            primaryKey.append(column)
        }
        return true
    }

    /// `PRIMARY KEY (name)` of a table makes a column of type INTEGER the rowid, whatever its order.
    private mutating func nameRowidColumn(_ name: [UInt8]) {
        guard let column = columns.firstIndex(where: { SQLName.isEqual($0.name, name) }) else { return }
        if integerColumns.contains(column) { rowidColumn = column }
    }

    /// Reads `name type constraint…`. False when it cannot.
    private mutating func parseColumn(_ item: ArraySlice<SQLToken>, primaryKey: inout [[UInt8]]) -> Bool {
        guard let name = item.first?.name else { return false }
        var index = item.startIndex + 1
        let type = Self.declaredType(item, at: &index)
        var column = TableColumn(
            name: name, affinity: Affinity(declaredType: type.text), defaultValue: .null, isVirtual: false)
        if type.isInteger { integerColumns.insert(columns.count) }
        while index < item.endIndex {
            let token = item[index]
            index += 1
            let next = index < item.endIndex ? item[index] : nil
            if token.isKeyword("PRIMARY") {
                guard next?.isKeyword("KEY") == true else { return false }
                index += 1
                primaryKey = [name]
                let isDescending = index < item.endIndex && item[index].isKeyword("DESC")
                if type.isInteger, !isDescending { rowidColumn = columns.count }
            } else if token.isKeyword("DEFAULT"), !Self.followsSet(item, index - 1) {
                column.defaultValue = DefaultValue.parse(item, at: &index, affinity: column.affinity)
            } else if token.isKeyword("AS") {
                guard next?.isSymbol("(") == true, let close = Self.closing(item, index) else { return false }
                index = close + 1
                column.isVirtual = !(index < item.endIndex && item[index].isKeyword("STORED"))
            } else if token.isSymbol("(") {
                guard let close = Self.closing(item, index - 1) else { return false }
                index = close + 1
            }
        }
        columns.append(column)
        return true
    }

    /// The words of a column's type, and whether they are just INTEGER.
    private static func declaredType(
        _ item: ArraySlice<SQLToken>, at index: inout Int
    ) -> (text: [UInt8], isInteger: Bool) {
        var text: [UInt8] = []
        var words: [SQLToken] = []
        while index < item.endIndex, let word = item[index].name, !isColumnConstraint(item[index]) {
            words.append(item[index])
            text.append(contentsOf: word)
            text.append(0x20)
            index += 1
        }
        if index < item.endIndex, item[index].isSymbol("("), !words.isEmpty {
            guard let close = closing(item, index) else { return (text, false) }
            index = close + 1
            return (Array(text.dropLast()), false)
        }
        return (Array(text.dropLast()), words.count == 1 && words[0].isKeyword("INTEGER"))
    }

    private static func isColumnConstraint(_ token: SQLToken) -> Bool {
        let words = [
            "CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED",
            "AS",
        ]
        return words.contains { token.isKeyword($0) }
    }

    private static func startsTableConstraint(_ token: SQLToken) -> Bool {
        ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"].contains { token.isKeyword($0) }
    }

    /// `ON DELETE SET DEFAULT` gives no default.
    private static func followsSet(_ item: ArraySlice<SQLToken>, _ index: Int) -> Bool {
        index > item.startIndex && item[index - 1].isKeyword("SET")
    }

    /// The names in `PRIMARY KEY (…)` of a table constraint; empty when it has none, nil when it cannot be read.
    private static func primaryKey(in item: ArraySlice<SQLToken>) -> [[UInt8]]? {
        guard let primary = item.firstIndex(where: { $0.isKeyword("PRIMARY") }) else { return [] }
        let open = primary + 2
        guard open < item.endIndex, item[primary + 1].isKeyword("KEY"), item[open].isSymbol("("),
            let close = closing(item, open)
        else { return nil }
        var names: [[UInt8]] = []
        for part in items(item[(open + 1)..<close]) {
            guard let name = part.first?.name else { return nil }
            names.append(name)
        }
        return names
    }

    /// The parts between commas that are in no parentheses.
    private static func items(_ tokens: ArraySlice<SQLToken>) -> [ArraySlice<SQLToken>] {
        var items: [ArraySlice<SQLToken>] = []
        var depth = 0
        var start = tokens.startIndex
        for index in tokens.indices {
            if tokens[index].isSymbol("(") { depth += 1 }
            if tokens[index].isSymbol(")") { depth -= 1 }
            if depth == 0, tokens[index].isSymbol(",") {
                items.append(tokens[start..<index])
                start = index + 1
            }
        }
        items.append(tokens[start...])
        return items
    }

    /// Where the parenthesis that opens at `open` is closed.
    private static func closing(_ tokens: ArraySlice<SQLToken>, _ open: Int) -> Int? {
        var depth = 0
        for index in open..<tokens.endIndex {
            if tokens[index].isSymbol("(") { depth += 1 }
            if tokens[index].isSymbol(")") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}
