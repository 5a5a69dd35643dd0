/// Whoever has the support of tests has the data, too.
@_exported public import TestData
