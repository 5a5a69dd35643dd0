import ArgumentParser
import Model
import Query

/// Paths and names are bytes; `CommandRunner` gives the parser a text that stands for them.
extension RawPath: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(typed: argument)
    }
}
